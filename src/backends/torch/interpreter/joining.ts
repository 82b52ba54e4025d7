/**
 * joining: tensors put together (cat, stack, pad) and taken apart (split, chunk, unbind), and elements moved along an axis.
 *
 * Source  PyTorch docs: torch, Indexing, Slicing, Joining, Mutating Ops; torch.nn.functional.pad.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";
import { allocate, forEachRow, resolveAxis, rowMajor, rows, showShape, Tensor64 } from "./array.ts";
import { promote } from "./elementwise.ts";
import { insertAxis, narrow, reshape, selectAt } from "./shaping.ts";
import type { FunctionRow, Run } from "./signature.ts";
import { Tuple, type Value } from "./values.ts";

/** Copies `source` into `target`, a view of the same shape. */
function copyInto(target: Tensor64, source: Tensor64): void {
  forEachRow(source.shape, [target, source], (_, length, starts, steps) => {
    for (let i = 0; i < length; i++) target.data[starts[0]! + i * steps[0]!] = source.data[starts[1]! + i * steps[1]!]!;
  });
}

export function concatenate(tensors: readonly Tensor64[], dim: number): Tensor64 {
  const first = tensors[0];
  if (!first) throw programFails("cat(): expected a non-empty list of Tensors");
  if (first.rank === 0) throw programFails("zero-dimensional tensor (at position 0) cannot be concatenated");
  const axis = resolveAxis(dim, first.rank);
  for (const [i, tensor] of tensors.entries()) {
    const fits = tensor.rank === first.rank && tensor.shape.every((size, k) => k === axis || size === first.shape[k]);
    if (!fits) {
      throw programShapesDiffer(
        `sizes of tensors must match except in dimension ${axis}: expected ${showShape(first.shape)} but got ${showShape(tensor.shape)} for tensor number ${i} in the list`,
      );
    }
  }
  const total = tensors.reduce((sum, tensor) => sum + tensor.shape[axis]!, 0);
  const shape = first.shape.map((size, k) => (k === axis ? total : size));
  const out = new Tensor64(allocate(shape), shape, promote(...tensors));
  let start = 0;
  for (const tensor of tensors) {
    copyInto(narrow(out, axis, start, tensor.shape[axis]!), tensor);
    start += tensor.shape[axis]!;
  }
  return out;
}

const stack: Run = (a) => {
  const tensors = a.tensors("tensors");
  const shape = tensors[0]?.shape ?? [];
  if (!tensors.every((tensor) => showShape(tensor.shape) === showShape(shape))) {
    throw programShapesDiffer(
      `stack expects each tensor to be equal size, but got ${tensors.map((t) => showShape(t.shape)).join(" and ")}`,
    );
  }
  const axis = resolveAxis(a.int("dim"), shape.length + 1);
  return concatenate(
    tensors.map((tensor) => insertAxis(tensor, axis)),
    axis,
  );
};

/** Views of consecutive pieces; a single size repeats, with a shorter last piece. */
function pieces(tensor: Tensor64, axis: number, sizes: readonly number[]): Tuple {
  let start = 0;
  return new Tuple(sizes.map((size) => narrow(tensor, axis, (start += size) - size, size)));
}

function equalPieces(total: number, size: number): number[] {
  if (total === 0) return [0];
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size));
}

/** torch.split and Tensor.split name their parameters differently. */
const split =
  (inputName: string, sizesName: string): Run =>
  (a) => {
    const input = a.tensor(inputName);
    const axis = resolveAxis(a.int("dim"), input.rank);
    const total = input.shape[axis] ?? 1;
    const wanted = a.value(sizesName);
    if (typeof wanted === "bigint") {
      if (wanted <= 0n) throw programFails("split expects split_size be positive");
      return pieces(input, axis, equalPieces(total, Number(wanted)));
    }
    const sizes = a.ints(sizesName);
    if (sizes.some((size) => size < 0) || sizes.reduce((sum, size) => sum + size, 0) !== total) {
      throw programShapesDiffer(
        `split_with_sizes expects split_sizes to sum exactly to ${total} (input tensor's size at dimension ${axis}), but got split_sizes=${showShape(sizes)}`,
      );
    }
    return pieces(input, axis, sizes);
  };

