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
        self.conv1d = nn.Conv1d(3, 2, kernel_size=1, bias=False)
        self.conv1d_1 = nn.Conv1d(2, 2, kernel_size=10, bias=False)
        self.conv1d_2 = nn.Conv1d(2, 2, kernel_size=5, padding=2, bias=False)
        self.conv1d_3 = nn.Conv1d(2, 2, kernel_size=2, bias=False)
        self.conv1d_4 = nn.Conv1d(3, 2, kernel_size=1, bias=False)
        self.batch_normalization = nn.BatchNorm1d(8, eps=0.001, momentum=0.01)
        self.conv1d_5 = nn.Conv1d(3, 8, kernel_size=1, bias=False)
        self.batch_normalization_1 = nn.BatchNorm1d(8, eps=0.001, momentum=0.01)
        self.dense = nn.Linear(8, 4)

    def forward(self, series):
        # series: (N, 3, 24)
        conv1d = self.conv1d(series)             # (N, 2, 24)
        x = F.pad(conv1d, (4, 5))                # (N, 2, 33)  padded as Keras does
        x = self.conv1d_1(x)                     # (N, 2, 24)
        conv1d_2 = self.conv1d_2(conv1d)         # (N, 2, 24)
        conv1d_3 = F.pad(conv1d, (0, 1))         # (N, 2, 25)  padded as Keras does
        conv1d_3 = self.conv1d_3(conv1d_3)       # (N, 2, 24)
        max_pooling1d = F.max_pool1d(series, kernel_size=3, stride=1, padding=1)  # (N, 3, 24)
        conv1d_4 = self.conv1d_4(max_pooling1d)  # (N, 2, 24)
        x = torch.cat([x, conv1d_2, conv1d_3, conv1d_4], dim=1)  # (N, 8, 24)
        x = self.batch_normalization(x)          # (N, 8, 24)
        x = F.relu(x)                            # (N, 8, 24)
        conv1d_5 = self.conv1d_5(series)         # (N, 8, 24)
        batch_normalization_1 = self.batch_normalization_1(conv1d_5)  # (N, 8, 24)
        x = x + batch_normalization_1            # (N, 8, 24)
        x = F.relu(x)                            # (N, 8, 24)
        x = x.mean(dim=2)                        # (N, 8)
        x = self.dense(x)                        # (N, 4)
        x = torch.softmax(x, dim=1)              # (N, 4)
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
