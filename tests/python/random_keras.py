"""Random models out of every layer that a sequence model is made of, made, saved and run by real Keras.

    python tests/python/random_keras.py FOLDER COUNT [--seed S]

Writes COUNT folders with model.keras, inputs.npz (input_0 ..), outputs.npz (output_0 ..) and about.json (seed and layers). Model
number i depends on S + i alone. Sizes are unlike each other, weights are random (variances positive), so that a swapped axis
shows. Needs what keras-requirements.txt lists.
"""

import argparse
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras import layers, ops

SMOOTH = ["relu", "tanh", "sigmoid", "elu", "gelu", "silu", "softplus", "softsign", "selu", "hard_sigmoid", "linear"]


class Draw:
    """Random choices, and what was chosen so far."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.used = []

    def one(self, *choices):
        return choices[self.random.integers(len(choices))]

    def yes(self, chance=0.5):
        return bool(self.random.random() < chance)

    def size(self, low, high):
        return int(self.random.integers(low, high + 1))

    def layer(self, made):
        self.used.append(type(made).__name__)
        return made


# ------------------------------------------------------------------------------ blocks: series (N, L, C) -> series


def conv1d(d, x):
    channels = x.shape[-1]
    groups = d.one(*[g for g in (1, 2, 3) if channels % g == 0])
    stride, dilation = d.one((1, 1), (1, 2), (2, 1))
    return d.layer(layers.Conv1D(
        groups * d.size(1, 3), d.size(1, 4), strides=stride, dilation_rate=dilation, groups=groups,
        padding=d.one("same", "causal"), use_bias=d.yes(0.8), activation=d.one(*SMOOTH)))(x)


def depthwise(d, x):
    return d.layer(layers.DepthwiseConv1D(
        d.size(1, 4), strides=d.one(1, 1, 2), padding="same", depth_multiplier=d.size(1, 3), use_bias=d.yes(),
        activation=d.one(*SMOOTH)))(x)


def separable(d, x):
    return d.layer(layers.SeparableConv1D(
        d.size(2, 6), d.size(1, 4), strides=d.one(1, 1, 2), padding="same", depth_multiplier=d.size(1, 2),
        use_bias=d.yes(), activation=d.one(*SMOOTH)))(x)


def transposed(d, x):
    return d.layer(layers.Conv1DTranspose(
        d.size(2, 6), d.size(1, 5), strides=d.size(1, 3), padding=d.one("same", "valid"), use_bias=d.yes(),
        activation=d.one(*SMOOTH)))(x)


def pooling(d, x):
    kind = d.one(layers.MaxPooling1D, layers.AveragePooling1D)
    return d.layer(kind(d.size(2, 3), strides=d.one(1, 2), padding="same"))(x)


def adaptive(d, x):
    kind = d.one(layers.AdaptiveAveragePooling1D, layers.AdaptiveMaxPooling1D)
    return d.layer(kind(d.size(3, 7)))(x)


def resizing(d, x):
    return d.layer(d.one(
        layers.UpSampling1D(2), layers.ZeroPadding1D((1, 2)), layers.Cropping1D((1, 0)), layers.Permute((2, 1)),
        layers.SpatialDropout1D(0.2), layers.Dropout(0.2), layers.GaussianNoise(0.1), layers.Identity(),
        layers.GaussianDropout(0.2), layers.AlphaDropout(0.2), layers.ActivityRegularization(l1=0.1)))(x)


def normalization(d, x):
    channels = x.shape[-1]
    groups = d.one(*[g for g in (1, 2, 3, channels) if channels % g == 0])
    return d.layer(d.one(
        lambda: layers.BatchNormalization(axis=d.one(-1, 1), scale=d.yes(0.8), center=d.yes(0.8)),
        lambda: layers.LayerNormalization(axis=d.one(-1, 1, [1, 2]), scale=d.yes(0.8), center=d.yes(0.8)),
        lambda: layers.GroupNormalization(groups), lambda: layers.RMSNormalization(),
        lambda: layers.UnitNormalization(axis=d.one(-1, 1)),
        lambda: layers.Rescaling(0.7, offset=-0.2),
        lambda: layers.Normalization(axis=-1, mean=[0.2] * channels, variance=[1.5] * channels),
        lambda: layers.SpectralNormalization(layers.Conv1D(d.size(2, 4), 2, padding="same")))())(x)


def activation(d, x):
    return d.layer(d.one(
        lambda: layers.Activation(d.one(*SMOOTH)), lambda: layers.PReLU(shared_axes=d.one(None, [1], [2], [1, 2])),
        lambda: layers.LeakyReLU(0.15), lambda: layers.ELU(0.6), lambda: layers.ReLU(max_value=1.2, negative_slope=0.1),
        lambda: layers.Softmax(axis=d.one(-1, 1)))())(x)


def recurrent_layer(d, units, sequences, **more):
    kind = d.one("lstm", "gru", "simple", "cells")
    common = {"return_sequences": sequences, "use_bias": d.yes(0.8)} if kind != "cells" else {}
    if kind == "lstm":
        return layers.LSTM(units, recurrent_activation=d.one("sigmoid", "sigmoid", "hard_sigmoid"), **common, **more)
    if kind == "gru":
        return layers.GRU(units, reset_after=d.yes(0.7), activation=d.one("tanh", "tanh", "softsign"), **common, **more)
    if kind == "simple":
        return layers.SimpleRNN(units, activation=d.one("tanh", "relu", "sigmoid", "softmax"), **common, **more)
    cells = d.one(
        lambda: [layers.LSTMCell(units + 1), layers.GRUCell(units)], lambda: layers.SimpleRNNCell(units),
        lambda: [layers.GRUCell(units, reset_after=False), layers.LSTMCell(units, use_bias=False)],
        lambda: layers.StackedRNNCells([layers.SimpleRNNCell(units + 2), layers.SimpleRNNCell(units)]))()
    return layers.RNN(cells, return_sequences=sequences, **more)


def recurrent(d, x, sequences=True):
    units = d.size(2, 6)
    made = recurrent_layer(d, units, sequences, **({"go_backwards": True} if d.yes(0.2) else {}))
    if d.yes(0.4):
        made = layers.Bidirectional(
            recurrent_layer(d, units, sequences), merge_mode=d.one("concat", "sum", "mul", "ave"))
    elif d.yes(0.25):
        return stateful_chain(d, x, units, sequences)
    return d.layer(made)(x)


def stateful_chain(d, x, units, sequences):
    """An encoder's states as the initial ones of a decoder, one or both ways round."""
    kind = d.one(layers.LSTM, layers.GRU)
    wrap = layers.Bidirectional if d.yes(0.3) else lambda layer: layer
    _, *states = d.layer(wrap(kind(units, return_state=True)))(x)
    return d.layer(wrap(kind(units, return_sequences=sequences)))(x, initial_state=states)


