/**
 * merge: several arrays into one, element by element, axes of size one broadcast
 *
 * Keras   Add, Subtract, Multiply, Average, Maximum, Minimum. Inputs of lower rank get axes of size one behind the batch:
 *         (N, C) meets (N, L, C) as (N, 1, C).
 * PyTorch + - *, torch.maximum, torch.minimum
 */
import { type Axes, type Axis, axisIndex, lettersOf, plainAxis, product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { commonOrder, heldLike, reorderHeld, reorderSource, sameParts } from "./arrange.ts";
import type {
  Arrange,
  Array64,
  Evaluate,
  FromKeras,
  KerasCall,
  OpSpec,
  Place,
  ToTorch,
  ToWasm,
  WasmWriter,
} from "./facets.ts";
import type { Notes } from "./notes.ts";
import { alike } from "./operands.ts";
import { elementWork } from "./rows.ts";
import { oneOf } from "./schema.ts";

export interface Merge {
  readonly kind: "add" | "subtract" | "multiply" | "average" | "maximum" | "minimum";
}

export const spec: OpSpec<Merge> = {
  attributes: { kind: oneOf("add", "subtract", "multiply", "average", "maximum", "minimum") },
  weights: {},
  infer: ({ kind }, inputs) => [broadcastAxes(kind, inputs)],
};

/** The axes of what arrays of the same axes give together; sizes of one are broadcast. */
export function broadcastAxes(kind: string, inputs: readonly Axes[]): Axis[] {
  const [first] = inputs;
  const order = lettersOf(first!);
  if (inputs.some((axes) => lettersOf(axes) !== order)) {
    throw shapeMismatch(`${kind}: expected the same axes in all inputs, got ${inputs.map(lettersOf).join(" and ")}`);
  }
  return first!.map((axis, index): Axis => {
    const others = inputs.map((axes) => axes[index]!);
    const sizes = others.map((other) => other.size).filter((size) => size !== 1);
    const known = sizes.find((size) => size !== null);
    if (sizes.some((size) => size !== null && size !== known)) {
      throw shapeMismatch(
        `${kind}: expected sizes that agree or are 1, got ${inputs.map((axes) => `(${axes.map((a) => a.size ?? "?").join(", ")})`).join(" and ")}`,
      );
    }
    const size = sizes.length === 0 ? 1 : (known ?? null);
    const wide = others.filter((other) => other.size !== 1);
    const parts = wide.map((other) => JSON.stringify(other.segments));
    const segments = wide[0]?.segments;
    return segments && parts.every((text) => text === parts[0])
      ? { ...axis, size, segments }
      : plainAxis(axis.letter, size);
  });
}

/** All in one order; a merge whose parts are held in another order survives where all inputs agree on it. */
export const arrange: Arrange<object> = (_attributes, inputs, [output]) => {
  const letters = commonOrder(inputs);
  const whole = inputs.filter(
    (input) => input.source.some((axis) => axis.segments) || !broadcasts(input.source, output!),
  );
  const keep = sameParts(whole) && output!.some((axis) => axis.segments);
  const reorder = keep ? reorderHeld : reorderSource;
  const like = keep ? whole[0]!.held : output!;
  return { inputs: inputs.map((input) => reorder(input, letters)), outputs: [heldLike(output!, letters, like)] };
};

/** Whether every merged axis of the output is of size one in this input. */
function broadcasts(input: Axes, output: Axes): boolean {
  return output.every((axis) => !axis.segments || input[axisIndex(input, axis.letter)]!.size === 1);
}

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

/** Combines the inputs' elements at every place of the output. */
export function evaluateBroadcast(
  inputs: readonly Array64[],
  output: Axes,
  combine: (values: number[]) => number,
): Float64Array {
  const sizes = output.map((axis) => axis.size!);
  const y = new Float64Array(sizes.reduce((all, size) => all * size, 1));
  for (let at = 0; at < y.length; at++) {
    const index: number[] = [];
    for (let axis = sizes.length - 1, rest = at; axis >= 0; axis--) {
      index[axis] = rest % sizes[axis]!;
      rest = Math.floor(rest / sizes[axis]!);
    }
    const values = inputs.map(
      ({ axes, data }) =>
        data[axes.reduce((offset, axis, i) => offset * axis.size! + (axis.size === 1 ? 0 : index[i]!), 0)]!,
    );
    y[at] = combine(values);
  }
  return y;
}

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

function merging(kind: Merge["kind"]): FromKeras {
  return (call) => {
    const { inputs, config } = call;
    if (inputs.length < 2) config.refuse("inputs", `a merge takes at least two inputs, got ${inputs.length}`);
    if (kind === "subtract" && inputs.length !== 2)
      config.refuse("inputs", `Subtract takes two inputs, got ${inputs.length}`);
    const attributes: Merge = { kind };
    const output = call.emit("merge", attributes, aligned(call));
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

/** Kernels on two operands with broadcasting. */
export type BinaryKernel =
  | "add"
  | "subtract"
  | "multiply"
  | "divide"
  | "maximum"
  | "minimum"
  | "power"
  | "equal"
  | "notEqual"
  | "greater"
  | "greaterEqual"
  | "keep";

/** One operation on two operands, divided along the outermost dimension; operands of the result's shape are one long row. */
export function binary(
  wasm: WasmWriter,
  kernel: BinaryKernel,
  a: Place,
  aShape: readonly number[],
  b: Place,
  bShape: readonly number[],
): void {
  const whole = wasm.outputShape();
  const same = [aShape, bShape].every((shape) => shape.every((size, axis) => size === whole[axis]));
  const outer = Math.max(
    whole.findIndex((size) => size > 1),
    0,
  );
  const [rows, ...inner] = same ? [product(whole)!] : whole.slice(outer);
  const row = product(inner)!;
  const strides = (shape: readonly number[]) => (same ? [1] : stridesOf(shape.slice(outer), [rows!, ...inner]));
  const [left, right] = [strides(aShape), strides(bShape)];
  wasm.split(rows!, rows! * row * elementWork, (from, to) => {
    const table = wasm.table([to - from, ...inner, ...left, ...right]);
    const [x, y] = [a.at(from * left[0]!), b.at(from * right[0]!)];
    wasm.call(kernel, x, y, wasm.output().at(from * row), 1 + inner.length, table);
  });
}

/** Row-major strides of `shape` in elements, 0 where it is broadcast to `sizes`. */
function stridesOf(shape: readonly number[], sizes: readonly number[]): number[] {
  let stride = 1;
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = shape[axis] === 1 && sizes[axis] !== 1 ? 0 : stride;
    stride *= shape[axis]!;
  }
  return strides;
}

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Add: { torch: "`a + b`" },
  Subtract: { torch: "`a - b`" },
  Multiply: { torch: "`a * b`" },
  Average: { torch: "`(a + b) / 2`" },
  Maximum: { torch: "`torch.maximum`" },
  Minimum: { torch: "`torch.minimum`" },
};
