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
import { printable } from "../bytes/printable.ts";
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
/** Parts that a backslashed name may have; a longer one is no path. */
const deepest = 256;

/** The weights in an open HDF5 file, or in several that each hold a part of one tree. */
export function weightTree(root: Hdf5Group, ...more: Hdf5Group[]): WeightTree {
  const known = new WeakMap<Hdf5Group, Level>();
  const levelOf = (group: Hdf5Group): Level => {
    const level = known.get(group) ?? splitNames(group);
    known.set(group, level);
    return level;
  };
  const levels = (found: Found): Level[] => [...found.below, ...found.groups.map(levelOf)];
  const step = (found: Found, name: string): Found => {
    const nodes = levels(found).flatMap((level) => level.get(name) ?? []);
    const groups = nodes.flatMap((node) => node.groups);
    return { groups, below: nodes.filter((node) => node.below.size > 0).map((node) => node.below) };
  };
  const find = (path: string): Found => {
    const names = path.split("/").filter((name) => name !== "");
    return names.reduce(step, { groups: [root, ...more], below: [] });
  };
  const findVariables = (path: string): Hdf5Group[] => step(find(path), variablesGroup).groups.slice();
  return {
    place: root.place,
    variables: (path) => inNumericOrder(findVariables(path), path),
    name: (path) =>
      findVariables(path)
        .map((group) => group.attributes.text("name"))
        .find((name) => name !== undefined),
    has(path) {
      const { groups, below } = find(path);
      return groups.length + below.length > 0;
    },
    children(path) {
      const names = new Set(levels(find(path)).flatMap((level) => [...level.keys()]));
      names.delete(variablesGroup);
      return [...names];
    },
  };
}

/** What a name stands for: a group of the file, further parts of a backslashed name, or both. */
interface Node {
  readonly groups: Hdf5Group[];
  readonly below: Level;
}
type Level = Map<string, Node>;

/** What a path leads to. More than one place only where Windows wrote `layers\model` beside `layers\model\layers\…`. */
interface Found {
  readonly groups: readonly Hdf5Group[];
  readonly below: readonly Level[];
}

/** The groups within a group, by the parts of their names, in the newest spelling. */
function splitNames(group: Hdf5Group): Level {
  const top: Level = new Map();
  for (const [name, child] of group.children) {
    if (child.kind !== "group") continue;
    const split = name.split("\\");
    const isPath = split.length <= deepest && split.every((part) => part !== "");
    const parts = (isPath ? split : [name]).map((part) => (part === oldLayersGroup ? layersGroup : part));
    let level = top;
    parts.forEach((part, index) => {
      const node: Node = level.get(part) ?? { groups: [], below: new Map() };
      if (index === parts.length - 1) node.groups.push(child);
      level.set(part, node);
      level = node.below;
    });
  }
  return top;
}

/** Variables are numbered from 0 without gaps, so their order does not depend on how names sort. */
function inNumericOrder(groups: readonly Hdf5Group[], path: string): StoredArray[] {
  const found = groups.flatMap((group) => [...group.children]);
  const byName = new Map(found);
  if (byName.size < found.length)
    throw corruptFile(`the variables of ${printable(path)} in two places`, groups[0]!.place);
  return Array.from({ length: byName.size }, (_, index) => {
    const dataset = byName.get(String(index));
    if (dataset?.kind !== "dataset") {
      const listed = printable([...byName.keys()].join(", "));
      throw corruptFile(`expected variables 0 to ${byName.size - 1}, got ${listed}`, groups[0]!.place);
    }
    return dataset;
  });
}