const chunk: Run = (a) => {
  const input = a.tensor("input");
  const axis = resolveAxis(a.int("dim"), input.rank);
  const [total, chunks] = [input.shape[axis] ?? 1, a.int("chunks")];
  if (chunks < 1) throw programFails("chunk expects `chunks` to be greater than 0");
  return pieces(input, axis, equalPieces(total, Math.ceil(total / chunks)));
};

const unbind: Run = (a) => {
  const input = a.tensor("input");
  const axis = resolveAxis(a.int("dim"), input.rank);
  return new Tuple(Array.from({ length: input.shape[axis] ?? 0 }, (_, i) => selectAt(input, axis, i)));
};

/** `amounts` run from the last axis to the first, (left, right) for each; negative amounts crop. */
export function padConstant(tensor: Tensor64, amounts: readonly number[], value: number): Tensor64 {
  if (amounts.length % 2 !== 0) throw programFails(`padding length must be divisible by 2, but got ${amounts.length}`);
  if (amounts.length > 2 * tensor.rank)
    throw programShapesDiffer(`padding length too large: ${amounts.length} values for a ${tensor.rank}-D tensor`);
  const around = (axis: number): [number, number] => {
    const from = 2 * (tensor.rank - 1 - axis);
    return [amounts[from] ?? 0, amounts[from + 1] ?? 0];
  };
  const shape = tensor.shape.map((size, axis) => size + around(axis)[0] + around(axis)[1]);
  if (shape.some((size) => size < 0)) {
    throw programShapesDiffer(
      `the input size ${showShape(tensor.shape)}, plus padding (${amounts.join(", ")}), resulted in a negative output size`,
    );
  }
  const out = new Tensor64(allocate(shape).fill(value), shape, tensor.dtype);
  let [target, source] = [out, tensor];
  for (const [axis, size] of tensor.shape.entries()) {
    const [left, right] = around(axis);
    const kept = size + Math.min(0, left) + Math.min(0, right);
    if (kept <= 0) return out;
    target = narrow(target, axis, Math.max(0, left), kept);
    source = narrow(source, axis, Math.max(0, -left), kept);
  }
  copyInto(target, source);
  return out;
}

const MIRRORS: Readonly<Record<string, (at: number, size: number) => number>> = {
  reflect: (at, size) => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at),
  replicate: (at, size) => Math.min(Math.max(at, 0), size - 1),
  circular: (at, size) => (at + size) % size,
};

/** The other modes of F.pad, along the last axis only. */
function padMirrored(tensor: Tensor64, amounts: readonly number[], mode: string): Tensor64 {
  const mirror = MIRRORS[mode];
  if (!mirror || amounts.length !== 2 || tensor.rank < 2 || tensor.rank > 3) {
    throw programNotUnderstood(
      `pad() with mode=${mode} and ${amounts.length} amounts on a ${tensor.rank}-D tensor is not known to the checker`,
    );
  }
  const [left, right] = amounts as [number, number];
  const size = tensor.shape.at(-1)!;
  const limit = mode === "reflect" ? size - 1 : mode === "circular" ? size : Infinity;
  if (left > limit || right > limit || left < 0 || right < 0) {
    throw programShapesDiffer(
      `padding size should be at most ${limit} for ${mode} padding of a dimension of size ${size}, got (${left}, ${right})`,
    );
  }
  return gatherAlong(
    tensor,
    tensor.rank - 1,
    Array.from({ length: left + size + right }, (_, i) => mirror(i - left, size)),
  );
}

