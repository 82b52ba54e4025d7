/**
 * shaping: the same elements under another shape or order of axes; views wherever PyTorch has views.
 *
 * Source  PyTorch docs: torch, Indexing, Slicing, Joining, Mutating Ops; torch.Tensor.view.
 *         ATen/TensorUtils.cpp, computeStride, for which shapes a view can have.
 */
import { programFails, programShapesDiffer } from "../../../error.ts";
import {
  count,
  contiguous,
  expandTo,
  isContiguous,
  resolveAxis,
  rowMajor,
  rows,
  type Shape,
  showShape,
  Tensor64,
} from "./array.ts";
import { permuteAxes } from "./elementwise.ts";
import type { Bound, FunctionRow, Run } from "./signature.ts";
import { intTuple } from "./values.ts";

/** The view of the elements [start, start + length) of one axis. */
export function narrow(tensor: Tensor64, axis: number, start: number, length: number, step = 1): Tensor64 {
  const shape = tensor.shape.map((size, i) => (i === axis ? length : size));
  const strides = tensor.strides.map((stride, i) => (i === axis ? stride * step : stride));
  return new Tensor64(tensor.data, shape, tensor.dtype, strides, tensor.offset + start * tensor.strides[axis]!);
}

/** The view at one position of an axis, which is dropped. */
export function selectAt(tensor: Tensor64, axis: number, index: number): Tensor64 {
  const size = tensor.shape[axis]!;
  if (index < -size || index >= size) {
    throw programFails(`index ${index} is out of bounds for dimension ${axis} with size ${size}`);
  }
  return dropAxes(narrow(tensor, axis, index < 0 ? index + size : index, 1), [axis]);
}

/** Without the given axes, which have one element. */
function dropAxes(tensor: Tensor64, axes: readonly number[]): Tensor64 {
  const keep = (values: Shape) => values.filter((_, axis) => !axes.includes(axis));
  return new Tensor64(tensor.data, keep(tensor.shape), tensor.dtype, keep(tensor.strides), tensor.offset);
}

export function insertAxis(tensor: Tensor64, axis: number): Tensor64 {
  const insert = (values: Shape, value: number) => [...values.slice(0, axis), value, ...values.slice(axis)];
  const stride = axis < tensor.rank ? tensor.strides[axis]! * tensor.shape[axis]! : 1;
  return new Tensor64(
    tensor.data,
    insert(tensor.shape, 1),
    tensor.dtype,
    insert(tensor.strides, stride),
    tensor.offset,
  );
}

/** A shape in which one size may be -1. */
function completeShape(shape: Shape, elements: number): number[] {
  const known = count(shape.filter((size) => size !== -1));
  const free = shape.filter((size) => size === -1).length;
  if (shape.some((size) => size < -1)) throw programFails(`invalid shape dimension in ${showShape(shape)}`);
  if (free > 1) throw programFails("only one dimension can be inferred");
  const complete = shape.map((size) => (size === -1 ? elements / known : size));
  if (count(complete) !== elements || !complete.every(Number.isInteger)) {
    throw programShapesDiffer(`shape '${showShape(shape)}' is invalid for input of size ${elements}`);
  }
  return complete;
}

/** Strides under which the same storage has the shape `shape`; null if no strides do that. */
function viewStrides(tensor: Tensor64, shape: Shape): number[] | null {
  if (tensor.size === 0 || tensor.rank === 0) return rowMajor(shape);
  const strides = new Array<number>(shape.length).fill(1);
  let to = shape.length - 1;
  let base = tensor.strides.at(-1)!;
  let [old, fresh] = [1, 1];
  for (let from = tensor.rank - 1; from >= 0; from--) {
    old *= tensor.shape[from]!;
    if (from > 0 && (tensor.shape[from - 1] === 1 || tensor.strides[from - 1] === old * base)) continue;
    while (to >= 0 && (fresh < old || shape[to] === 1)) {
      strides[to] = fresh * base;
      fresh *= shape[to--]!;
    }
    if (fresh !== old) return null;
    if (from > 0) base = tensor.strides[from - 1]!;
    [old, fresh] = [1, 1];
  }
  return to < 0 ? strides : null;
}

export function reshape(tensor: Tensor64, wanted: Shape): Tensor64 {
  const shape = completeShape(wanted, tensor.size);
  const strides = viewStrides(tensor, shape);
  return strides
    ? new Tensor64(tensor.data, shape, tensor.dtype, strides, tensor.offset)
    : new Tensor64(rows(tensor), shape, tensor.dtype);
}

