/**
 * indexing: `x[...]` with integers, slices, None, Ellipsis and one tensor of integers, and the lookups by index tensors:
 * embedding, gather, index_select, take_along_dim, one_hot.
 *
 * Refused: masks as indices (the shape would depend on the data) and several index tensors at once.
 *
 * Source  PyTorch docs: Tensor Indexing API; torch.gather; torch.nn.functional.embedding.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";
import { lendMemory } from "../../../platform/scratch.ts";
import { allocate, broadcastShapes, expandTo, resolveAxis, rows, showShape, Tensor64 } from "./array.ts";
import { reduce } from "./reduce.ts";
import { gatherAlong } from "./joining.ts";
import { insertAxis, narrow, reshape, selectAt } from "./shaping.ts";
import type { FunctionRow, Run } from "./signature.ts";
import { Ellipsis, List, SliceValue, Tuple, typeName, type Value } from "./values.ts";

export function index(tensor: Tensor64, subscript: Value): Tensor64 {
  const items = subscript instanceof Tuple ? subscript.items : [subscript];
  const consumes = (item: Value) => !(item === null || item instanceof Ellipsis);
  const rest = tensor.rank - items.filter(consumes).length;
  if (rest < 0) throw programFails(`too many indices for tensor of dimension ${tensor.rank}`);
  if (items.filter((item) => item instanceof Ellipsis).length > 1)
    throw programFails("an index can only have a single ellipsis");
  if (items.filter((item) => item instanceof Tensor64 || item instanceof List).length > 1) {
    throw programNotUnderstood("an index with several tensors is not known to the checker");
  }
  let result = tensor;
  let axis = 0;
  for (const item of items) {
    if (item === null) result = insertAxis(result, axis++);
    else if (item instanceof Ellipsis) axis += rest;
    else if (typeof item === "bigint") result = selectAt(result, axis, Number(item));
    else if (item instanceof SliceValue) result = sliced(result, axis++, item);
    else if (item instanceof Tensor64 || item instanceof List) {
      const positions = item instanceof Tensor64 ? item : listOfInts(item);
      result = lookup(result, axis, positions);
      axis += positions.rank;
    } else throw programFails(`a tensor can't be indexed by ${typeName(item)}`);
  }
  return result;
}

/** Whether `x[subscript]` shares x's storage, so that an assignment to it changes x. */
export function indexIsView(subscript: Value): boolean {
  const items = subscript instanceof Tuple ? subscript.items : [subscript];
  return !items.some((item) => item instanceof Tensor64 || item instanceof List);
}

function listOfInts(list: List): Tensor64 {
  if (!list.items.every((item) => typeof item === "bigint"))
    throw programFails("a list used as an index must hold ints");
  return new Tensor64(Float64Array.from(list.items, Number), [list.items.length], "int64");
}

/** Start and length of a Python slice of `size` elements. */
export function sliceBounds(slice: SliceValue, size: number): { start: number; length: number; step: number } {
  const step = Number(slice.step ?? 1n);
  if (step <= 0) throw programFails("step must be greater than zero");
  const clamp = (value: bigint | null, whenAbsent: number) => {
    if (value === null) return whenAbsent;
    const position = Number(value);
    return Math.min(Math.max(position < 0 ? position + size : position, 0), size);
  };
  const start = clamp(slice.start, 0);
  return { start, length: Math.max(0, Math.ceil((clamp(slice.stop, size) - start) / step)), step };
}

function sliced(tensor: Tensor64, axis: number, slice: SliceValue): Tensor64 {
  const { start, length, step } = sliceBounds(slice, tensor.shape[axis]!);
  return narrow(tensor, axis, start, length, step);
}

/** Replaces one axis by the axes of `positions`. */
function lookup(tensor: Tensor64, axis: number, positions: Tensor64): Tensor64 {
  if (positions.dtype !== "int64")
    throw programNotUnderstood(`an index tensor of dtype ${positions.dtype} is not known to the checker`);
  const size = tensor.shape[axis]!;
  const picked = gatherAlong(
    tensor,
    axis,
    rows(positions).map((position) => inside(position, size, axis)),
  );
  return reshape(picked, [...tensor.shape.slice(0, axis), ...positions.shape, ...tensor.shape.slice(axis + 1)]);
}

function inside(position: number, size: number, axis: number): number {
  if (position < -size || position >= size)
    throw programFails(`index ${position} is out of bounds for dimension ${axis} with size ${size}`);
  return position < 0 ? position + size : position;
}

/** Negative positions are refused here, as torch.gather and embedding refuse them. */
function requireNatural(positions: Tensor64, size: number, name: string): void {
  if (positions.dtype !== "int64")
    throw programFails(`${name}(): expected indices of dtype int64, got ${positions.dtype}`);
  const wrong = rows(positions).find((position) => position < 0 || position >= size);
  if (wrong !== undefined) throw programFails(`${name}(): index ${wrong} is out of bounds for size ${size}`);
}

