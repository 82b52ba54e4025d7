"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"mfcc": "NLC -> NCL"}
OUTPUTS = {"dense_1": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.batch_normalization = nn.BatchNorm1d(6, eps=0.001, momentum=0.01)
        self.conv1d = nn.Conv1d(6, 6, kernel_size=5)
        self.dropout = nn.Dropout(0.3)
        self.conv1d_1 = nn.Conv1d(6, 8, kernel_size=3, padding=1)
        self.dropout_1 = nn.Dropout(0.3)
        self.dense = nn.Linear(24, 8)
        self.dense_1 = nn.Linear(8, 5)

    def forward(self, mfcc):
        # mfcc: (N, 6, 25)
        x = self.batch_normalization(mfcc)  # (N, 6, 25)
        x = self.conv1d(x)                  # (N, 6, 21)
        x = F.relu(x)                       # (N, 6, 21)
        x = F.max_pool1d(x, kernel_size=3)  # (N, 6, 7)
        x = self.dropout(x)                 # (N, 6, 7)
        x = self.conv1d_1(x)                # (N, 8, 7)
        x = F.relu(x)                       # (N, 8, 7)
        x = F.max_pool1d(x, kernel_size=2)  # (N, 8, 3)
        x = self.dropout_1(x)               # (N, 8, 3)
        x = x.permute(0, 2, 1)              # (N, 3, 8)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                    # (N, 24)
        x = self.dense(x)                   # (N, 8)
        x = F.relu(x)                       # (N, 8)
        x = self.dense_1(x)                 # (N, 5)
        x = torch.softmax(x, dim=1)         # (N, 5)
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
