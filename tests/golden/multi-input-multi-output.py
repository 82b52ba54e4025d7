"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"signal": "NLC -> NCL", "vector": "NC", "tokens": "NC"}
OUTPUTS = {"class": "NC", "number": "NC", "reconstruction": "NLC -> NCL"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(2, 3, kernel_size=3, padding=1)
        self.dense = nn.Linear(4, 3)
        self.embedding = nn.Embedding(11, 3)
        self.gru = nn.GRU(3, 3, batch_first=True)
        self.dense_1 = nn.Linear(42, 6)
        self.class_ = nn.Linear(6, 3)
        self.number = nn.Linear(6, 1)
        self.reconstruction = nn.Conv1d(3, 2, kernel_size=3, padding=1)

    def forward(self, signal, vector, tokens):
        # signal: (N, 2, 12)
        # vector: (N, 4)
        # tokens: (N, 5)
        x = self.conv1d(signal)                       # (N, 3, 12)
        conv1d = F.relu(x)                            # (N, 3, 12)
        x = conv1d.permute(0, 2, 1)                   # (N, 12, 3)  NLC, as Keras' Flatten merges it
        x = x.flatten(1)                              # (N, 36)
        dense = self.dense(vector)                    # (N, 3)
        dense = torch.tanh(dense)                     # (N, 3)
        embedding = self.embedding(tokens)            # (N, 5, 3)
        gru = self.gru(embedding)[0][:, -1]           # (N, 3)
        x = torch.cat([x, dense, gru], dim=1)         # (N, 42)
        x = self.dense_1(x)                           # (N, 6)
        dense_1 = F.relu(x)                           # (N, 6)
        x = self.class_(dense_1)                      # (N, 3)
        class_ = torch.softmax(x, dim=1)              # (N, 3)
        number = self.number(dense_1)                 # (N, 1)
        reconstruction = self.reconstruction(conv1d)  # (N, 2, 12)
        return class_, number, reconstruction


def load_model(path=Path(__file__).with_name("model.safetensors")):
    """The network in eval mode, with the weights of the Keras model."""
    from safetensors.torch import load_file

    model = Net()
    model.load_state_dict(load_file(path))
    return model.eval()


if __name__ == "__main__":
    import numpy as np

    recorded = np.load(Path(__file__).with_name("check.npz"))
    kinds = (torch.float32, torch.float32, torch.int64)
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