const embedding: Run = (a) => {
  a.only("max_norm", null);
  const [input, weight] = [a.tensor("input"), a.tensor("weight")];
  if (weight.rank !== 2) throw programShapesDiffer(`embedding(): 'weight' must be 2-D, got ${showShape(weight.shape)}`);
  requireNatural(input, weight.shape[0]!, "embedding");
  const part = weight.parts?.();
  if (!part) return lookup(weight, 0, input);
  const width = weight.shape[1]!;
  const out = allocate([...input.shape, width]);
  for (const [at, row] of rows(input).entries())
    lendMemory(() => out.set(part(row * width, (row + 1) * width), at * width));
  return new Tensor64(out, [...input.shape, width]);
};

const indexSelect: Run = (a) => {
  const [input, positions] = [a.tensor("input"), a.tensor("index")];
  const axis = resolveAxis(a.int("dim"), input.rank);
  requireNatural(positions, input.shape[axis]!, "index_select");
  if (positions.rank > 1) throw programShapesDiffer("index_select(): Index is supposed to be a vector");
  return lookup(input, axis, reshape(positions, [-1]));
};

/** out[..., i, ...] = input[..., positions[..., i, ...], ...], the other coordinates being equal. */
function gather(input: Tensor64, axis: number, positions: Tensor64): Tensor64 {
  requireNatural(positions, input.shape[axis]!, "gather");
  const fits =
    positions.rank === input.rank && positions.shape.every((size, i) => i === axis || size <= input.shape[i]!);
  if (!fits)
    throw programShapesDiffer(
      `gather(): index ${showShape(positions.shape)} doesn't fit into input ${showShape(input.shape)} apart from dimension ${axis}`,
    );
  const out = allocate(positions.shape);
  const chosen = rows(positions);
  const coordinates = new Array<number>(input.rank).fill(0);
  for (let i = 0; i < out.length; i++) {
    let from = input.offset;
    for (let k = 0; k < input.rank; k++) from += input.strides[k]! * (k === axis ? chosen[i]! : coordinates[k]!);
    out[i] = input.data[from]!;
    for (let k = input.rank - 1; k >= 0 && ++coordinates[k]! === positions.shape[k]; k--) coordinates[k] = 0;
  }
  return new Tensor64(out, positions.shape, input.dtype);
}

const takeAlongDim: Run = (a) => {
  const flat = a.isNone("dim");
  const input = flat ? reshape(a.tensor("input"), [-1]) : a.tensor("input");
  const positions = flat ? reshape(a.tensor("indices"), [-1]) : a.tensor("indices");
  const axis = flat ? 0 : resolveAxis(a.int("dim"), input.rank);
  const others = (tensor: Tensor64) => tensor.shape.map((size, i) => (i === axis ? 1 : size));
  const shape = broadcastShapes(others(input), others(positions));
  const at = (size: number) => shape.map((other, i) => (i === axis ? size : other));
  return gather(expandTo(input, at(input.shape[axis]!)), axis, expandTo(positions, at(positions.shape[axis]!)));
};

const oneHot: Run = (a) => {
  const input = a.tensor("tensor");
  const largest = reduce(input, null, false, (data, start, length) =>
    data.subarray(start, start + length).reduce((x, y) => Math.max(x, y), -1),
  ).data[0]!;
  const classes = a.int("num_classes") === -1 ? largest + 1 : a.int("num_classes");
  requireNatural(input, classes, "one_hot");
  const out = allocate([...input.shape, classes]);
  for (const [i, position] of rows(input).entries()) out[i * classes + position] = 1;
  return new Tensor64(out, [...input.shape, classes], "int64");
};

const BOTH = "torch Tensor";

export const lookups: readonly FunctionRow[] = [
  [
    "F",
    "embedding",
    "input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False",
    embedding,
  ],
  ["F", "one_hot", "tensor, num_classes=-1", oneHot],
  [BOTH, "index_select", "input, dim, index", indexSelect],
  [
    BOTH,
    "gather",
    "input, dim, index",
    (a) => gather(a.tensor("input"), resolveAxis(a.int("dim"), a.tensor("input").rank), a.tensor("index")),
  ],
  [BOTH, "take_along_dim", "input, indices, dim=None", takeAlongDim],
  [
    BOTH,
    "select",
    "input, dim, index",
    (a) => selectAt(a.tensor("input"), resolveAxis(a.int("dim"), a.tensor("input").rank), a.int("index")),
  ],
  [
    BOTH,
    "narrow",
    "input, dim, start, length",
    (a) => {
      const [input, start, length] = [a.tensor("input"), a.int("start"), a.int("length")];
      const axis = resolveAxis(a.int("dim"), input.rank);
      const size = input.shape[axis]!;
      const first = start < 0 ? start + size : start;
      if (first < 0 || length < 0 || first + length > size) {
        throw programFails(`narrow(): start (${start}) + length (${length}) exceeds dimension size (${size})`);
      }
      return narrow(input, axis, first, length);
    },
  ],
];
