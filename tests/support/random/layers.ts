/**
 * Every layer of one input that random models draw, by Keras' class. A new class of src/ops needs a recipe here.
 */
import { pointwise } from "./pointwise.ts";
import type { Recipe } from "./recipe.ts";
import { shaping } from "./shaping.ts";
import { windows } from "./windows.ts";

/** In alphabetical order, so that a seed's choices do not depend on which file a recipe is in. */
export const recipes: ReadonlyMap<string, Recipe> = new Map(
  [pointwise, shaping, windows].flatMap((table) => Object.entries(table)).sort(([a], [b]) => (a < b ? -1 : 1)),
);
