/**
 * Every refusal of a layer's or an operation's options and inputs, reached by a small model: one call of it, named `a`, on `x`, a
 * series of 8 steps and 4 channels. tests/dialects/refusals.test.ts holds them against the code and the notes.
 */
import { type Entry, from, functional, input, layer } from "./keras-config.ts";

/** What a case has besides the layer's options. */
export interface Setting {
  /** Sizes of `x`, without the batch. */
  readonly x?: readonly (number | null)[];
  /** The call's arguments, `x` alone if not given. Other inputs that they name are there too, see `others`. */
  readonly args?: readonly unknown[];
  readonly kwargs?: object;
  /** Layers after it, the last of which gives the output. */
  readonly behind?: readonly Entry[];
  readonly fix?: string;
  /** Where below the layer it is said. */
  readonly part?: string;
  /** Keras refuses it as well, so that it is no restriction. */
  readonly keras?: true;
}

/** A class, its options, the option or argument that is refused, and why. */
export type Refusal = readonly [className: string, options: object, key: string, why: string, setting?: Setting];

const keras = true;
const [x, y, v, b, m] = ["x", "y", "v", "b", "m"].map((name) => from(name)) as [object, object, object, object, object];

/** Inputs by name: another series, a vector, bools, a mask of steps, a sample without axes, one of five axes. */
const others: Readonly<Record<string, Entry>> = {
  y: input("y", [8, 4]),
  v: input("v", [4]),
  b: input("b", [8, 4], { dtype: "bool" }),
  m: input("m", [8], { dtype: "bool" }),
  s: input("s", []),
  w: input("w", [2, 3, 2, 3, 2]),
  short: input("short", [7, 4]),
};

/** The model of a case; an operation of `keras.ops` where `operation` says so. */
export function modelOf([className, options, , , setting = {}]: Refusal, operation: boolean): Entry {
  const { x: sizes = [8, 4], args = [x], kwargs = {}, behind = [] } = setting;
  const entry = layer(className, "a", options, [{ args, kwargs }]);
  const node = operation ? { ...entry, module: "keras.src.ops.numpy", registered_name: className } : entry;
  const text = JSON.stringify([args, kwargs]);
  const named = Object.entries(others).flatMap(([name, other]) => (text.includes(`["${name}",`) ? [other] : []));
  const inputs = [input("x", sizes), ...named];
  const last = behind.at(-1)?.config.name ?? "a";
  return functional(
    [...inputs, node, ...behind],
    inputs.map(({ config }) => [config.name, 0, 0]),
    [last, 0, 0],
  );
}

const object = (className: string, config: object = {}) => ({ class_name: className, config });
const slice = (start: unknown, stop: unknown = null, step: unknown = null) =>
  object("__slice__", { start, stop, step });
const ellipsis = object("__ellipsis__");
const conv = { filters: 2, kernel_size: [3] };
const int8 = object("QuantizedDTypePolicy", { mode: "int8", source_name: "float32" });
const unquantized = { fix: "save the model before quantizing it" };
const heads = { num_heads: 2, key_dim: 3 };
const cell = (className: string, units = 3) => object(className, { units });
const gru = (options: object = {}) => layer("GRU", "inner", { units: 3, ...options });
const twoOutputs = functional(
  [input("i", [3, 4]), layer("ReLU", "r", {}, [{ args: [from("i")], kwargs: {} }])],
  ["i", 0, 0],
  [
    ["r", 0, 0],
    ["r", 0, 0],
  ],
  "inner",
);
const pooled = layer("GlobalAveragePooling1D", "z", {}, [{ args: [from("a")], kwargs: {} }]);
const noBatch = "the batch axis has to be left out";
const notNormalized = "the batch axis can't be normalized over";
const batchFirst = "the batch has to stay the first axis";
const open = (axis: string) => `the size of axis ${axis} has to be known, and the model leaves it open`;
const threeAxes = (got: number) => `expected a series of three axes, got ${got}`;
const inCell = "is not supported inside a cell; expected";

