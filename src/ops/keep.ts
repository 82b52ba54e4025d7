/**
 * keep: x where the mask holds, else 0; axes of size one broadcast
 *
 * A choice and no product: what is masked may be infinite or not a number.
 *
 * Keras   keras.layers.Masking: the steps that have an element other than `mask_value`; they are the mask of the layers behind
 * PyTorch torch.where
 */
import { lettersOf } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import type { ValueId } from "../graph/graph.ts";
import { emitCompare } from "./compare.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { arrange as arrangeAlike, binary, broadcastAxes, evaluateBroadcast } from "./merge.ts";
import type { Notes } from "./notes.ts";
import type { Reduce } from "./reduce.ts";

export type Keep = Record<string, never>;

export const spec: OpSpec<Keep> = {
  attributes: {},
  weights: {},
  infer(_attributes, inputs) {
    if (inputs.length !== 2) throw shapeMismatch(`keep: expected a value and a mask, got ${inputs.length} inputs`);
    return [broadcastAxes("keep", inputs)];
  },
};

export const arrange: Arrange<Keep> = arrangeAlike;

export const evaluate: Evaluate<Keep> = (_attributes, inputs, _weights, [output]) => [
  evaluateBroadcast(inputs, output!, ([x, mask]) => (mask === 0 ? 0 : x!)),
];

export const toTorch: ToTorch<Keep> = (_node, torch) => `torch.where(${torch.input(1)}, ${torch.input(0)}, 0.0)`;

export const toWasm: ToWasm<Keep> = (_node, wasm) => {
  binary(wasm, "keep", wasm.input(0), wasm.inputShape(0), wasm.input(1), wasm.inputShape(1));
};

/** Adds the choice; the mask has the value's axes, or all but the last. */
export function emitKeep(call: KerasCall, value: ValueId, mask: ValueId): ValueId {
  const letters = lettersOf(call.axes(value));
  const own = lettersOf(call.axes(mask));
  const whole = call.rearrange(mask, own.length < letters.length ? `${own}1` : own, letters);
  return call.emit<Keep>("keep", {}, [value, whole]);
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

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Masking: { torch: "`torch.where(mask, x, 0.0)`; layers behind it get the mask" },
};