/** The elements at `positions` along one axis. */
export function gatherAlong(tensor: Tensor64, axis: number, positions: ArrayLike<number>): Tensor64 {
  const shape = tensor.shape.map((size, k) => (k === axis ? positions.length : size));
  const out = allocate(shape);
  const data = rows(tensor);
  const inner = rowMajor(tensor.shape)[axis]!;
  const size = tensor.shape[axis]!;
  for (let block = 0, to = 0; to < out.length; block += size * inner) {
    for (let i = 0; i < positions.length; i++, to += inner) {
      const from = block + positions[i]! * inner;
      for (let k = 0; k < inner; k++) out[to + k] = data[from + k]!;
    }
  }
  return new Tensor64(out, shape, tensor.dtype);
}

const flip = (input: Tensor64, dims: readonly number[]): Tensor64 => {
  let result = input;
  for (const dim of dims) {
    const axis = resolveAxis(dim, input.rank);
    const size = input.shape[axis]!;
    result = gatherAlong(
      result,
      axis,
      Array.from({ length: size }, (_, i) => size - 1 - i),
    );
  }
  return result;
};

const roll: Run = (a) => {
  const input = a.tensor("input");
  const shifts = a.ints("shifts");
  if (a.isNone("dims")) return reshape(rollOnce(reshape(input, [-1]), shifts[0]!, 0), input.shape);
  const dims = a.ints("dims");
  if (dims.length !== shifts.length)
    throw programFails(`shifts and dimensions must align: ${shifts.length} and ${dims.length}`);
  return dims.reduce((result, dim, i) => rollOnce(result, shifts[i]!, resolveAxis(dim, input.rank)), input);
};

function rollOnce(tensor: Tensor64, shift: number, axis: number): Tensor64 {
  const size = tensor.shape[axis]!;
  return gatherAlong(
    tensor,
    axis,
    Array.from({ length: size }, (_, i) => (((i - shift) % size) + size) % size),
  );
}

/** Zeros everything on one side of the diagonal of the last two axes. */
const triangle =
  (keep: (row: number, column: number, diagonal: number) => boolean): Run =>
  (a) => {
    const input = a.tensor("input");
    if (input.rank < 2) throw programFails(`${a.functionName}: input tensor must have at least 2 dimensions`);
    const [height, width] = input.shape.slice(-2) as [number, number];
    const diagonal = a.int("diagonal");
    const out = rows(input).map((x, i) => (keep(Math.floor(i / width) % height, i % width, diagonal) ? x : 0));
    return new Tensor64(out, input.shape, input.dtype);
  };

const pad: Run = (a): Value => {
  const [input, mode] = [a.tensor("input"), a.text("mode")];
  if (mode === "constant") return padConstant(input, a.ints("pad"), a.optionalNumber("value") ?? 0);
  return padMirrored(input, a.ints("pad"), mode);
};

const BOTH = "torch Tensor";

export const joins: readonly FunctionRow[] = [
  ["torch", "cat concat concatenate", "tensors, dim=0", (a) => concatenate(a.tensors("tensors"), a.int("dim"))],
  ["torch", "stack", "tensors, dim=0", stack],
  ["torch", "split", "tensor, split_size_or_sections, dim=0", split("tensor", "split_size_or_sections")],
  ["Tensor", "split", "input, split_size, dim=0", split("input", "split_size")],
  [BOTH, "chunk", "input, chunks, dim=0", chunk],
  [BOTH, "unbind", "input, dim=0", unbind],
  ["torch", "flip", "input, dims", (a) => flip(a.tensor("input"), a.ints("dims"))],
  ["Tensor", "flip", "input, *dims", (a) => flip(a.tensor("input"), a.variadicInts("dims"))],
  [BOTH, "roll", "input, shifts, dims=None", roll],
  [BOTH, "tril", "input, diagonal=0", triangle((row, column, diagonal) => column - row <= diagonal)],
  [BOTH, "triu", "input, diagonal=0", triangle((row, column, diagonal) => column - row >= diagonal)],
  ["F", "pad", "input, pad, mode='constant', value=None", pad],
];