export const layerRefusals: readonly Refusal[] = [
  // Of any layer.
  ["Conv1D", { ...conv, novelty: 3 }, "novelty", "got 3, which is not known", { keras }],
  ["Conv1D", { ...conv, padding: "full" }, "padding", 'expected one of valid, same, causal, got "full"', { keras }],
  ["Conv1D", conv, "input", threeAxes(2), { x: [8] }],
  ["Conv1D", conv, "input", open("C"), { x: [8, null] }],
  ["AdaptiveMaxPooling1D", { output_size: 3 }, "input", open("L"), { x: [null, 4] }],
  ["ReLU", {}, "inputs", "expected one input, got 2", { args: [[x, y]], keras }],
  ["Dropout", { rate: 0.1 }, "call argument training", "got true", { kwargs: { training: true } }],
  ["Dropout", { rate: 0.1 }, "call argument mask", "got a tensor", { kwargs: { mask: m } }],
  ["Dropout", { rate: 0.1 }, "call argument 2", "got 3", { args: [x, 3], keras }],
  ["Softmax", { axis: 3 }, "axis", "axis 3 of a value with 3 axes", { keras }],

  ["Activation", { activation: "wiggle" }, "activation", `"wiggle" is none of Keras' activations`, { keras }],
  [
    "Activation",
    { activation: "glu" },
    "activation",
    "glu needs an even number of channels, got 5",
    { x: [8, 5], keras },
  ],
  ["Activation", { activation: object("function") }, "activation", "layer function is not supported"],
  [
    "Activation",
    { activation: { class_name: "function", config: "sin" } },
    "activation",
    '{"class_name":"function","config":"sin"} is not a name or a layer',
  ],
  [
    "Activation",
    { activation: object("GRU", { units: 3, return_state: true }) },
    "activation",
    "layer GRU has several outputs",
  ],
  ["ReLU", { negative_slope: -1 }, "negative_slope", "Keras allows none below 0", { keras }],
  ["ReLU", { max_value: -1 }, "max_value", "Keras allows none below 0", { keras }],
  ["ReLU", { threshold: -1 }, "threshold", "Keras allows none below 0", { keras }],

  ["Attention", {}, "inputs", "expected [query, value] or [query, value, key], got 1 inputs", { keras }],
  ["Attention", {}, "inputs", "expected series of three axes, got 2", { args: [[x, v]] }],
  [
    "Attention",
    {},
    "call argument use_causal_mask",
    "expected true or false",
    { args: [[x, y]], kwargs: { use_causal_mask: 3 }, keras },
  ],
  [
    "Attention",
    {},
    "call argument mask",
    "expected a list of the query's and the value's mask",
    { args: [[x, y]], kwargs: { mask: m }, keras },
  ],
  [
    "Attention",
    {},
    "call argument mask",
    "expected a list of tensors",
    { args: [[x, y]], kwargs: { mask: [3, m] }, keras },
  ],

  ["MultiHeadAttention", heads, "inputs", "expected a query, a value and perhaps a key", { args: [[x, y], y], keras }],
  ["MultiHeadAttention", heads, "inputs", "expected series of three axes, got 2", { args: [x, v] }],
  ["MultiHeadAttention", heads, "call argument value", "expected a tensor, got 3", { args: [x, 3], keras }],
  [
    "MultiHeadAttention",
    heads,
    "call argument training",
    "the layer is always run with dropout",
    { args: [x, y], kwargs: { training: true } },
  ],
  [
    "MultiHeadAttention",
    heads,
    "call argument query_mask",
    "Keras' layers disagree on it",
    { args: [x, y], kwargs: { query_mask: m }, fix: "mask the query's layer instead" },
  ],
  [
    "MultiHeadAttention",
    heads,
    "call argument attention_mask",
    "expected three or four axes, got 2",
    { args: [x, y], kwargs: { attention_mask: m } },
  ],
  [
    "MultiHeadAttention",
    { ...heads, attention_axes: [2] },
    "attention_axes",
    "expected the length, 1, got 2",
    { args: [x, y] },
  ],
  [
    "MultiHeadAttention",
    { ...heads, output_shape: [2, 3] },
    "output_shape",
    "expected one size, got (2, 3)",
    { args: [x, y] },
  ],
  [
    "GroupQueryAttention",
    { num_query_heads: 3, num_key_value_heads: 2, head_dim: 4 },
    "num_key_value_heads",
    "3 query heads can't be shared out among 2",
    { args: [x, y], keras },
  ],

  ["BatchNormalization", { axis: [1, 2] }, "axis", "one axis is normalized, not several", { keras }],
  ["BatchNormalization", { axis: 0 }, "axis", notNormalized],
  ["BatchNormalization", { renorm: true }, "renorm", "batch renormalization has three more vectors"],
  ["GroupNormalization", { axis: 0 }, "axis", noBatch],
  ["GroupNormalization", { groups: 3 }, "groups", "4 channels do not make 3 equal groups", { keras }],
  ["GroupNormalization", { groups: 0 }, "groups", "4 channels do not make 0 equal groups", { keras }],
  ["LayerNormalization", { axis: [0, 2] }, "axis", noBatch],
  ["LayerNormalization", { axis: [2, -1] }, "axis", "an axis stands twice in 2, -1", { keras }],
  ["LayerNormalization", { axis: [] }, "axis", "expected at least one axis", { keras }],
  ["LayerNormalization", { fancy: true }, "fancy", "got true, which is not known", { keras }],
  ["RMSNormalization", { axis: 1 }, "axis", "Keras applies the scale along the last axes, and 1 are others"],
  ["RMSNormalization", { axis: [-1, 1] }, "axis", "Keras applies the scale along the last axes, and -1, 1 are others"],
  ["RMSNormalization", { axis: [] }, "axis", "expected at least one axis", { keras }],
  ["UnitNormalization", { axis: 0 }, "axis", noBatch],
  ["UnitNormalization", { axis: [] }, "axis", "expected at least one axis", { keras }],
  ["SpectralNormalization", { layer: 3 }, "layer", "3 is not a layer", { keras }],
  ["Normalization", { axis: [0], mean: 1, variance: 1 }, "axis", noBatch],
  ["Normalization", { axis: -1, mean: [1, 2], variance: [1, 2] }, "mean", "(2) does not fit (4)", { keras }],
  ["Normalization", { axis: -1, mean: 1 }, "variance", "mean and variance are given together", { keras }],
  ["Rescaling", { scale: "big" }, "scale", "expected a number or an array of numbers", { keras }],
  ["Rescaling", { scale: [[1, 2], [3]] }, "scale", "expected a number or an array of numbers", { keras }],
  ["Rescaling", { scale: [1, 2, 3] }, "scale", "(3) does not fit (1, 1, 4)", { keras }],
  [
    "Rescaling",
    { scale: Array(300).fill([1]), offset: Array(400).fill(1) },
    "scale",
    "the arrays make 120000 numbers together; expected at most 65536",
    { x: [300, 400] },
  ],
  [
    "Normalization",
    { axis: [1, 2], mean: Array(300).fill([1]), variance: [Array(400).fill(1)] },
    "mean",
    "the arrays make 120000 numbers together; expected at most 65536",
    { x: [300, 400] },
  ],
  ["Rescaling", { scale: [[[1]], [[2]]] }, "scale", "the samples of a batch are all scaled alike"],
  ["PReLU", { shared_axes: [-1] }, "shared_axes", "expected axes from 1, got -1"],
  ["Softmax", { axis: 0 }, "axis", notNormalized],
  ["Softmax", { axis: [1, 3] }, "axis", "axes 1, 3 do not lie side by side", { x: [8, 5, 3] }],
  ["Softmax", {}, "call argument mask", "expected bools of as many axes as the input, got 2", { kwargs: { mask: m } }],

  ["Add", {}, "inputs", "a merge takes at least two inputs, got 1", { args: [[x]], keras }],
  ["Subtract", {}, "inputs", "Subtract takes two inputs, got 3", { args: [[x, y, x]], keras }],
  ["Concatenate", { axis: 0 }, "axis", "the batch axis can't be concatenated along", { args: [[x, y]] }],
  ["Concatenate", {}, "inputs", "there is nothing to concatenate", { args: [[]], kwargs: { other: x }, keras }],
  ["Concatenate", {}, "inputs", "inputs of 3 and of 2 axes", { args: [[x, v]], keras }],
  [
    "Concatenate",
    { axis: 1 },
    "inputs",
    "expected masks of one axis less than the inputs",
    { args: [[x, y]], kwargs: { mask: b }, behind: [pooled] },
  ],
  ["Dot", { axes: 2 }, "inputs", "Dot takes two inputs, got 1", { args: [[x]], keras }],
  ["Dot", { axes: [1, 2, 2] }, "axes", "expected one axis per input, got 3", { args: [[x, y]], keras }],
  ["Dot", { axes: 0 }, "axes", "the batch can't be summed over", { args: [[x, y]], keras }],
  ["Dot", { axes: 0 }, "inputs", "expected arrays of two axes or more", { args: [[x, from("s")]], keras }],
  ["Dot", { axes: 1 }, "inputs", "the result has more than eight axes", { x: [2, 3, 2, 3], args: [[x, from("w")]] }],

  ["Conv1D", { ...conv, groups: 3 }, "groups", "3 groups do not divide both 4 channels and 2 filters", { keras }],
  [
    "Conv1DTranspose",
    { ...conv, strides: 2, output_padding: 2 },
    "output_padding",
    "expected a number below the stride of 2, got 2",
    { keras },
  ],
  [
    "GlobalAveragePooling1D",
    { data_format: "channels_first" },
    "mask",
    "expected a mask of the steps of a channels_last series",
    { kwargs: { mask: m } },
  ],
  [
    "Dense",
    { units: 2, dtype: int8, quantization_config: object("GPTQConfig") },
    "quantization_config",
    "expected an Int8QuantizationConfig or null",
  ],
  ...[
    object("AbsMaxQuantizer", { value_range: [-128, 127], epsilon: 1e-7 }),
    object("AbsMaxQuantizer", { value_range: [-127, 127], epsilon: 1e-3 }),
    object("Mine", { value_range: [-127, 127], epsilon: 1e-7 }),
  ].map(
    (activation_quantizer): Refusal => [
      "Dense",
      { units: 2, dtype: int8, quantization_config: object("Int8QuantizationConfig", { activation_quantizer }) },
      "quantization_config",
      "activation_quantizer: expected an AbsMaxQuantizer of value_range (-127, 127) and epsilon 1e-7, or null",
    ],
  ),
  ["Conv1D", { ...conv, dtype: int8 }, "dtype", "int8 is not read for layers of this class", unquantized],
  ["Embedding", { input_dim: 20_000_000, output_dim: 2 }, "input_dim", "expected at most 16777216, got 20000000"],
  ...(
    [
      ["abc", "abc: is no equation of an input and a kernel"],
      ["...bc,cd->bd...", "...bc,cd->bd...: the dots have to stand on the same side of both"],
      ["aab,bc->ac", "aab,bc->ac: a letter appears twice in a term"],
      ["ab,bc->ac", "ab,bc->ac: expected an input of 3 axes"],
      ["abc,dc->abd", "abc,dc->abd: the kernel has to have the summed letters first, and some of both kinds"],
      ["abc,cb->abc", "abc,cb->abc: the kernel has to have the summed letters first, and some of both kinds"],
      ["abc,cb->ab", "abc,cb->ab: the kernel shares a letter with input and output"],
      ["abc,zd->abcd", "abc,zd->abcd: a summed letter is not in the input"],
      ["abc,cd->ad", "abc,cd->ad: the output has to have all that is not summed"],
      ["abc,cd->bad", "abc,cd->bad: the batch has to stay in front"],
    ] as const
  ).map(([equation, why]): Refusal => ["EinsumDense", { equation, output_shape: [8, 2] }, "equation", why]),
  [
    "EinsumDense",
    { equation: "abc,cd->abd", output_shape: [8, null] },
    "output_shape",
    "expected a size for d",
    { keras },
  ],
  [
    "EinsumDense",
    { equation: "abc,cd->abd", output_shape: [8, 2], bias_axes: "b" },
    "bias_axes",
    "expected the kernel's output axes d, got b",
  ],
  [
    "EinsumDense",
    { equation: "abc,cde->abed", output_shape: [8, 3, 2], dtype: int8 },
    "equation",
    "of int8, expected the output's axes in the kernel's order de, got ed",
  ],
  [
    "EinsumDense",
    { equation: "abcd,def->abcef", output_shape: [null, null, 2, 3] },
    "input",
    "only one size besides the batch may be open",
    { x: [null, null, 4] },
  ],

  ["GRU", { units: 3 }, "input", threeAxes(2), { x: [8] }],
  ["GRU", { units: 3 }, "inputs", "expected a series, got none", { args: [[]], kwargs: { initial_state: v }, keras }],
  ["GRU", { units: 4 }, "initial_state", "expected 1 states, got 2", { kwargs: { initial_state: [v, v] }, keras }],
  ["GRU", { units: 4 }, "initial_state", "expected states of two axes, got 3", { kwargs: { initial_state: y }, keras }],
  ["GRU", { units: 4 }, "initial_state", "expected tensors", { kwargs: { initial_state: 3 }, keras }],
  [
    "LSTM",
    { units: 3, time_major: true },
    "time_major",
    "expected the batch first",
    { fix: "save it with time_major=False" },
  ],
  [
    "LSTM",
    { units: 3, activation: object("Softmax") },
    "activation",
    `Softmax ${inCell} ReLU, LeakyReLU, ELU or a function's name`,
  ],
  [
    "LSTM",
    { units: 3, recurrent_activation: "glu" },
    "recurrent_activation",
    `glu ${inCell} a function of single elements, or softmax`,
  ],
  ["RNN", { cell: cell("ConvCell") }, "cell", "ConvCell is not supported; expected LSTMCell, GRUCell or SimpleRNNCell"],
  ["RNN", { cell: 3 }, "cell", "3 is not an object of Keras", { keras }],
  ["RNN", { cell: object("StackedRNNCells", { cells: [] }) }, "cells", "expected a list of cells", { keras }],
  [
    "RNN",
    { cell: object("StackedRNNCells", { cells: [cell("GRUCell", 4), cell("GRUCell", 4)] }) },
    "initial_state",
    "expected states for 2 cells",
    { kwargs: { initial_state: v }, keras },
  ],
  [
    "RNN",
    { cell: object("StackedRNNCells", { cells: [cell("GRUCell", 4)] }) },
    "initial_state",
    "expected 1 states, got 2",
    { kwargs: { initial_state: [v, v] }, keras },
  ],
  [
    "Bidirectional",
    { layer: layer("Dense", "f", { units: 2 }), backward_layer: gru() },
    "layer",
    "Dense is not supported; expected LSTM, GRU, SimpleRNN or RNN",
  ],
  [
    "Bidirectional",
    { layer: gru(), backward_layer: gru() },
    "backward_layer",
    "expected another go_backwards than the forward layer has",
    { keras },
  ],
  [
    "Bidirectional",
    { layer: gru(), backward_layer: gru({ go_backwards: true, return_sequences: true }) },
    "backward_layer",
    "expected the return_sequences and return_state of the forward layer",
    { keras },
  ],
  [
    "TimeDistributed",
    { layer: gru() },
    "input",
    "expected steps of at least one axis, got 2 axes in all",
    { x: [8], keras },
  ],
  [
    "TimeDistributed",
    { layer: gru() },
    "layer",
    "the layer inside takes a mask of its own, and the mask here is one of steps",
    { x: [8, 3, 4], kwargs: { mask: m } },
  ],
  [
    "TimeDistributed",
    { layer: layer("Dense", "inner", { units: 2, dtype: int8 }) },
    "layer",
    "Keras itself leaves the scales of a quantized layer inside out",
    unquantized,
  ],
  ["TimeDistributed", { layer: twoOutputs }, "layer", "the layer inside has 2 outputs", { x: [8, 3, 4] }],
  ["RepeatVector", { n: 3 }, "input", "expected a vector per sample, got 3 axes", { keras }],
  ["Permute", { dims: [1, 3] }, "dims", "expected each of 1 to 2 once, got (1, 3)", { keras }],
  ["Reshape", { target_shape: [-1, -1] }, "target_shape", "(-1, -1) is no shape", { keras }],
];

