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

/** Classes that are called otherwise in Python than they are exported: the groups bear Python's names. */
const pythonNames: Readonly<Record<string, string>> = { GroupQueryAttention: "GroupedQueryAttention" };

/** Names the groups of one model's layers, which have to come in the order of its list. */
export class GroupCounter {
  readonly #base: string;
  readonly #counts = new Map<string, number>();

  /** @param base path of the model's own group; empty for the outermost */
  constructor(base: string) {
    this.#base = base;
  }

  next(className: string): string {
    const stem = snakeCase(Object.hasOwn(pythonNames, className) ? pythonNames[className]! : className);
    const count = this.#counts.get(stem) ?? 0;
    this.#counts.set(stem, count + 1);
    return `${this.#base === "" ? "" : `${this.#base}/`}layers/${count === 0 ? stem : `${stem}_${count}`}`;
  }
}

/** The variables of one layer, taken one after another. */
export interface LayerVariables {
  /**
   * The next variable of the layer itself, or of the object at `scope` beneath it, such as `forward_layer/cell`. Formats
   * that list a layer's variables flat pay no heed to the scope.
   */
  take(scope: string): StoredArray | undefined;
  /** How many variables there are that were not taken, in all scopes that something was taken of. */
  left(): number;
}

/** The variables in a group of a Keras 3 file. `name` is the layer's, which the group has to bear. */
export function groupVariables(tree: WeightTree, group: string, name: string): LayerVariables {
  const scopes = new Map<string, StoredArray[]>();
  const list = (scope: string) => {
    // An attribute's own name where the class has no property for it: `_query_dense`.
    const hidden = `${group}/_${scope}`;
    const path = scope === "" ? group : tree.has(hidden) ? hidden : `${group}/${scope}`;
    const found = scopes.get(scope) ?? variablesAt(tree, path, scope === "" ? name : null);
    scopes.set(scope, found);
    return found;
  };
  return {
    take: (scope) => list(scope).shift(),
    left: () => {
      list("");
      return [...scopes.values()].reduce((sum, { length }) => sum + length, 0);
    },
  };
}

/** @throws {ChannelwiseError} `missing-weight` when the group bears another layer's name */
function variablesAt(tree: WeightTree, path: string, layerName: string | null): StoredArray[] {
  const name = tree.name(path);
  if (layerName !== null && name !== undefined && name !== layerName) {
    throw missingWeight(`expected the variables of layer ${layerName} in group ${path}, found those of ${name}`, [
      ...tree.place,
      path,
    ]);
  }
  return tree.has(path) ? [...tree.variables(path)] : [];
}
