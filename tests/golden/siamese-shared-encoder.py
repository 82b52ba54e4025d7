"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"first": "NLC -> NCL", "second": "NLC -> NCL"}
OUTPUTS = {"dense": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder_conv1d = nn.Conv1d(2, 3, kernel_size=3)
        self.encoder_code = nn.Linear(30, 4)
        self.dense = nn.Linear(4, 1)

    def forward(self, first, second):
        # first: (N, 2, 12)
        # second: (N, 2, 12)
        x = self.encoder_conv1d(first)              # (N, 3, 10)
        x = F.relu(x)                               # (N, 3, 10)
        x = x.permute(0, 2, 1)                      # (N, 10, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                            # (N, 30)
        encoder_code = self.encoder_code(x)         # (N, 4)
        x = self.encoder_conv1d(second)             # (N, 3, 10)
        x = F.relu(x)                               # (N, 3, 10)
        x = x.permute(0, 2, 1)                      # (N, 10, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                            # (N, 30)
        encoder_code_2 = self.encoder_code(x)       # (N, 4)
        x = encoder_code - encoder_code_2           # (N, 4)
        subtract_1 = encoder_code_2 - encoder_code  # (N, 4)
        x = torch.maximum(x, subtract_1)            # (N, 4)
        x = self.dense(x)                           # (N, 1)
        x = torch.sigmoid(x)                        # (N, 1)
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
