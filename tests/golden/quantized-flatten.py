"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"head": "NC", "merged": "NC", "counts": "NLC -> NCL"}


class LinearInt8(nn.Module):
    """A linear layer of int8, as Keras has it: each row of the input is rounded to int8 before the product."""

    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(outputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x):
        # In float32 step by step, whatever x is: other steps would round some numbers to another integer.
        x = x.float()
        largest = (x.abs().amax(dim=-1, keepdim=True) + 1e-7).float()
        scale = (127 / largest).float()
        rounded = torch.clamp(torch.round((x * scale).float()), -127, 127)
        y = rounded @ self.weight.float().t() / (scale * self.scale)
        return y if self.bias is None else y + self.bias


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(3, 4, kernel_size=3, padding=1)
        self.flat = LinearInt8(28, 6)
        self.batch_normalization = nn.BatchNorm1d(6, eps=0.001, momentum=0.01)
        self.head = LinearInt8(6, 2)
        self.step = LinearInt8(4, 4)
        self.merged = LinearInt8(28, 3)
        self.counts = LinearInt8(3, 5, bias=False)

    def forward(self, signal):
        # signal: (N, 3, 7)
        x = self.conv1d(signal)          # (N, 4, 7)
        x = F.relu(x)                    # (N, 4, 7)
        flatten = x.permute(0, 2, 1)     # (N, 7, 4)  NLC, as Keras' Flatten merges it
        x = flatten.flatten(1)           # (N, 28)
        x = self.flat(x)                 # (N, 6)
        x = F.relu(x)                    # (N, 6)
        x = self.batch_normalization(x)  # (N, 6)
        head = self.head(x)              # (N, 2)
        x = self.step(flatten)           # (N, 7, 4)
        x = torch.tanh(x)                # (N, 7, 4)
        x = self.step(x)                 # (N, 7, 4)
        x = x.flatten(1)                 # (N, 28)
        merged = self.merged(x)          # (N, 3)
        x = signal * 2                   # (N, 3, 7)
        x = torch.round(x)               # (N, 3, 7)
        x = x.permute(0, 2, 1)           # (N, 7, 3)  NLC, as Dense takes it
        x = self.counts(x)               # (N, 7, 5)
        counts = x.permute(0, 2, 1)      # (N, 5, 7)  NCL, as it goes out
        return head, merged, counts


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
