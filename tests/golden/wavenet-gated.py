"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"audio": "NLC -> NCL"}
OUTPUTS = {"conv1d_9": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(1, 3, kernel_size=2)
        self.conv1d_1 = nn.Conv1d(3, 3, kernel_size=2)
        self.conv1d_2 = nn.Conv1d(3, 3, kernel_size=2)
        self.conv1d_3 = nn.Conv1d(3, 4, kernel_size=1)
        self.conv1d_4 = nn.Conv1d(3, 3, kernel_size=1)
        self.conv1d_5 = nn.Conv1d(3, 3, kernel_size=2, dilation=2)
        self.conv1d_6 = nn.Conv1d(3, 3, kernel_size=2, dilation=2)
        self.conv1d_7 = nn.Conv1d(3, 4, kernel_size=1)
        self.conv1d_9 = nn.Conv1d(4, 5, kernel_size=1)

    def forward(self, audio):
        # audio: (N, 1, 20)
        x = F.pad(audio, (1, 0))              # (N, 1, 21)  padded as Keras does
        conv1d = self.conv1d(x)               # (N, 3, 20)
        x = F.pad(conv1d, (1, 0))             # (N, 3, 21)  padded as Keras does
        x = self.conv1d_1(x)                  # (N, 3, 20)
        x = torch.tanh(x)                     # (N, 3, 20)
        conv1d_2 = F.pad(conv1d, (1, 0))      # (N, 3, 21)  padded as Keras does
        conv1d_2 = self.conv1d_2(conv1d_2)    # (N, 3, 20)
        conv1d_2 = torch.sigmoid(conv1d_2)    # (N, 3, 20)
        multiply = x * conv1d_2               # (N, 3, 20)
        x = self.conv1d_3(multiply)           # (N, 4, 20)
        conv1d_4 = self.conv1d_4(multiply)    # (N, 3, 20)
        add = conv1d + conv1d_4               # (N, 3, 20)
        conv1d_5 = F.pad(add, (2, 0))         # (N, 3, 22)  padded as Keras does
        conv1d_5 = self.conv1d_5(conv1d_5)    # (N, 3, 20)
        conv1d_5 = torch.tanh(conv1d_5)       # (N, 3, 20)
        conv1d_6 = F.pad(add, (2, 0))         # (N, 3, 22)  padded as Keras does
        conv1d_6 = self.conv1d_6(conv1d_6)    # (N, 3, 20)
        conv1d_6 = torch.sigmoid(conv1d_6)    # (N, 3, 20)
        multiply_1 = conv1d_5 * conv1d_6      # (N, 3, 20)
        conv1d_7 = self.conv1d_7(multiply_1)  # (N, 4, 20)
        x = x + conv1d_7                      # (N, 4, 20)
        x = F.relu(x)                         # (N, 4, 20)
        x = self.conv1d_9(x)                  # (N, 5, 20)
        x = torch.softmax(x, dim=1)           # (N, 5, 20)
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
