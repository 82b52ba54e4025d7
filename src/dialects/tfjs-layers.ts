/**
 * tfjs-layers: the layers of TensorFlow.js that compute what Keras 3 computes, with their options and weights
 *
 *     Conv1D: {options: {filters, kernel_size, strides, padding: "valid" or "same", …}, weights: kernel, bias, masks: "lose"}
 *
 * Every option is written out, since defaults differ: `recurrent_activation` is a hard sigmoid there. What stands in no table is
 * refused by the one who asks (tfjs-spelling.ts), and so is a value that TensorFlow.js has not, or takes for something else. How the
 * weights start and are trained is told apart (tfjs-training.ts).
 *
 * Source  @tensorflow/tfjs-layers 4.22.0: src/layers/*.ts, src/activations.ts; tests/api/to-tfjs.test.ts holds each against its library
 */
import { policyName } from "../ops/quantization.ts";
import { brief, type Json } from "./keras-config.ts";

/** A call of a layer: shapes with the batch first; undefined where they are not known. */
export interface TfjsCall {
  readonly inputs: readonly (Shape | undefined)[];
  readonly output: Shape | undefined;
  /** Whether an input holds integers or bools. */
  readonly integers: boolean;
}

/** A call, for what reads the layer's options. */
export interface TfjsPlace extends TfjsCall {
  /** Refuses: the layer has `what`, and TensorFlow.js has not. */
  refuse(what: string, fix?: string): never;
}

/** Sizes of axes; null for one that is left open. */
export type Shape = readonly (number | null)[];

/** An option of Keras 3 as entries of TensorFlow.js; undefined is one that the file leaves out. */
type Option = (value: unknown, key: string, place: TfjsPlace) => Json;

/**
 * What becomes of a mask at a layer: `make` one, pass it on as it is (`carry`) or not (`lose`), in Keras as there; `use` it as a
 * recurrent layer does; `differ` where Keras does something with it that TensorFlow.js does not; `heed` where that also takes one that is
 * not its own.
 */
export type TfjsMasks = "make" | "carry" | "lose" | "use" | "differ" | "heed";

/** A layer that both have. */
export interface TfjsLayer {
  readonly options: Readonly<Record<string, Option>>;
  /** Names of its variables, in the order of Keras. */
  readonly weights?: (config: Json) => readonly string[];
  readonly masks: TfjsMasks;
  /** Whether it takes integers as Keras does; the others give integers there, or fail. */
  readonly integers?: true;
  /** Whether it computes nothing, and an Activation of "linear" has to stand for it. */
  readonly nothing?: true;
}

// ----------------------------------------------------------------------------------------------------- options

/** JSON has no infinities, and TensorFlow.js takes a null for "not set". */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || typeof value === "boolean" || typeof value === "string";
}

const shown = (key: string, value: unknown) => `${key}=${brief(value)}`;

/** The option as it is, under `name` where that is another. */
function same(fallback?: unknown, name?: string): Option {
  return (value = fallback, key, place) => {
    if (value === undefined) return {};
    if (!isPlain(value)) place.refuse(shown(key, value));
    return { [name ?? key]: value };
  };
}

/** One of some values; written unless `silent`. The first is Keras' own where the file has none. */
function only(values: readonly unknown[], fix?: string, silent?: "silent"): Option {
  return (value = values[0], key, place) => {
    const text = JSON.stringify(value);
    if (!values.some((known) => JSON.stringify(known) === text)) place.refuse(shown(key, value), fix);
    return silent ? {} : { [key]: value };
  };
}

/** An option that makes no difference to what is computed there. */
const idle: Option = () => ({});

const channelsLast = only(
  ["channels_last"],
  "rebuild the model with channels_last layers; convert to PyTorch takes both",
  "silent",
);
const notKept = only([false], "set keepdims=False, with a Reshape behind", "silent");

/** Keras' activations by what TensorFlow.js calls the same function. */
export const tfjsActivations: Readonly<Record<string, string>> = {
  elu: "elu",
  gelu: "gelu",
  "keras2>hard_sigmoid": "hard_sigmoid",
  linear: "linear",
  log_softmax: "log_softmax",
  mish: "mish",
  relu: "relu",
  relu6: "relu6",
  selu: "selu",
  sigmoid: "sigmoid",
  silu: "swish",
  softmax: "softmax",
  softplus: "softplus",
  softsign: "softsign",
  swish: "swish",
  tanh: "tanh",
};

function activation(fallback: string): Option {
  return (value = fallback, key, place) => {
    const name = value ?? "linear";
    if (typeof name === "string" && Object.hasOwn(tfjsActivations, name)) return { [key]: tfjsActivations[name] };
    if (name === "hard_sigmoid")
      place.refuse(
        "hard_sigmoid as Keras 3 computes it, clip(x / 6 + 0.5, 0, 1): its own is clip(0.2 x + 0.5, 0, 1)",
        "train with sigmoid, or convert to PyTorch",
      );
    return place.refuse(shown(key, name), "put an activation that it has, or convert to PyTorch");
  };
}

