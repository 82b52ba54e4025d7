/**
 * keras-write: models as files that Keras opens.
 *
 *   .keras         zip, stored: metadata.json | config.json | model.weights.h5
 *   .weights.h5    the tree of weight-tree.ts: layers/conv1d/vars/0, 1, …; `vars` has the layer's name
 *   .h5            attributes model_config, keras_version, backend | model_weights/<layer>/<variable>, listed by layer_names and
 *                  weight_names
 *   .npz           arr_0, arr_1, …: in the order of model.get_weights()
 *
 * No dates are written: equal models give equal files. Each array is read once, when its turn comes.
 *
 * Source  keras/src/saving/saving_lib.py; keras/src/legacy/saving/legacy_h5_format.py
 */
import {
  type ArrayToWrite,
  type AttributeToWrite,
  type GroupToWrite,
  mostTextsInAttribute,
  hdf5File,
} from "../bytes/hdf5/write.ts";
import type { FileToWrite } from "../bytes/file-to-write.ts";
import { zipFile } from "../bytes/zip-writer.ts";
import type { StoredArray } from "../tensor.ts";
import type { LayerArrays } from "./weight-lists.ts";

/** The variables of one object in the tree of Keras 3. */
export interface TreeEntry {
  /** `layers/lstm/cell`. */
  readonly group: string;
  /** The layer's name where the group is that of a layer. */
  readonly name: string | null;
  readonly arrays: readonly StoredArray[];
}

/** A `.keras` file. */
export function writeKerasFile(config: unknown, kerasVersion: string, tree: readonly TreeEntry[]): FileToWrite {
  const json = (value: unknown) => new TextEncoder().encode(toJson(value));
  return zipFile(
    [
      { name: "metadata.json", bytes: json({ keras_version: kerasVersion }) },
      { name: "config.json", bytes: json(config) },
      { name: "model.weights.h5", content: writeWeights(tree) },
    ],
    { alignment: 64 },
  );
}

/** Python's json takes infinities as `Infinity`, and a model may hold some; JSON.stringify makes them null. */
function toJson(value: unknown): string {
  const marks = new Map<string, string>();
  const text = JSON.stringify(value, (_key, entry: unknown) => {
    if (typeof entry !== "number" || Number.isFinite(entry)) return entry;
    const mark = `\u0000${entry}`;
    marks.set(JSON.stringify(mark), String(entry));
    return mark;
  });
  return marks.size === 0 ? text : text.replace(/"\\u0000-?Infinity"/g, (mark) => marks.get(mark) ?? mark);
}

/** A `.weights.h5` file. */
export function writeWeights(tree: readonly TreeEntry[]): FileToWrite {
  const root = folder();
  // By this group readers know the file, also where a model has no variables.
  root.children.set("layers", folder());
  for (const { group, name, arrays } of tree) {
    let at = root;
    for (const part of [...group.split("/"), "vars"]) {
      const next = at.children.get(part) ?? folder();
      at.children.set(part, next);
      at = next as Folder;
    }
    if (name !== null) at.attributes.name = name;
    arrays.forEach((array, index) => {
      at.children.set(String(index), { array });
    });
  }
  return hdf5File(root);
}

interface Folder extends GroupToWrite {
  readonly attributes: Record<string, AttributeToWrite>;
  readonly children: Map<string, GroupToWrite | ArrayToWrite>;
}

function folder(): Folder {
  return { attributes: {}, children: new Map() };
}

/** A whole model in HDF5. */
export function writeKerasHdf5(config: unknown, kerasVersion: string, layers: readonly LayerArrays[]): FileToWrite {
  const root = folder();
  root.attributes.keras_version = kerasVersion;
  root.attributes.backend = "tensorflow";
  root.attributes.model_config = toJson(config);
  const weights = folder();
  root.children.set("model_weights", weights);
  Object.assign(
    weights.attributes,
    listed(
      "layer_names",
      layers.map(({ name }) => name),
    ),
    { backend: "tensorflow", keras_version: kerasVersion },
  );
  for (const { name, arrays } of layers) {
    const layer = folder();
    weights.children.set(name, layer);
    const names = arrays.map((array) => array.name);
    Object.assign(layer.attributes, listed("weight_names", names));
    for (const { name: path, array } of arrays) {
      let at = layer;
      const parts = path.split("/");
      for (const part of parts.slice(0, -1)) {
        const next = at.children.get(part) ?? folder();
        at.children.set(part, next);
        at = next as Folder;
      }
      at.children.set(parts.at(-1)!, { array });
    }
  }
  return hdf5File(root);
}

/** A list of names, in pieces where it is long: names0, names1, …. */
function listed(key: string, names: readonly string[]): Record<string, AttributeToWrite> {
  if (names.length <= mostTextsInAttribute) return { [key]: names };
  const pieces = Array.from({ length: Math.ceil(names.length / mostTextsInAttribute) }, (_, index) => [
    `${key}${index}`,
    names.slice(index * mostTextsInAttribute, (index + 1) * mostTextsInAttribute),
  ]);
  return Object.fromEntries(pieces);
}
