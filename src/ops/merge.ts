/**
 * merge: several arrays into one, element by element, axes of size one broadcast
 *
 * Keras   Add, Subtract, Multiply, Average, Maximum, Minimum. Inputs of lower rank get axes of size one behind the batch:
 *         (N, C) meets (N, L, C) as (N, 1, C).
 * PyTorch + - *, torch.maximum, torch.minimum
 */
import { lettersOf, product } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import { arrangeAlike, binary, broadcastAxes, evaluateBroadcast } from "./broadcast.ts";
import type { Compare } from "./compare.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";
import { alike } from "./operands.ts";
import { elementWork } from "./rows.ts";
import { oneOf } from "./schema.ts";
import { emitWhere, maskOf } from "./where.ts";

export interface Merge {
  readonly kind: "add" | "subtract" | "multiply" | "average" | "maximum" | "minimum";
}

export const spec: OpSpec<Merge> = {
  attributes: { kind: oneOf("add", "subtract", "multiply", "average", "maximum", "minimum") },
  weights: {},
  infer: ({ kind }, inputs) => [broadcastAxes(kind, inputs)],
};

export const arrange: Arrange<Merge> = arrangeAlike;

const pairwise: Record<Exclude<Merge["kind"], "average">, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
};

export const evaluate: Evaluate<Merge> = ({ kind }, inputs, _weights, [output]) => {
  const combine = pairwise[kind === "average" ? "add" : kind];
  const y = evaluateBroadcast(inputs, output!, (values) => values.reduce(combine));
  return [kind === "average" ? y.map((value) => value / inputs.length) : y];
};

/** Inputs of one rank and one naming of their axes. */
function aligned(call: KerasCall): number[] {
  const ranks = call.inputs.map((input) => call.axes(input).length);
  const rank = Math.max(...ranks);
  const letters = lettersOf(call.axes(call.inputs[ranks.indexOf(rank)]!));
  return call.inputs.map((input) => {
    const own = lettersOf(call.axes(input));
    return call.rearrange(input, `${own[0]}${"1".repeat(rank - own.length)}${own.slice(1)}`, letters);
  });
}

/**
 * The extreme over what the masks keep, as Keras folds it from the first input on: a hidden element gives way to that of the other
 * side, until a side without a mask comes in.
 */
function extremeOfKept(call: KerasCall, kind: "maximum" | "minimum", operands: readonly ValueId[]): ValueId {
  const masks = operands.map((value, index) => {
    const input = call.inputs[index]!;
    const mask = call.axes(input).length === call.axes(value).length ? call.mask(input) : null;
    return mask === null ? null : maskOf(call, value, mask);
  });
  let output = operands[0]!;
  let hidden: ValueId | null = masks[0]!;
  operands.slice(1).forEach((operand, index) => {
    const mask = masks[index + 1]!;
    const other = mask === null ? operand : emitWhere(call, mask, { tensor: operand }, { tensor: output });
    const own = hidden === null ? output : emitWhere(call, hidden, { tensor: output }, { tensor: other });
    hidden =
      mask === null || hidden === null
        ? null
        : call.emit<Compare>("compare", { kind: "or", value: null }, alike(call, [hidden, mask]));
    output = call.emit<Merge>("merge", { kind }, [own, other]);
  });
  return output;
}

function merging(kind: Merge["kind"]): FromKeras {
  return (call) => {
    const { inputs, config } = call;
    if (inputs.length < 2) config.refuse("inputs", `a merge takes at least two inputs, got ${inputs.length}`);
    if (kind === "subtract" && inputs.length !== 2)
      config.refuse("inputs", `Subtract takes two inputs, got ${inputs.length}`);
    const operands = aligned(call);
    const masked = inputs.some((input) => call.masked(input));
    const output =
      masked && (kind === "maximum" || kind === "minimum")
        ? extremeOfKept(call, kind, operands)
        : call.emit<Merge>("merge", { kind }, operands);
    // A step counts where it does in any input, if all inputs have masks.
    if (inputs.every((input) => call.masked(input))) {
      call.carry(output, () => {
        const masks = inputs.map((input) => call.mask(input)!);
        return masks.reduce((sofar, mask) =>
          call.emit("compare", { kind: "or", value: null }, alike(call, [sofar, mask])),
        );
      });
    }
    return output;
  };
}

export const fromKeras: Record<string, FromKeras> = {
  Add: merging("add"),
  Subtract: merging("subtract"),
  Multiply: merging("multiply"),
  Average: merging("average"),
  Maximum: merging("maximum"),
  Minimum: merging("minimum"),
};

export const toTorch: ToTorch<Merge> = ({ attributes: { kind }, inputs }, torch) => {
  const names = inputs.map((_, index) => torch.input(index));
  const [first, ...rest] = names as [string, ...string[]];
  switch (kind) {
    case "add":
      return names.join(" + ");
    case "subtract":
      return names.join(" - ");
    case "multiply":
      return names.join(" * ");
    case "average":
      return `(${names.join(" + ")}) / ${names.length}`;
    default:
      return rest.reduce((sofar, name) => `torch.${kind}(${sofar}, ${name})`, first);
  }
};

export const toWasm: ToWasm<Merge> = ({ attributes: { kind }, inputs }, wasm) => {
  const sizes = wasm.outputShape();
  if (wasm.inputShape(0).every((size, axis) => size === sizes[axis])) wasm.overwrite(0);
  const kernel = kind === "average" ? "add" : kind;
  inputs.slice(1).forEach((_, index) => {
    const first = index === 0 ? wasm.input(0) : wasm.output();
    binary(
      wasm,
      kernel,
      first,
      index === 0 ? wasm.inputShape(0) : sizes,
      wasm.input(index + 1),
      wasm.inputShape(index + 1),
    );
  });
  if (kind === "average") {
    const count = product(sizes)!;
    wasm.split(count, count * elementWork, (from, to) => {
      wasm.call("scale", wasm.output().at(from), wasm.output().at(from), to - from, 1 / inputs.length);
    });
  }
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Add: { torch: "`a + b`" },
  Subtract: { torch: "`a - b`" },
  Multiply: { torch: "`a * b`" },
  Average: { torch: "`(a + b) / 2`" },
  Maximum: { torch: "`torch.maximum`" },
  Minimum: { torch: "`torch.minimum`" },
};
