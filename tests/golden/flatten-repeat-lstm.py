"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"input_layer": "NLC -> NCL"}
OUTPUTS = {"lstm": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 2, kernel_size=3)
        self.lstm = nn.LSTM(12, 3, batch_first=True)

    def forward(self, input_layer):
        # input_layer: (N, 2, 8)
        x = self.conv1d(input_layer)       # (N, 2, 6)
        x = F.relu(x)                      # (N, 2, 6)
        x = x.permute(0, 2, 1)             # (N, 6, 2)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                   # (N, 12)
        x = x.unsqueeze(2)                 # (N, 12, 1)  N(LC)L, as the rows of the weights behind it
        x = x.repeat_interleave(4, dim=2)  # (N, 12, 4)
        x = x.permute(0, 2, 1)             # (N, 4, 12)  NL(LC), as LSTM takes it
        x = self.lstm(x)[0]                # (N, 4, 3)
        x = x.permute(0, 2, 1)             # (N, 3, 4)  NCL, as it goes out
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
