/**
 * keras-h5: HDF5 files of Keras: whole models of every version before 3 and since (`model.h5`), and weights alone.
 *
 *   whole model    attributes model_config (JSON), keras_version, backend | group model_weights, as below
 *                  | optimizer_weights, training_config: not read
 *   weights        attribute layer_names | one group per layer, attribute weight_names: its arrays, in the order of the layer's
 *                  trainable variables, then the others; a model inside the model is one layer
 *   weights, v3    groups layers/…: see weight-tree.ts
 *
 * Names longer together than HDF5's 64 KiB are split into layer_names0, layer_names1, …. Before Keras 2.2.3 `keras_version` may be
 * missing, before 2.0 `backend`.
 *
 * Source  keras:keras/src/legacy/saving/legacy_h5_format.py; keras 2.2.4: keras/engine/saving.py
 */
import { type AttributeValue, type Hdf5Group, openHdf5 } from "../bytes/hdf5/index.ts";
import { printable } from "../bytes/printable.ts";
import { corruptFile, unsupportedFeature } from "../error.ts";
import type { Bytes } from "../platform/bytes.ts";
import { parseJson } from "./json.ts";
import type { KerasFile } from "./keras.ts";
import type { LayerArrays, NamedArray, WeightLists } from "./weight-lists.ts";
import { weightTree } from "./weight-tree.ts";

const groups = { model: "model_weights", optimizer: "optimizer_weights" } as const;
/** Pieces of a list of names; h5py can't store so many layers that more would be needed. */
const mostPieces = 1024;

/** Opens an HDF5 file that Keras wrote. Weights are read when asked for. */
export function readKerasHdf5(bytes: Bytes, place: readonly string[] = []): KerasFile {
  const root = openHdf5(bytes, place);
  const { attributes } = root;
  const text = (name: string) => (attributes.has(name) ? (attributes.text(name) ?? null) : null);
  const config = text("model_config");
  const weights = root.get(groups.model);
  const common = { kind: "keras", kerasVersion: text("keras_version"), backend: text("backend") } as const;
  if (config === null) {
    const old = hasNames(root, "layer_names");
    if (!old && ![...root.children.keys()].some((name) => newLayers.test(name))) {
      throw unsupportedFeature(
        "an HDF5 file without model_config, layer_names or layers",
        place,
        "give a file that Keras saved: model.save or model.save_weights",
      );
    }
    return { ...common, config: null, weights: old ? weightLists(root) : weightTree(root), unread: [] };
  }
  if (weights?.kind !== "group") throw corruptFile("expected the group model_weights, found none", place);
  const unread = [
    ...(root.get(groups.optimizer) ? ["the optimizer's state"] : []),
    ...(attributes.has("training_config") ? ["compile settings"] : []),
  ];
  const json = parseJson(new TextEncoder().encode(config), [...place, "model_config"]);
  return { ...common, config: json, configPlace: "model_config", weights: weightLists(weights), unread };
}

/** The first group of Keras 3's tree, in each of its spellings. */
const newLayers = /^(layers|_layer_checkpoint_dependencies)(\\|$)/;

/** The weights below a group with `layer_names`. */
function weightLists(group: Hdf5Group): WeightLists {
  const layers = names(group, "layer_names").map((name): LayerArrays => {
    const layer = group.children.get(name);
    if (layer?.kind !== "group") throw corruptFile(`expected a group of layer ${printable(name)}`, group.place);
    const arrays = names(layer, "weight_names").map((weight): NamedArray => {
      const array = layer.get(weight);
      if (array?.kind !== "dataset") throw corruptFile(`expected the array ${printable(weight)}`, layer.place);
      return { name: weight, array };
    });
    return { name, arrays };
  });
  if (new Set(layers.map(({ name }) => name)).size < layers.length)
    throw corruptFile("a layer twice in layer_names", group.place);
  return { kind: "layers", place: group.place, layers };
}

function hasNames(group: Hdf5Group, key: string): boolean {
  return group.attributes.has(key) || group.attributes.has(`${key}0`);
}

/** A list of names, put together where it was split. */
function names(group: Hdf5Group, key: string): string[] {
  const { attributes, place } = group;
  if (attributes.has(key)) return texts(attributes.get(key), key, place);
  const list: string[] = [];
  for (let piece = 0; attributes.has(`${key}${piece}`); piece++) {
    if (piece === mostPieces) throw corruptFile(`${key} in more than ${mostPieces} pieces`, place);
    list.push(...texts(attributes.get(`${key}${piece}`), key, place));
  }
  if (list.length === 0) throw corruptFile(`expected the attribute ${key}`, place);
  return list;
}

/** h5py writes an empty list of names as floats. */
function texts(value: AttributeValue | undefined, key: string, place: readonly string[]): string[] {
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value as string[];
  throw corruptFile(`expected ${key} to be a list of texts`, place);
}
