"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"restored": "NLC -> NCL", "code": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 4, kernel_size=3, padding=1)
        self.conv1d_1 = nn.Conv1d(4, 3, kernel_size=3, padding=1)
        self.code = nn.Linear(12, 5)
        self.dense = nn.Linear(5, 12)
        self.conv1d_2 = nn.Conv1d(3, 3, kernel_size=3, padding=1)
        self.conv1d_3 = nn.Conv1d(3, 4, kernel_size=3, padding=1)
        self.restored = nn.Conv1d(4, 2, kernel_size=3, padding=1)

    def forward(self, signal):
        # signal: (N, 2, 16)
        x = self.conv1d(signal)             # (N, 4, 16)
        x = F.relu(x)                       # (N, 4, 16)
        x = F.max_pool1d(x, kernel_size=2)  # (N, 4, 8)
        x = self.conv1d_1(x)                # (N, 3, 8)
        x = F.relu(x)                       # (N, 3, 8)
        x = F.max_pool1d(x, kernel_size=2)  # (N, 3, 4)
        x = x.permute(0, 2, 1)              # (N, 4, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                    # (N, 12)
        code = self.code(x)                 # (N, 5)
        x = self.dense(code)                # (N, 12)
        x = F.relu(x)                       # (N, 12)
        x = x.reshape(-1, 4, 3)             # (N, 4, 3)
        x = x.permute(0, 2, 1)              # (N, 3, 4)  NCL, as Conv1D takes it
        x = self.conv1d_2(x)                # (N, 3, 4)
        x = F.relu(x)                       # (N, 3, 4)
        x = x.repeat_interleave(2, dim=2)   # (N, 3, 8)
        x = self.conv1d_3(x)                # (N, 4, 8)
        x = F.relu(x)                       # (N, 4, 8)
        x = x.repeat_interleave(2, dim=2)   # (N, 4, 16)
        restored = self.restored(x)         # (N, 2, 16)
        return restored, code


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
        outputs = load_model()(*inputs)
    differs = False
    for i, (name, output) in enumerate(zip(OUTPUTS, outputs)):
        expected = torch.from_numpy(recorded[f"output_{i}"])
        agrees = output.shape == expected.shape and torch.allclose(output, expected, rtol=1e-4, atol=1e-5)
        differs |= not agrees
        largest = (output - expected).abs().max().item() if agrees else float("nan")
        print(f"{name}: {'agrees' if agrees else 'DIFFERS'}, largest difference {largest:.2g}")
    raise SystemExit(1 if differs else 0)
