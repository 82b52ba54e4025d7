/**
 * signature: binds a call's arguments to parameter names as Python does, and reads them with their types checked.
 *
 * A signature is written as in PyTorch's documentation: "input, kernel_size, stride=None, *, dtype=None". `*name` takes the rest
 * of the positional arguments; what follows a bare `*` binds by name only.
 *
 * Source  The Python Language Reference, 6.3.4 (Calls).
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import { type DType, Tensor64 } from "./array.ts";
import { type CallArguments, DTypeValue, iterate, numeric, Tuple, typeName, type Value } from "./values.ts";

interface SignatureParameter {
  readonly name: string;
  readonly default: Value | undefined;
  readonly kind: "plain" | "keyword" | "rest";
}

const parsed = new Map<string, readonly SignatureParameter[]>();

export function bind(functionName: string, takes: string, args: CallArguments): Bound {
  const parameters = parseSignature(takes);
  const values = new Map<string, Value>();
  const plain = parameters.filter((parameter) => parameter.kind === "plain");
  const rest = parameters.find((parameter) => parameter.kind === "rest");
  if (!rest && args.positional.length > plain.length) {
    throw programFails(
      `${functionName}() takes ${plain.length} positional arguments but ${args.positional.length} were given`,
    );
  }
  for (const [i, value] of args.positional.slice(0, plain.length).entries()) values.set(plain[i]!.name, value);
  if (rest) values.set(rest.name, new Tuple(args.positional.slice(plain.length)));
  for (const [written, value] of args.keyword) {
    const name = parameterNamed(written, parameters);
    if (name === null) throw programFails(`${functionName}() got an unexpected keyword argument '${written}'`);
    if (values.has(name) && parameters.some((p) => p.name === name && p.kind !== "rest")) {
      throw programFails(`${functionName}() got multiple values for argument '${written}'`);
    }
    values.set(name, value);
  }
  for (const parameter of parameters) {
    if (values.has(parameter.name)) continue;
    if (parameter.default === undefined)
      throw programFails(`${functionName}() missing required argument '${parameter.name}'`);
    values.set(parameter.name, parameter.default);
  }
  return new Bound(functionName, values);
}

/** torch functions also take NumPy's names for two parameters. */
function parameterNamed(written: string, parameters: readonly SignatureParameter[]): string | null {
  const names = parameters.map((parameter) => parameter.name);
  if (names.includes(written)) return written;
  if (written === "axis" && names.includes("dim")) return "dim";
  return written === "keepdims" && names.includes("keepdim") ? "keepdim" : null;
}

function parseSignature(takes: string): readonly SignatureParameter[] {
  const known = parsed.get(takes);
  if (known) return known;
  let keywordOnly = false;
  const parameters: SignatureParameter[] = [];
  for (const part of takes.split(",").map((text) => text.trim())) {
    if (part === "") continue;
    if (part.startsWith("*")) {
      keywordOnly = true;
      if (part.length > 1) parameters.push({ name: part.slice(1), default: undefined, kind: "rest" });
      continue;
    }
    const [name, written] = part.split("=") as [string, string | undefined];
    const value = written === undefined ? undefined : literal(written);
    parameters.push({ name, default: value, kind: keywordOnly ? "keyword" : "plain" });
  }
  parsed.set(takes, parameters);
  return parameters;
}

