/**
 * What an operator's attributes may be, for graphs that come out of a file.
 */
import type { Padding } from "./window.ts";

/** Whether a parsed JSON value is of type `T`. */
export type Check<T> = (value: unknown) => value is T;

/** One check per attribute; a forgotten one is a compile error. */
export type Schema<A extends object> = { readonly [K in keyof A]-?: Check<A[K]> };

/** Whether it is an object of JSON. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const limit = 2 ** 31;
const isInteger = (value: unknown): value is number => Number.isInteger(value);

/** An integer from 1. */
export const count: Check<number> = (value): value is number => isInteger(value) && value >= 1 && value < limit;
/** An integer from 0. */
export const natural: Check<number> = (value): value is number => isInteger(value) && value >= 0 && value < limit;
export const finite: Check<number> = (value): value is number => typeof value === "number" && Number.isFinite(value);
export const boolean: Check<boolean> = (value): value is boolean => typeof value === "boolean";
/** The name of an axis. */
export const letter: Check<string> = (value): value is string => typeof value === "string" && /^[A-Z]$/.test(value);
/** The names of several axes. */
export const letters: Check<string> = (value): value is string =>
  typeof value === "string" && /^[A-Z]+$/.test(value) && new Set(value).size === value.length;
/** A layout text, perhaps with new axes. */
export const layout: Check<string> = (value): value is string =>
  typeof value === "string" && value.length < 64 && /^([A-Z1]|\([A-Z]+\))+$/.test(value);

/** Keras' "same", or zeros on both sides. */
export const padding: Check<Padding> = (value): value is Padding =>
  value === "same" || (Array.isArray(value) && value.length === 2 && value.every(natural));

export function oneOf<const T extends string | null>(...choices: readonly T[]): Check<T> {
  return (value): value is T => choices.includes(value as T);
}

/** A list of at most `most` entries. */
export function listOf<T>(check: Check<T>, most = 16): Check<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.length <= most && value.every(check);
}

export function nullOr<T>(check: Check<T>): Check<T | null> {
  return (value): value is T | null => value === null || check(value);
}

/** The first attribute that is missing, spare or wrong; null when all are right. */
export function wrongAttribute(
  schema: Readonly<Record<string, Check<unknown>>>,
  attributes: Readonly<Record<string, unknown>>,
): string | null {
  const names = new Set([...Object.keys(schema), ...Object.keys(attributes)]);
  return (
    [...names].find(
      (name) => !Object.hasOwn(schema, name) || !Object.hasOwn(attributes, name) || !schema[name]!(attributes[name]),
    ) ?? null
  );
}