def attention(d, x):
    def heads():
        return layers.MultiHeadAttention(d.size(1, 3), d.size(2, 4), value_dim=d.one(None, 3), use_bias=d.yes(0.8))

    kind = d.one("self", "cross", "grouped", "dot", "additive", "masked", "scores")
    if kind == "cross":
        other = d.layer(layers.Conv1D(d.size(2, 6), 2, strides=2))(x)
        return d.layer(heads())(x, other)
    if kind == "masked":
        allowed = ops.greater(ops.matmul(x, ops.transpose(x, (0, 2, 1))), -0.5)
        return d.layer(heads())(x, x, attention_mask=allowed)
    if kind == "scores":
        y, scores = d.layer(heads())(x, x, return_attention_scores=True)
        return ops.concatenate([y, ops.mean(scores, axis=1)], axis=-1)
    if kind == "grouped":
        return d.layer(layers.GroupQueryAttention(4, 4, 2))(x, x)
    if kind == "dot":
        return d.layer(layers.Attention(use_scale=d.yes(), score_mode=d.one("dot", "concat")))([x, x])
    if kind == "additive":
        return d.layer(layers.AdditiveAttention(use_scale=d.yes()))([x, x])
    return d.layer(heads())(x, x, use_causal_mask=d.yes(0.3))


