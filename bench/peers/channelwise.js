/**
 * channelwise: a network as Keras would save it (the parsed config.json, and variables in memory), run by this package
 *
 * Source  what Keras 3.15 writes; see src/dialects/keras.ts
 */
import { Model } from "../../build/js/api/model.js";
import { kerasGraph } from "../../build/js/dialects/keras.js";
import { snakeCase } from "../../build/js/dialects/keras-groups.js";
import { attentionParts } from "../networks/network.js";

/** @typedef {import("../networks/network.js").Network} Network */
/** @typedef {import("../networks/network.js").Layer} Layer */

/** Per kind: Keras' class, its options, and its variables in their order with their shapes, below the objects that hold them. */
/** @type {Record<Layer["kind"], (layer: Layer) => [string, object, Record<string, number[]>?]>} */
const kerasLayers = {
  input: ({ shape }) => ["InputLayer", { batch_shape: [null, ...shape], dtype: "float32" }],
  conv1d: ({ inputs: [x], filters = 0, taps = 0, stride, dilation, padding, weights }) => [
    "Conv1D",
    {
      filters,
      kernel_size: [taps],
      strides: [stride],
      padding,
      data_format: "channels_last",
      dilation_rate: [dilation],
      groups: 1,
      activation: "linear",
      use_bias: "bias" in weights,
    },
    { kernel: [taps, x?.shape[1] ?? 0, filters], bias: [filters] },
  ],
  dense: ({ inputs: [x], filters = 0, weights }) => [
    "Dense",
    { units: filters, activation: "linear", use_bias: "bias" in weights },
    { kernel: [x?.shape.at(-1) ?? 0, filters], bias: [filters] },
  ],
  lstm: (layer) => ["LSTM", recurrentOptions(layer), recurrentVariables(layer, 4, [])],
  gru: (layer) => ["GRU", { ...recurrentOptions(layer), reset_after: true }, recurrentVariables(layer, 3, [2])],
  attention: ({ shape: [, channels = 0], heads = 1 }) => {
    const [inner, outer] = [[heads, channels / heads], [channels]];
    const variables = attentionParts.flatMap((part) => {
      const [from, to] = part === "output" ? [inner, outer] : [outer, inner];
      return [
        [`_${part}_dense/${part}Kernel`, [...from, ...to]],
        [`_${part}_dense/${part}Bias`, to],
      ];
    });
    const options = { num_heads: heads, key_dim: channels / heads, value_dim: channels / heads, use_bias: true };
    return ["MultiHeadAttention", options, Object.fromEntries(variables)];
  },
  layerNorm: ({ shape, epsilon }) => {
    const size = [shape.at(-1) ?? 0];
    return ["LayerNormalization", { axis: -1, epsilon, center: true, scale: true }, { gamma: size, beta: size }];
  },
  batchNorm: ({ shape, epsilon }) => {
    const size = [shape.at(-1) ?? 0];
    const options = { axis: -1, momentum: 0.99, epsilon, center: true, scale: true };
    return ["BatchNormalization", options, { gamma: size, beta: size, mean: size, variance: size }];
  },
  maxPool: ({ taps, stride, padding }) => [
    "MaxPooling1D",
    { pool_size: [taps], strides: [stride], padding, data_format: "channels_last" },
  ],
  globalAverage: () => ["GlobalAveragePooling1D", { data_format: "channels_last", keepdims: false }],
  relu: () => ["Activation", { activation: "relu" }],
  sigmoid: () => ["Activation", { activation: "sigmoid" }],
  softmax: () => ["Activation", { activation: "softmax" }],
  add: () => ["Add", {}],
  concatenate: () => ["Concatenate", { axis: -1 }],
  flatten: () => ["Flatten", { data_format: "channels_last" }],
  crop: ({ left, right }) => ["Cropping1D", { cropping: [left, right], data_format: "channels_last" }],
};

