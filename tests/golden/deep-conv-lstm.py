"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"sensors": "NLC -> NCL"}
OUTPUTS = {"dense": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(3, 4, kernel_size=5)
        self.conv1d_1 = nn.Conv1d(4, 4, kernel_size=3)
        self.lstm = nn.LSTM(4, 6, batch_first=True)
        self.lstm_1 = nn.LSTM(6, 6, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(6, 3)

    def forward(self, sensors):
        # sensors: (N, 3, 16)
        x = self.conv1d(sensors)      # (N, 4, 12)
        x = F.relu(x)                 # (N, 4, 12)
        x = self.conv1d_1(x)          # (N, 4, 10)
        x = F.relu(x)                 # (N, 4, 10)
        x = x.permute(0, 2, 1)        # (N, 10, 4)  NLC, as LSTM takes it
        x = self.lstm(x)[0]           # (N, 10, 6)
        x = self.lstm_1(x)[0][:, -1]  # (N, 6)
        x = self.dropout(x)           # (N, 6)
        x = self.dense(x)             # (N, 3)
        x = torch.softmax(x, dim=1)   # (N, 3)
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
