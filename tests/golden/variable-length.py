"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL"}
OUTPUTS = {"head": "NC", "mask": "NLC -> NCL", "steps": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 4, kernel_size=3, stride=2)
        self.batch_normalization = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.steps = nn.LSTM(4, 3, batch_first=True)
        self.head = nn.Linear(7, 3)
        self.mask = nn.Conv1d(4, 1, kernel_size=3, padding=1)

    def forward(self, signal):
        # signal: (N, 2, ?)
        padding = max((-(-signal.shape[2] // 2) - 1) * 2 + 3 - signal.shape[2], 0)  # Keras' "same": the padding depends on the length
        x = F.pad(signal, (padding // 2, padding - padding // 2))  # (N, 2, ?)  padded as Keras does
        x = self.conv1d(x)                               # (N, 4, ?)
        x = self.batch_normalization(x)                  # (N, 4, ?)
        activation = F.relu(x)                           # (N, 4, ?)
        x = activation.mean(dim=2)                       # (N, 4)
        steps = activation.permute(0, 2, 1)              # (N, ?, 4)  NLC, as LSTM takes it
        steps = self.steps(steps)[0]                     # (N, ?, 3)
        global_max_pooling1d = steps.amax(dim=1)         # (N, 3)
        x = torch.cat([x, global_max_pooling1d], dim=1)  # (N, 7)
        head = self.head(x)                              # (N, 3)
        x = activation.repeat_interleave(2, dim=2)       # (N, 4, ?)
        x = self.mask(x)                                 # (N, 1, ?)
        mask = torch.sigmoid(x)                          # (N, 1, ?)
        steps = steps.permute(0, 2, 1)                   # (N, 3, ?)  NCL, as it goes out
        return head, mask, steps


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
