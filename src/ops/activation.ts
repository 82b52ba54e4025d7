/**
 * activation: y = f(x), element by element
 *
 * Every function Keras names, and the layers ReLU, LeakyReLU and ELU. `parameters` are those of the function's line in
 * `definitions`, in order; null stands for infinity (a ReLU without a maximum).
 *
 * Source  keras:keras/src/activations/activations.py, keras:keras/src/ops/nn.py
 */
import { product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { follow } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, KerasConfig, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";
import { elementWork } from "./rows.ts";
import { finite, listOf, nullOr } from "./schema.ts";
import type { Softmax } from "./softmax.ts";
import { float } from "./torch-text.ts";

export type ActivationKind = keyof typeof definitions;

export interface Activation {
  readonly kind: ActivationKind;
  readonly parameters: readonly (number | null)[];
}

export const spec: OpSpec<Activation> = {
  attributes: {
    kind: (value): value is ActivationKind => typeof value === "string" && Object.hasOwn(definitions, value),
    parameters: listOf(nullOr(finite), 3),
  },
  weights: {},
  infer({ kind, parameters }, [input]) {
    const expected = definitions[kind].length - 1;
    if (parameters.length !== expected)
      throw shapeMismatch(`${kind}: expected ${expected} parameters, got ${parameters.length}`);
    return [[...input!]];
  },
};

export const arrange: Arrange<Activation> = follow;

// ------------------------------------------------------------------------------------------------ definition

const sigmoid = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const elu = (x: number, alpha: number) => (x > 0 ? x : alpha * Math.expm1(x));
/** The straight line from 0 at -reach to 1 at reach. */
const hardSigmoid = (x: number, reach: number) => Math.min(Math.max(x + reach, 0), 2 * reach) / (2 * reach);

/** Each function in float64. */
const definitions = {
  relu: (x: number, slope: number, maximum: number, threshold: number) =>
    x > threshold ? Math.min(x, maximum) : slope * (x - threshold),
  elu,
  selu: (x: number) => 1.0507009873554805 * elu(x, 1.6732632423543772),
  celu: (x: number, alpha: number) => Math.max(x, 0) + Math.min(alpha * Math.expm1(x / alpha), 0),
  exponential: (x: number) => Math.exp(x),
  gelu: (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x: number) => x * sigmoid(x),
  mish: (x: number) => x * Math.tanh(softplus(x)),
  softplus,
  softsign: (x: number) => x / (1 + Math.abs(x)),
  tanh: (x: number) => Math.tanh(x),
  sigmoid,
  logSigmoid: (x: number) => -softplus(-x),
  hardSigmoid,
  hardSilu: (x: number) => x * hardSigmoid(x, 3),
  hardTanh: (x: number) => Math.min(Math.max(x, -1), 1),
  hardShrink: (x: number, lambda: number) => (Math.abs(x) > lambda ? x : 0),
  softShrink: (x: number, lambda: number) => Math.sign(x) * Math.max(Math.abs(x) - lambda, 0),
  tanhShrink: (x: number) => x - Math.tanh(x),
  sparsePlus: (x: number) => (x <= -1 ? 0 : x < 1 ? (x + 1) ** 2 / 4 : x),
  squareplus: (x: number, b: number) => (x + Math.sqrt(x * x + b)) / 2,
  sparseSigmoid: (x: number) => (x <= -1 ? 0 : x < 1 ? (x + 1) / 2 : 1),
};

/** The error function to full double precision: its series near zero, the continued fraction of erfc further out. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / (fraction * Math.sqrt(Math.PI)));
}

/** The parameters with their infinities. */
export const numbers = (parameters: Activation["parameters"]) =>
  parameters.map((value) => value ?? Number.POSITIVE_INFINITY);

export const evaluate: Evaluate<Activation> = ({ kind, parameters }, [x]) => {
  const definition = definitions[kind] as (x: number, ...parameters: number[]) => number;
  const known = numbers(parameters);
  return [x!.data.map((value) => definition(value, ...known))];
};

// ----------------------------------------------------------------------------------------------------- Keras

const relu = (slope: number, maximum: number | null, threshold: number): Activation => ({
  kind: "relu",
  parameters: [slope, maximum, threshold],
});
const plain = (kind: ActivationKind, ...parameters: number[]): Activation => ({ kind, parameters });

/** Keras' names, with the defaults that a name without arguments stands for. */
const elementwise: Readonly<Record<string, Activation>> = {
  relu: relu(0, null, 0),
  relu6: relu(0, 6, 0),
  leaky_relu: relu(0.2, null, 0),
  elu: plain("elu", 1),
  selu: plain("selu"),
  celu: plain("celu", 1),
  exponential: plain("exponential"),
  gelu: plain("gelu"),
  silu: plain("silu"),
  swish: plain("silu"),
  mish: plain("mish"),
  softplus: plain("softplus"),
  softsign: plain("softsign"),
  tanh: plain("tanh"),
  sigmoid: plain("sigmoid"),
  log_sigmoid: plain("logSigmoid"),
  hard_sigmoid: plain("hardSigmoid", 3),
  hard_silu: plain("hardSilu"),
  hard_swish: plain("hardSilu"),
  hard_tanh: plain("hardTanh"),
  hard_shrink: plain("hardShrink", 0.5),
  soft_shrink: plain("softShrink", 0.5),
  tanh_shrink: plain("tanhShrink"),
  sparse_plus: plain("sparsePlus"),
  squareplus: plain("squareplus", 4),
  sparse_sigmoid: plain("sparseSigmoid"),
};

/** Functions of files of Keras 1 and 2 that Keras 3 knows by the same name for something else; dialects name them so. */
const older: Readonly<Record<string, Activation>> = { "keras2>hard_sigmoid": plain("hardSigmoid", 2.5) };

/** Functions that mix the elements of the last axis. */
const overLastAxis: Readonly<Record<string, Softmax["kind"]>> = {
  softmax: "softmax",
  log_softmax: "logSoftmax",
  sparsemax: "sparsemax",
  glu: "glu",
};

/** Every name that Keras' `activation` may have. */
export const activationNames: readonly string[] = ["linear", ...Object.keys(elementwise), ...Object.keys(overLastAxis)];

/** Adds the nodes of an activation by name; null where the name is not one of Keras'. */
export function emitActivation(call: KerasCall, value: number, name: string): number | null {
  if (name === "linear") return value;
  const known = namedActivation(name);
  if (known) return call.emit("activation", known, [value]);
  const kind = Object.hasOwn(overLastAxis, name) ? overLastAxis[name] : undefined;
  if (!kind) return null;
  const last = call.axes(value).at(-1)!;
  if (kind === "glu" && last.size !== null && last.size % 2 !== 0)
    call.config.refuse("activation", `glu needs an even number of channels, got ${last.size}`);
  const attributes: Softmax = { kind, axes: last.letter };
  return call.emit("softmax", attributes, [value]);
}

/** The layers that are such a function with options of its own. */
const layers: Readonly<Record<string, (config: KerasConfig) => Activation>> = {
  ReLU(config) {
    const attributes = relu(
      config.number("negative_slope", 0),
      config.optionalNumber("max_value"),
      config.number("threshold", 0),
    );
    const [slope, maximum, threshold] = attributes.parameters;
    if (slope! < 0) config.refuse("negative_slope", "Keras allows none below 0");
    if (maximum != null && maximum < 0) config.refuse("max_value", "Keras allows none below 0");
    if (threshold! < 0) config.refuse("threshold", "Keras allows none below 0");
    return attributes;
  },
  LeakyReLU: (config) =>
    relu(config.has("negative_slope") ? config.number("negative_slope") : config.number("alpha", 0.3), null, 0),
  ELU: (config) => plain("elu", config.number("alpha", 1)),
};

/** The function of a layer without weights; null where it is none that works on single elements. */
export function layerActivation(config: KerasConfig): Activation | null {
  return Object.hasOwn(layers, config.className) ? layers[config.className]!(config) : null;
}

export const fromKeras: Record<string, FromKeras> = {
  Activation: (call) => call.activation(call.input(), call.config.raw("activation")),
  ...Object.fromEntries(
    Object.entries(layers).map(([name, read]): [string, FromKeras] => [
      name,
      (call) => call.emit("activation", read(call.config), [call.input()]),
    ]),
  ),
};

/** A function with the numbers that its operation holds, by name and default. */
function operation(kind: ActivationKind, parameters: Readonly<Record<string, number>> = {}): FromKeras {
  return (call) => {
    const values = Object.entries(parameters).map(([key, fallback]) => call.config.number(key, fallback));
    return call.emit("activation", plain(kind, ...values), [call.input()]);
  };
}

export const fromOperation: Record<string, FromKeras> = {
  Relu: (call) => call.emit("activation", relu(0, null, 0), [call.input()]),
  Relu6: (call) => call.emit("activation", relu(0, 6, 0), [call.input()]),
  LeakyRelu: (call) =>
    call.emit("activation", relu(call.config.number("negative_slope", 0.2), null, 0), [call.input()]),
  Gelu: (call) =>
    call.emit("activation", plain(call.config.boolean("approximate", true) ? "geluTanh" : "gelu"), [call.input()]),
  Elu: operation("elu", { alpha: 1 }),
  Celu: operation("celu", { alpha: 1 }),
  Selu: operation("selu"),
  Exp: operation("exponential"),
  Silu: operation("silu"),
  Softplus: operation("softplus"),
  Softsign: operation("softsign"),
  Tanh: operation("tanh"),
  Sigmoid: operation("sigmoid"),
  LogSigmoid: operation("logSigmoid"),
  HardSigmoid: (call) => call.emit("activation", plain("hardSigmoid", 3), [call.input()]),
  HardSilu: operation("hardSilu"),
  HardTanh: operation("hardTanh"),
  HardShrink: operation("hardShrink", { threshold: 0.5 }),
  SoftShrink: operation("softShrink", { threshold: 0.5 }),
  TanhShrink: operation("tanhShrink"),
  SparsePlus: operation("sparsePlus"),
  SparseSigmoid: operation("sparseSigmoid"),
  Squareplus: operation("squareplus", { b: 4 }),
};
/** The function of this name with its defaults, as a cell of a recurrent layer takes one; null where the name is none. */
export function namedActivation(name: string): Activation | null {
  const table = [elementwise, older].find((candidate) => Object.hasOwn(candidate, name));
  return table?.[name] ?? null;
}

/** The function on one number. */
export function activationFunction({ kind, parameters }: Activation): (x: number) => number {
  const definition = definitions[kind] as (x: number, ...parameters: number[]) => number;
  const known = numbers(parameters);
  return (x) => definition(x, ...known);
}

// --------------------------------------------------------------------------------------------------- PyTorch

function torchRelu(x: string, slope: number, maximum: number, threshold: number): string {
  const capped = maximum < Number.POSITIVE_INFINITY;
  if (threshold === 0 && !capped) return slope === 0 ? `F.relu(${x})` : `F.leaky_relu(${x}, ${slope})`;
  if (threshold === 0 && slope === 0)
    return maximum === 6 ? `F.relu6(${x})` : `torch.clamp(${x}, min=0.0, max=${float(maximum)})`;
  const above = capped ? `torch.clamp(${x}, max=${float(maximum)})` : x;
  const below = slope === 0 ? "0.0" : threshold === 0 ? `${slope} * ${x}` : `${slope} * (${x} - ${threshold})`;
  return `torch.where(${x} > ${threshold}, ${above}, ${below})`;
}

/** Each function as a PyTorch expression of the variable `x`. */
const torchText: Record<ActivationKind, (x: string, ...parameters: number[]) => string> = {
  relu: torchRelu,
  elu: (x, alpha) => (alpha === 1 ? `F.elu(${x})` : `F.elu(${x}, alpha=${alpha})`),
  selu: (x) => `F.selu(${x})`,
  celu: (x, alpha) => (alpha === 1 ? `F.celu(${x})` : `F.celu(${x}, alpha=${alpha})`),
  exponential: (x) => `torch.exp(${x})`,
  gelu: (x) => `F.gelu(${x})`,
  geluTanh: (x) => `F.gelu(${x}, approximate="tanh")`,
  silu: (x) => `F.silu(${x})`,
  mish: (x) => `F.mish(${x})`,
  softplus: (x) => `F.softplus(${x})`,
  softsign: (x) => `F.softsign(${x})`,
  tanh: (x) => `torch.tanh(${x})`,
  sigmoid: (x) => `torch.sigmoid(${x})`,
  logSigmoid: (x) => `F.logsigmoid(${x})`,
  hardSigmoid: (x, reach) =>
    reach === 3 ? `F.hardsigmoid(${x})` : `torch.clamp(${1 / (2 * reach)} * ${x} + 0.5, min=0.0, max=1.0)`,
  hardSilu: (x) => `F.hardswish(${x})`,
  hardTanh: (x) => `F.hardtanh(${x})`,
  hardShrink: (x, lambda) => `F.hardshrink(${x}, lambd=${lambda})`,
  softShrink: (x, lambda) => `F.softshrink(${x}, lambd=${lambda})`,
  tanhShrink: (x) => `F.tanhshrink(${x})`,
  sparsePlus: (x) => `torch.where(${x} < 1, torch.clamp(${x} + 1, min=0) ** 2 / 4, ${x})`,
  squareplus: (x, b) => `(${x} + torch.sqrt(${x} ** 2 + ${b})) / 2`,
  sparseSigmoid: (x) => `torch.clamp((${x} + 1) / 2, min=0, max=1)`,
};

export const toTorch: ToTorch<Activation> = ({ attributes }, torch) => activationText(attributes, torch.input(0));

/** The function as a PyTorch expression of the variable `x`. */
export function activationText({ kind, parameters }: Activation, x: string): string {
  return torchText[kind](x, ...numbers(parameters));
}

// ------------------------------------------------------------------------------------------------------ wasm

export const toWasm: ToWasm<Activation> = ({ attributes: { kind, parameters } }, wasm) => {
  wasm.overwrite(0);
  const count = product(wasm.inputShape(0))!;
  wasm.split(count, count * elementWork, (from, to) => {
    wasm.call(kind, wasm.input(0).at(from), wasm.output().at(from), to - from, ...numbers(parameters));
  });
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Activation: { torch: "the function of that name: `F.relu(x)`, `torch.tanh(x)`, `torch.softmax(x, dim)`, and so on" },
  ReLU: { torch: "`F.relu`, `F.leaky_relu`, `F.relu6`, `torch.clamp` or `torch.where`, by its options" },
  LeakyReLU: { torch: "`F.leaky_relu`" },
  ELU: { torch: "`F.elu`" },
};

export const operationNotes: Notes = {
  Relu: { torch: "`F.relu`" },
  Relu6: { torch: "`F.relu6`" },
  LeakyRelu: { torch: "`F.leaky_relu`" },
  Gelu: { torch: "`F.gelu`" },
  Elu: { torch: "`F.elu`" },
  Celu: { torch: "`F.celu`" },
  Selu: { torch: "`F.selu`" },
  Exp: { torch: "`torch.exp`" },
  Silu: { torch: "`F.silu`" },
  Softplus: { torch: "`F.softplus`" },
  Softsign: { torch: "`F.softsign`" },
  Tanh: { torch: "`torch.tanh`" },
  Sigmoid: { torch: "`torch.sigmoid`" },
  LogSigmoid: { torch: "`F.logsigmoid`" },
  HardSigmoid: { torch: "`F.hardsigmoid`" },
  HardSilu: { torch: "`F.hardswish`" },
  HardTanh: { torch: "`F.hardtanh`" },
  HardShrink: { torch: "`F.hardshrink`" },
  SoftShrink: { torch: "`F.softshrink`" },
  TanhShrink: { torch: "`F.tanhshrink`" },
  SparsePlus: { torch: "`torch.where` and `torch.clamp`" },
  SparseSigmoid: { torch: "`torch.clamp((x + 1) / 2, min=0, max=1)`" },
  Squareplus: { torch: "`(x + torch.sqrt(x ** 2 + b)) / 2`" },
};
