"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"my input": "NLC -> NCL"}
OUTPUTS = {"Ünïcode-head_1": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_1_a_0 = nn.Conv1d(2, 3, kernel_size=3)
        self.нормировка = nn.BatchNorm1d(3, eps=0.001, momentum=0.01)
        self.dense = nn.Conv1d(3, 3, kernel_size=3)
        self.Ünïcode_head_1 = nn.Linear(12, 2)

    def forward(self, my_input):
        # my_input: (N, 2, 8)
        x = self.conv_1_a_0(my_input)  # (N, 3, 6)
        x = self.нормировка(x)         # (N, 3, 6)
        x = F.relu(x)                  # (N, 3, 6)
        x = self.dense(x)              # (N, 3, 4)
        x = x.permute(0, 2, 1)         # (N, 4, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)               # (N, 12)
        x = self.Ünïcode_head_1(x)     # (N, 2)
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
