"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"head": "NC", "middle": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.middle_middle_conv = nn.Conv1d(2, 3, kernel_size=3)
        self.middle_inner_inner_conv = nn.Conv1d(3, 3, kernel_size=3, padding=1)
        self.middle_batch_normalization = nn.BatchNorm1d(3, eps=0.001, momentum=0.01)
        self.head = nn.Linear(30, 3)

    def forward(self, signal):
        # signal: (N, 2, 12)
        middle_middle_conv = self.middle_middle_conv(signal)  # (N, 3, 10)
        x = self.middle_inner_inner_conv(middle_middle_conv)  # (N, 3, 10)
        x = F.relu(x)                                         # (N, 3, 10)
        x = middle_middle_conv + x                            # (N, 3, 10)
        middle_batch_normalization = self.middle_batch_normalization(x)  # (N, 3, 10)
        x = middle_batch_normalization.permute(0, 2, 1)       # (N, 10, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                                      # (N, 30)
        head = self.head(x)                                   # (N, 3)
        return head, middle_batch_normalization


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
