/**
 * creation: new tensors: zeros, ones, full, arange, tensor and their relatives.
 *
 * `empty` is filled with NaN, so that an element that was never written shows. Random tensors are refused: a checked program
 * gives the same answer every time. Devices are read and dropped.
 *
 * Source  PyTorch docs: torch, Creation Ops.
 */
import { programFails, programShapesDiffer } from "../../../error.ts";
import { allocate, type DType, filled, Parameter64, scalar, showShape, Tensor64 } from "./array.ts";
import { castTo, operand, promote } from "./elementwise.ts";
import { concatenate } from "./joining.ts";
import { reshape } from "./shaping.ts";
import type { Bound, FunctionRow, Run } from "./signature.ts";
import { DTypeValue, iterate, numeric, type Tuple, typeName, type Value } from "./values.ts";

const OPTIONS = "dtype=None, device=None, requires_grad=False";

const constant =
  (value: number): Run =>
  (a) =>
    filled(a.variadicInts("size"), value, a.dtype() ?? "float64");

/** Dtype and shape are those of `input`, unless given. */
const like =
  (value: number | "fill_value"): Run =>
  (a) => {
    const input = a.tensor("input");
    return filled(input.shape, typeof value === "number" ? value : a.number(value), a.dtype() ?? input.dtype);
  };

const newLike =
  (value: number): Run =>
  (a) =>
    filled(a.variadicInts("size"), value, a.dtype() ?? a.tensor("input").dtype);

function dtypeOfNumber(value: Value): DType {
  return typeof value === "bigint" ? "int64" : typeof value === "boolean" ? "bool" : "float64";
}

const full: Run = (a) =>
  filled(a.ints("size"), a.number("fill_value"), a.dtype() ?? dtypeOfNumber(a.value("fill_value")));

/** torch.tensor: a number, or nested lists of numbers. */
function fromNested(value: Value): Tensor64 {
  if (value instanceof Tensor64) return value;
  const items = iterate(value);
  if (!items) {
    if (numeric(value) === null) throw programFails(`tensor(): can't convert ${typeName(value)} to a tensor`);
    return scalar(numeric(value)!, dtypeOfNumber(value));
  }
  if (items.length === 0) return new Tensor64(allocate([0]), [0]);
  const parts = items.map(fromNested);
  const { shape } = parts[0]!;
  if (!parts.every((part) => showShape(part.shape) === showShape(shape))) {
    throw programShapesDiffer("tensor(): expected sequences of equal length at every depth");
  }
  return reshape(
    concatenate(
      parts.map((part) => reshape(part, [-1])),
      0,
    ),
    [items.length, ...shape],
  );
}

const tensor: Run = (a) => {
  const made = fromNested(a.value("data"));
  return castTo(
    new Tensor64(made.data.slice(made.offset, made.offset + made.size), made.shape, made.dtype),
    a.dtype() ?? made.dtype,
  );
};

/** arange(end), arange(start, end), arange(start, end, step); integers stay integers. */
const arange: Run = (a) => {
  const given = (a.value("numbers") as Tuple).items;
  const named = ["start", "end", "step"].map((name) => a.value(name));
  const positions = given.length === 1 ? [null, given[0]!, null] : [0, 1, 2].map((i) => given[i] ?? null);
  const [start, end, step] = positions.map((value, i) =>
    operand(value ?? named[i] ?? (i === 0 ? 0n : i === 2 ? 1n : null), "arange"),
  ) as [Tensor64, Tensor64, Tensor64];
  const [from, to, by] = [start.data[0]!, end.data[0]!, step.data[0]!];
  if (given.length > 3 || by === 0 || (to - from) / by < 0)
    throw programFails("arange(): upper bound and lower bound inconsistent with step sign");
  const dtype = a.dtype() ?? promote(start, end, step);
  const out = allocate([Math.ceil((to - from) / by)]);
  for (let i = 0; i < out.length; i++) out[i] = from + i * by;
  return new Tensor64(out, [out.length], dtype);
};

const eye: Run = (a) => {
  const [height, width] = [a.int("n"), a.optionalInt("m") ?? a.int("n")];
  const out = allocate([height, width]);
  for (let i = 0; i < Math.min(height, width); i++) out[i * width + i] = 1;
  return new Tensor64(out, [height, width], a.dtype() ?? "float64");
};

/** `x.to(dtype)`, `x.to(other)`, `x.to(device)`. */
const to: Run = (a: Bound) => {
  const input = a.tensor("input");
  const targets = [...(a.value("targets") as Tuple).items, a.value("dtype")];
  for (const target of targets) {
    if (target instanceof DTypeValue) return castTo(input, target.dtype);
    if (target instanceof Tensor64) return castTo(input, target.dtype);
  }
  return input;
};

export function parameter(value: Value): Parameter64 {
  if (!(value instanceof Tensor64)) throw programFails(`Parameter(): expected a Tensor, got ${typeName(value)}`);
  return new Parameter64(value.data, value.shape, value.dtype, value.strides, value.offset);
}

export const creations: readonly FunctionRow[] = [
  ["torch", "zeros", `*size, ${OPTIONS}`, constant(0)],
  ["torch", "ones", `*size, ${OPTIONS}`, constant(1)],
  ["torch", "empty", `*size, ${OPTIONS}`, constant(Number.NaN)],
  ["torch", "full", `size, fill_value, *, ${OPTIONS}`, full],
  ["torch", "zeros_like", `input, *, ${OPTIONS}`, like(0)],
  ["torch", "ones_like", `input, *, ${OPTIONS}`, like(1)],
  ["torch", "empty_like", `input, *, ${OPTIONS}`, like(Number.NaN)],
  ["torch", "full_like", `input, fill_value, *, ${OPTIONS}`, like("fill_value")],
  ["torch", "tensor", `data, *, ${OPTIONS}`, tensor],
  ["torch", "arange", `*numbers, start=None, end=None, step=None, ${OPTIONS}`, arange],
  ["torch", "eye", `n, m=None, *, ${OPTIONS}`, eye],
  ["Tensor", "new_zeros", `input, *size, ${OPTIONS}`, newLike(0)],
  ["Tensor", "new_ones", `input, *size, ${OPTIONS}`, newLike(1)],
  ["Tensor", "new_empty", `input, *size, ${OPTIONS}`, newLike(Number.NaN)],
  [
    "Tensor",
    "new_full",
    `input, size, fill_value, *, ${OPTIONS}`,
    (a) => filled(a.ints("size"), a.number("fill_value"), a.dtype() ?? a.tensor("input").dtype),
  ],
  ["Tensor", "to", "input, *targets, dtype=None, device=None, non_blocking=False, copy=False", to],
  [
    "Tensor",
    "item",
    "input",
    (a) => {
      const input = a.tensor("input");
      if (input.size !== 1) throw programFails("a Tensor with more than one element cannot be converted to Scalar");
      const value = input.data[input.offset]!;
      return input.dtype === "float64" ? value : input.dtype === "bool" ? value !== 0 : BigInt(value);
    },
  ],
];
