/**
 * Keras configurations by hand, with the envelopes that Keras 3 writes.
 */

export type Entry = Record<string, unknown> & { readonly config: Record<string, unknown> };

const policy = { module: "keras", class_name: "DTypePolicy", config: { name: "float32" }, registered_name: null };

/** A reference to an output of a layer's call. */
export function from(layer: string, call = 0, tensor = 0): object {
  return {
    class_name: "__keras_tensor__",
    config: { shape: [], dtype: "float32", keras_history: [layer, call, tensor] },
  };
}

/** One entry of `inbound_nodes`. */
export function call(argument: unknown, kwargs: object = {}): object {
  return { args: [argument], kwargs };
}

/** A layer; `calls` are there in Functional models alone. */
export function layer(className: string, name: string, config: object = {}, calls?: readonly object[]): Entry {
  return {
    module: "keras.layers",
    class_name: className,
    config: { name, trainable: true, dtype: policy, ...config },
    registered_name: null,
    ...(calls ? { name, inbound_nodes: calls } : {}),
  };
}

/** An InputLayer; sizes without the batch. */
export function input(name: string, sizes: readonly (number | null)[], more: object = {}): Entry {
  const config = {
    batch_shape: [null, ...sizes],
    dtype: "float32",
    sparse: false,
    ragged: false,
    name,
    optional: false,
    ...more,
  };
  return { module: "keras.layers", class_name: "InputLayer", config, registered_name: null, name, inbound_nodes: [] };
}

export function sequential(layers: readonly object[], name = "sequential"): Entry {
  return {
    module: "keras",
    class_name: "Sequential",
    config: { name, trainable: true, dtype: policy, layers },
    registered_name: null,
  };
}

/** Inputs and outputs as `input_layers` and `output_layers` have them. */
export function functional(layers: readonly object[], inputs: unknown, outputs: unknown, name = "functional"): Entry {
  const config = { name, trainable: true, layers, input_layers: inputs, output_layers: outputs };
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    config,
    registered_name: "Functional",
    name,
  };
}

/** A model as a layer of another one. */
export function nested(model: Entry, calls: readonly object[]): Entry {
  return { ...model, name: model.config.name, inbound_nodes: calls };
}

export const conv1d = {
  filters: 2,
  kernel_size: [3],
  strides: [1],
  padding: "valid",
  data_format: "channels_last",
  dilation_rate: [1],
  groups: 1,
  activation: "linear",
  use_bias: true,
};
export const dense = { units: 2, activation: "linear", use_bias: true };