/** @param {Layer} layer */
function recurrentOptions({ filters, sequences }) {
  const functions = { activation: "tanh", recurrent_activation: "sigmoid" };
  return { units: filters, ...functions, use_bias: true, return_sequences: sequences };
}

/** @param {Layer} layer @param {number} gates @param {number[]} rows of the bias */
function recurrentVariables({ inputs: [x], filters = 0 }, gates, rows) {
  const columns = gates * filters;
  const [kernel, recurrent] = [x?.shape[1] ?? 0, filters].map((size) => [size, columns]);
  return { "cell/kernel": kernel, "cell/recurrent": recurrent, "cell/bias": [...rows, columns] };
}

/** @param {Network} network @param {number[]} [shape] of the input, where it differs (null for an open length) */
function kerasSource(network, shape = network.input.shape) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @type {Map<string, { name?: string, arrays: object[] }>} */
  const groups = new Map();
  const layers = network.layers.map((layer) => {
    const given = layer === network.input ? { ...layer, shape } : layer;
    const [className, options, shapes = {}] = kerasLayers[layer.kind](given);
    const stem = snakeCase(className);
    const count = counts.get(stem) ?? 0;
    counts.set(stem, count + 1);
    const group = `layers/${count === 0 ? stem : `${stem}_${count}`}`;
    groups.set(group, { name: layer.name, arrays: [] });
    for (const [path, sizes] of Object.entries(shapes)) {
      const [role = "", ...scope] = path.split("/").reverse();
      if (!(role in layer.weights)) continue;
      const place = [group, ...scope].join("/");
      const { arrays } = groups.get(place) ?? groups.set(place, { arrays: [] }).get(place);
      arrays.push({ dtype: "float32", shape: sizes, read: () => layer.weights[role] });
    }
    const read = layer.kind === "attention" ? [...layer.inputs, ...layer.inputs] : layer.inputs;
    const tensors = read.map(({ name }) => ({
      class_name: "__keras_tensor__",
      config: { shape: null, dtype: "float32", keras_history: [name, 0, 0] },
    }));
    const merges = className === "Add" || className === "Concatenate";
    return {
      module: "keras.layers",
      class_name: className,
      name: layer.name,
      config: { name: layer.name, ...options },
      registered_name: null,
      inbound_nodes: tensors.length === 0 ? [] : [{ args: merges ? [tensors] : tensors, kwargs: {} }],
    };
  });
  const config = {
    module: "keras.src.models.functional",
    class_name: "Functional",
    registered_name: "Functional",
    config: {
      name: "network",
      layers,
      input_layers: [[network.input.name, 0, 0]],
      output_layers: [[network.output.name, 0, 0]],
    },
  };
  const weights = {
    place: [network.name],
    variables: (/** @type {string} */ path) => groups.get(path)?.arrays ?? [],
    name: (/** @type {string} */ path) => groups.get(path)?.name,
    has: (/** @type {string} */ path) => groups.has(path),
    children: () => [],
  };
  return { config, weights, place: [network.name] };
}

/**
 * @param {Network} network @param {WebAssembly.Module} module @param {(number | null)[]} [shape] of the input, where it differs
 * @param {import("../../build/js/backends/wasm/pool.js").Pool | null} [pool]
 * @returns {Model}
 */
export function channelwiseModel(network, module, shape, pool = null, convolution = "auto") {
  return new Model(
    kerasGraph(/** @type {any} */ (kerasSource(network, /** @type {any} */ (shape)))),
    network.name,
    "Keras",
    module,
    pool,
    [],
    convolution,
  );
}

/**
 * @param {Network} network @param {WebAssembly.Module} module
 * @returns {{ run(x: Float32Array): Float32Array, dispose(): void }}
 */
export function channelwiseContender(network, module) {
  const model = channelwiseModel(network, module);
  return {
    run: (x) => /** @type {any} */ (model.predict(x)).data,
    dispose: () => model.dispose(),
  };
}
