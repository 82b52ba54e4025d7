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
import { missingWeight, otherwiseQuantized } from "../error.ts";
import type { WeightTree } from "../formats/weight-tree.ts";
import type { StoredArray } from "../tensor.ts";
import type { Expected, LayerVariables, ModelVariables, VariablePlace } from "./keras-variables.ts";

/** Keras' snake case: `Conv1DTranspose` -> `conv1d_transpose`, `PReLU` -> `p_re_lu`. */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** Classes that are called otherwise in Python than in configurations: the groups bear Python's names. */
const pythonNames: Readonly<Record<string, string>> = {
  GroupQueryAttention: "GroupedQueryAttention",
  Model: "Functional",
};

/** Gives the groups of a model's layers, which is at `group`, in the order of its list. */
export function memberGroups(group: string): (className: string) => string {
  const counts = new Map<string, number>();
  return (className) => {
    const stem = snakeCase(Object.hasOwn(pythonNames, className) ? pythonNames[className]! : className);
    const count = counts.get(stem) ?? 0;
    counts.set(stem, count + 1);
    return `${group === "" ? "" : `${group}/`}layers/${count === 0 ? stem : `${stem}_${count}`}`;
  };
}

/** Classes whose parts have no properties: the groups bear the attributes' own names, `_query_dense`. */
const hiddenParts = ["GroupQueryAttention"];

/** Where Keras writes the object at `scope` of a layer of this class that is at `group`. */
export function scopeGroup(className: string, group: string, scope: string): string {
  return scope === "" ? group : `${group}/${hiddenParts.includes(className) ? "_" : ""}${scope}`;
}

/** The variables of a file of Keras 3. */
export function groupedVariables(tree: WeightTree): ModelVariables {
  return {
    place: tree.place,
    root: placeOf(tree, ""),
    settle: () => [],
  };
}

function placeOf(tree: WeightTree, group: string): VariablePlace {
  return {
    variables: ({ name }) => groupVariables(tree, group, name),
    below: (scope) => placeOf(tree, `${group}/${scope}`),
    members() {
      const groups = memberGroups(group);
      return ({ className }) => placeOf(tree, groups(className));
    },
  };
}

/** The variables in a group of a Keras 3 file. `name` is the layer's, which the group has to bear. */
function groupVariables(tree: WeightTree, group: string, name: string): LayerVariables {
  const scopes = new Map<string, StoredArray[]>();
  const list = (scope: string) => {
    // An attribute's own name where the class has no property for it: `_query_dense`.
    const hidden = `${group}/_${scope}`;
    const path = scope === "" ? group : tree.has(hidden) ? hidden : `${group}/${scope}`;
    const found = scopes.get(scope) ?? variablesAt(tree, path, scope === "" ? name : null);
    scopes.set(scope, found);
    return found;
  };
  const take = (scope: string, expected?: Expected) => {
    const array = list(scope).shift();
    const int8 = array?.dtype === "int8";
    if (array && expected && int8 !== (expected.type === "int8"))
      throw otherwiseQuantized(int8 ? "int8" : "floats", expected.place);
    return array;
  };
  const below = (scope: string): LayerVariables => ({
    take: (inner, expected) => take(inner === "" ? scope : `${scope}/${inner}`, expected),
    pass: () => take(scope),
    part: (inner) => below(`${scope}/${inner}`),
    left: () => 0,
  });
  return {
    take,
    pass: () => take(""),
    part: below,
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