const batchCut = "the batch can't be cut: each sample is computed by itself";
const asOperand = "expected a tensor or a number";
const operandFix = "make the array part of a layer, such as Rescaling or Normalization";
const unlike = "tensors of 3 and of 2 axes: NumPy's rule would lay the batch of one along another axis of the other";
const castFix = 'cast it first: keras.ops.cast(x, "float32")';

export const operationRefusals: readonly Refusal[] = [
  ["Add", {}, "inputs", unlike, { args: [x, v], fix: "give both the same number of axes with keras.ops.expand_dims" }],
  ["Add", {}, "call argument x1", asOperand, { args: [[[1, 2, 3, 4]], x], fix: operandFix }],
  ["Add", {}, "call argument x2", asOperand, { args: [x, [[1, 2, 3, 4]]], fix: operandFix }],
  ["Add", {}, "inputs", "expected a tensor among the operands", { args: [1, 2], kwargs: { other: x }, keras }],
  ["Add", {}, "inputs", "arithmetic on bools alone", { args: [b, b], fix: castFix }],
  ["Clip", { x_min: 2, x_max: 1 }, "x_min", "2 is above x_max, 1", { keras }],
  ["Clip", { x_min: 0, x_max: 1 }, "inputs", "arithmetic on bools alone", { args: [b], fix: castFix }],
  ["Greater", {}, "inputs", "expected a tensor among the operands", { args: [1, 2], kwargs: { other: x }, keras }],
  [
    "Greater",
    {},
    "inputs",
    unlike,
    { args: [x, v], fix: "give both the same number of axes with keras.ops.expand_dims" },
  ],
  ["Greater", {}, "call argument x2", asOperand, { args: [x, [[1]]], fix: operandFix }],
  ["LogicalAnd", {}, "inputs", "expected two tensors", { args: [b], keras }],
  ["LogicalAnd", {}, "call argument x1", "expected a tensor, got true", { args: [true, b] }],
  ["LogicalAnd", {}, "call argument x2", "expected a tensor, got true", { args: [b, true] }],
  ["Cast", { dtype: "complex64" }, "dtype", 'expected floats, int32, int64 or bool, got "complex64"'],
  ["OnesLike", {}, "inputs", "expected a tensor", { args: [], kwargs: { other: x }, keras }],
  ["FullLike", { dtype: null }, "call argument fill_value", "expected a number, got a tensor", { args: [x, x] }],
  ["Where", {}, "inputs", "expected a tensor as the condition", { args: [], kwargs: { x1: x, x2: 0 }, keras }],
  ["Where", {}, "inputs", "a choice between bools", { args: [b, b, b], fix: castFix }],
  ["Sqrt", {}, "inputs", "a bool", { args: [b], fix: castFix }],
  ["Round", { decimals: 2 }, "decimals", "expected 0, got 2"],
  ["Matmul", {}, "inputs", "expected two tensors", { args: [x], keras }],
  ["Matmul", {}, "call argument x1", "expected a tensor, got a list", { args: [[[1]], x] }],
  ["Matmul", {}, "call argument x2", "expected a tensor, got a list", { args: [x, [[1]]] }],
  [
    "Matmul",
    {},
    "inputs",
    "expected a matrix per sample on both sides, three axes each with the batch, got 3 and 2",
    { args: [x, v], fix: "keras.ops.expand_dims and squeeze make a matrix of a vector and back" },
  ],
  ["Matmul", {}, "inputs", "expected floats", { args: [x, b], fix: castFix }],
  [
    "Mean",
    { axis: null },
    "axis",
    "the batch can't be reduced: each sample is computed by itself",
    { fix: "name the other axes" },
  ],
  [
    "Mean",
    { axis: [0] },
    "axis",
    "the batch can't be reduced: each sample is computed by itself",
    { fix: "name the other axes" },
  ],
  ["Mean", { axis: [] }, "axis", "there is no axis to reduce"],
  [
    "Max",
    { axis: 1, initial: 0 },
    "initial",
    "a first value is not supported",
    { fix: "use keras.ops.maximum on the result" },
  ],
  ["Max", { axis: 1 }, "inputs", "a bool", { args: [b], fix: castFix }],
  ["Argmax", { axis: [1, 2] }, "axis", "expected one axis", { keras }],
  [
    "Argmax",
    { axis: null },
    "axis",
    "the batch can't be reduced: each sample is computed by itself",
    { fix: "name the other axes" },
  ],
  ["Transpose", { axes: null }, "axes", batchFirst],
  ["Transpose", { axes: [1, 0, 2] }, "axes", batchFirst],
  ["Transpose", { axes: [0, 1, 1] }, "axes", "expected each of 0 to 2 once, got (0, 1, 1)", { keras }],
  ["Transpose", { axes: [0, 1, 3] }, "axes", "axis 3 of a value with 3 axes", { keras }],
  ["Swapaxes", { axis1: 0, axis2: 1 }, "axis1", batchFirst],
  ["Moveaxis", { source: 0, destination: 2 }, "source", batchFirst],
  [
    "Reshape",
    { newshape: [2, -1] },
    "newshape",
    "expected -1 for the batch and the 32 elements of a sample behind it, got (2, -1)",
  ],
  [
    "Reshape",
    { newshape: [-1, 4] },
    "newshape",
    "expected -1 for the batch and the 32 elements of a sample behind it, got (-1, 4)",
  ],
  [
    "Reshape",
    { newshape: [-1, 32] },
    "newshape",
    "expected -1 for the batch and the unknown number of elements of a sample behind it, got (-1, 32)",
    { x: [null, 4] },
  ],
  ["ExpandDims", { axis: 0 }, "axis", batchFirst],
  ["Squeeze", { axis: 1 }, "axis", "axis 1 has size 8, not 1", { keras }],
  ["Squeeze", { axis: 1 }, "axis", "axis 1 has size unknown, not 1", { x: [null, 4] }],
  [
    "Squeeze",
    { axis: 3 },
    "input",
    "two axes of unknown size",
    { x: [null, null, 1], fix: "give the model a fixed length" },
  ],
  ["Concatenate", { axis: 0 }, "axis", "the batch axis can't be concatenated along", { args: [[x, y]] }],
  ["Concatenate", { axis: 1 }, "inputs", "inputs of 3 and of 2 axes", { args: [[x, v]], keras }],
  ["Stack", { axis: 0 }, "axis", batchFirst, { args: [[x, y]] }],
  ["Stack", { axis: [1, 2] }, "axis", "expected one axis", { args: [[x, y]], keras }],
  ["Stack", { axis: 1 }, "inputs", "there is nothing to stack", { args: [[]], kwargs: { other: x }, keras }],
  ["Tile", { repeats: [2, 1, 1] }, "repeats", "the batch can't be repeated"],
  ["Tile", { repeats: [2000] }, "repeats", "expected up to 3 counts from 1 to 1024, got (2000)"],
  ["GetItem", {}, "inputs", "expected a tensor", { args: [3, x], keras }],
  ["GetItem", {}, "call argument key", batchCut, { args: [x, 0] }],
  ["GetItem", {}, "call argument key", batchFirst, { args: [x, [null, slice(null)]] }],
  ["GetItem", {}, "call argument key", "index 8 of an axis of 8 elements", { args: [x, [slice(null), 8]], keras }],
  [
    "GetItem",
    {},
    "call argument key",
    "expected integers, got a tensor or something else",
    { args: [x, [slice(null), y]] },
  ],
  ["GetItem", {}, "call argument key", "a slice's step is 0", { args: [x, [slice(null), slice(0, 4, 0)]], keras }],
  ["GetItem", {}, "call argument key", "expected one ellipsis at most", { args: [x, [ellipsis, ellipsis]], keras }],
  [
    "GetItem",
    {},
    "call argument key",
    "more indices than the 3 axes of the tensor",
    { args: [x, [slice(null), 1, 1, 1]], keras },
  ],
  ["Split", { indices_or_sections: 2, axis: 0 }, "axis", batchCut],
  ["Split", { indices_or_sections: 3, axis: 1 }, "indices_or_sections", "8 elements are not 3 equal pieces", { keras }],
  ["Split", { indices_or_sections: 2, axis: 1 }, "input", open("L"), { x: [null, 4] }],
  ["Flip", { axis: null }, "axis", "expected axes: flipping all would flip the batch"],
  ["Flip", { axis: 0 }, "axis", "the batch can't be flipped: each sample is computed by itself"],
  ["Unstack", { axis: 0 }, "axis", "the batch can't be taken apart"],
  ["Unstack", { axis: 1, num: 7 }, "num", "expected 8, got 7", { keras }],
  ["Softmax", { axis: null }, "axis", notNormalized],
  ["LogSoftmax", { axis: null }, "axis", "expected one axis"],
  ["Glu", { axis: 0 }, "axis", notNormalized],
];

