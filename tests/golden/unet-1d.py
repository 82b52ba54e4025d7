"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"conv1d_5": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 3, kernel_size=3, padding=1)
        self.conv1d_1 = nn.Conv1d(3, 4, kernel_size=3, padding=1)
        self.conv1d_2 = nn.Conv1d(4, 6, kernel_size=3, padding=1)
        self.conv1d_transpose = nn.ConvTranspose1d(6, 4, kernel_size=2, stride=2)
        self.conv1d_3 = nn.Conv1d(8, 4, kernel_size=3, padding=1)
        self.conv1d_transpose_1 = nn.ConvTranspose1d(4, 3, kernel_size=3, stride=2)
        self.conv1d_4 = nn.Conv1d(6, 3, kernel_size=3, padding=1)
        self.conv1d_5 = nn.Conv1d(3, 1, kernel_size=1)

    def forward(self, signal):
        # signal: (N, 2, 16)
        x = self.conv1d(signal)                    # (N, 3, 16)
        conv1d = F.relu(x)                         # (N, 3, 16)
        x = F.max_pool1d(conv1d, kernel_size=2)    # (N, 3, 8)
        x = self.conv1d_1(x)                       # (N, 4, 8)
        conv1d_1 = F.relu(x)                       # (N, 4, 8)
        x = F.max_pool1d(conv1d_1, kernel_size=2)  # (N, 4, 4)
        x = self.conv1d_2(x)                       # (N, 6, 4)
        x = F.relu(x)                              # (N, 6, 4)
        x = self.conv1d_transpose(x)               # (N, 4, 8)
        x = torch.cat([x, conv1d_1], dim=1)        # (N, 8, 8)
        x = self.conv1d_3(x)                       # (N, 4, 8)
        x = F.relu(x)                              # (N, 4, 8)
        x = self.conv1d_transpose_1(x)[:, :, :-1]  # (N, 3, 16)
        x = torch.cat([x, conv1d], dim=1)          # (N, 6, 16)
        x = self.conv1d_4(x)                       # (N, 3, 16)
        x = F.relu(x)                              # (N, 3, 16)
        x = self.conv1d_5(x)                       # (N, 1, 16)
        x = torch.sigmoid(x)                       # (N, 1, 16)
        return x


def load_model(path=Path(__file__).with_name("model.safetensors")):
    """The network in eval mode, with the weights of the Keras model."""
    from safetensors.torch import load_file

    model = Net()
    model.load_state_dict(load_file(path))
    return model.eval()


if __name__ == "__main__":
    import numpy as np

    recorded = np.load(Path(__file__).with_name("check.npz"))
    inputs = [torch.from_numpy(recorded[f"input_{i}"]) for i in range(len(INPUTS))]
    with torch.inference_mode():
        outputs = [load_model()(*inputs)]
    differs = False
    for i, (name, output) in enumerate(zip(OUTPUTS, outputs)):
        expected = torch.from_numpy(recorded[f"output_{i}"])
        agrees = output.shape == expected.shape and torch.allclose(output, expected, rtol=1e-4, atol=1e-5)
        differs |= not agrees
        largest = (output - expected).abs().max().item() if agrees else float("nan")
        print(f"{name}: {'agrees' if agrees else 'DIFFERS'}, largest difference {largest:.2g}")
    raise SystemExit(1 if differs else 0)
