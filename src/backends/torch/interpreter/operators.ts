/**
 * operators: Python's operators on every kind of value: numbers as Python has them, tensors as PyTorch has them.
 *
 * Python's `//` rounds down and `%` has the divisor's sign; an int stays an int until a float joins it.
 *
 * Source  The Python Language Reference, 6.5 to 6.10; PyTorch docs: torch.Tensor operators.
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import { remainder } from "./arithmetic.ts";
import { Tensor64 } from "./array.ts";
import { map } from "./elementwise.ts";
import { findFunction } from "./functions.ts";
import {
  Dict,
  DTypeValue,
  HasAttributes,
  iterate,
  List,
  numeric,
  positional,
  Tuple,
  truth,
  typeName,
  type Value,
} from "./values.ts";

const MAX_ITEMS = 1_000_000;
const MAX_TEXT = 100_000;
const MAX_INT = 2n ** 63n;

const TENSOR_FUNCTIONS: Readonly<Record<string, string>> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "//": "floor_divide",
  "%": "remainder",
  "**": "pow",
  "@": "matmul",
  "&": "bitwise_and",
  "|": "bitwise_or",
  "^": "bitwise_xor",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "==": "eq",
  "!=": "ne",
};

const floorDivide = (x: bigint, y: bigint) => (x % y !== 0n && x < 0n !== y < 0n ? x / y - 1n : x / y);

const INT_OPERATORS: Readonly<Record<string, (x: bigint, y: bigint) => Value>> = {
  "+": (x, y) => x + y,
  "-": (x, y) => x - y,
  "*": (x, y) => x * y,
  "/": (x, y) => Number(x) / Number(y),
  "//": floorDivide,
  "%": (x, y) => x - y * floorDivide(x, y),
  "**": (x, y) => (y < 0n ? Number(x) ** Number(y) : y > 63n && x * x > 1n ? MAX_INT : x ** y),
  "&": (x, y) => x & y,
  "|": (x, y) => x | y,
  "^": (x, y) => x ^ y,
};

const FLOAT_OPERATORS: Readonly<Record<string, (x: number, y: number) => number>> = {
  "+": (x, y) => x + y,
  "-": (x, y) => x - y,
  "*": (x, y) => x * y,
  "/": (x, y) => x / y,
  "//": (x, y) => Math.floor(x / y),
  "%": remainder,
  "**": (x, y) => x ** y,
};

const ORDERINGS: Readonly<Record<string, (x: number | string, y: number | string) => boolean>> = {
  "<": (x, y) => x < y,
  "<=": (x, y) => x <= y,
  ">": (x, y) => x > y,
  ">=": (x, y) => x >= y,
};

export function binaryOperator(operator: string, left: Value, right: Value): Value {
  if (left instanceof Tensor64 || right instanceof Tensor64) return tensorOperator(operator, left, right);
  const [x, y] = [asInt(left), asInt(right)];
  if (x !== null && y !== null && INT_OPERATORS[operator]) return intOperator(operator, x, y);
  const [p, q] = [numeric(left), numeric(right)];
  if (p !== null && q !== null && FLOAT_OPERATORS[operator]) {
    if ("/%".includes(operator[0]!) && q === 0) throw programFails("float division by zero");
    return FLOAT_OPERATORS[operator](p, q);
  }
  return sequenceOperator(operator, left, right);
}

function asInt(value: Value): bigint | null {
  if (typeof value === "boolean") return value ? 1n : 0n;
  return typeof value === "bigint" ? value : null;
}

function intOperator(operator: string, x: bigint, y: bigint): Value {
  if ("/%".includes(operator[0]!) && y === 0n) throw programFails("integer division or modulo by zero");
  const result = INT_OPERATORS[operator]!(x, y);
  if (typeof result === "bigint" && (result >= MAX_INT || result <= -MAX_INT))
    throw programNotUnderstood("integers beyond 64 bits are not known to the checker");
  return result;
}

function tensorOperator(operator: string, left: Value, right: Value): Value {
  const name = TENSOR_FUNCTIONS[operator];
  if (!name) throw programFails(`a Tensor has no operator ${operator}`);
  return findFunction(`torch.${name}`)!.call(positional(left, right));
}

/** Lists and tuples join with + and repeat with *; strings join. */
function sequenceOperator(operator: string, left: Value, right: Value): Value {
  const refuse = () =>
    programFails(`unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`);
  if (operator === "*" && typeof left === "bigint") return sequenceOperator("*", right, left);
  const make =
    left instanceof List
      ? (items: Value[]) => new List(items)
      : left instanceof Tuple
        ? (items: Value[]) => new Tuple(items)
        : null;
  if (operator === "*" && make && typeof right === "bigint") {
    const items = iterate(left)!;
    if (BigInt(items.length) * right > MAX_ITEMS) throw programNotUnderstood(`a list of more than ${MAX_ITEMS} items`);
    return make(Array.from({ length: Math.max(0, Number(right)) }, () => items).flat());
  }
  if (operator !== "+") throw refuse();
  if (typeof left === "string" && typeof right === "string" && left.length + right.length < MAX_TEXT)
    return left + right;
  if (!make || !(left instanceof List ? right instanceof List : right instanceof Tuple)) throw refuse();
  const items = [...iterate(left)!, ...iterate(right)!];
  if (items.length > MAX_ITEMS) throw programNotUnderstood(`a list of more than ${MAX_ITEMS} items`);
  return make(items);
}

