/**
 * values: what a Python name can hold in the interpreter.
 *
 *   None null   bool boolean   int bigint   float number   str string   torch.Tensor Tensor64
 *
 * and one class for every other kind. Python's int and float stay apart because PyTorch's type promotion keeps them apart.
 */
import { programFails } from "../../../error.ts";
import { type DType, Tensor64 } from "./array.ts";

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Tensor64
  | Tuple
  | List
  | Dict
  | SliceValue
  | Ellipsis
  | DTypeValue
  | Namespace
  | Callable
  | HasAttributes
  | Poison;

/** `names` are the fields of a named tuple, as of `torch.max(x, dim)`. */
export class Tuple {
  readonly items: readonly Value[];
  readonly names: readonly string[];
  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items;
    this.names = names;
  }
}

export class List {
  readonly items: Value[];
  constructor(items: Value[]) {
    this.items = items;
  }
}

export class Dict {
  readonly entries: Map<Value, Value>;
  constructor(entries: Map<Value, Value>) {
    this.entries = entries;
  }
}

export class SliceValue {
  readonly start: bigint | null;
  readonly stop: bigint | null;
  readonly step: bigint | null;
  constructor(start: bigint | null, stop: bigint | null, step: bigint | null) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

export class Ellipsis {
  readonly kind = "ellipsis";
}

export class DTypeValue {
  readonly dtype: DType;
  constructor(dtype: DType) {
    this.dtype = dtype;
  }
}

/** A Python module by its full path, as `torch.nn.functional`. */
export class Namespace {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

export interface CallArguments {
  readonly positional: readonly Value[];
  readonly keyword: ReadonlyMap<string, Value>;
}

/** A function, a bound method or a class. */
export class Callable {
  readonly name: string;
  readonly call: (args: CallArguments) => Value;
  constructor(name: string, call: (args: CallArguments) => Value) {
    this.name = name;
    this.call = call;
  }
}

/** An object with attributes: an nn.Module, or `super()`. */
export abstract class HasAttributes {
  abstract readonly typeName: string;
  abstract get(name: string): Value | undefined;
  abstract set(name: string, value: Value): void;

  /** Whether `if object:` holds. */
  isTrue(): boolean {
    return true;
  }
}

/** Stands for a value that couldn't be computed; using it is refused with the reason. */
export class Poison {
  readonly reason: Error;
  constructor(reason: Error) {
    this.reason = reason;
  }
}

export function positional(...values: Value[]): CallArguments {
  return { positional: values, keyword: new Map() };
}

export function typeName(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float";
  if (typeof value === "string") return "str";
  if (value instanceof Tensor64) return "Tensor";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof List) return "list";
  if (value instanceof Dict) return "dict";
  if (value instanceof HasAttributes) return value.typeName;
  if (value instanceof Callable) return `function ${value.name}`;
  if (value instanceof Namespace) return `module ${value.path}`;
  if (value instanceof DTypeValue) return "torch.dtype";
  return "slice";
}

/** What `for` and unpacking walk over; null for what Python can't iterate over. */
export function iterate(value: Value): readonly Value[] | null {
  if (value instanceof Tuple || value instanceof List) return value.items;
  if (value instanceof Dict) return [...value.entries.keys()];
  return null;
}

export function truth(value: Value): boolean {
  if (value instanceof Tensor64) {
    if (value.size !== 1) throw programFails("Boolean value of Tensor with more than one value is ambiguous");
    return value.data[value.offset] !== 0;
  }
  if (value instanceof Dict) return value.entries.size > 0;
  if (value instanceof HasAttributes) return value.isTrue();
  const items = iterate(value);
  if (items) return items.length > 0;
  return value !== null && value !== false && value !== 0n && value !== 0 && value !== "";
}

/** A number out of an int, float or bool; null for anything else. */
export function numeric(value: Value): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "boolean" ? Number(value) : null;
}

export function intTuple(values: readonly number[]): Tuple {
  return new Tuple(values.map((value) => BigInt(value)));
}
