"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"batch_normalization_6": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(3, 4, kernel_size=3, bias=False)
        self.batch_normalization = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.depthwise_conv1d = nn.Conv1d(4, 4, kernel_size=3, padding=1, groups=4)
        self.batch_normalization_1 = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.forked = nn.Conv1d(4, 4, kernel_size=1)
        self.batch_normalization_2 = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.conv1d_1 = nn.Conv1d(4, 4, kernel_size=3, padding=1)
        self.batch_normalization_3 = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.batch_normalization_4 = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.conv1d_2 = nn.Conv1d(4, 3, kernel_size=3, padding=1)
        self.conv1d_transpose = nn.ConvTranspose1d(3, 3, kernel_size=3, stride=2)
        self.batch_normalization_5 = nn.BatchNorm1d(3, eps=0.001, momentum=0.01)
        self.dense = nn.Linear(75, 4)
        self.batch_normalization_6 = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)

    def forward(self, signal):
        # signal: (N, 3, 14)
        x = self.conv1d(signal)                 # (N, 4, 12)
        x = self.batch_normalization(x)         # (N, 4, 12)
        x = F.relu(x)                           # (N, 4, 12)
        x = self.depthwise_conv1d(x)            # (N, 4, 12)
        x = self.batch_normalization_1(x)       # (N, 4, 12)
        forked = self.forked(x)                 # (N, 4, 12)
        x = self.batch_normalization_2(forked)  # (N, 4, 12)
        x = x + forked                          # (N, 4, 12)
        x = self.conv1d_1(x)                    # (N, 4, 12)
        x = F.relu(x)                           # (N, 4, 12)
        x = self.batch_normalization_3(x)       # (N, 4, 12)
        x = self.batch_normalization_4(x)       # (N, 4, 12)
        x = self.conv1d_2(x)                    # (N, 3, 12)
        x = self.conv1d_transpose(x)            # (N, 3, 25)
        x = self.batch_normalization_5(x)       # (N, 3, 25)
        x = x.permute(0, 2, 1)                  # (N, 25, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                        # (N, 75)
        x = self.dense(x)                       # (N, 4)
        x = self.batch_normalization_6(x)       # (N, 4)
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
