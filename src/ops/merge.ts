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
  const masks = masksOf(call, operands);
  let output = operands[0]!;
  let hidden: ValueId | null = masks[0]!;
  operands.slice(1).forEach((operand, index) => {
    const mask = masks[index + 1]!;
    const other = mask === null ? operand : emitWhere(call, mask, { tensor: operand }, { tensor: output });
    const own = hidden === null ? output : emitWhere(call, hidden, { tensor: output }, { tensor: other });
    hidden = mask === null || hidden === null ? null : either(call, [hidden, mask]);
    output = call.emit<Merge>("merge", { kind }, [own, other]);
  });
  return output;
}

/** The product of what the masks keep: a hidden element is 1, and one that is hidden everywhere 0. */
function productOfKept(call: KerasCall, operands: readonly ValueId[]): ValueId {
  const masks = masksOf(call, operands);
  const factors = operands.map((value, index) => {
    const mask = masks[index]!;
    return mask === null ? value : emitWhere(call, mask, { tensor: value }, { number: 1 });
  });
  const output = call.emit<Merge>("merge", { kind: "multiply" }, factors);
  const all = masks.filter((mask) => mask !== null);
  if (all.length < masks.length) return output;
  return emitWhere(call, either(call, all), { tensor: output }, { number: 0 });
}

/** The masks of the operands, with their axes; inputs that were given more axes have none. */
function masksOf(call: KerasCall, operands: readonly ValueId[]): (ValueId | null)[] {
  return operands.map((value, index) => {
    const input = call.inputs[index]!;
    const mask = call.axes(input).length === call.axes(value).length ? call.mask(input) : null;
    return mask === null ? null : maskOf(call, value, mask);
  });
}

/** Where any of the masks holds. */
function either(call: KerasCall, masks: readonly ValueId[]): ValueId {
  return masks.reduce((sofar, mask) =>
    call.emit<Compare>("compare", { kind: "or", value: null }, alike(call, [sofar, mask])),
  );
}

/** The kinds that look at the masks of their inputs. */
const byMasks: Partial<Record<Merge["kind"], (call: KerasCall, operands: readonly ValueId[]) => ValueId>> = {
  multiply: productOfKept,
  maximum: (call, operands) => extremeOfKept(call, "maximum", operands),
  minimum: (call, operands) => extremeOfKept(call, "minimum", operands),
};

function merging(kind: Merge["kind"]): FromKeras {
  return (call) => {
    const { inputs, config } = call;
    if (inputs.length < 2) config.refuse("inputs", `a merge takes at least two inputs, got ${inputs.length}`);
    if (kind === "subtract" && inputs.length !== 2)
      config.refuse("inputs", `Subtract takes two inputs, got ${inputs.length}`);
    const operands = aligned(call);
    const merge = inputs.some((input) => call.masked(input)) ? byMasks[kind] : undefined;
    const output = merge?.(call, operands) ?? call.emit<Merge>("merge", { kind }, operands);
    // A step counts where it does in any input, if all inputs have masks.
    if (inputs.every((input) => call.masked(input))) {
      call.carry(output, () =>
        either(
          call,
          inputs.map((input) => call.mask(input)!),
        ),
      );
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
