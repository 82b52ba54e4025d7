/**
 * One layer's configuration, read with a list of what was read: an option that no family asked for and that is not
 * known to be harmless at inference is refused by name, so that a new option of Keras is never skipped in silence.
 */
import { invalidModel, unsupportedOption } from "../error.ts";
import type { KerasConfig } from "../ops/facets.ts";
import { isInt8, policyName } from "../ops/quantization.ts";

/** Options that say how to train or how to build, not what to compute. What LoRA adds is in the kernels that Keras saves. */
const harmless =
  /^(name|trainable|dtype|autocast|batch_input_shape|build_config|lora_(rank|alpha)|.*_(initializer|regularizer|constraint))$/;

/** A JSON object. */
export type Json = Record<string, unknown>;

/** Whether a parsed JSON value is an object (not null, not a list). */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sizes and counts above this are lies; none of Keras' integers for sequence models comes near. */
const largestInteger = 2 ** 31 - 1;

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= largestInteger;
}

/** The options of one layer. */
export class LayerConfig implements KerasConfig {
  readonly className: string;
  readonly #values: Json;
  readonly #where: readonly string[];
  readonly #read = new Set<string>();

  constructor(className: string, values: Json, where: readonly string[]) {
    this.className = className;
    this.#values = values;
    this.#where = where;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key);
  }

  raw(key: string): unknown {
    this.#read.add(key);
    return this.has(key) ? this.#values[key] : undefined;
  }

  ignore(...keys: string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  refuse(key: string, why: string, fix?: string): never {
    throw unsupportedOption(this.className, key, why, this.#where, fix);
  }

  /** Refuses the options that nobody read, and int8 where nobody asked for it. Null is Keras' "not set". */
  finish(): void {
    const unread = Object.keys(this.#values).find(
      (key) => !this.#read.has(key) && !harmless.test(key) && this.#values[key] !== null,
    );
    if (!this.#read.has("dtype") && isInt8(policyName(this.#values.dtype)))
      this.refuse("dtype", "int8 is not read for layers of this class", "save the model before quantizing it");
    if (unread !== undefined) this.refuse(unread, `got ${brief(this.#values[unread])}, which is not known`);
  }

  number(key: string, fallback?: number): number {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value)) return this.#mistyped(key, "a number", value);
    return value;
  }

  optionalNumber(key: string): number | null {
    return this.raw(key) == null ? null : this.number(key);
  }

  integer(key: string, fallback?: number): number {
    const value = this.raw(key) ?? fallback;
    return isCount(value) ? value : this.#mistyped(key, "a positive integer", value);
  }

  extent(key: string, fallback?: number): number {
    const given = this.raw(key) ?? fallback;
    const value = Array.isArray(given) && given.length === 1 ? given[0] : given;
    return isCount(value) ? value : this.#mistyped(key, "one positive integer", given);
  }

  axis(key: string, fallback: number): number {
    const value = this.raw(key) ?? fallback;
    return Number.isInteger(value) ? (value as number) : this.#mistyped(key, "the number of an axis", value);
  }

  integers(key: string, fallback?: readonly number[]): number[] {
    const value = this.raw(key) ?? fallback;
    const list = Array.isArray(value) ? value : [value];
    if (!list.every((entry) => Number.isInteger(entry) && Math.abs(entry) <= largestInteger))
      return this.#mistyped(key, "integers", value);
    return list;
  }

  pair(key: string): [number, number] {
    const [first, second = first, ...more] = this.integers(key);
    if (first === undefined || second === undefined || more.length > 0 || first < 0 || second < 0)
      return this.#mistyped(key, "two integers from 0", this.raw(key));
    return [first, second];
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== "boolean") return this.#mistyped(key, "true or false", value);
    return value;
  }

  text(key: string, fallback?: string): string {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== "string") return this.#mistyped(key, "a text", value);
    return value;
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback?: T): T {
    const value = this.text(key, fallback);
    const found = choices.find((choice) => choice === value);
    return found ?? this.refuse(key, `expected one of ${choices.join(", ")}, got ${brief(value)}`);
  }

  #mistyped(key: string, expected: string, got: unknown): never {
    throw invalidModel(`${this.className}: option ${key}: expected ${expected}, got ${brief(got)}`, this.#where);
  }
}

/** A value from a file as a message shows it: short, on one line. */
export function brief(value: unknown): string {
  const text = value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Classes by Python's name, which HDF5 files bear, that Keras exports under another. */
const exportedNames: Readonly<Record<string, string>> = { GroupedQueryAttention: "GroupQueryAttention" };

/** The name under which Keras exports a class. */
export function exportedName(className: string): string {
  return Object.hasOwn(exportedNames, className) ? exportedNames[className]! : className;
}
