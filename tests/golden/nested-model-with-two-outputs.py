"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"left": "NLC -> NCL", "right": "NLC -> NCL"}
OUTPUTS = {"add": "NLC -> NCL", "dense": "NC", "cell": "NLC -> NCL", "cell@2": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell_conv1d = nn.Conv1d(4, 2, kernel_size=3, padding=1)
        self.cell_conv1d_1 = nn.Conv1d(4, 2, kernel_size=1)
        self.dense = nn.Linear(16, 2)

    def forward(self, left, right):
        # left: (N, 2, 8)
        # right: (N, 2, 8)
        cell_concatenate = torch.cat([left, right], dim=1)    # (N, 4, 8)
        cell_conv1d = self.cell_conv1d(cell_concatenate)      # (N, 2, 8)
        x = self.cell_conv1d_1(cell_concatenate)              # (N, 2, 8)
        cell_conv1d_1 = torch.tanh(x)                         # (N, 2, 8)
        cell_concatenate_2 = torch.cat([cell_conv1d_1, cell_conv1d], dim=1)  # (N, 4, 8)
        cell_conv1d_2 = self.cell_conv1d(cell_concatenate_2)  # (N, 2, 8)
        add = cell_conv1d + cell_conv1d_2                     # (N, 2, 8)
        x = self.cell_conv1d_1(cell_concatenate_2)            # (N, 2, 8)
        x = torch.tanh(x)                                     # (N, 2, 8)
        x = x.permute(0, 2, 1)                                # (N, 8, 2)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                                      # (N, 16)
        dense = self.dense(x)                                 # (N, 2)
        return add, dense, cell_conv1d_1, cell_conv1d_2


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
