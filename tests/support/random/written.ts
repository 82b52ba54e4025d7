/**
 * How Keras writes a model: entries of layers with their envelopes, references between them, and groups of variables.
 *
 * Source  keras 3.15: keras/src/models/functional.py (get_config, serialize_node), keras/src/saving/saving_lib.py
 *         (_save_container_state), keras/src/utils/naming.py
 */
import { type Group, stored } from "../memory-tree.ts";
import type { Draw } from "../random-draw.ts";
import type { Known } from "./arrays.ts";
import type { Call, Layer, Model, Tensor } from "./graph.ts";

export const policy = {
  module: "keras",
  class_name: "DTypePolicy",
  config: { name: "float32" },
  registered_name: null,
};

/** Sizes as configs show them. */
export function configShape(x: Known): (number | null)[] {
  return x.shape.map((size, axis) => (axis === 0 || x.open[axis] !== null ? null : size));
}

/** keras/src/utils/naming.py, to_snake_case. */
export function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** A layer's entry in `layers`, as far as Sequential models have it. */
export function layerEntry(layer: Layer): Record<string, unknown> {
  if (layer.model) return { ...layer.model.envelope };
  const config =
    layer.className === "InputLayer"
      ? { ...layer.config, name: layer.name }
      : { name: layer.name, trainable: true, dtype: policy, ...layer.config };
  const [call] = layer.calls;
  const shapes = call?.inputs.map(configShape) ?? [];
  const built =
    layer.className === "InputLayer" ? {} : { build_config: { input_shape: call?.asList ? shapes : shapes[0] } };
  return { module: "keras.layers", class_name: layer.className, config, registered_name: null, ...built };
}

export function inboundNodes(layer: Layer, calls: ReadonlySet<Call>, history: (tensor: Tensor) => unknown[]): object[] {
  if (layer.className === "InputLayer") return [];
  const written = (tensor: Tensor) => ({
    class_name: "__keras_tensor__",
    config: { shape: configShape(tensor), dtype: "float32", keras_history: history(tensor) },
  });
  return layer.calls
    .filter((call) => calls.has(call))
    .map(({ inputs, asList, kwargs }) => ({ args: [asList ? inputs.map(written) : written(inputs[0]!)], kwargs }));
}

/** References as `inputs=` and `outputs=` were given: one bare or in a list, several in a list. */
export function structure(references: readonly unknown[], draw: Draw): unknown {
  return references.length === 1 && draw.chance(0.6) ? references[0] : references;
}

/** A group per layer, numbered per class in the order of `Model.layers`; a Sequential leaves its InputLayer out there. */
export function groupsOf(model: Model, base = ""): [string, Group][] {
  const counts = new Map<string, number>();
  return model.layers.flatMap((layer): [string, Group][] => {
    if (model.className === "Sequential" && layer.className === "InputLayer") return [];
    const stem = snakeCase(layer.className);
    const number = counts.get(stem) ?? 0;
    counts.set(stem, number + 1);
    const path = `${base}layers/${stem}${number === 0 ? "" : `_${number}`}`;
    const variables = layer.variables.map(({ shape, data }) => stored(shape, data));
    return [[path, { name: layer.name, variables }], ...(layer.model ? groupsOf(layer.model, `${path}/`) : [])];
  });
}
