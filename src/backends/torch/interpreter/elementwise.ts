/**
 * elementwise: one number out of one, two or three, for every element, with broadcasting and type promotion.
 *
 * The result keeps the order of axes in memory of its first operand of full shape, as PyTorch's TensorIterator does; later
 * `view` calls depend on it.
 *
 * Source  PyTorch docs: Broadcasting semantics; Tensor Attributes (torch.dtype, type promotion).
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import {
  allocate,
  broadcastShapes,
  type DType,
  expandTo,
  forEachRow,
  isDense,
  locked,
  scalar,
  Tensor64,
} from "./array.ts";
import { typeName, type Value } from "./values.ts";

const CATEGORY: Readonly<Record<DType, number>> = { bool: 0, int64: 1, float64: 2 };

/** The dtype of an arithmetic result: the highest of bool, int, float among the operands. */
export function promote(...tensors: readonly Tensor64[]): DType {
  return tensors.map(({ dtype }) => dtype).reduce((a, b) => (CATEGORY[a] >= CATEGORY[b] ? a : b));
}

/** The same for functions whose result is never an integer. */
export function promoteFloat(): DType {
  return "float64";
}

export function alwaysBool(): DType {
  return "bool";
}

/** A tensor as it is; a Python number as a tensor without axes. */
export function operand(value: Value, functionName: string): Tensor64 {
  if (value instanceof Tensor64) return value;
  if (typeof value === "number") return scalar(value);
  if (typeof value === "bigint") return scalar(Number(value), "int64");
  if (typeof value === "boolean") return scalar(Number(value), "bool");
  throw programFails(`${functionName}(): expected a Tensor or a number, got ${typeName(value)}`);
}

export function map(tensor: Tensor64, f: (x: number) => number, dtype: DType = "float64"): Tensor64 {
  const out = allocate(tensor.shape);
  const { data, offset } = tensor;
  if (isDense(tensor)) {
    for (let i = 0; i < out.length; i++) out[i] = f(data[offset + i]!);
    return new Tensor64(out, tensor.shape, dtype, tensor.strides);
  }
  forEachRow(tensor.shape, [tensor], (at, length, [start], [step]) => {
    for (let i = 0, from = start!; i < length; i++, from += step!) out[at + i] = f(data[from]!);
  });
  return new Tensor64(out, tensor.shape, dtype);
}

export function map2(
  a: Tensor64,
  b: Tensor64,
  f: (x: number, y: number) => number,
  dtype: DType = "float64",
): Tensor64 {
  if (b.rank === 0) {
    const y = b.data[b.offset]!;
    return map(a, (x) => f(x, y), dtype);
  }
  if (a.rank === 0) {
    const x = a.data[a.offset]!;
    return map(b, (y) => f(x, y), dtype);
  }
  const shape = broadcastShapes(a.shape, b.shape);
  return inMemoryOrder([expandTo(a, shape), expandTo(b, shape)], dtype, (views, out) => {
    const [p, q] = views as [Tensor64, Tensor64];
    forEachRow(p.shape, views, (at, length, starts, steps) => {
      let [i, j] = starts as [number, number];
      const [stepI, stepJ] = steps as [number, number];
      for (let k = at; k < at + length; k++, i += stepI, j += stepJ) out[k] = f(p.data[i]!, q.data[j]!);
    });
  });
}

/** torch.where: `yes` where the condition is not 0, else `no`. */
export function select(condition: Tensor64, yes: Tensor64, no: Tensor64): Tensor64 {
  if (condition.dtype !== "bool")
    throw programFails(`expected condition to be a boolean tensor, but got a tensor with dtype ${condition.dtype}`);
  const shape = broadcastShapes(condition.shape, broadcastShapes(yes.shape, no.shape));
  const views = [condition, yes, no].map((tensor) => expandTo(tensor, shape));
  return inMemoryOrder(views, promote(yes, no), (permuted, out) => {
    const [c, y, n] = permuted as [Tensor64, Tensor64, Tensor64];
    forEachRow(c.shape, permuted, (at, length, starts, steps) => {
      for (let i = 0; i < length; i++) {
        const chosen = c.data[starts[0]! + i * steps[0]!] !== 0;
        out[at + i] = chosen ? y.data[starts[1]! + i * steps[1]!]! : n.data[starts[2]! + i * steps[2]!]!;
      }
    });
  });
}

/** Calls `fill` with views whose axes descend as the first full operand's strides do, and undoes that on the result. */
function inMemoryOrder(
  views: readonly Tensor64[],
  dtype: DType,
  fill: (views: readonly Tensor64[], out: Float64Array) => void,
): Tensor64 {
  const model = views.find(isDense);
  const order = views[0]!.shape.map((_, axis) => axis);
  if (model) order.sort((a, b) => model.strides[b]! - model.strides[a]!);
  const permuted = views.map((view) => permuteAxes(view, order));
  const out = allocate(permuted[0]!.shape);
  fill(permuted, out);
  const back = order.map((_, axis) => order.indexOf(axis));
  return permuteAxes(new Tensor64(out, permuted[0]!.shape, dtype), back);
}

/** The view whose axis i is `tensor`'s axis `order[i]`. */
export function permuteAxes(tensor: Tensor64, order: readonly number[]): Tensor64 {
  const pick = (from: readonly number[]) => order.map((axis) => from[axis]!);
  return new Tensor64(tensor.data, pick(tensor.shape), tensor.dtype, pick(tensor.strides), tensor.offset);
}

export function castTo(tensor: Tensor64, dtype: DType): Tensor64 {
  if (tensor.dtype === dtype) return tensor;
  if (dtype === "bool") return map(tensor, (x) => (x !== 0 ? 1 : 0), dtype);
  return map(tensor, dtype === "int64" && tensor.dtype === "float64" ? Math.trunc : (x) => x, dtype);
}

/** Writes `value` into `target`'s own storage, for `target += ...` and `inplace=True`. */
export function assignInPlace(target: Tensor64, value: Tensor64): void {
  if (locked.has(target.data))
    throw programNotUnderstood("changing a parameter or buffer in place is not known to the checker");
  if (target.strides.some((stride, axis) => stride === 0 && target.shape[axis]! > 1)) {
    throw programFails("in-place change of an expanded tensor: several elements share one memory location");
  }
  if (CATEGORY[value.dtype] > CATEGORY[target.dtype]) {
    throw programFails(`result type ${value.dtype} can't be cast to the desired output type ${target.dtype}`);
  }
  const source = expandTo(value, target.shape);
  forEachRow(target.shape, [target, source], (_, length, starts, steps) => {
    for (let i = 0; i < length; i++) target.data[starts[0]! + i * steps[0]!] = source.data[starts[1]! + i * steps[1]!]!;
  });
}
