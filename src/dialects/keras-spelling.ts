/**
 * keras-spelling: a configuration as Keras 3 writes it, so that Keras 3 reads it
 *
 *     {"class_name": "Conv1D", "config": {…}}                                                 HDF5 files, Keras 1 and 2
 *     {"class_name": "Conv1D", "config": {…}, "module": "keras.layers", "registered_name": null}        Keras 3
 *
 * What means something that Keras 3 has no word for is refused by name.
 *
 * Source  keras/src/saving/serialization_lib.py (serialize_keras_object)
 */
import { notInKeras3 } from "../error.ts";
import { isObject, type Json } from "./keras-config.ts";

/** Objects deeper in each other than this are refused where configurations are read. */
const models: Readonly<Record<string, Json>> = {
  Functional: { class_name: "Functional", module: "keras.src.models.functional", registered_name: "Functional" },
  Model: { class_name: "Functional", module: "keras.src.models.functional", registered_name: "Functional" },
  Sequential: { class_name: "Sequential", module: "keras", registered_name: null },
};

/** A model's configuration, in the spelling of Keras 3. */
export function kerasConfig(config: Json): Json {
  return spelled(config, "") as Json;
}

function spelled(value: unknown, layer: string): unknown {
  if (value === "keras2>hard_sigmoid")
    throw notInKeras3(layer, "hard_sigmoid as it was before Keras 3, clip(0.2 x + 0.5, 0, 1)");
  if (Array.isArray(value)) return value.map((entry) => spelled(entry, layer));
  if (!isObject(value)) return value;
  const name = isObject(value.config) && typeof value.config.name === "string" ? value.config.name : layer;
  const entries = Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, spelled(entry, name)]));
  const { class_name: className, config, module } = value;
  if (typeof className !== "string" || !isObject(config) || module !== undefined) return entries;
  const model = Object.hasOwn(models, className) && Array.isArray(config.layers) ? models[className] : null;
  if (model) return { ...entries, ...model };
  return "name" in config ? { ...entries, module: "keras.layers", registered_name: null } : entries;
}
