/**
 * arithmetic: x (kind) y, element by element, axes of size one broadcast; one of the two may be a number
 *
 * Keras   keras.ops.add, subtract, multiply, divide, true_divide, power, maximum, minimum, clip, and Python's operators on
 *         tensors
 * PyTorch + - * / **, torch.maximum, torch.minimum, torch.clamp
 */
import { shapeMismatch } from "../error.ts";
import type { ValueId } from "../graph/graph.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { arrangeAlike, binary, broadcastAxes, evaluateBroadcast } from "./broadcast.ts";
import type { Notes } from "./notes.ts";
import { alike, castFirst, numberPlace, type Operand, operand } from "./operands.ts";
import { finite, nullOr, oneOf } from "./schema.ts";

export interface Arithmetic {
  readonly kind: "add" | "subtract" | "multiply" | "divide" | "power" | "maximum" | "minimum";
  /** The number on the left, null where an input stands there. */
  readonly left: number | null;
  /** The number on the right, null where an input stands there. */
  readonly right: number | null;
}

export const spec: OpSpec<Arithmetic> = {
  attributes: {
    kind: oneOf("add", "subtract", "multiply", "divide", "power", "maximum", "minimum"),
    left: nullOr(finite),
    right: nullOr(finite),
  },
  weights: {},
  infer({ kind, left, right }, inputs) {
    const expected = [left, right].filter((value) => value === null).length;
    if (expected === 0 || inputs.length !== expected)
      throw shapeMismatch(`${kind}: expected inputs: ${Math.max(expected, 1)}, got ${inputs.length}`);
    return [broadcastAxes(kind, inputs)];
  },
  types({ kind, left, right }, inputs) {
    const whole = [left, right].every((value) => value === null || Number.isInteger(value));
    return [kind === "divide" || !whole || inputs.includes("float32") ? "float32" : "int32"];
  },
};

export const arrange: Arrange<Arithmetic> = arrangeAlike;

const definitions: Record<Arithmetic["kind"], (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
};

export const evaluate: Evaluate<Arithmetic> = ({ kind, left, right }, inputs, _weights, [output]) => [
  evaluateBroadcast(inputs, output!, (values) =>
    definitions[kind](left ?? values[0]!, right ?? values[left === null ? 1 : 0]!),
  ),
];

const symbols = { add: "+", subtract: "-", multiply: "*", divide: "/", power: "**" } as const;

export const toTorch: ToTorch<Arithmetic> = ({ attributes: { kind, left, right } }, torch) => {
  const a = left === null ? torch.input(0) : number(left);
  const b = right === null ? torch.input(left === null ? 1 : 0) : number(right);
  if (kind !== "maximum" && kind !== "minimum") return `${a} ${symbols[kind]} ${b}`;
  const limit = kind === "maximum" ? "min" : "max";
  if (left !== null) return `torch.clamp(${b}, ${limit}=${a})`;
  return right === null ? `torch.${kind}(${a}, ${b})` : `torch.clamp(${a}, ${limit}=${b})`;
};

/** A number as an operand; a negative one in parentheses, which `**` would otherwise leave out. */
function number(value: number): string {
  return value < 0 ? `(${value})` : String(value);
}

export const toWasm: ToWasm<Arithmetic> = ({ attributes: { kind, left, right } }, wasm) => {
  const shape = wasm.inputShape(0);
  const ones = shape.map(() => 1);
  if (kind === "power" && right === 2) {
    binary(wasm, "multiply", wasm.input(0), shape, wasm.input(0), shape);
    return;
  }
  const index = left === null ? 1 : 0;
  const a = left === null ? ([wasm.input(0), shape] as const) : ([numberPlace(wasm, left), ones] as const);
  const b =
    right === null
      ? ([wasm.input(index), wasm.inputShape(index)] as const)
      : ([numberPlace(wasm, right), ones] as const);
  binary(wasm, kind, ...a, ...b);
};

// ----------------------------------------------------------------------------------------------------- Keras

/** Adds an operation on two tensors, or a tensor and a number. */
export function emitArithmetic(call: KerasCall, kind: Arithmetic["kind"], a: Operand, b: Operand): ValueId {
  const tensors = [a, b].flatMap((side) => ("tensor" in side ? [side.tensor] : []));
  if (tensors.length === 0) return call.config.refuse("inputs", "expected a tensor among the operands");
  if (tensors.every((tensor) => call.type(tensor) === "bool"))
    return call.config.refuse("inputs", "arithmetic on bools alone", castFirst);
  const attributes: Arithmetic = {
    kind,
    left: "tensor" in a ? null : a.number,
    right: "tensor" in b ? null : b.number,
  };
  return call.emit("arithmetic", attributes, alike(call, tensors));
}

function calculating(kind: Arithmetic["kind"]): FromKeras {
  return (call) => emitArithmetic(call, kind, operand(call, "x1", 0), operand(call, "x2", 1));
}

export const fromOperation: Record<string, FromKeras> = {
  Add: calculating("add"),
  Subtract: calculating("subtract"),
  Multiply: calculating("multiply"),
  Divide: calculating("divide"),
  TrueDivide: calculating("divide"),
  Power: calculating("power"),
  Maximum: calculating("maximum"),
  Minimum: calculating("minimum"),
  Clip(call) {
    const { config } = call;
    const [low, high] = [config.optionalNumber("x_min"), config.optionalNumber("x_max")];
    if (low !== null && high !== null && low > high) config.refuse("x_min", `${low} is above x_max, ${high}`);
    const raised =
      low === null ? call.input() : emitArithmetic(call, "maximum", { tensor: call.input() }, { number: low });
    return high === null ? raised : emitArithmetic(call, "minimum", { tensor: raised }, { number: high });
  },
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = {
  inputs: "of the same number of axes (`keras.ops.expand_dims` makes one more); not bools alone",
  "call argument x1": "a tensor or a number, not an array of numbers",
  "call argument x2": "a tensor or a number, not an array of numbers",
};

export const operationNotes: Notes = {
  Add: { torch: "`a + b`", limits },
  Subtract: { torch: "`a - b`", limits },
  Multiply: { torch: "`a * b`", limits },
  Divide: { torch: "`a / b`", limits },
  TrueDivide: { torch: "`a / b`", limits },
  Power: { torch: "`a ** b`", limits },
  Maximum: { torch: "`torch.maximum`, `torch.clamp` with a number", limits },
  Minimum: { torch: "`torch.minimum`, `torch.clamp` with a number", limits },
  Clip: { torch: "`torch.clamp`", limits: { inputs: "not bools" } },
};
