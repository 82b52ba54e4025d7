"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"dense": "NC", "shared_norm": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared_conv = nn.Conv1d(3, 3, kernel_size=3, padding=1)
        self.shared_norm = nn.BatchNorm1d(3, eps=0.001, momentum=0.01)
        self.dense = nn.Linear(27, 2)

    def forward(self, signal):
        # signal: (N, 3, 9)
        x = self.shared_conv(signal)            # (N, 3, 9)
        x = self.shared_norm(x)                 # (N, 3, 9)
        x = torch.tanh(x)                       # (N, 3, 9)
        x = self.shared_conv(x)                 # (N, 3, 9)
        x = self.shared_norm(x)                 # (N, 3, 9)
        x = torch.tanh(x)                       # (N, 3, 9)
        x = self.shared_conv(x)                 # (N, 3, 9)
        x = self.shared_norm(x)                 # (N, 3, 9)
        x = torch.tanh(x)                       # (N, 3, 9)
        x = x.permute(0, 2, 1)                  # (N, 9, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                        # (N, 27)
        dense = self.dense(x)                   # (N, 2)
        shared_norm = self.shared_norm(signal)  # (N, 3, 9)
        return dense, shared_norm


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
