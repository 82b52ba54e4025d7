"""Net, converted from Keras by channelwise.

Run this file to compare it with what channelwise recorded of the Keras model in check.npz.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.
INPUTS = {"tokens": "NC"}
OUTPUTS = {"dense": "NC"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.width_2 = nn.Conv1d(4, 3, kernel_size=2)
        self.width_3 = nn.Conv1d(4, 3, kernel_size=3)
        self.width_4 = nn.Conv1d(4, 3, kernel_size=4)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(9, 1)

    def forward(self, tokens):
        # tokens: (N, 12)
        x = self.embedding(tokens)                    # (N, 12, 4)
        width_2 = x.permute(0, 2, 1)                  # (N, 4, 12)  NCL, as Conv1D takes it
        x = self.width_2(width_2)                     # (N, 3, 11)
        x = F.relu(x)                                 # (N, 3, 11)
        x = x.amax(dim=2)                             # (N, 3)
        width_3 = self.width_3(width_2)               # (N, 3, 10)
        width_3 = F.relu(width_3)                     # (N, 3, 10)
        global_max_pooling1d_1 = width_3.amax(dim=2)  # (N, 3)
        width_4 = self.width_4(width_2)               # (N, 3, 9)
        width_4 = F.relu(width_4)                     # (N, 3, 9)
        global_max_pooling1d_2 = width_4.amax(dim=2)  # (N, 3)
        x = torch.cat([x, global_max_pooling1d_1, global_max_pooling1d_2], dim=1)  # (N, 9)
        x = self.dropout(x)                           # (N, 9)
        x = self.dense(x)                             # (N, 1)
        x = torch.sigmoid(x)                          # (N, 1)
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
    kinds = (torch.int64,)
    inputs = [torch.from_numpy(recorded[f"input_{i}"]).to(kind) for i, kind in enumerate(kinds)]
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
