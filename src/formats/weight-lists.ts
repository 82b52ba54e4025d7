/**
 * weight-lists: the variables of a Keras model as lists, as every format has them but Keras 3's own (weight-tree.ts).
 */
import type { StoredArray } from "../tensor.ts";

/** One variable under the name that the file gives it: `conv1d/kernel:0`. */
export interface NamedArray {
  readonly name: string;
  readonly array: StoredArray;
}

/** The variables of one layer of the outermost model: those that train, then the others, each through all layers inside. */
export interface LayerArrays {
  readonly name: string;
  readonly arrays: readonly NamedArray[];
}

/** The weights of a model: by layer; by name alone; or one after the other. */
export type WeightLists =
  | { readonly kind: "layers"; readonly place: readonly string[]; readonly layers: readonly LayerArrays[] }
  | {
      readonly kind: "names" | "order";
      readonly place: readonly string[];
      readonly arrays: readonly NamedArray[];
    };
