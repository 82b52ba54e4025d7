"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"frames": "NLC -> NCL"}
OUTPUTS = {"steps": "NLC -> NCL", "summary": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(3, 4, kernel_size=5, padding=2)
        self.batch_normalization = nn.BatchNorm1d(4, eps=0.001, momentum=0.01)
        self.bidirectional = nn.GRU(4, 3, batch_first=True, bidirectional=True)
        self.steps_dense = nn.Linear(6, 4)
        self.bidirectional_1 = nn.GRU(6, 2, batch_first=True, bidirectional=True)
        self.summary = nn.Linear(2, 2)

    def forward(self, frames):
        # frames: (N, 3, 24)
        x = self.conv1d(frames)                           # (N, 4, 24)
        x = self.batch_normalization(x)                   # (N, 4, 24)
        x = F.elu(x)                                      # (N, 4, 24)
        x = F.max_pool1d(x, kernel_size=3)                # (N, 4, 8)
        x = x.permute(0, 2, 1)                            # (N, 8, 4)  NLC, as Bidirectional takes it
        bidirectional = self.bidirectional(x)[0]          # (N, 8, 6)
        x = self.steps_dense(bidirectional)               # (N, 8, 4)
        x = torch.softmax(x, dim=2)                       # (N, 8, 4)
        after = self.bidirectional_1(bidirectional)[1]    # the state after the last step
        forward_half, backward_half = after[0], after[1]  # both halves
        forward_half = forward_half + backward_half       # (N, 2)
        summary = self.summary(forward_half)              # (N, 2)
        steps_dense = x.permute(0, 2, 1)                  # (N, 4, 8)  NCL, as it goes out
        return steps_dense, summary


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