export function view(tensor: Tensor64, wanted: Shape): Tensor64 {
  const shape = completeShape(wanted, tensor.size);
  const strides = viewStrides(tensor, shape);
  if (!strides) {
    throw programShapesDiffer(
      `view size ${showShape(shape)} is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces); use .reshape(...) instead`,
    );
  }
  return new Tensor64(tensor.data, shape, tensor.dtype, strides, tensor.offset);
}

export function flatten(tensor: Tensor64, startDim: number, endDim: number): Tensor64 {
  if (tensor.rank === 0) return reshape(tensor, [1]);
  const [start, end] = [resolveAxis(startDim, tensor.rank), resolveAxis(endDim, tensor.rank)];
  if (start > end) throw programFails("flatten() has invalid args: start_dim cannot come after end_dim");
  const merged = count(tensor.shape.slice(start, end + 1));
  return reshape(tensor, [...tensor.shape.slice(0, start), merged, ...tensor.shape.slice(end + 1)]);
}

export function unflatten(tensor: Tensor64, dim: number, sizes: Shape): Tensor64 {
  const axis = resolveAxis(dim, tensor.rank);
  if (sizes.length === 0) throw programFails("unflatten: sizes must be non-empty");
  const size = tensor.shape[axis]!;
  const known = count(sizes.filter((part) => part !== -1));
  if (sizes.includes(-1) ? size % known !== 0 : known !== size) {
    throw programShapesDiffer(
      `unflatten: provided sizes ${showShape(sizes)} don't multiply up to the size of dim ${axis} (${size}) in the input tensor`,
    );
  }
  const parts = sizes.map((part) => (part === -1 ? size / known : part));
  return reshape(tensor, [...tensor.shape.slice(0, axis), ...parts, ...tensor.shape.slice(axis + 1)]);
}

export function permute(tensor: Tensor64, dims: readonly number[]): Tensor64 {
  const order = dims.map((dim) => resolveAxis(dim, tensor.rank));
  if (order.length !== tensor.rank) {
    throw programFails(
      `permute: number of dimensions in the tensor input does not match the length of the desired ordering of dimensions, ${tensor.rank} and ${order.length}`,
    );
  }
  if (new Set(order).size !== order.length) throw programFails("permute: duplicate dims are not allowed");
  return permuteAxes(tensor, order);
}

export function transpose(tensor: Tensor64, dim0: number, dim1: number): Tensor64 {
  const [a, b] = [resolveAxis(dim0, tensor.rank), resolveAxis(dim1, tensor.rank)];
  if (tensor.rank === 0) return tensor;
  return permuteAxes(
    tensor,
    tensor.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  );
}

const movedim: Run = (a) => {
  const input = a.tensor("input");
  const from = a.ints("source").map((dim) => resolveAxis(dim, input.rank));
  const to = a.ints("destination").map((dim) => resolveAxis(dim, input.rank));
  if (from.length !== to.length)
    throw programFails("movedim: source and destination must have the same number of dims");
  const rest = input.shape.map((_, axis) => axis).filter((axis) => !from.includes(axis));
  return permute(
    input,
    input.shape.map((_, axis) => (to.includes(axis) ? from[to.indexOf(axis)]! : rest.shift()!)),
  );
};

const squeeze: Run = (a) => {
  const input = a.tensor("input");
  const axes = a.optionalInts("dim")?.map((dim) => resolveAxis(dim, input.rank)) ?? input.shape.map((_, axis) => axis);
  return dropAxes(
    input,
    axes.filter((axis) => input.shape[axis] === 1),
  );
};

const unsqueeze: Run = (a) => insertAxis(a.tensor("input"), resolveAxis(a.int("dim"), a.tensor("input").rank + 1));

/** -1 keeps a size. */
function expand(tensor: Tensor64, sizes: readonly number[]): Tensor64 {
  const lead = sizes.length - tensor.rank;
  return expandTo(
    tensor,
    sizes.map((size, axis) => (size === -1 && axis >= lead ? tensor.shape[axis - lead]! : size)),
  );
}