export function compare(operator: string, left: Value, right: Value): Value {
  if (operator === "is" || operator === "is not") return isSame(left, right) === (operator === "is");
  if (operator === "in" || operator === "not in") {
    const items = typeof right === "string" ? null : iterate(right);
    if (!items) throw programFails(`argument of type '${typeName(right)}' is not iterable`);
    return items.some((item) => equal(item, left)) === (operator === "in");
  }
  if (left instanceof Tensor64 || right instanceof Tensor64) {
    const other = left instanceof Tensor64 ? right : left;
    const comparable = other instanceof Tensor64 || numeric(other) !== null;
    if (!comparable && (operator === "==" || operator === "!=")) return operator === "!=";
    // A number on the left: a < x is x > a.
    if (!(left instanceof Tensor64)) return tensorOperator(MIRRORED[operator]!, right, left);
    return tensorOperator(operator, left, right);
  }
  if (operator === "==") return equal(left, right);
  if (operator === "!=") return !equal(left, right);
  const [x, y] = [comparableValue(left), comparableValue(right)];
  if (x === null || y === null || typeof x !== typeof y) {
    throw programFails(`'${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`);
  }
  return ORDERINGS[operator]!(x, y);
}

const MIRRORED: Readonly<Record<string, string>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "==": "==",
  "!=": "!=",
};

function comparableValue(value: Value): number | string | null {
  return typeof value === "string" ? value : numeric(value);
}

function isSame(left: Value, right: Value): boolean {
  if (left instanceof DTypeValue && right instanceof DTypeValue) return left.dtype === right.dtype;
  return left === right;
}

function equal(left: Value, right: Value): boolean {
  const [x, y] = [numeric(left), numeric(right)];
  if (x !== null && y !== null) return x === y;
  if (left instanceof Tensor64 || right instanceof Tensor64 || left instanceof HasAttributes || left instanceof Dict)
    return left === right;
  const [a, b] = [iterate(left), iterate(right)];
  if (a && b)
    return (
      left instanceof List === right instanceof List &&
      a.length === b.length &&
      a.every((item, i) => equal(item, b[i]!))
    );
  return isSame(left, right);
}

export function unaryOperator(operator: string, value: Value): Value {
  if (operator === "not") return !truth(value);
  if (value instanceof Tensor64) {
    if (operator === "~" && value.dtype !== "bool")
      throw programNotUnderstood(`~ of a tensor of ${value.dtype} is not known to the checker`);
    if (operator === "-" && value.dtype === "bool") throw programFails("negation of a bool tensor is not supported");
    return operator === "+" ? value : map(value, operator === "-" ? (x) => -x : (x) => 1 - x, value.dtype);
  }
  const int = asInt(value);
  if (int !== null) return operator === "-" ? -int : operator === "+" ? int : -int - 1n;
  if (typeof value === "number" && operator !== "~") return operator === "-" ? -value : value;
  throw programFails(`bad operand type for unary ${operator}: '${typeName(value)}'`);
}
