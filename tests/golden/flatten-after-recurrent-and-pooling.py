"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL", "tokens": "NC"}
OUTPUTS = {"lstm_head": "NC", "pool_head": "NC", "embedding_head": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 3, batch_first=True)
        self.lstm_head = nn.Linear(24, 3)
        self.conv1d = nn.Conv1d(2, 3, kernel_size=3)
        self.pool_head = nn.Linear(9, 3)
        self.embedding = nn.Embedding(11, 3)
        self.embedding_head = nn.Linear(15, 3)

    def forward(self, signal, tokens):
        # signal: (N, 2, 8)
        # tokens: (N, 5)
        x = signal.permute(0, 2, 1)              # (N, 8, 2)  NLC, as LSTM takes it
        x = self.lstm(x)[0]                      # (N, 8, 3)
        x = x.flatten(1)                         # (N, 24)
        lstm_head = self.lstm_head(x)            # (N, 3)
        x = self.conv1d(signal)                  # (N, 3, 6)
        x = F.relu(x)                            # (N, 3, 6)
        x = F.max_pool1d(x, kernel_size=2)       # (N, 3, 3)
        x = x.permute(0, 2, 1)                   # (N, 3, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                         # (N, 9)
        pool_head = self.pool_head(x)            # (N, 3)
        x = self.embedding(tokens)               # (N, 5, 3)
        x = x.flatten(1)                         # (N, 15)
        embedding_head = self.embedding_head(x)  # (N, 3)
        return lstm_head, pool_head, embedding_head


def load_model(path=Path(__file__).with_name("model.safetensors")):
    """The network in eval mode, with the weights of the Keras model."""
    from safetensors.torch import load_file

    model = Net()
    model.load_state_dict(load_file(path))
    return model.eval()


if __name__ == "__main__":
    import numpy as np

    recorded = np.load(Path(__file__).with_name("check.npz"))
    kinds = (torch.float32, torch.int64)
    inputs = [torch.from_numpy(recorded[f"input_{i}"]).to(kind) for i, kind in enumerate(kinds)]
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
