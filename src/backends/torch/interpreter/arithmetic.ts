/**
 * arithmetic: the table of torch functions that work element by element: one operand, two operands, choices, casts.
 *
 * erf is the one function that JavaScript lacks: A&S 7.1.6 (a series of positive terms) below 3, the continued fraction
 * 7.1.14 above; both to 1e-15.
 *
 * Source  PyTorch docs: torch, Math operations (Pointwise Ops, Comparison Ops).
 *         Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 7.1.
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import type { DType, Tensor64 } from "./array.ts";
import { alwaysBool, castTo, map, map2, operand, promote, promoteFloat, select } from "./elementwise.ts";
import type { Bound, FunctionRow, Run } from "./signature.ts";
import type { Value } from "./values.ts";

const BOTH = "torch Tensor";

/** A function whose result is floating point, whatever goes in. */
function floating(f: (x: number) => number): Run {
  return (a) => map(a.tensor("input"), f, "float64");
}

/** A function whose result has its operand's dtype. */
function keeping(f: (x: number) => number): Run {
  return (a) => {
    const input = a.tensor("input");
    return map(input, f, input.dtype);
  };
}

function testing(f: (x: number) => boolean): Run {
  return (a) => map(a.tensor("input"), (x) => (f(x) ? 1 : 0), "bool");
}

type Combine = (x: number, y: number) => number;

function combine(
  left: Value,
  right: Value,
  f: Combine,
  result: (x: Tensor64, y: Tensor64) => DType,
  name: string,
): Tensor64 {
  const [x, y] = [operand(left, name), operand(right, name)];
  const combined = map2(x, y, f, result(x, y));
  if (combined.dtype === "int64" && !combined.data.every(Number.isFinite))
    throw programFails(`${name}(): integer division by zero`);
  return combined;
}

function pairwise(f: Combine, result: (x: Tensor64, y: Tensor64) => DType = promote): Run {
  return (a) => combine(a.value("input"), a.value("other"), f, result, a.functionName);
}

const compares = (f: (x: number, y: number) => boolean): Run => pairwise((x, y) => (f(x, y) ? 1 : 0), alwaysBool);

/** x + alpha * y; the sum of two bools is their "or". */
function addScaled(sign: number): Run {
  return (a) => {
    const [x, y] = [operand(a.value("input"), a.functionName), operand(a.value("other"), a.functionName)];
    const alpha = sign * a.number("alpha");
    const dtype = promote(x, y);
    if (dtype === "bool" && sign < 0) throw programFails("subtraction of two bool tensors is not supported");
    return map2(x, y, dtype === "bool" ? (p, q) => p || q : (p, q) => p + alpha * q, dtype);
  };
}

export const remainder: Combine = (x, y) => {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
};

const divide: Run = (a) => {
  const mode = a.value("rounding_mode");
  if (mode === null) return combine(a.value("input"), a.value("other"), (x, y) => x / y, promoteFloat, a.functionName);
  a.only("rounding_mode", "floor", "trunc");
  const round = mode === "floor" ? Math.floor : Math.trunc;
  return combine(a.value("input"), a.value("other"), (x, y) => round(x / y), promote, a.functionName);
};

const power: Run = (a) => {
  const [x, y] = [operand(a.value("input"), a.functionName), operand(a.value("exponent"), a.functionName)];
  const dtype = promote(x, y);
  if (dtype === "int64" && y.data.some((exponent) => exponent < 0)) {
    throw programFails("integers to negative integer powers are not allowed");
  }
  return map2(x, y, Math.pow, dtype);
};

/** NaN stays NaN; where the bounds cross, the upper one wins. */
const clamp: Run = (a) => {
  if (a.isNone("min") && a.isNone("max"))
    throw programFails("clamp(): at least one of 'min' or 'max' must not be None");
  let result = a.tensor("input");
  for (const [name, f] of [
    ["min", Math.max],
    ["max", Math.min],
  ] as const) {
    if (!a.isNone(name)) result = combine(result, a.value(name), f, promote, a.functionName);
  }
  return result;
};

