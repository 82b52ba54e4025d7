/**
 * where: y = condition ? x1 : x2, element by element, axes of size one broadcast; x1, x2 or both may be numbers
 *
 * A choice and no product: what is not chosen may be infinite or not a number.
 *
 * Keras   keras.ops.where; keras.layers.Masking, which zeroes the steps that have no element other than `mask_value`: the others
 *         are the mask of the layers behind it
 * PyTorch torch.where
 */
import { lettersOf, product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import type { ValueId } from "../graph/graph.ts";
import { emitCompare, truth } from "./compare.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { arrangeAlike, binary, broadcastAxes, evaluateBroadcast } from "./broadcast.ts";
import type { Notes } from "./notes.ts";
import { alike, castFirst, numberPlace, type Operand, operand } from "./operands.ts";
import type { Reduce } from "./reduce.ts";
import { finite, nullOr, oneOf } from "./schema.ts";
import { float } from "./torch-text.ts";

/** The inputs are the condition, and those of x1 and x2 that are no numbers. */
export interface Where {
  /** x1, null where an input stands there. */
  readonly left: number | null;
  /** x2, null where an input stands there. */
  readonly right: number | null;
  readonly type: "float32" | "int32";
}

export const spec: OpSpec<Where> = {
  attributes: { left: nullOr(finite), right: nullOr(finite), type: oneOf("float32", "int32") },
  weights: {},
  infer({ left, right }, inputs) {
    const expected = 1 + [left, right].filter((value) => value === null).length;
    if (inputs.length !== expected) throw shapeMismatch(`where: expected inputs: ${expected}, got ${inputs.length}`);
    return [broadcastAxes("where", inputs)];
  },
  types: ({ type }) => [type],
};

export const arrange: Arrange<Where> = arrangeAlike;

export const evaluate: Evaluate<Where> = ({ left, right }, inputs, _weights, [output]) => [
  evaluateBroadcast(inputs, output!, ([condition, ...chosen]) =>
    condition !== 0 ? (left ?? chosen[0]!) : (right ?? chosen[left === null ? 1 : 0]!),
  ),
];

export const toTorch: ToTorch<Where> = ({ attributes: { left, right, type } }, torch) => {
  const text = (value: number) => (type === "int32" ? String(value) : float(value));
  const a = left === null ? torch.input(1) : text(left);
  const b = right === null ? torch.input(left === null ? 2 : 1) : text(right);
  return `torch.where(${torch.input(0)}, ${a}, ${b})`;
};

export const toWasm: ToWasm<Where> = ({ attributes: { left, right } }, wasm) => {
  const output = wasm.outputShape();
  const ones = output.map(() => 1);
  const side = (value: number | null, index: number) =>
    value === null
      ? ([wasm.input(index), wasm.inputShape(index)] as const)
      : ([numberPlace(wasm, value), ones] as const);
  const condition = [wasm.input(0), wasm.inputShape(0)] as const;
  if (right === 0) return binary(wasm, "keep", ...side(left, 1), ...condition);
  if (left === 0) return binary(wasm, "drop", ...side(right, 1), ...condition);
  // Both halves hold zeros where the other one has a value.
  const rest = wasm.scratch(product(output)!);
  binary(wasm, "drop", ...side(right, left === null ? 2 : 1), ...condition, rest);
  binary(wasm, "keep", ...side(left, 1), ...condition);
  binary(wasm, "add", wasm.output(), output, rest, output);
};

// ----------------------------------------------------------------------------------------------------- Keras

/** Adds the choice between two tensors, a tensor and a number, or two numbers. */
export function emitWhere(call: KerasCall, condition: ValueId, a: Operand, b: Operand): ValueId {
  const tensors = [a, b].flatMap((side) => ("tensor" in side ? [side.tensor] : []));
  if (tensors.some((tensor) => call.type(tensor) === "bool"))
    call.config.refuse("inputs", "a choice between bools", castFirst);
  const [left, right] = [a, b].map((side) => ("tensor" in side ? null : Math.fround(side.number))) as [
    Where["left"],
    Where["right"],
  ];
  const whole = [left, right].every((value) => value === null || Number.isInteger(value));
  const type =
    tensors.length > 0 && whole && tensors.every((tensor) => call.type(tensor) === "int32") ? "int32" : "float32";
  const attributes: Where = { left, right, type };
  return call.emit<Where>("where", attributes, alike(call, [condition, ...tensors]));
}

/** The mask with the axes of a value that has one axis more than it, or as many. */
export function maskOf(call: KerasCall, value: ValueId, mask: ValueId): ValueId {
  const letters = lettersOf(call.axes(value));
  const own = lettersOf(call.axes(mask));
  return call.rearrange(mask, own.length < letters.length ? `${own}1` : own, letters);
}

/** The value where the mask holds, else 0. */
export function emitKeep(call: KerasCall, value: ValueId, mask: ValueId): ValueId {
  return emitWhere(call, maskOf(call, value, mask), { tensor: value }, { number: 0 });
}

export const fromKeras: Record<string, FromKeras> = {
  Masking(call) {
    const input = call.input();
    const axes = lettersOf(call.axes(input)).slice(-1);
    const differs = emitCompare(call, "notEqual", input, { number: call.config.number("mask_value", 0) });
    const attributes: Reduce = { kind: "any", axes, keep: false };
    const mask = call.emit("reduce", attributes, [differs]);
    const output = emitKeep(call, input, mask);
    call.carry(output, () => mask);
    return output;
  },
};

export const fromOperation: Record<string, FromKeras> = {
  Where(call) {
    const condition = call.tensor("condition", 0) ?? call.config.refuse("inputs", "expected a tensor as the condition");
    return emitWhere(call, truth(call, condition), operand(call, "x1", 1), operand(call, "x2", 2));
  },
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Masking: { torch: "`torch.where(mask, x, 0.0)`; layers behind it get the mask" },
};

export const operationNotes: Notes = {
  Where: {
    torch: "`torch.where(condition, x1, x2)`",
    limits: { inputs: "no bools to choose from; cast them first" },
  },
};