/** The number of an axis that has to be the last one. */
const lastAxis: Option = (value = -1, key, place) => {
  const axis = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const rank = place.output?.length;
  if (axis !== -1 && !(rank !== undefined && axis === rank - 1))
    place.refuse(shown(key, value), "bring that axis to the end with a Permute, or convert to PyTorch");
  return { [key]: -1 };
};

/** Its normalizations take no tensors of more axes. */
const mostNormalizedAxes = 4;

function normalized(option: Option): Option {
  return (value, key, place) => {
    const rank = place.output?.length ?? 0;
    if (rank > mostNormalizedAxes) place.refuse(`${rank} axes`, "normalize fewer axes at once, with a Reshape around");
    return option(value, key, place);
  };
}

// ----------------------------------------------------------------------------------------------------- families

const named =
  (...names: readonly string[]) =>
  () =>
    names;

const biased =
  (...names: readonly string[]) =>
  ({ use_bias: bias }: Json) =>
    bias === false ? names : [...names, "bias"];

/** Scale and shift, where the layer has them, and what else it has. */
const affine =
  (...more: readonly string[]) =>
  ({ scale = true, center = true }: Json) => [
    ...(scale === false ? [] : ["gamma"]),
    ...(center === false ? [] : ["beta"]),
    ...more,
  ];

const cell = { units: same(), activation: activation("tanh"), use_bias: same(true) };
const gate = { recurrent_activation: activation("sigmoid"), implementation: idle };
const gru = {
  ...cell,
  ...gate,
  reset_after: ((value = true, key, place) =>
    value === false
      ? { [key]: false }
      : place.refuse(
          shown(key, value),
          "train the layer with reset_after=False, or convert to PyTorch",
        )) satisfies Option,
};
const lstm = { ...cell, ...gate, unit_forget_bias: same(true) };
const dropouts = { dropout: same(0), recurrent_dropout: same(0) };
/** Cells of an RNN keep the first batch's mask of ones there, and fail on a batch of another size. */
const noDropouts = { dropout: idle, recurrent_dropout: idle };
const walk = {
  return_sequences: same(false),
  return_state: same(false),
  go_backwards: same(false),
  stateful: only([false], "save it with stateful=False; convert to PyTorch makes the states inputs and outputs"),
  time_major: only([false], undefined, "silent"),
  unroll: idle,
  use_cudnn: idle,
  // Masks are looked at by the one who knows whether there are any.
  zero_output_for_mask: idle,
};
const recurrent = { masks: "use", weights: biased("kernel", "recurrent_kernel") } as const;
const cells = { masks: "lose", weights: biased("kernel", "recurrent_kernel") } as const;

const pooling: TfjsLayer = {
  options: { pool_size: same(2), strides: same(null), padding: only(["valid", "same"]), data_format: channelsLast },
  masks: "lose",
};
const merging: TfjsLayer = { options: {}, masks: "differ" };

