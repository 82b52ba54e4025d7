"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"accelerometer": "NLC -> NCL"}
OUTPUTS = {"dense_1": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(3, 4, kernel_size=3)
        self.conv1d_1 = nn.Conv1d(4, 4, kernel_size=3)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(32, 6)
        self.dense_1 = nn.Linear(6, 4)

    def forward(self, accelerometer):
        # accelerometer: (N, 3, 20)
        x = self.conv1d(accelerometer)      # (N, 4, 18)
        x = F.relu(x)                       # (N, 4, 18)
        x = self.conv1d_1(x)                # (N, 4, 16)
        x = F.relu(x)                       # (N, 4, 16)
        x = self.dropout(x)                 # (N, 4, 16)
        x = F.max_pool1d(x, kernel_size=2)  # (N, 4, 8)
        x = x.permute(0, 2, 1)              # (N, 8, 4)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                    # (N, 32)
        x = self.dense(x)                   # (N, 6)
        x = F.relu(x)                       # (N, 6)
        x = self.dense_1(x)                 # (N, 4)
        x = torch.softmax(x, dim=1)         # (N, 4)
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
