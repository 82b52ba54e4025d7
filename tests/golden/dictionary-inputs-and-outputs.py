"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"left": "NLC -> NCL", "right": "NLC -> NCL"}
OUTPUTS = {"mask": "NLC -> NCL", "score": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 3, kernel_size=3)
        self.conv1d_1 = nn.Conv1d(2, 2, kernel_size=3)
        self.mask = nn.Conv1d(5, 1, kernel_size=3)
        self.score = nn.Linear(30, 1)

    def forward(self, left, right):
        # left: (N, 2, 8)
        # right: (N, 2, 8)
        x = self.conv1d(right)                         # (N, 3, 6)
        x = F.relu(x)                                  # (N, 3, 6)
        conv1d_1 = self.conv1d_1(left)                 # (N, 2, 6)
        conv1d_1 = F.relu(conv1d_1)                    # (N, 2, 6)
        concatenate = torch.cat([x, conv1d_1], dim=1)  # (N, 5, 6)
        x = self.mask(concatenate)                     # (N, 1, 4)
        mask = torch.sigmoid(x)                        # (N, 1, 4)
        x = concatenate.permute(0, 2, 1)               # (N, 6, 5)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                               # (N, 30)
        score = self.score(x)                          # (N, 1)
        return mask, score


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
