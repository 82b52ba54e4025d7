/**
 * One layer of a Keras model as a model of its own, so that every option in a fixture shows by itself.
 */
import type { KerasSource } from "../../src/api/source.ts";
import { readKeras } from "../../src/dialects/keras.ts";
import { inOrder } from "../../src/dialects/keras-store.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations of Keras
type Json = Record<string, any>;

/** The layers of a Functional model that are called on something, by name, with their first call and weights. */
export function layersAlone(keras: KerasSource): Map<string, KerasSource> {
  const layers: Json[] = keras.config.class_name === "Sequential" ? [] : (keras.config.config as Json).layers;
  return new Map(
    layers.flatMap((entry) =>
      entry.class_name === "InputLayer" || !entry.inbound_nodes[0] ? [] : [[entry.name, alone(keras, entry)] as const],
    ),
  );
}

function alone({ graph, variables }: KerasSource, entry: Json): KerasSource {
  const inputs = new Map<string, Json>();
  const valueAt = ([layer, call, tensor]: [string, number, number]) => {
    const name = call === 0 ? layer : `${layer}@${call}`;
    const made = graph.calls.find((each) => each.name === name)?.outputs[tensor];
    return graph.values[made ?? graph.inputs.find((port) => port.name === layer)!.value]!;
  };
  const node = JSON.parse(JSON.stringify(entry.inbound_nodes[0]), (_key, value: Json | null) => {
    if (value?.class_name !== "__keras_tensor__") return value;
    const { keras_history: history } = value.config;
    const { axes, type } = valueAt(history);
    const name = `in${inputs.size}`;
    const input = inputs.get(history.join()) ?? {
      ...{ module: "keras.layers", class_name: "InputLayer", registered_name: null, name, inbound_nodes: [] },
      config: { batch_shape: axes.map(({ size }) => size), dtype: type, name },
    };
    inputs.set(history.join(), input);
    return { ...value, config: { ...value.config, keras_history: [input.name, 0, 0] } };
  });
  const { length: count } = graph.calls.find((call) => call.name === entry.name)!.outputs;
  // Calls of a Functional model count from 1 in output_layers.
  const call = entry.config.layers && entry.class_name !== "Sequential" ? 1 : 0;
  const config = {
    name: "alone",
    layers: [...inputs.values(), { ...entry, inbound_nodes: [node] }],
    input_layers: [...inputs.values()].map(({ name }) => [name, 0, 0]),
    output_layers: Array.from({ length: count }, (_, tensor) => [entry.name, call, tensor]),
  };
  const arrays = inOrder(variables.filter(({ owner }) => owner.outer.name === entry.name));
  const { keras } = readKeras({
    config: { module: "keras.src.models.functional", class_name: "Functional", registered_name: "Functional", config },
    weights: { kind: "order", place: [], arrays: arrays.map((array, index) => ({ name: `arr_${index}`, array })) },
    kerasVersion: "3.15.1",
    place: [entry.name],
  });
  return { ...keras, version: "3.15.1" };
}