def dense(d, x):
    if d.yes(0.3):
        return d.layer(layers.EinsumDense("abc,cd->abd", output_shape=(x.shape[1], d.size(2, 6)), bias_axes="d"))(x)
    inner = layers.Dense(d.size(2, 7), activation=d.one(*SMOOTH), use_bias=d.yes(0.8))
    return d.layer(layers.TimeDistributed(inner) if d.yes(0.3) else inner)(x)


def windows(d, x):
    """A layer for series on each of several pieces of one."""
    pieces = d.one(*[n for n in (1, 2, 3, 4) if x.shape[1] % n == 0])
    y = layers.Reshape((pieces, x.shape[1] // pieces, x.shape[2]))(x)
    inner = d.one(
        lambda: layers.Conv1D(d.size(2, 4), 2, padding="same"), lambda: layers.LSTM(d.size(2, 4), return_sequences=True),
        lambda: layers.BatchNormalization(), lambda: keras.Sequential([layers.Conv1D(3, 1), layers.PReLU()]))()
    y = d.layer(layers.TimeDistributed(inner))(y)
    return layers.Reshape((x.shape[1], y.shape[3]))(y)


def shared(d, x):
    """A model inside the model, called twice."""
    entry = keras.Input(x.shape[1:])
    inner = keras.Model(entry, normalization(d, d.layer(layers.Conv1D(x.shape[2], 3, padding="same"))(entry)))
    return inner(inner(x))


def merging(d, x):
    kind = d.one(layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, layers.Subtract)
    other = d.layer(layers.Conv1D(x.shape[-1], 3, padding="same"))(x)
    if d.yes(0.3):
        return d.layer(layers.Concatenate(axis=d.one(-1, 1)))([x, other])
    others = [other, d.layer(layers.LeakyReLU())(x)] if d.yes(0.3) and kind is not layers.Subtract else [other]
    return d.layer(kind())([x, *others] if d.yes() else [*others, x])


def operations(d, x):
    d.used.append("ops")
    return d.one(
        lambda: x * 0.7 + 0.1, lambda: ops.abs(x) - x, lambda: x[:, 1:], lambda: x[:, ::2], lambda: 1.0 - x / 2.0,
        lambda: ops.transpose(x, (0, 2, 1)), lambda: ops.concatenate([x, -x], axis=-1), lambda: ops.square(x) + x,
        lambda: x - ops.mean(x, axis=1, keepdims=True), lambda: x / (1.0 + ops.sum(ops.square(x), axis=-1, keepdims=True)),
        lambda: ops.matmul(x, ops.transpose(x, (0, 2, 1))), lambda: ops.maximum(x, 0.1), lambda: ops.tanh(x),
        lambda: ops.where(x > 0.2, x, ops.square(x)), lambda: ops.where(ops.mean(x, axis=1, keepdims=True) < 0, -x, 0.5),
        lambda: x + ops.full_like(x, 0.3), lambda: ops.flip(x, axis=1), lambda: ops.reshape(x, (-1, x.shape[2], x.shape[1])),
        lambda: ops.stack([x, x * 2], axis=2)[:, :, 1], lambda: ops.softmax(x, axis=1))()


BLOCKS = [conv1d, conv1d, depthwise, separable, transposed, pooling, adaptive, resizing, normalization, normalization,
          activation, recurrent, recurrent, attention, attention, dense, merging, operations, operations, windows, shared]


# ----------------------------------------------------------------------------------------------- whole models


def head(d, x):
    """Series to vectors."""
    kind = d.one("flatten", "flatten", "average", "maximum", "recurrent", "attend")
    if kind == "recurrent":
        x = recurrent(d, x, sequences=False)
    elif kind == "average":
        x = d.layer(layers.GlobalAveragePooling1D())(x)
    elif kind == "maximum":
        x = d.layer(layers.GlobalMaxPooling1D())(x)
    elif kind == "attend":
        x = d.layer(layers.Dot(axes=(1, 1)))([x, x])
        x = d.layer(layers.Flatten())(x)
    else:
        x = d.layer(layers.Flatten())(x)
        if d.yes(0.3):
            x = d.layer(d.one(layers.BatchNormalization(), layers.LayerNormalization(), layers.PReLU()))(x)
    if d.yes(0.2):
        x = d.layer(layers.RepeatVector(3))(x)
        x = d.layer(layers.Flatten())(x)
    return d.layer(layers.Dense(d.size(2, 5), activation=d.one("softmax", "sigmoid", "linear")))(x)


def build(d):
    """A model and its inputs for a batch of three."""
    batch = 3
    if d.yes(0.25):
        vocabulary, length = d.size(7, 12), d.size(5, 11)
        entry = keras.Input((length,), dtype="int32")
        masked = d.yes()
        x = d.layer(layers.Embedding(vocabulary, d.size(3, 7), mask_zero=masked))(entry)
        data = d.random.integers(0 if masked else 1, vocabulary, (batch, length)).astype("int32")
        if masked:
            if d.yes():
                x = recurrent(d, x)
    else:
        length, channels = d.one((11, 4), (9, 6), (13, 3), (8, 2))
        entry = keras.Input((length, channels))
        x = entry
        data = d.random.normal(size=(batch, length, channels)).astype("float32")
        if d.yes(0.15):
            data[d.random.random((batch, length)) < 0.3] = 0.0
            x = d.layer(layers.Masking(0.0))(x)
            if d.yes():
                x = recurrent(d, x)
    for _ in range(d.size(1, 4)):
        step = BLOCKS[d.random.integers(len(BLOCKS))](d, x)
        if 3 <= step.shape[1] <= 40 and step.shape[2] <= 24:
            x = step
    outputs = [head(d, x)] if d.yes(0.85) else [head(d, x), x]
    return keras.Model(entry, outputs if len(outputs) > 1 else outputs[0]), data


def randomize(model, random):
    for variable in model.variables:
        shape = variable.shape
        if variable.name.endswith("variance"):
            value = random.uniform(0.4, 1.7, shape)
        elif variable.name in ("gamma", "scale"):
            value = random.uniform(0.5, 1.5, shape)
        elif not np.issubdtype(np.dtype(str(variable.dtype)), np.floating):
            continue
        else:
            fan = int(np.prod(shape[:-1])) or 1
            value = random.normal(size=shape) / np.sqrt(max(fan, 4))
        variable.assign(value.astype("float32"))


def make(seed):
    """The first model of this seed that Keras can build, save and run."""
    for attempt in range(50):
        keras.backend.clear_session()
        d = Draw([seed, attempt])
        try:
            model, data = build(d)
            randomize(model, d.random)
            outputs = model(data, training=False)
        except (ValueError, TypeError):
            continue  # Keras refuses the combination, e.g. a head that divides no channels
        outputs = [np.asarray(y) for y in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
        if all(np.isfinite(y).all() and np.abs(y).max() < 1e3 for y in outputs):
            return model, [data], outputs, d.used
    raise SystemExit(f"seed {seed}: no model in 50 attempts")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("count", type=int)
    options.add_argument("--seed", type=int, default=0)
    options = options.parse_args()
    for index in range(options.count):
        seed = options.seed + index
        model, inputs, outputs, used = make(seed)
        folder = options.folder / f"keras-{seed:05d}"
        folder.mkdir(parents=True)
        model.save(folder / "model.keras")
        np.savez(folder / "inputs.npz", **{f"input_{i}": x for i, x in enumerate(inputs)})
        np.savez(folder / "outputs.npz", **{f"output_{i}": y for i, y in enumerate(outputs)})
        (folder / "about.json").write_text(json.dumps({"seed": seed, "layers": used}))


if __name__ == "__main__":
    main()
