/**
 * array: what a PyTorch tensor is, in float64: a shape and strides over shared storage.
 *
 *   element [i, j, ...] = data[offset + i*strides[0] + j*strides[1] + ...]        strides count elements
 *
 * Views share storage as in PyTorch, so `view` refuses what PyTorch's `view` refuses, and an in-place change shows in every
 * view. Every floating dtype is float64 here, every integer int64 (exact up to 2^53), and bool is 0 or 1.
 *
 * Source  PyTorch docs: Tensor Views; Broadcasting semantics; torch.Tensor.view.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";

export type DType = "float64" | "int64" | "bool";
export type Shape = readonly number[];

/** 1 GiB of float64: larger than any activation of a sequence network, and small enough to refuse hostile text in time. */
const MAX_ELEMENTS = 2 ** 27;

/** Elements `[start, end)` of a row-major storage, in memory that is overwritten after `lendMemory`. */
export type Part = (start: number, end: number) => Float64Array;

export class Tensor64 {
  readonly #data: Float64Array | (() => Float64Array);
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: Shape;
  readonly dtype: DType;
  /** Of a large parameter: gives what reads a part of its storage alone, or null where all of it has to be read. */
  readonly parts: (() => Part | null) | null;

  constructor(
    data: Float64Array | (() => Float64Array),
    shape: Shape,
    dtype: DType = "float64",
    strides: Shape = rowMajor(shape),
    offset = 0,
    parts: (() => Part | null) | null = null,
  ) {
    this.parts = parts;
    this.#data = data;
    this.shape = shape;
    this.dtype = dtype;
    this.strides = strides;
    this.offset = offset;
  }

  /** The storage; that of a parameter may be made anew for each use. */
  get data(): Float64Array {
    return typeof this.#data === "function" ? this.#data() : this.#data;
  }

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return count(this.shape);
  }
}

/** Storage that outlives a run, as of parameters and buffers: nothing may change it. */
export const locked = new WeakSet<Float64Array>();

/** A tensor that a module registers under the attribute it is assigned to. */
export class Parameter64 extends Tensor64 {}

export function count(shape: Shape): number {
  let elements = 1;
  for (const size of shape) elements *= size;
  return elements;
}

export function rowMajor(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= Math.max(1, shape[axis]!);
  }
  return strides;
}

/** Zeros, after a check that the shape is one and that it fits. */
export function allocate(shape: Shape): Float64Array {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) throw programFails(`a tensor can't have the shape ${showShape(shape)}`);
  }
  if (count(shape) > MAX_ELEMENTS) {
    throw programNotUnderstood(
      `expected at most ${MAX_ELEMENTS} elements in a tensor, got the shape ${showShape(shape)}`,
    );
  }
  return new Float64Array(count(shape));
}

export function filled(shape: Shape, value: number, dtype: DType = "float64"): Tensor64 {
  return new Tensor64(allocate(shape).fill(value), shape, dtype);
}

export function scalar(value: number, dtype: DType = "float64"): Tensor64 {
  return new Tensor64(Float64Array.of(value), [], dtype);
}

export function isContiguous(tensor: Tensor64): boolean {
  let stride = 1;
  for (let axis = tensor.rank - 1; axis >= 0; axis--) {
    if (tensor.shape[axis] !== 1 && tensor.strides[axis] !== stride) return false;
    stride *= tensor.shape[axis]!;
  }
  return true;
}

/** Whether the elements fill one gapless run of storage, in whatever order of axes. */
export function isDense(tensor: Tensor64): boolean {
  const axes = tensor.shape.map((_, axis) => axis).filter((axis) => tensor.shape[axis] !== 1);
  axes.sort((a, b) => tensor.strides[a]! - tensor.strides[b]!);
  let stride = 1;
  for (const axis of axes) {
    if (tensor.strides[axis] !== stride) return false;
    stride *= tensor.shape[axis]!;
  }
  return true;
}

/** The elements in row-major order: the storage itself where it lies so, else a copy. Read it, don't write it. */
export function rows(tensor: Tensor64): Float64Array {
  if (isContiguous(tensor)) return tensor.data.subarray(tensor.offset, tensor.offset + tensor.size);
  const out = allocate(tensor.shape);
  forEachRow(tensor.shape, [tensor], (at, length, [start], [step]) => {
    const { data } = tensor;
    for (let i = 0, from = start!; i < length; i++, from += step!) out[at + i] = data[from]!;
  });
  return out;
}

export function contiguous(tensor: Tensor64): Tensor64 {
  return isContiguous(tensor) ? tensor : new Tensor64(rows(tensor), tensor.shape, tensor.dtype);
}

/**
 * Visits the rows (runs along the last axis) of `shape` in row-major order. Of every tensor, which must have that shape,
 * `starts` is where the row starts in its data and `steps` the stride along it.
 */
export function forEachRow(
  shape: Shape,
  tensors: readonly Tensor64[],
  visit: (at: number, length: number, starts: readonly number[], steps: readonly number[]) => void,
): void {
  if (count(shape) === 0) return;
  const outer = shape.length - 1;
  const length = shape.length === 0 ? 1 : shape[outer]!;
  const steps = tensors.map((tensor) => (shape.length === 0 ? 0 : tensor.strides[outer]!));
  const starts = tensors.map((tensor) => tensor.offset);
  const index = new Array<number>(Math.max(0, outer)).fill(0);
  for (let at = 0; ; at += length) {
    visit(at, length, starts, steps);
    let axis = outer - 1;
    for (; axis >= 0; axis--) {
      index[axis]!++;
      for (let t = 0; t < tensors.length; t++) starts[t]! += tensors[t]!.strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      for (let t = 0; t < tensors.length; t++) starts[t]! -= shape[axis]! * tensors[t]!.strides[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

export function broadcastShapes(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let back = 1; back <= rank; back++) {
    const [x, y] = [a[a.length - back] ?? 1, b[b.length - back] ?? 1];
    if (x !== y && x !== 1 && y !== 1) {
      throw programShapesDiffer(
        `the size of tensor a (${x}) must match the size of tensor b (${y}) at non-singleton dimension ${rank - back}: shapes ${showShape(a)} and ${showShape(b)}`,
      );
    }
    shape[rank - back] = x === 1 ? y : x;
  }
  return shape;
}

/** A view of `tensor` with the shape `shape`, in which repeated axes have stride 0. */
export function expandTo(tensor: Tensor64, shape: Shape): Tensor64 {
  const lead = shape.length - tensor.rank;
  const fits = lead >= 0 && tensor.shape.every((size, axis) => size === 1 || size === shape[axis + lead]);
  if (!fits)
    throw programShapesDiffer(`a tensor of shape ${showShape(tensor.shape)} can't be expanded to ${showShape(shape)}`);
  const strides = shape.map((size, axis) =>
    axis < lead || tensor.shape[axis - lead] !== size ? 0 : tensor.strides[axis - lead]!,
  );
  return new Tensor64(tensor.data, shape, tensor.dtype, strides, tensor.offset);
}

/** An axis from 0, from one that may count from the end. */
export function resolveAxis(axis: number, rank: number): number {
  const range = Math.max(1, rank);
  if (axis < -range || axis >= range) {
    throw programFails(
      `dimension out of range (expected to be in range of [${-range}, ${range - 1}], but got ${axis})`,
    );
  }
  return axis < 0 ? axis + range : axis;
}

export function showShape(shape: Shape): string {
  return `(${shape.join(", ")})`;
}
