/** Configurations and weights as Keras 1 and 2 wrote them, and what is read of them. */
import { type KerasSource, readKeras } from "../../src/dialects/keras.ts";
import type { WeightLists } from "../../src/formats/weight-lists.ts";
import { type Graph, layersOf } from "../../src/graph/graph.ts";
import type { StoredArray } from "../../src/tensor.ts";
import { stored } from "./memory-tree.ts";

/** A layer's class, options, and what it is called on. */
export type Layer = readonly [className: string, config: Record<string, unknown>, ...inputs: unknown[]];

/** A Sequential as Keras 2 wrote it before 2.2.3: a list, whose first layer has the input's shape. */
export const bare = (first: readonly unknown[], ...layers: Layer[]) => ({
  class_name: "Sequential",
  config: layers.map(([class_name, config], index) => ({
    class_name,
    config: index === 0 ? { batch_input_shape: first, ...config } : config,
  })),
  keras_version: "2.1.2",
});

/** Weights by layer: shapes, or arrays. */
export function lists(layers: Record<string, readonly (StoredArray | readonly number[])[]>): WeightLists {
  return {
    kind: "layers",
    place: ["model.h5", "model_weights"],
    layers: Object.entries(layers).map(([name, arrays]) => ({
      name,
      arrays: arrays.map((array, index) => ({
        name: `${name}/${index}:0`,
        array: "read" in array ? array : stored(array),
      })),
    })),
  };
}

/** A model of Keras 2.1.2 with these weights. */
export const open = (config: unknown, weights: WeightLists, more: Partial<KerasSource> = {}) =>
  readKeras({
    config,
    weights,
    place: ["model.h5", "model_config"],
    kerasVersion: "2.1.2",
    backend: "tensorflow",
    ...more,
  });

/** Nodes and numbers of a graph, without names of inputs. */
export function content({ nodes, values, outputs, ...graph }: Graph): object {
  return {
    values: values.map(({ axes, type }) => ({ axes, type })),
    nodes: nodes.map(({ layer, ...node }) => ({ ...node, layer: layer.path })),
    outputs,
    weights: weightsOf({ nodes, values, outputs, ...graph }),
  };
}

/** The numbers of every weight. */
export function weightsOf(graph: Graph): Record<string, number[]> {
  return Object.fromEntries(
    layersOf(graph).flatMap(({ path, weights }) =>
      Object.entries(weights).map(([role, { array }]) => [`${path} ${role}`, Array.from(array.read(), Number)]),
    ),
  );
}