const where: Run = (a) => {
  return select(
    a.tensor("condition"),
    operand(a.value("input"), a.functionName),
    operand(a.value("other"), a.functionName),
  );
};

const maskedFill: Run = (a) => {
  const input = a.tensor("input");
  const filled = select(a.tensor("mask"), castTo(operand(a.value("value"), a.functionName), input.dtype), input);
  return castTo(filled, input.dtype);
};

/** input + value * tensor1 * tensor2, or / tensor2. */
function addProduct(f: Combine): Run {
  return (a) => {
    const value = a.number("value");
    const product = map2(a.tensor("tensor1"), a.tensor("tensor2"), f);
    return map2(a.tensor("input"), product, (x, y) => x + value * y);
  };
}

export function roundHalfToEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

export function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x) || size > 6) return Number.isNaN(x) ? x : Math.sign(x);
  const scale = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
  if (size < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return scale * sum;
  }
  let fraction = size;
  for (let n = 60; n >= 1; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - scale / 2 / fraction);
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const relu = (x: number): number => Math.max(x, 0);

const max2: Combine = (x, y) => Math.max(x, y);
const min2: Combine = (x, y) => Math.min(x, y);
const truth = (f: (x: boolean, y: boolean) => boolean): Run => compares((x, y) => f(x !== 0, y !== 0));

/** `&`, `|` and `^` of bools; PyTorch's bitwise meaning on integers is not modelled. */
function bitwise(f: Combine): Run {
  return (a: Bound) => {
    const [x, y] = [operand(a.value("input"), a.functionName), operand(a.value("other"), a.functionName)];
    if (promote(x, y) !== "bool")
      throw programNotUnderstood(`${a.functionName}() of ${promote(x, y)} tensors is not known to the checker`);
    return map2(x, y, f, "bool");
  };
}

