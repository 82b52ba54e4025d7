/**
 * Refusals of a layer's or an operation's options and inputs, reached by a small model: one call of it, named `a`, on `x`, a
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

/** Of `Setting`. */
export const keras = true;
/** What calls are on, by the names of the inputs below. */
export const [x, y, v, b, m] = ["x", "y", "v", "b", "m"].map((name) => from(name)) as [
  object,
  object,
  object,
  object,
  object,
];

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

/** An object of Keras in a configuration. */
export const object = (className: string, config: object = {}) => ({ class_name: className, config });
/** A slice of Python. */
export const slice = (start: unknown, stop: unknown = null, step: unknown = null) =>
  object("__slice__", { start, stop, step });
/** The three dots of Python. */
export const ellipsis = object("__ellipsis__");
/** A reason that several give. */
export const notNormalized = "the batch axis can't be normalized over";
/** A reason that several give. */
export const batchFirst = "the batch has to stay the first axis";
/** A reason that several give. */
export const open = (axis: string) => `the size of axis ${axis} has to be known, and the model leaves it open`;
