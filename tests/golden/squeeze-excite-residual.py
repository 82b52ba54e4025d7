"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"dense_2": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 6, kernel_size=5, stride=2)
        self.batch_normalization = nn.BatchNorm1d(6, eps=0.001, momentum=0.01)
        self.conv1d_1 = nn.Conv1d(6, 6, kernel_size=3, padding=1)
        self.batch_normalization_1 = nn.BatchNorm1d(6, eps=0.001, momentum=0.01)
        self.conv1d_2 = nn.Conv1d(6, 6, kernel_size=3, padding=1)
        self.batch_normalization_2 = nn.BatchNorm1d(6, eps=0.001, momentum=0.01)
        self.dense = nn.Linear(6, 2)
        self.dense_1 = nn.Linear(2, 6)
        self.dense_2 = nn.Linear(6, 3)

    def forward(self, signal):
        # signal: (N, 2, 18)
        x = F.pad(signal, (1, 2))              # (N, 2, 21)  padded as Keras does
        x = self.conv1d(x)                     # (N, 6, 9)
        x = self.batch_normalization(x)        # (N, 6, 9)
        activation = F.relu(x)                 # (N, 6, 9)
        x = self.conv1d_1(activation)          # (N, 6, 9)
        x = self.batch_normalization_1(x)      # (N, 6, 9)
        x = F.relu(x)                          # (N, 6, 9)
        x = self.conv1d_2(x)                   # (N, 6, 9)
        batch_normalization_2 = self.batch_normalization_2(x)  # (N, 6, 9)
        x = batch_normalization_2.mean(dim=2)  # (N, 6)
        x = self.dense(x)                      # (N, 2)
        x = F.relu(x)                          # (N, 2)
        x = self.dense_1(x)                    # (N, 6)
        x = torch.sigmoid(x)                   # (N, 6)
        x = x.unsqueeze(2)                     # (N, 6, 1)
        x = batch_normalization_2 * x          # (N, 6, 9)
        x = activation + x                     # (N, 6, 9)
        x = F.relu(x)                          # (N, 6, 9)
        x = x.amax(dim=2)                      # (N, 6)
        x = self.dense_2(x)                    # (N, 3)
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