export const tfjsLayers: Readonly<Record<string, TfjsLayer>> = {
  Activation: { options: { activation: activation("linear") }, masks: "carry" },
  ActivityRegularization: { options: { l1: idle, l2: idle }, masks: "carry", nothing: true },
  Add: merging,
  AlphaDropout: { options: { rate: same(), noise_shape: same(null) }, masks: "carry" },
  Average: merging,
  AveragePooling1D: pooling,
  BatchNormalization: {
    options: {
      axis: normalized(lastAxis),
      momentum: same(0.99),
      epsilon: same(0.001),
      center: same(true),
      scale: same(true),
      synchronized: idle,
      renorm: idle,
      renorm_clipping: idle,
      renorm_momentum: idle,
    },
    weights: affine("moving_mean", "moving_variance"),
    masks: "carry",
  },
  Bidirectional: {
    options: { layer: idle, backward_layer: idle, merge_mode: same("concat"), zero_output_for_mask: idle },
    masks: "use",
  },
  Concatenate: {
    integers: true,
    options: {
      axis(value = -1, key, place) {
        // Any negative axis is the last one there.
        const rank = place.output?.length;
        if (!Number.isInteger(value) || rank === undefined) return place.refuse(shown(key, value));
        return { [key]: (value as number) < 0 ? (value as number) + rank : value };
      },
    },
    masks: "differ",
  },
  Conv1D: {
    options: {
      filters: same(),
      kernel_size: same(),
      strides: same(1),
      padding: only(["valid", "same"], "pad the series before the model, or convert to PyTorch"),
      data_format: channelsLast,
      dilation_rate: same(1),
      groups: only([1], "train with groups=1, or convert to PyTorch", "silent"),
      activation: activation("linear"),
      use_bias: same(true),
    },
    weights: biased("kernel"),
    masks: "lose",
  },
  Dense: {
    options: { units: same(), activation: activation("linear"), use_bias: same(true) },
    weights: biased("kernel"),
    masks: "carry",
  },
  Dot: {
    options: {
      axes(value, key, place) {
        if (place.inputs.some((shape) => (shape?.length ?? 0) > 3)) place.refuse("tensors of more than 3 axes");
        if (!Array.isArray(value)) return { [key]: value };
        // It takes negative axes of a list for none.
        const ranks = place.inputs.map((shape) => shape?.length);
        return {
          [key]: value.map((axis, index) => {
            const rank = ranks[index];
            if (!Number.isInteger(axis) || rank === undefined) return place.refuse(shown(key, value));
            return axis < 0 ? axis + rank : axis;
          }),
        };
      },
      normalize: same(false),
    },
    masks: "differ",
  },
  Dropout: { options: { rate: same(), noise_shape: same(null) }, masks: "carry" },
  ELU: { options: { alpha: only([1], "train with alpha=1, or convert to PyTorch") }, masks: "differ" },
  Embedding: {
    options: { input_dim: same(), output_dim: same(), mask_zero: same(false) },
    weights: named("embeddings"),
    masks: "make",
    integers: true,
  },
  Flatten: {
    options: {
      data_format(value = "channels_last", key, place) {
        const [input] = place.inputs;
        if (input && input.length < 3) place.refuse(`inputs of ${input.length} axes`, "take a Reshape");
        if (place.output?.slice(1).includes(null) !== false)
          place.refuse("inputs of unknown length", "give keras.Input the length");
        return { [key]: value };
      },
    },
    masks: "lose",
    integers: true,
  },
  GRU: { options: { ...gru, ...dropouts, ...walk }, ...recurrent },
  GRUCell: { options: { ...gru, ...noDropouts }, ...cells },
  GaussianDropout: { options: { rate: same() }, masks: "carry" },
  GaussianNoise: { options: { stddev: same() }, masks: "carry" },
  GlobalAveragePooling1D: { options: { data_format: channelsLast, keepdims: notKept }, masks: "differ" },
  GlobalMaxPooling1D: { options: { data_format: channelsLast, keepdims: notKept }, masks: "lose" },
  Identity: { options: {}, masks: "carry", nothing: true },
  LSTM: { options: { ...lstm, ...dropouts, ...walk }, ...recurrent },
  LSTMCell: { options: { ...lstm, ...noDropouts }, ...cells },
  LayerNormalization: {
    options: {
      axis: normalized(same(-1)),
      epsilon: same(0.001),
      center: same(true),
      scale: same(true),
      rms_scaling: only([false], undefined, "silent"),
    },
    weights: affine(),
    masks: "carry",
  },
  LeakyReLU: { options: { negative_slope: same(0.3, "alpha") }, masks: "differ" },
  Masking: { options: { mask_value: same(0) }, masks: "make" },
  MaxPooling1D: pooling,
  Maximum: merging,
  Minimum: merging,
  Multiply: merging,
  PReLU: { options: { shared_axes: same(null) }, weights: named("alpha"), masks: "carry" },
  Permute: { options: { dims: same() }, masks: "lose", integers: true },
  RNN: { options: { cell: idle, ...walk }, masks: "use" },
  ReLU: {
    options: {
      max_value: same(null),
      negative_slope: only([0], "use LeakyReLU", "silent"),
      threshold: only([0], "convert to PyTorch", "silent"),
    },
    masks: "carry",
  },
  RepeatVector: { options: { n: same() }, masks: "lose", integers: true },
  Rescaling: { options: { scale: same(), offset: same(0) }, masks: "differ", integers: true },
  Reshape: {
    options: {
      // Of an axis that is to be computed it knows nothing when the layer behind asks for its size.
      target_shape: (value, key, { output }) => ({
        [key]: output?.slice(1).includes(null) === false ? output.slice(1) : value,
      }),
    },
    masks: "lose",
    integers: true,
  },
  SimpleRNN: { options: { ...cell, ...dropouts, ...walk }, ...recurrent },
  SimpleRNNCell: { options: { ...cell, ...noDropouts }, ...cells },
  Softmax: { options: { axis: lastAxis }, masks: "heed" },
  SpatialDropout1D: { options: { rate: same(), noise_shape: idle }, masks: "carry" },
  StackedRNNCells: { options: { cells: idle }, masks: "lose" },
  TimeDistributed: { options: { layer: idle }, masks: "heed" },
};

/** Options that say how to train, to build or to store: they do not change what is computed. */
const untold =
  /^(name|dtype|trainable|autocast|batch_input_shape|build_config|input_length|seed|lora_(rank|alpha)|.*_(initializer|regularizer|constraint))$/;

/** The options of a layer as TensorFlow.js has them. */
export function tfjsOptions({ options, integers }: TfjsLayer, config: Json, place: TfjsPlace): Json {
  if (place.integers && !integers)
    place.refuse("integers as its input", "make the input float32, or convert to PyTorch");
  const policy = policyName(config.dtype);
  if (policy !== "float32")
    place.refuse(`the precision ${policy}`, "save the model with the dtype policy float32, or convert to PyTorch");
  for (const [key, value] of Object.entries(config)) {
    if (value !== null && !untold.test(key) && !Object.hasOwn(options, key)) place.refuse(shown(key, value));
  }
  return Object.assign(
    { trainable: config.trainable !== false, dtype: "float32" },
    ...Object.entries(options).map(([key, option]) => option(config[key], key, place)),
  );
}
