"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"ecg": "NLC -> NCL"}
OUTPUTS = {"dense": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(3, 4, kernel_size=7, padding=3, bias=False)
        self.batch_normalization = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.conv1d_2 = nn.Conv1d(4, 6, kernel_size=7, stride=4, bias=False)
        self.conv1d_1 = nn.Conv1d(4, 6, kernel_size=1, bias=False)
        self.batch_normalization_1 = nn.BatchNorm1d(6, eps=0.001, momentum=0.01)
        self.dropout = nn.Dropout(0.2)
        self.conv1d_4 = nn.Conv1d(6, 8, kernel_size=7, stride=3, padding=2, bias=False)
        self.conv1d_3 = nn.Conv1d(6, 8, kernel_size=1, bias=False)
        self.batch_normalization_2 = nn.BatchNorm1d(8, eps=0.001, momentum=0.01)
        self.dense = nn.Linear(32, 4)

    def forward(self, ecg):
        # ecg: (N, 3, 48)
        x = self.conv1d(ecg)                                # (N, 4, 48)
        x = self.batch_normalization(x)                     # (N, 4, 48)
        activation = F.relu(x)                              # (N, 4, 48)
        x = F.pad(activation, (1, 2))                       # (N, 4, 51)  padded as Keras does
        x = self.conv1d_2(x)                                # (N, 6, 12)
        max_pooling1d = F.max_pool1d(activation, kernel_size=4)  # (N, 4, 12)
        conv1d_1 = self.conv1d_1(max_pooling1d)             # (N, 6, 12)
        add = x + conv1d_1                                  # (N, 6, 12)
        x = self.batch_normalization_1(add)                 # (N, 6, 12)
        x = F.relu(x)                                       # (N, 6, 12)
        x = self.dropout(x)                                 # (N, 6, 12)
        x = self.conv1d_4(x)                                # (N, 8, 4)
        max_pooling1d_1 = F.max_pool1d(add, kernel_size=3)  # (N, 6, 4)
        conv1d_3 = self.conv1d_3(max_pooling1d_1)           # (N, 8, 4)
        x = x + conv1d_3                                    # (N, 8, 4)
        x = self.batch_normalization_2(x)                   # (N, 8, 4)
        x = F.relu(x)                                       # (N, 8, 4)
        x = x.permute(0, 2, 1)                              # (N, 4, 8)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                                    # (N, 32)
        x = self.dense(x)                                   # (N, 4)
        x = torch.sigmoid(x)                                # (N, 4)
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