/** `x.repeat(2, 1)`: the whole tensor, several times along each axis; torch.tile pads the counts with ones. */
function repeat(tensor: Tensor64, times: readonly number[], padCounts: boolean): Tensor64 {
  const counts = padCounts ? [...new Array<number>(Math.max(0, tensor.rank - times.length)).fill(1), ...times] : times;
  if (counts.length < tensor.rank) {
    throw programFails("number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  }
  const shape = [...new Array<number>(counts.length - tensor.rank).fill(1), ...tensor.shape];
  let spread = reshape(
    tensor,
    shape.flatMap((size) => [1, size]),
  );
  spread = expandTo(
    spread,
    shape.flatMap((size, axis) => [counts[axis]!, size]),
  );
  const repeated = shape.map((size, axis) => size * counts[axis]!);
  return new Tensor64(rows(reshape(spread, repeated)).slice(), repeated, tensor.dtype);
}

/** Every element, several times in a row. */
const repeatInterleave: Run = (a) => {
  const dim = a.optionalInt("dim");
  const input = dim === null ? reshape(a.tensor("input"), [-1]) : a.tensor("input");
  const axis = resolveAxis(dim ?? 0, input.rank);
  const times = a.int("repeats");
  const spread = insertAxis(input, axis + 1);
  const expanded = expandTo(
    spread,
    spread.shape.map((size, i) => (i === axis + 1 ? times : size)),
  );
  return flatten(expanded, axis, axis + 1);
};

const size: Run = (a) => {
  const { shape } = a.tensor("input");
  return a.isNone("dim") ? intTuple(shape) : BigInt(shape[resolveAxis(a.int("dim"), shape.length)]!);
};

const asShapeOf =
  (f: (tensor: Tensor64, shape: Shape) => Tensor64): Run =>
  (a) =>
    f(a.tensor("input"), a.tensor("other").shape);
const variadic =
  (name: string, f: (tensor: Tensor64, values: number[]) => Tensor64): Run =>
  (a: Bound) =>
    f(a.tensor("input"), a.variadicInts(name));

const BOTH = "torch Tensor";

export const shapes: readonly FunctionRow[] = [
  [
    BOTH,
    "flatten",
    "input, start_dim=0, end_dim=-1",
    (a) => flatten(a.tensor("input"), a.int("start_dim"), a.int("end_dim")),
  ],
  [BOTH, "ravel", "input", (a) => flatten(a.tensor("input"), 0, -1)],
  [BOTH, "unflatten", "input, dim, sizes", (a) => unflatten(a.tensor("input"), a.int("dim"), a.ints("sizes"))],
  [
    BOTH,
    "transpose swapaxes swapdims",
    "input, dim0, dim1",
    (a) => transpose(a.tensor("input"), a.int("dim0"), a.int("dim1")),
  ],
  [
    BOTH,
    "t",
    "input",
    (a) => {
      if (a.tensor("input").rank > 2) throw programFails("t() expects a tensor with <= 2 dimensions");
      return a.tensor("input").rank < 2 ? a.tensor("input") : transpose(a.tensor("input"), 0, 1);
    },
  ],
  [BOTH, "movedim moveaxis", "input, source, destination", movedim],
  [BOTH, "squeeze", "input, dim=None", squeeze],
  [BOTH, "unsqueeze", "input, dim", unsqueeze],
  [BOTH, "repeat_interleave", "input, repeats, dim=None", repeatInterleave],
  [BOTH, "numel", "input", (a) => BigInt(a.tensor("input").size)],
  ["torch", "permute", "input, dims", (a) => permute(a.tensor("input"), a.ints("dims"))],
  ["torch", "reshape", "input, shape", (a) => reshape(a.tensor("input"), a.ints("shape"))],
  ["torch", "broadcast_to", "input, size", (a) => expand(a.tensor("input"), a.ints("size"))],
  ["torch", "tile", "input, dims", (a) => repeat(a.tensor("input"), a.ints("dims"), true)],
  ["Tensor", "permute", "input, *dims", variadic("dims", permute)],
  ["Tensor", "reshape", "input, *shape", variadic("shape", reshape)],
  ["Tensor", "view", "input, *shape", variadic("shape", view)],
  ["Tensor", "expand", "input, *sizes", variadic("sizes", expand)],
  ["Tensor", "broadcast_to", "input, size", (a) => expand(a.tensor("input"), a.ints("size"))],
  ["Tensor", "repeat", "input, *repeats", variadic("repeats", (tensor, times) => repeat(tensor, times, false))],
  ["Tensor", "tile", "input, *dims", variadic("dims", (tensor, times) => repeat(tensor, times, true))],
  ["Tensor", "expand_as", "input, other", asShapeOf(expandTo)],
  ["Tensor", "reshape_as", "input, other", asShapeOf(reshape)],
  ["Tensor", "view_as", "input, other", asShapeOf(view)],
  ["Tensor", "size", "input, dim=None", size],
  ["Tensor", "dim ndimension", "input", (a) => BigInt(a.tensor("input").rank)],
  ["Tensor", "contiguous", "input", (a) => contiguous(a.tensor("input"))],
  ["Tensor", "is_contiguous", "input", (a) => isContiguous(a.tensor("input"))],
  ["Tensor", "detach cpu", "input", (a) => a.tensor("input")],
  [
    BOTH,
    "clone",
    "input",
    (a) => new Tensor64(rows(a.tensor("input")).slice(), a.tensor("input").shape, a.tensor("input").dtype),
  ],
];
