/**
 * weight-tree: the variables of a Keras 3 model by the path of their layer.
 *
 *   layers/conv1d_1/vars/0, 1, 2 …       one dataset per variable: numbers, which sort as text in HDF5 ("10" before "2")
 *   layers/conv1d_1/vars                 attribute `name`: the layer's own name, in files since Keras 3.6 (2024-09)
 *
 * Two older spellings of `layers/conv1d` are understood: `_layer_checkpoint_dependencies/conv1d` (TensorFlow 2.13), and
 * one group named `layers\conv1d` (Keras 2.15 on Windows).
 *
 * Source  keras/src/saving/saving_lib.py (_save_state, H5IOStore); `layers\conv1d` as seen in files of Keras 2.15
 */
import type { Hdf5Group } from "../bytes/hdf5/index.ts";
import { corruptFile } from "../error.ts";
import type { StoredArray } from "../tensor.ts";

/** The weights of a model as a tree of layers. */
export interface WeightTree {
  /** The variables at a path such as `layers/conv1d_1`, in order; empty where a layer has none, or where nothing is. */
  variables(path: string): StoredArray[];
  /** The layer's own name, where the file tells. */
  name(path: string): string | undefined;
  /** Whether the file has this path. */
  has(path: string): boolean;
  /** The names below a path, without `vars`, in the file's order. */
  children(path: string): string[];
  readonly place: readonly string[];
}

const variablesGroup = "vars";
const layersGroup = "layers";
const oldLayersGroup = "_layer_checkpoint_dependencies";

/** The weights in an open HDF5 file. */
export function weightTree(root: Hdf5Group): WeightTree {
  const find = (path: string): Location =>
    path.split("/").reduce<Location>((location, name) => (name === "" ? location : step(location, name)), [
      { group: root, prefix: "" },
    ]);
  const findVariables = (path: string): Hdf5Group | undefined =>
    step(find(path), variablesGroup).find(({ prefix }) => prefix === "")?.group;
  return {
    place: root.place,
    variables(path) {
      const group = findVariables(path);
      return group ? inNumericOrder(group) : [];
    },
    name: (path) => findVariables(path)?.attributes.text("name"),
    has: (path) => find(path).length > 0,
    children: (path) => names(find(path)).filter((name) => name !== variablesGroup),
  };
}

/**
 * The places that a path means: those children of `group` whose names go on from `prefix`. More than one only where Windows
 * wrote it: the group `layers\model`, and beside it `layers\model\layers\…`.
 */
type Location = readonly { readonly group: Hdf5Group; readonly prefix: string }[];

function step(location: Location, name: string): Location {
  const found = location.flatMap(({ group, prefix }) => {
    const full = prefix + name;
    const child = group.children.get(full);
    const next = child?.kind === "group" ? [{ group: child, prefix: "" }] : [];
    const spelledOut = [...group.children.keys()].some((other) => other.startsWith(`${full}\\`));
    return spelledOut ? [...next, { group, prefix: `${full}\\` }] : next;
  });
  return found.length === 0 && name === layersGroup ? step(location, oldLayersGroup) : found;
}

function names(location: Location): string[] {
  const found = new Set<string>();
  for (const { group, prefix } of location) {
    for (const name of group.children.keys()) {
      if (!name.startsWith(prefix)) continue;
      const [first] = name.slice(prefix.length).split("\\");
      found.add(first === oldLayersGroup ? layersGroup : first!);
    }
  }
  return [...found];
}

/** Variables are numbered from 0 without gaps, so their order does not depend on how names sort. */
function inNumericOrder(group: Hdf5Group): StoredArray[] {
  return Array.from({ length: group.children.size }, (_, index) => {
    const found = group.children.get(String(index));
    if (found?.kind !== "dataset") {
      const listed = [...group.children.keys()].slice(0, 8).join(", ");
      throw corruptFile(`expected variables 0 to ${group.children.size - 1}, got ${listed}`, group.place);
    }
    return found;
  });
}
