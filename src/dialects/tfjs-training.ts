/**
 * tfjs-training: how the weights of a layer start, and what is asked of them in training, as TensorFlow.js says it
 *
 *     {"kernel_initializer": {"class_name": "LeCunNormal", "config": {"seed": 7}}, "kernel_regularizer": {"class_name": "L1L2", …}, …}
 *
 * None of it changes what a loaded model gives, and where TensorFlow.js has no such thing, or takes it for something else, the file
 * says nothing of it: an initializer is then its own, and nothing is asked of the weights. With two exceptions. A layer with an activity
 * regularizer refuses to run there, so that one is never written. And a constraint is applied to the weights as they are loaded: it
 * is written where they keep it already, so that it changes none of them beyond rounding.
 *
 * Source  @tensorflow/tfjs-layers 4.22.0: src/{initializers,regularizers,constraints,variables}.ts, src/engine/topology.ts
 */
import { toFloat32 } from "../bytes/numbers.ts";
import type { StoredArray } from "../tensor.ts";
import { exportedName, isObject, type Json } from "./keras-config.ts";

// ------------------------------------------------------------------------------------------------------ layers

/** A weight's first part of an option's name, and the initializer that Keras takes where the file names none. */
type Parts = Readonly<Record<string, string>>;

const biased: Parts = { kernel: "GlorotUniform", bias: "Zeros" };
const recurrent: Parts = { ...biased, recurrent: "Orthogonal" };
const affine: Parts = { gamma: "Ones", beta: "Zeros" };

const partsOf: Readonly<Record<string, Parts>> = {
  BatchNormalization: { ...affine, moving_mean: "Zeros", moving_variance: "Ones" },
  Conv1D: biased,
  Dense: biased,
  Embedding: { embeddings: "RandomUniform" },
  GRU: recurrent,
  GRUCell: recurrent,
  LSTM: recurrent,
  LSTMCell: recurrent,
  LayerNormalization: affine,
  PReLU: { alpha: "Zeros" },
  SimpleRNN: recurrent,
  SimpleRNNCell: recurrent,
};
const weightNames: Readonly<Record<string, string>> = { recurrent: "recurrent_kernel" };
const unconstrained = ["LayerNormalization"];

/** A constraint, and the weight that it is asked of. */
export interface Constrained {
  readonly key: string;
  readonly constraint: Json;
  readonly weight: string;
}

/** Initializers and regularizers of a layer's weights, and the constraints that may be written beside them. */
export function tfjsTraining(className: string, config: Json): { options: Json; constraints: Constrained[] } {
  const options: Json = {};
  const constraints: Constrained[] = [];
  for (const [part, initial] of Object.entries(partsOf[className] ?? {})) {
    const option = (kind: string) => named(config[`${part}_${kind}`]);
    const initializer = spelled(option("initializer") ?? { className: initial, config: {} }, initializers);
    // Of a cell it starts the weight before its own is loaded, and refuses one that is not square.
    const refused = initializer?.class_name === "Identity" && part === "kernel" && className.endsWith("Cell");
    if (initializer && !refused) options[`${part}_initializer`] = initializer;
    if (part.startsWith("moving_")) continue;
    const regularizer = spelled(option("regularizer"), regularizers);
    if (regularizer) options[`${part}_regularizer`] = regularizer;
    const constraint = spelled(option("constraint"), norms);
    if (constraint && !unconstrained.includes(className))
      constraints.push({ key: `${part}_constraint`, constraint, weight: weightNames[part] ?? part });
  }
  return { options, constraints };
}

// ---------------------------------------------------------------------------------------------------- spelling

interface Named {
  readonly className: string;
  readonly config: Json;
}

/** A class with its configuration, or its name alone: "he_normal", "HeNormal". */
function named(value: unknown): Named | null {
  if (typeof value === "string") return { className: value, config: {} };
  if (!isObject(value) || typeof value.class_name !== "string") return null;
  return { className: exportedName(value.class_name), config: isObject(value.config) ? value.config : {} };
}

/** Class and options by Keras' name of the class; null where TensorFlow.js has none that is the same. */
type Spellings = Readonly<Record<string, (config: Json) => readonly [className: string, config: Json] | null>>;

