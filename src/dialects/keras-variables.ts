/**
 * Where Keras 3 puts a layer's variables in `model.weights.h5`.
 *
 *     layers/conv1d/vars/0, 1          the first Conv1D of a model: kernel, bias
 *     layers/conv1d_1/vars/0           the second one, counted per model in the order of its layers
 *     layers/functional/layers/…       a model inside the model: counting starts anew
 *
 * A group bears the snake-cased class and a count, not the layer's name; `vars` has the attribute `name` with that since
 * Keras 3.6, which is used as a cross-check.
 *
 * Source  keras:keras/src/saving/saving_lib.py (_save_container_state), keras:keras/src/utils/naming.py (to_snake_case)
 */
import { missingWeight } from "../error.ts";
import type { WeightTree } from "../formats/weight-tree.ts";
import type { StoredArray } from "../tensor.ts";

/** Keras' snake case: `Conv1DTranspose` -> `conv1d_transpose`, `PReLU` -> `p_re_lu`. */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** Names the groups of one model's layers, which have to come in the order of its list. */
export class GroupCounter {
  readonly #base: string;
  readonly #counts = new Map<string, number>();

  /** @param base path of the model's own group; empty for the outermost */
  constructor(base: string) {
    this.#base = base;
  }

  next(className: string): string {
    const stem = snakeCase(className);
    const count = this.#counts.get(stem) ?? 0;
    this.#counts.set(stem, count + 1);
    return `${this.#base === "" ? "" : `${this.#base}/`}layers/${count === 0 ? stem : `${stem}_${count}`}`;
  }
}

/**
 * A layer's variables in Keras' order, after checking that the group is the layer's.
 *
 * @throws {ChannelwiseError} `missing-weight` when the group bears another layer's name
 */
export function layerVariables(tree: WeightTree, group: string, layerName: string): StoredArray[] {
  const name = tree.name(group);
  if (name !== undefined && name !== layerName) {
    throw missingWeight(`expected the variables of layer ${layerName} in group ${group}, found those of ${name}`, [
      ...tree.place,
      group,
    ]);
  }
  return tree.has(group) ? tree.variables(group) : [];
}
