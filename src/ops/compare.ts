/**
 * compare: whether x (kind) y, element by element, axes of size one broadcast; y is a tensor or a number
 *
 * Gives bool. `and`, `or` and `xor` take bools.
 *
 * Keras   keras.ops.equal, not_equal, greater, greater_equal, less, less_equal, logical_and, logical_or, logical_xor,
 *         logical_not (x == 0 of what is not bool)
 * PyTorch ==, !=, >, >=, <, <=, &, |, ^, ~
 */
import type { ValueId } from "../graph/graph.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { type BinaryKernel, arrangeAlike, binary, broadcastAxes, evaluateBroadcast } from "./broadcast.ts";
import { alike, numberPlace, type Operand, operand } from "./operands.ts";
import { finite, nullOr, oneOf } from "./schema.ts";
import { shapeMismatch } from "../error.ts";
import type { Notes } from "./notes.ts";

export interface Compare {
  readonly kind: "equal" | "notEqual" | "greater" | "greaterEqual" | "less" | "lessEqual" | "and" | "or" | "xor";
  /** What the input is compared with, rounded to float32; null where there is a second input. */
  readonly value: number | null;
}

export const spec: OpSpec<Compare> = {
  attributes: {
    kind: oneOf("equal", "notEqual", "greater", "greaterEqual", "less", "lessEqual", "and", "or", "xor"),
    value: nullOr(finite),
  },
  weights: {},
  infer({ kind, value }, inputs) {
    const expected = value === null ? 2 : 1;
    if (inputs.length !== expected) throw shapeMismatch(`${kind}: expected inputs: ${expected}, got ${inputs.length}`);
    return [broadcastAxes(kind, inputs)];
  },
  types: () => ["bool"],
};

export const arrange: Arrange<Compare> = arrangeAlike;

const definitions: Record<Compare["kind"], (a: number, b: number) => boolean> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  and: (a, b) => a !== 0 && b !== 0,
  or: (a, b) => a !== 0 || b !== 0,
  xor: (a, b) => (a !== 0) !== (b !== 0),
};

export const evaluate: Evaluate<Compare> = ({ kind, value }, inputs, _weights, [output]) => [
  evaluateBroadcast(inputs, output!, ([a, b = value!]) => (definitions[kind](a!, b) ? 1 : 0)),
];

const symbols: Record<Compare["kind"], string> = {
  equal: "==",
  notEqual: "!=",
  greater: ">",
  greaterEqual: ">=",
  less: "<",
  lessEqual: "<=",
  and: "&",
  or: "|",
  xor: "^",
};

export const toTorch: ToTorch<Compare> = ({ attributes: { kind, value } }, torch) =>
  `${torch.input(0)} ${symbols[kind]} ${value === null ? torch.input(1) : value}`;

/** Each comparison as a kernel, with its operands swapped where that is the other one. */
const kernels: Record<Compare["kind"], readonly [kernel: BinaryKernel, swapped: boolean]> = {
  equal: ["equal", false],
  notEqual: ["notEqual", false],
  greater: ["greater", false],
  greaterEqual: ["greaterEqual", false],
  less: ["greater", true],
  lessEqual: ["greaterEqual", true],
  and: ["minimum", false],
  or: ["maximum", false],
  xor: ["notEqual", false],
};

export const toWasm: ToWasm<Compare> = ({ attributes: { kind, value } }, wasm) => {
  const shape = wasm.inputShape(0);
  const [kernel, swapped] = kernels[kind];
  const a = [wasm.input(0), shape] as const;
  const b =
    value === null
      ? ([wasm.input(1), wasm.inputShape(1)] as const)
      : ([numberPlace(wasm, value), shape.map(() => 1)] as const);
  const [left, right] = swapped ? [b, a] : [a, b];
  binary(wasm, kernel, ...left, ...right);
};

// ----------------------------------------------------------------------------------------------------- Keras

const mirrored: Record<Compare["kind"], Compare["kind"]> = {
  equal: "equal",
  notEqual: "notEqual",
  greater: "less",
  greaterEqual: "lessEqual",
  less: "greater",
  lessEqual: "greaterEqual",
  and: "and",
  or: "or",
  xor: "xor",
};

/** Adds a comparison with a number or of two tensors of the same number of axes. */
export function emitCompare(call: KerasCall, kind: Compare["kind"], a: ValueId, b: Operand): ValueId {
  return "tensor" in b
    ? call.emit<Compare>("compare", { kind, value: null }, alike(call, [a, b.tensor]))
    : call.emit<Compare>("compare", { kind, value: Math.fround(b.number) }, [a]);
}

function comparing(kind: Compare["kind"]): FromKeras {
  return (call) => {
    const [a, b] = [operand(call, "x1", 0), operand(call, "x2", 1)];
    if ("tensor" in a) return emitCompare(call, kind, a.tensor, b);
    if ("tensor" in b) return emitCompare(call, mirrored[kind], b.tensor, a);
    return call.config.refuse("inputs", "expected a tensor among the operands");
  };
}

/** Whether the elements are not zero, as a bool. */
export function truth(call: KerasCall, value: ValueId): ValueId {
  return call.type(value) === "bool" ? value : emitCompare(call, "notEqual", value, { number: 0 });
}

function logical(kind: "and" | "or" | "xor"): FromKeras {
  return (call) => {
    const [a, b] = [call.tensor("x1", 0), call.tensor("x2", 1)];
    if (a === null || b === null) return call.config.refuse("inputs", "expected two tensors");
    return emitCompare(call, kind, truth(call, a), { tensor: truth(call, b) });
  };
}

export const fromOperation: Record<string, FromKeras> = {
  Equal: comparing("equal"),
  NotEqual: comparing("notEqual"),
  Greater: comparing("greater"),
  GreaterEqual: comparing("greaterEqual"),
  Less: comparing("less"),
  LessEqual: comparing("lessEqual"),
  LogicalAnd: logical("and"),
  LogicalOr: logical("or"),
  LogicalXor: logical("xor"),
  LogicalNot: (call) => emitCompare(call, "equal", call.tensor("x", 0) ?? call.input(), { number: 0 }),
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = {
  inputs: "of the same number of axes (`keras.ops.expand_dims` makes one more)",
  "call argument x2": "a tensor or a number, not an array of numbers",
};
const tensors = { inputs: limits.inputs, "call argument x1": "a tensor", "call argument x2": "a tensor" };

export const operationNotes: Notes = {
  Equal: { torch: "`a == b`", limits },
  NotEqual: { torch: "`a != b`", limits },
  Greater: { torch: "`a > b`", limits },
  GreaterEqual: { torch: "`a >= b`", limits },
  Less: { torch: "`a < b`", limits },
  LessEqual: { torch: "`a <= b`", limits },
  LogicalAnd: { torch: "`a & b`", limits: tensors },
  LogicalOr: { torch: "`a | b`", limits: tensors },
  LogicalXor: { torch: "`a ^ b`", limits: tensors },
  LogicalNot: { torch: "`x == 0`" },
};