export const arithmetic: readonly FunctionRow[] = [
  [BOTH, "exp", "input", floating(Math.exp)],
  [BOTH, "expm1", "input", floating(Math.expm1)],
  [BOTH, "log", "input", floating(Math.log)],
  [BOTH, "log1p", "input", floating(Math.log1p)],
  [BOTH, "log2", "input", floating(Math.log2)],
  [BOTH, "log10", "input", floating(Math.log10)],
  [BOTH, "sqrt", "input", floating(Math.sqrt)],
  [BOTH, "rsqrt", "input", floating((x) => 1 / Math.sqrt(x))],
  [BOTH, "reciprocal", "input", floating((x) => 1 / x)],
  [BOTH, "sin", "input", floating(Math.sin)],
  [BOTH, "cos", "input", floating(Math.cos)],
  [BOTH, "tan", "input", floating(Math.tan)],
  [BOTH, "atan arctan", "input", floating(Math.atan)],
  [BOTH, "asin arcsin", "input", floating(Math.asin)],
  [BOTH, "acos arccos", "input", floating(Math.acos)],
  [BOTH, "sinh", "input", floating(Math.sinh)],
  [BOTH, "cosh", "input", floating(Math.cosh)],
  [`${BOTH} F`, "tanh", "input", floating(Math.tanh)],
  [`${BOTH} F`, "sigmoid", "input", floating(sigmoid)],
  ["special", "expit", "input", floating(sigmoid)],
  [`${BOTH} special`, "erf", "input", floating(erf)],
  [BOTH, "relu", "input", keeping(relu)],
  [BOTH, "abs absolute", "input", keeping(Math.abs)],
  [BOTH, "neg negative", "input", keeping((x) => -x)],
  [BOTH, "positive", "input", keeping((x) => x)],
  [BOTH, "square", "input", keeping((x) => x * x)],
  [BOTH, "sign sgn", "input", keeping((x) => (x > 0 ? 1 : x < 0 ? -1 : 0))],
  [BOTH, "floor", "input", keeping(Math.floor)],
  [BOTH, "ceil", "input", keeping(Math.ceil)],
  [BOTH, "trunc fix", "input", keeping(Math.trunc)],
  [BOTH, "frac", "input", keeping((x) => x - Math.trunc(x))],
  [BOTH, "round", "input", keeping(roundHalfToEven)],
  [BOTH, "isnan", "input", testing(Number.isNaN)],
  [BOTH, "isinf", "input", testing((x) => x === Infinity || x === -Infinity)],
  [BOTH, "isfinite", "input", testing(Number.isFinite)],
  [BOTH, "logical_not", "input", testing((x) => x === 0)],
  [BOTH, "add", "input, other, *, alpha=1", addScaled(1)],
  [BOTH, "sub subtract", "input, other, *, alpha=1", addScaled(-1)],
  [
    BOTH,
    "rsub",
    "input, other, *, alpha=1",
    (a) => map2(operand(a.value("other"), a.functionName), a.tensor("input"), (x, y) => x - a.number("alpha") * y),
  ],
  [BOTH, "mul multiply", "input, other", pairwise((x, y) => x * y)],
  [BOTH, "div divide", "input, other, *, rounding_mode=None", divide],
  [BOTH, "true_divide", "input, other", pairwise((x, y) => x / y, promoteFloat)],
  [BOTH, "floor_divide", "input, other", pairwise((x, y) => Math.floor(x / y))],
  [BOTH, "remainder", "input, other", pairwise(remainder)],
  [BOTH, "fmod", "input, other", pairwise((x, y) => x % y)],
  [BOTH, "pow", "input, exponent", power],
  [BOTH, "maximum", "input, other", pairwise(max2)],
  [BOTH, "minimum", "input, other", pairwise(min2)],
  [BOTH, "atan2 arctan2", "input, other", pairwise(Math.atan2, promoteFloat)],
  [BOTH, "eq", "input, other", compares((x, y) => x === y)],
  [BOTH, "ne not_equal", "input, other", compares((x, y) => x !== y)],
  [BOTH, "lt less", "input, other", compares((x, y) => x < y)],
  [BOTH, "le less_equal", "input, other", compares((x, y) => x <= y)],
  [BOTH, "gt greater", "input, other", compares((x, y) => x > y)],
  [BOTH, "ge greater_equal", "input, other", compares((x, y) => x >= y)],
  [BOTH, "logical_and", "input, other", truth((x, y) => x && y)],
  [BOTH, "logical_or", "input, other", truth((x, y) => x || y)],
  [BOTH, "logical_xor", "input, other", truth((x, y) => x !== y)],
  [BOTH, "bitwise_and", "input, other", bitwise((x, y) => x && y)],
  [BOTH, "bitwise_or", "input, other", bitwise((x, y) => x || y)],
  [BOTH, "bitwise_xor", "input, other", bitwise((x, y) => (x !== y ? 1 : 0))],
  [BOTH, "clamp clip", "input, min=None, max=None", clamp],
  [BOTH, "addcmul", "input, tensor1, tensor2, *, value=1", addProduct((x, y) => x * y)],
  [BOTH, "addcdiv", "input, tensor1, tensor2, *, value=1", addProduct((x, y) => x / y)],
  ["torch", "where", "condition, input, other", where],
  ["Tensor", "where", "input, condition, other", where],
  [BOTH, "masked_fill", "input, mask, value", maskedFill],
  [
    BOTH,
    "lerp",
    "input, end, weight",
    (a) => {
      const [from, to] = [a.tensor("input"), a.tensor("end")];
      const step = map2(
        map2(to, from, (x, y) => x - y),
        operand(a.value("weight"), a.functionName),
        (x, y) => x * y,
      );
      return map2(from, step, (x, y) => x + y);
    },
  ],
  ["torch", "true_divide", "input, other", pairwise((x, y) => x / y, promoteFloat)],
  ["Tensor", "float", "input", (a) => map(a.tensor("input"), Math.fround)],
  ["Tensor", "double", "input", (a) => castTo(a.tensor("input"), "float64")],
  ["Tensor", "long int", "input", (a) => castTo(a.tensor("input"), "int64")],
  ["Tensor", "bool", "input", (a) => castTo(a.tensor("input"), "bool")],
  ["Tensor", "type_as", "input, other", (a) => castTo(a.tensor("input"), a.tensor("other").dtype)],
];
