/**
 * reduce: many numbers to one along axes (sum, mean, maximum, variance, norm ...), and softmax.
 *
 * All work the same way: the reduced axes move last, so that every group is one contiguous run of a row-major copy.
 *
 * Source  PyTorch docs: torch, Reduction Ops; torch.softmax.
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import { allocate, count, type DType, resolveAxis, rows, Tensor64 } from "./array.ts";
import { castTo, map, map2, permuteAxes } from "./elementwise.ts";
import type { Bound, FunctionRow, Run } from "./signature.ts";
import { Tuple, type Value } from "./values.ts";

/** One number out of `data[start ... start + length)`. */
type Group = (data: Float64Array, start: number, length: number) => number;

/** `axes` null or empty means all. */
export function reduce(
  tensor: Tensor64,
  axes: readonly number[] | null,
  keep: boolean,
  f: Group,
  dtype: DType = "float64",
): Tensor64 {
  const all = tensor.shape.map((_, axis) => axis);
  const reduced =
    axes === null || axes.length === 0
      ? all
      : axes.map((axis) => resolveAxis(axis, tensor.rank)).filter((axis) => axis < tensor.rank);
  if (new Set(reduced).size !== reduced.length) throw programFails("a dim appears more than once in the list of dims");
  const kept = all.filter((axis) => !reduced.includes(axis));
  const data = rows(permuteAxes(tensor, [...kept, ...all.filter((axis) => reduced.includes(axis))]));
  const outer = kept.map((axis) => tensor.shape[axis]!);
  const out = allocate(outer);
  const length = count(reduced.map((axis) => tensor.shape[axis]!));
  for (let i = 0; i < out.length; i++) out[i] = f(data, i * length, length);
  return new Tensor64(out, keep ? tensor.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size)) : outer, dtype);
}

/** Rewrites every run along `axis`: `f` reads `data[start ... start + length)` and fills the same range of `out`. */
export function alongAxis(
  tensor: Tensor64,
  axis: number,
  f: (data: Float64Array, start: number, length: number, out: Float64Array) => void,
  dtype: DType = tensor.dtype,
): Tensor64 {
  if (tensor.rank === 0) return alongAxis(new Tensor64(rows(tensor), [1], tensor.dtype), 0, f, dtype);
  const order = tensor.shape.map((_, i) => i).filter((i) => i !== axis);
  order.push(axis);
  const moved = permuteAxes(tensor, order);
  const data = rows(moved);
  const out = new Float64Array(data.length);
  const length = tensor.shape[axis]!;
  for (let start = 0; start < data.length; start += length) f(data, start, length, out);
  const back = order.map((_, i) => order.indexOf(i));
  const result = permuteAxes(new Tensor64(out, moved.shape, dtype), back);
  return new Tensor64(rows(result), result.shape, dtype);
}

const fold =
  (initial: number, f: (sum: number, x: number) => number): Group =>
  (data, start, length) => {
    let value = initial;
    for (let i = start; i < start + length; i++) value = f(value, data[i]!);
    return value;
  };

export const sum = fold(0, (total, x) => total + x);
export const mean: Group = (data, start, length) => sum(data, start, length) / length;
const product = fold(1, (total, x) => total * x);
const greatest = fold(-Infinity, Math.max);
const least = fold(Infinity, Math.min);
const any = fold(0, (found, x) => (found || x !== 0 ? 1 : 0));
const all = fold(1, (found, x) => (found && x !== 0 ? 1 : 0));

/** Sum of squares about the mean over `length - correction`. */
export const variance =
  (correction: number): Group =>
  (data, start, length) => {
    const center = mean(data, start, length);
    let total = 0;
    for (let i = start; i < start + length; i++) total += (data[i]! - center) ** 2;
    return total / Math.max(0, length - correction);
  };

const logSumExp: Group = (data, start, length) => {
  const top = greatest(data, start, length);
  if (!Number.isFinite(top)) return top;
  let total = 0;
  for (let i = start; i < start + length; i++) total += Math.exp(data[i]! - top);
  return top + Math.log(total);
};