function literal(text: string): Value {
  if (text === "None") return null;
  if (text === "True" || text === "False") return text === "True";
  if (/^["']/.test(text)) return text.slice(1, -1);
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}

/** Arguments by parameter name. Every getter refuses what PyTorch's argument parser refuses. */
export class Bound {
  readonly functionName: string;
  readonly values: ReadonlyMap<string, Value>;

  constructor(functionName: string, values: ReadonlyMap<string, Value>) {
    this.functionName = functionName;
    this.values = values;
  }

  value(name: string): Value {
    return this.values.get(name)!;
  }

  isNone(name: string): boolean {
    return this.value(name) === null;
  }

  private wrong(name: string, expected: string): Error {
    return programFails(
      `${this.functionName}(): argument '${name}' must be ${expected}, not ${typeName(this.value(name))}`,
    );
  }

  tensor(name: string): Tensor64 {
    const value = this.value(name);
    if (!(value instanceof Tensor64)) throw this.wrong(name, "Tensor");
    return value;
  }

  /** A tensor of the kind that PyTorch's neural network functions are made for. */
  floating(name: string): Tensor64 {
    const tensor = this.tensor(name);
    if (tensor.dtype !== "float64") throw programFails(`${this.functionName}() is not implemented for ${tensor.dtype}`);
    return tensor;
  }

  optionalTensor(name: string): Tensor64 | null {
    return this.isNone(name) ? null : this.tensor(name);
  }

  tensors(name: string): Tensor64[] {
    const items = iterate(this.value(name));
    if (!items?.every((item) => item instanceof Tensor64)) throw this.wrong(name, "tuple of Tensors");
    return [...items] as Tensor64[];
  }

  int(name: string): number {
    const value = this.value(name);
    if (typeof value !== "bigint") throw this.wrong(name, "int");
    return Number(value);
  }

  optionalInt(name: string): number | null {
    return this.isNone(name) ? null : this.int(name);
  }

  number(name: string): number {
    const value = numeric(this.value(name));
    if (value === null) throw this.wrong(name, "float");
    return value;
  }

  optionalNumber(name: string): number | null {
    return this.isNone(name) ? null : this.number(name);
  }

  bool(name: string): boolean {
    const value = this.value(name);
    if (typeof value !== "boolean") throw this.wrong(name, "bool");
    return value;
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== "string") throw this.wrong(name, "str");
    return value;
  }

  dtype(name = "dtype"): DType | null {
    const value = this.value(name);
    if (value === null) return null;
    if (!(value instanceof DTypeValue)) throw this.wrong(name, "torch.dtype");
    return value.dtype;
  }

  /** One int, or a tuple or list of ints. */
  ints(name: string): number[] {
    const value = this.value(name);
    if (typeof value === "bigint") return [Number(value)];
    const items = iterate(value);
    if (!items?.every((item) => typeof item === "bigint")) throw this.wrong(name, "tuple of ints");
    return items.map(Number);
  }

  optionalInts(name: string): number[] | null {
    return this.isNone(name) ? null : this.ints(name);
  }

  /** `f(1, 2)` or `f((1, 2))`, of a parameter written `*name`. */
  variadicInts(name: string): number[] {
    const rest = this.value(name) as Tuple;
    const items = rest.items?.length === 1 ? (iterate(rest.items[0]!) ?? rest.items) : iterate(rest);
    if (!items?.every((item) => typeof item === "bigint")) throw this.wrong(name, "tuple of ints");
    return items.map(Number);
  }

  /** An int, or a tuple of one int, as the 1-D layers take their sizes. */
  single(name: string): number {
    const values = this.ints(name);
    if (values.length !== 1) throw this.wrong(name, "int or tuple of one int");
    return values[0]!;
  }

  /** Refuses by name what the checker doesn't model: everything but `modelled`. */
  only(name: string, ...modelled: readonly Value[]): void {
    const value = this.value(name);
    if (modelled.includes(value)) return;
    const shown =
      typeof value === "string" || typeof value === "boolean" || value === null ? String(value) : typeName(value);
    throw programNotUnderstood(`${this.functionName}() with ${name}=${shown} is not known to the checker`);
  }
}

export type Run = (a: Bound) => Value;

/**
 * Where the function lives ("torch", "F", "Tensor", "linalg", "special", separated by spaces), its names there, its signature
 * and its meaning. A method's receiver binds to the first parameter.
 */
export type FunctionRow = readonly [places: string, names: string, takes: string, run: Run];
