"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"series": "NLC -> NCL"}
OUTPUTS = {"dense": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 4, kernel_size=3)
        self.spatial_dropout1d = nn.Dropout1d(0.1)
        self.conv1d_1 = nn.Conv1d(2, 4, kernel_size=1)
        self.conv1d_2 = nn.Conv1d(4, 4, kernel_size=3, dilation=2)
        self.spatial_dropout1d_1 = nn.Dropout1d(0.1)
        self.conv1d_3 = nn.Conv1d(4, 4, kernel_size=3, dilation=4)
        self.spatial_dropout1d_2 = nn.Dropout1d(0.1)
        self.dense = nn.Linear(4, 1)

    def forward(self, series):
        # series: (N, 2, 16)
        x = F.pad(series, (2, 0))         # (N, 2, 18)  padded as Keras does
        x = self.conv1d(x)                # (N, 4, 16)
        x = F.relu(x)                     # (N, 4, 16)
        x = self.spatial_dropout1d(x)     # (N, 4, 16)
        conv1d_1 = self.conv1d_1(series)  # (N, 4, 16)
        x = x + conv1d_1                  # (N, 4, 16)
        re_lu = F.relu(x)                 # (N, 4, 16)
        x = F.pad(re_lu, (4, 0))          # (N, 4, 20)  padded as Keras does
        x = self.conv1d_2(x)              # (N, 4, 16)
        x = F.relu(x)                     # (N, 4, 16)
        x = self.spatial_dropout1d_1(x)   # (N, 4, 16)
        x = x + re_lu                     # (N, 4, 16)
        re_lu_1 = F.relu(x)               # (N, 4, 16)
        x = F.pad(re_lu_1, (8, 0))        # (N, 4, 24)  padded as Keras does
        x = self.conv1d_3(x)              # (N, 4, 16)
        x = F.relu(x)                     # (N, 4, 16)
        x = self.spatial_dropout1d_2(x)   # (N, 4, 16)
        x = x + re_lu_1                   # (N, 4, 16)
        x = F.relu(x)                     # (N, 4, 16)
        x = x[:, :, 15:]                  # (N, 4, 1)
        x = x.flatten(1)                  # (N, 4)
        x = self.dense(x)                 # (N, 1)
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