export function vectorNorm(p: number): Group {
  if (p === Infinity) return fold(0, (top, x) => Math.max(top, Math.abs(x)));
  if (p === -Infinity) return fold(Infinity, (low, x) => Math.min(low, Math.abs(x)));
  if (p === 0) return fold(0, (total, x) => total + (x !== 0 ? 1 : 0));
  const total = p === 2 ? fold(0, (t, x) => t + x * x) : fold(0, (t, x) => t + Math.abs(x) ** p);
  return (data, start, length) => total(data, start, length) ** (1 / p);
}

/** Index of the first greatest element; a NaN is greatest. */
const indexOfBest =
  (better: (x: number, best: number) => boolean): Group =>
  (data, start, length) => {
    let best = start;
    for (let i = start; i < start + length && !Number.isNaN(data[best]!); i++) {
      if (better(data[i]!, data[best]!) || Number.isNaN(data[i]!)) best = i;
    }
    return best - start;
  };
const indexOfGreatest = indexOfBest((x, best) => x > best);
const indexOfLeast = indexOfBest((x, best) => x < best);

export function softmax(tensor: Tensor64, axis: number): Tensor64 {
  return alongAxis(tensor, axis, (data, start, length, out) => {
    const top = greatest(data, start, length);
    let total = 0;
    for (let i = start; i < start + length; i++) total += out[i] = Math.exp(data[i]! - top);
    for (let i = start; i < start + length; i++) out[i]! /= total;
  });
}

export function logSoftmax(tensor: Tensor64, axis: number): Tensor64 {
  return alongAxis(tensor, axis, (data, start, length, out) => {
    const total = logSumExp(data, start, length);
    for (let i = start; i < start + length; i++) out[i] = data[i]! - total;
  });
}

type Result = "float" | "sum" | "same" | "bool";

/**
 * A reduction with `dim` and `keepdim`. "float" refuses integers as PyTorch does, "sum" turns bools to integers, "same" keeps
 * the dtype.
 */
function reduction(groupOf: (a: Bound) => Group, result: Result): Run {
  return (a) => {
    const input = a.tensor("input");
    const chosen = a.values.has("dtype") ? a.dtype() : null;
    const source = chosen === null ? input : castTo(input, chosen);
    if (result === "float" && source.dtype !== "float64") {
      throw programFails(`${a.functionName}(): the input dtype must be floating point, got ${source.dtype}`);
    }
    const dtype = result === "bool" ? "bool" : result === "sum" && source.dtype === "bool" ? "int64" : source.dtype;
    return reduce(source, a.optionalInts("dim"), a.bool("keepdim"), groupOf(a), dtype);
  };
}

/** The same for a reduction that has no value for no elements. */
function ofSome(group: Group): Run {
  const run = reduction(() => group, "same");
  return (a) => {
    refuseEmpty(a.tensor("input"), a.optionalInts("dim"), a.functionName);
    return run(a);
  };
}

function refuseEmpty(input: Tensor64, axes: readonly number[] | null, name: string): void {
  const sizes = axes?.length ? axes.map((axis) => input.shape[resolveAxis(axis, input.rank)] ?? 1) : input.shape;
  if (sizes.includes(0)) throw programFails(`${name}(): can't reduce an empty dimension`);
}

/** torch.max and torch.min: of all elements, along one dim (values and indices), or of two tensors. */
function extreme(f: Group, index: Group, elementwise: (x: number, y: number) => number): Run {
  return (a) => {
    const input = a.tensor("input");
    const dim: Value = a.isNone("other") ? a.value("dim") : a.value("other");
    if (dim instanceof Tensor64) return map2(input, dim, elementwise, input.dtype);
    refuseEmpty(input, dim === null ? null : [a.int("dim")], a.functionName);
    if (dim === null) return reduce(input, null, false, f, input.dtype);
    const along = [a.int("dim")];
    const values = reduce(input, along, a.bool("keepdim"), f, input.dtype);
    return new Tuple([values, reduce(input, along, a.bool("keepdim"), index, "int64")], ["values", "indices"]);
  };
}