/** Sizes that don't fit each other: a class, its options, and the rule that is broken. */
export const sizeRefusals: readonly (readonly [className: string, options: object, why: string, setting: Setting])[] = [
  ["AveragePooling1D", { pool_size: [9] }, "pool1d: expected a length of at least 9, got 8", {}],
  ["Dot", { axes: [1, 2] }, "dot: expected the same size on both sides, got 8 and 4", { args: [[x, y]] }],
  [
    "Attention",
    {},
    "attention: expected as many keys as values, got (N, 7, 4) and (N, 8, 4)",
    { args: [[x, y, from("short")]] },
  ],
  [
    "Attention",
    {},
    "attention: expected a mask of (N, 7), got (N, 8)",
    { args: [[x, from("short")]], kwargs: { mask: [null, m] } },
  ],
  ["LSTM", { units: 3 }, "lstm: expected a state of 3 units, got 4", { kwargs: { initial_state: [v, v] } }],
  ["GRU", { units: 3 }, "gru: expected a mask of 7 steps, got 8", { x: [7, 4], kwargs: { mask: m } }],
  [
    "Softmax",
    {},
    "where: expected sizes that agree or are 1, got (?, 8, 4) and (?, 7, 4)",
    { x: [7, 4], kwargs: { mask: b } },
  ],
];
