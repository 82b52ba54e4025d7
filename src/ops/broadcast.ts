/**
 * What operators share that combine arrays element by element, with axes of size one broadcast.
 */
import { type Axes, type Axis, axisIndex, lettersOf, plainAxis, product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { commonOrder, heldLike, reorderHeld, reorderSource, sameParts } from "./arrange.ts";
import type { Arrange, Array64, Place, WasmWriter } from "./facets.ts";
import { elementWork } from "./rows.ts";

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
export const arrangeAlike: Arrange<object> = (_attributes, inputs, [output]) => {
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
  | "keep"
  | "drop";

/**
 * One operation on two operands into an array of the output's shape, divided along the outermost dimension; operands of that shape
 * are one long row.
 */
export function binary(
  wasm: WasmWriter,
  kernel: BinaryKernel,
  a: Place,
  aShape: readonly number[],
  b: Place,
  bShape: readonly number[],
  target: Place = wasm.output(),
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
    wasm.call(kernel, x, y, target.at(from * row), 1 + inner.length, table);
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
