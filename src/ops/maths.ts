/**
 * maths: y = f(x), element by element: the functions of `keras.ops` that are no activations
 *
 * `round` goes to the even neighbour from the middle, as NumPy, TensorFlow and PyTorch do.
 *
 * Keras   keras.ops.absolute, negative, square, sqrt, rsqrt, reciprocal, sign, floor, ceil, round, trunc, log, log1p, expm1,
 *         sin, cos
 * PyTorch the functions of the same names
 */
import { product } from "../axes.ts";
import { follow } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm, ValueType } from "./facets.ts";
import type { Notes } from "./notes.ts";
import { castFirst } from "./operands.ts";
import { elementWork } from "./rows.ts";
import { oneOf } from "./schema.ts";

/** In the order of the kernel's numbers (assembly/maths.ts). */
const kinds = [
  "absolute",
  "negative",
  "square",
  "sqrt",
  "rsqrt",
  "reciprocal",
  "sign",
  "floor",
  "ceil",
  "round",
  "trunc",
  "log",
  "log1p",
  "expm1",
  "sin",
  "cos",
] as const;

export interface Maths {
  readonly kind: (typeof kinds)[number];
}

/** Functions that leave integers integers. */
const keepsType: readonly Maths["kind"][] = ["absolute", "negative", "square", "sign"];

export const spec: OpSpec<Maths> = {
  attributes: { kind: oneOf(...kinds) },
  weights: {},
  infer: (_attributes, [input]) => [[...input!]],
  types: ({ kind }, [type]): ValueType[] => [keepsType.includes(kind) ? type! : "float32"],
};

export const arrange: Arrange<Maths> = follow;

const definitions: Record<Maths["kind"], (x: number) => number> = {
  absolute: Math.abs,
  negative: (x) => -x,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)),
  trunc: Math.trunc,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sin: Math.sin,
  cos: Math.cos,
};

export const evaluate: Evaluate<Maths> = ({ kind }, [x]) => [x!.data.map((value) => definitions[kind](value))];

export const toTorch: ToTorch<Maths> = ({ attributes: { kind } }, torch) => {
  const x = torch.input(0);
  if (kind === "negative") return `-${x}`;
  return `torch.${kind === "absolute" ? "abs" : kind}(${x})`;
};

export const toWasm: ToWasm<Maths> = ({ attributes: { kind } }, wasm) => {
  wasm.overwrite(0);
  const count = product(wasm.inputShape(0))!;
  wasm.split(count, count * elementWork, (from, to) => {
    wasm.call("maths", wasm.input(0).at(from), wasm.output().at(from), to - from, kinds.indexOf(kind));
  });
};

// ----------------------------------------------------------------------------------------------------- Keras

function applying(kind: Maths["kind"]): FromKeras {
  return (call) => {
    const input = call.input();
    if (call.type(input) === "bool") call.config.refuse("inputs", "a bool", castFirst);
    return call.emit<Maths>("maths", { kind }, [input]);
  };
}

export const fromOperation: Record<string, FromKeras> = {
  Absolute: applying("absolute"),
  Negative: applying("negative"),
  Square: applying("square"),
  Sqrt: applying("sqrt"),
  Rsqrt: applying("rsqrt"),
  Reciprocal: applying("reciprocal"),
  Sign: applying("sign"),
  Floor: applying("floor"),
  Ceil: applying("ceil"),
  Trunc: applying("trunc"),
  Log: applying("log"),
  Log1p: applying("log1p"),
  Expm1: applying("expm1"),
  Sin: applying("sin"),
  Cos: applying("cos"),
  Round(call) {
    const decimals = call.config.number("decimals", 0);
    if (decimals !== 0) call.config.refuse("decimals", `expected 0, got ${decimals}`);
    return applying("round")(call);
  },
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = { inputs: "not a bool" };

export const operationNotes: Notes = {
  Absolute: { torch: "`torch.abs`", limits },
  Negative: { torch: "`-x`", limits },
  Square: { torch: "`torch.square`", limits },
  Sqrt: { torch: "`torch.sqrt`", limits },
  Rsqrt: { torch: "`torch.rsqrt`", limits },
  Reciprocal: { torch: "`torch.reciprocal`", limits },
  Sign: { torch: "`torch.sign`", limits },
  Floor: { torch: "`torch.floor`", limits },
  Ceil: { torch: "`torch.ceil`", limits },
  Trunc: { torch: "`torch.trunc`", limits },
  Log: { torch: "`torch.log`", limits },
  Log1p: { torch: "`torch.log1p`", limits },
  Expm1: { torch: "`torch.expm1`", limits },
  Sin: { torch: "`torch.sin`", limits },
  Cos: { torch: "`torch.cos`", limits },
  Round: { torch: "`torch.round`", limits: { ...limits, decimals: "0" } },
};
