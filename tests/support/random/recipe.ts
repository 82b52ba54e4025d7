/**
 * recipe: one layer of a random model with its options drawn, the config that Keras writes for them, and what it computes.
 */
import type { Draw } from "../random-draw.ts";
import { count, type Known } from "./arrays.ts";

export interface Variable {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer with its options drawn. */
export interface Made {
  /** The layer's config without `name`, `trainable` and `dtype`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** In Keras' order. */
  readonly variables: readonly Variable[];
  /** What the layer computes; null where it can't be called on this. */
  run(input: Known): Known | null;
}

/** Draws the options of a layer for this input; null where the layer does not fit. */

export type Recipe = (draw: Draw, input: Known) => Made | null;

/** Normal numbers as a variable. */
export function weights(draw: Draw, shape: readonly number[], spread: number, center = 0): Variable {
  return { shape, data: Float32Array.from({ length: count(shape) }, () => center + spread * draw.normal()) };
}

export function noRegularizers(...names: readonly string[]): Record<string, null> {
  return Object.fromEntries(names.map((name) => [name, null]));
}

export const initializer = (className: string) => ({
  module: "keras.initializers",
  class_name: className,
  config: {},
  registered_name: null,
});