const arg =
  (index: Group): Run =>
  (a) => {
    refuseEmpty(a.tensor("input"), a.optionalInts("dim"), a.functionName);
    return reduce(a.tensor("input"), a.isNone("dim") ? null : [a.int("dim")], a.bool("keepdim"), index, "int64");
  };

/** `correction` replaced `unbiased`, which is still taken by name. */
const correctionOf = (a: Bound) => (a.isNone("unbiased") ? a.number("correction") : Number(a.bool("unbiased")));
const spread = (finish: (x: number) => number): Run =>
  reduction((a) => {
    const group = variance(correctionOf(a));
    return (data, start, length) => finish(group(data, start, length));
  }, "float");

const norm: Run = (a) => {
  if (typeof a.value("p") === "string") a.only("p", "fro");
  const p = a.value("p") === "fro" ? 2 : a.number("p");
  return reduce(a.tensor("input"), a.optionalInts("dim"), a.bool("keepdim"), vectorNorm(p));
};

const BOTH = "torch Tensor";
const DIMS = "input, dim=None, keepdim=False";

export const reductions: readonly FunctionRow[] = [
  [BOTH, "sum", `${DIMS}, *, dtype=None`, reduction(() => sum, "sum")],
  [BOTH, "mean", `${DIMS}, *, dtype=None`, reduction(() => mean, "float")],
  [BOTH, "prod", `${DIMS}, *, dtype=None`, reduction(() => product, "sum")],
  [BOTH, "amax", DIMS, ofSome(greatest)],
  [BOTH, "amin", DIMS, ofSome(least)],
  [BOTH, "any", DIMS, reduction(() => any, "bool")],
  [BOTH, "all", DIMS, reduction(() => all, "bool")],
  [BOTH, "max", `${DIMS}, *, other=None`, extreme(greatest, indexOfGreatest, Math.max)],
  [BOTH, "min", `${DIMS}, *, other=None`, extreme(least, indexOfLeast, Math.min)],
  [BOTH, "argmax", DIMS, arg(indexOfGreatest)],
  [BOTH, "argmin", DIMS, arg(indexOfLeast)],
  [`${BOTH} special`, "logsumexp", "input, dim, keepdim=False", reduction(() => logSumExp, "float")],
  [BOTH, "var", "input, dim=None, *, correction=1, unbiased=None, keepdim=False", spread((x) => x)],
  [BOTH, "std", "input, dim=None, *, correction=1, unbiased=None, keepdim=False", spread(Math.sqrt)],
  [BOTH, "norm", "input, p='fro', dim=None, keepdim=False, dtype=None", norm],
  [
    "linalg",
    "vector_norm",
    "x, ord=2, dim=None, keepdim=False, *, dtype=None",
    (a) => reduce(a.tensor("x"), a.optionalInts("dim"), a.bool("keepdim"), vectorNorm(a.number("ord"))),
  ],
  [
    "linalg",
    "norm",
    "A, ord=None, dim=None, keepdim=False, *, dtype=None",
    (a) => {
      if (!a.isNone("ord") && (a.optionalInts("dim")?.length ?? a.tensor("A").rank) !== 1)
        throw programNotUnderstood("a matrix norm is not known to the checker");
      return reduce(a.tensor("A"), a.optionalInts("dim"), a.bool("keepdim"), vectorNorm(a.optionalNumber("ord") ?? 2));
    },
  ],
  [
    "F",
    "normalize",
    "input, p=2.0, dim=1, eps=1e-12, out=None",
    (a) => {
      a.only("out", null);
      const input = a.tensor("input");
      const eps = a.number("eps");
      const size = reduce(input, a.ints("dim"), true, vectorNorm(a.number("p")));
      return map2(
        input,
        map(size, (x) => Math.max(x, eps)),
        (x, y) => x / y,
      );
    },
  ],
];