function spelled(value: Named | null, spellings: Spellings): Json | null {
  const plain = (name: string) => name.replaceAll("_", "").toLowerCase();
  const name = value && Object.keys(spellings).find((known) => plain(known) === plain(value.className));
  const found = name ? spellings[name]!(value.config) : null;
  return found && { class_name: found[0], config: found[1] };
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

/** Options that have to be numbers, by what Keras takes where the file has none; null where one is something else. */
function numbers(config: Json, defaults: Readonly<Record<string, number>>): Json | null {
  const entries = Object.entries(defaults).map(([key, fallback]) => [key, config[key] ?? fallback] as const);
  return entries.every(([, value]) => isNumber(value)) ? Object.fromEntries(entries) : null;
}

/** Keras 3 may keep a generator in place of a seed. */
const seeded = ({ seed }: Json, more: Json = {}): Json => (isNumber(seed) ? { ...more, seed } : more);

const plain = (className: string) => (): [string, Json] => [className, {}];
const random =
  (className: string) =>
  (config: Json): [string, Json] => [className, seeded(config)];

/** It takes a zero for "not set", where that has another meaning. */
function drawn(className: string, defaults: Readonly<Record<string, number>>, ...mayBeZero: readonly string[]) {
  return (config: Json): [string, Json] | null => {
    const own = numbers(config, defaults);
    if (!own || Object.entries(own).some(([key, value]) => value === 0 && !mayBeZero.includes(key))) return null;
    return [className, seeded(config, own)];
  };
}

function orthogonal(config: Json): [string, Json] | null {
  const own = numbers(config, { gain: 1 });
  return own && ["Orthogonal", seeded(config, own)];
}

function identity(config: Json): [string, Json] | null {
  const own = numbers(config, { gain: 1 });
  return own && ["Identity", own];
}

/** Its own "truncated_normal" is a uniform distribution, its "normal" the truncated one. */
const distributions: Readonly<Record<string, string>> = {
  normal: "normal",
  truncated_normal: "normal",
  uniform: "uniform",
};

const initializers: Spellings = {
  Constant(config) {
    const own = numbers(config, { value: 0 });
    return own && ["Constant", own];
  },
  GlorotNormal: random("GlorotNormal"),
  GlorotUniform: random("GlorotUniform"),
  HeNormal: random("HeNormal"),
  HeUniform: random("HeUniform"),
  Identity: identity,
  IdentityInitializer: identity,
  LecunNormal: random("LeCunNormal"),
  LecunUniform: random("LeCunUniform"),
  Ones: plain("Ones"),
  Orthogonal: orthogonal,
  OrthogonalInitializer: orthogonal,
  RandomNormal: drawn("RandomNormal", { mean: 0, stddev: 0.05 }, "mean"),
  RandomUniform: drawn("RandomUniform", { minval: -0.05, maxval: 0.05 }),
  TruncatedNormal: drawn("TruncatedNormal", { mean: 0, stddev: 0.05 }, "mean"),
  Uniform: drawn("RandomUniform", { minval: -0.05, maxval: 0.05 }),
  VarianceScaling(config) {
    const { mode = "fan_in", distribution = "truncated_normal" } = config;
    const own = numbers(config, { scale: 1 });
    const drawnBy = Object.hasOwn(distributions, String(distribution)) ? distributions[String(distribution)] : null;
    if (!own || !drawnBy || !/^fan_(in|out|avg)$/.test(String(mode))) return null;
    return ["VarianceScaling", seeded(config, { ...own, mode, distribution: drawnBy })];
  },
  Zeros: plain("Zeros"),
};

function l1l2(defaults: Readonly<Record<"l1" | "l2", number>>) {
  return (config: Json): [string, Json] | null => {
    const own = numbers(config, defaults);
    return own && ["L1L2", own];
  };
}

const regularizers: Spellings = {
  L1: l1l2({ l1: 0.01, l2: 0 }),
  L1L2: l1l2({ l1: 0, l2: 0 }),
  L2: l1l2({ l1: 0, l2: 0.01 }),
};

/** One axis or several. */
function axesOf({ axis = 0 }: Json): readonly number[] | null {
  const axes = Array.isArray(axis) ? axis : [axis];
  return axes.every(Number.isInteger) ? axes : null;
}

const norm = (className: string, defaults: Readonly<Record<string, number>>) => {
  return (config: Json): [string, Json] | null => {
    const own = numbers(config, defaults);
    return own && axesOf(config) && [className, { ...own, axis: config.axis ?? 0 }];
  };
};

const norms: Spellings = {
  MaxNorm: norm("MaxNorm", { max_value: 2 }),
  MinMaxNorm: norm("MinMaxNorm", { min_value: 0, max_value: 1, rate: 1 }),
  NonNeg: plain("NonNeg"),
  NonNegative: plain("NonNeg"),
  UnitNorm: norm("UnitNorm", {}),
};

// -------------------------------------------------------------------------------------------------- constraints

/** What TensorFlow.js adds to a norm before it divides by it. */
const epsilon = 1e-7;
/** Share of the largest weight that a constraint may change: a few times float32's rounding, and `epsilon`. */
const largestChange = 1e-6;

/** Whether weights keep a constraint already, as tfjsTraining spells it. */
export function keepsConstraint(constraint: Json, array: StoredArray): boolean {
  const { class_name: className, config } = constraint as { class_name: string; config: Json };
  const values = toFloat32(array);
  if (className === "NonNeg") return values.every((value) => value >= 0);
  const { shape } = array;
  const axes = axesOf(config)!.map((axis) => (axis < 0 ? axis + shape.length : axis));
  if (axes.some((axis) => axis < 0 || axis >= shape.length)) return false;
  const groups = groupsOf(shape, axes);
  const squares = new Float64Array(values.length);
  values.forEach((value, index) => {
    squares[groups(index)]! += value * value;
  });
  const [low, high, rate] = [config.min_value, config.max_value, config.rate].map((value) => value as number);
  const wanted = (length: number): number => {
    if (className === "UnitNorm") return 1;
    if (className === "MaxNorm") return Math.min(length, high!);
    return rate! * Math.min(Math.max(length, low!), high!) + (1 - rate!) * length;
  };
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.every((value, index) => {
    const length = Math.sqrt(squares[groups(index)]!);
    const changed = value * (wanted(length) / (epsilon + length));
    return Math.abs(changed - value) <= largestChange * largest;
  });
}

/** The number of an element's group: the index of its first element, where all along `axes` are one group. */
function groupsOf(shape: readonly number[], axes: readonly number[]): (index: number) => number {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  return (index) =>
    axes.reduce((first, axis) => first - (Math.floor(index / strides[axis]!) % shape[axis]!) * strides[axis]!, index);
}
