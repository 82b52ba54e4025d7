/**
 * keras-spelling: a configuration as Keras 3 writes it, so that Keras 3 reads it
 *
 *     {"class_name": "Conv1D", "config": {…}}                                                 HDF5 files, Keras 1 and 2
 *     {"class_name": "Conv1D", "config": {…}, "module": "keras.layers", "registered_name": null}        Keras 3
 *
 * A configuration of Keras 3 is passed on as it is but for that. One of Keras 1 or 2, brought into Keras 3's options where it was
 * read (keras-legacy.ts), loses what said how to build and to compile, since Keras 3 spells that otherwise, and gets the shapes that
 * Keras 3 writes beside each tensor. What means something that Keras 3 has no word for is refused by name.
 *
 * Source  keras/src/saving/serialization_lib.py (serialize_keras_object), keras/src/models/functional.py
 */
import { shapeOf } from "../axes.ts";
import { notInKeras3 } from "../error.ts";
import type { Graph } from "../graph/graph.ts";
import type { Recurrent } from "../ops/recurrent.ts";
import { exportedName, isObject, type Json } from "./keras-config.ts";

/** How the models in a configuration are called. */
const models: Readonly<Record<string, Json>> = {
  Functional: { class_name: "Functional", module: "keras.src.models.functional", registered_name: "Functional" },
  Model: { class_name: "Functional", module: "keras.src.models.functional", registered_name: "Functional" },
  Sequential: { class_name: "Sequential", module: "keras", registered_name: null },
};

/** Options of Keras 2 that Keras 3 does not take; none of them changes what a layer computes. */
const dropped =
  /^(time_major|input_spec|build_config|compile_config|autocast|experimental_.*|zero_output_for_mask|.*_(initializer|regularizer|constraint))$/;

/** A model's configuration in the spelling of Keras 3. `legacy`: it was one of Keras 1 or 2. */
export function kerasConfig({ config, legacy, graph }: { config: Json; legacy: boolean; graph: Graph }): Json {
  const masked = legacy && /"(mask_zero":true|class_name":"Masking")/.test(JSON.stringify(config));
  return new Speller(legacy, masked, graph).spelled(config, "", "") as Json;
}

/** Options and calls that Keras 3 takes in another form. */
function withoutOldForms(className: string, config: Json, nodes: unknown): Json {
  const { axis } = config;
  // Keras 2 kept the axis of a batch normalization in a list.
  if (className === "BatchNormalization" && Array.isArray(axis) && axis.length === 1)
    return { config: { ...config, axis: axis[0] } };
  if (className === "SpatialDropout1D") {
    const taken = Object.entries(config).filter(([key]) => key !== "trainable" && key !== "noise_shape");
    return { config: Object.fromEntries(taken) };
  }
  // Keras 2 gave initial states as further inputs.
  if (/^(Bidirectional|GRU|LSTM|RNN|SimpleRNN)$/.test(className) && Array.isArray(nodes))
    return { config, inbound_nodes: nodes.map(withInitialState) };
  return { config };
}

function withInitialState(node: unknown): unknown {
  if (!isObject(node) || !Array.isArray(node.args) || !Array.isArray(node.args[0])) return node;
  const [[input, ...states], ...more] = node.args as [unknown[], ...unknown[]];
  if (states.length === 0) return node;
  return { args: [input, ...more], kwargs: { ...(isObject(node.kwargs) ? node.kwargs : {}), initial_state: states } };
}

/** Whether an entry of a model's layers is an operation of `keras.ops`. */
function isOperation({ module }: Json): boolean {
  return typeof module === "string" && /^keras\.(src\.)?ops\b/.test(module);
}

/** The modules of operations that do not lie in `keras.src.ops.numpy`; those of graphs of tf.keras. */
const operationModules: Readonly<Record<string, string>> = {
  Cast: "core",
  Elu: "nn",
  Gelu: "nn",
  LeakyRelu: "nn",
  Relu: "nn",
  Relu6: "nn",
  Rsqrt: "math",
  Selu: "nn",
  Sigmoid: "nn",
  Silu: "nn",
  Softmax: "nn",
  Softplus: "nn",
  Softsign: "nn",
};

function operationOf(className: string): Json {
  const module = Object.hasOwn(operationModules, className) ? operationModules[className] : "numpy";
  return { module: `keras.src.ops.${module}`, registered_name: className };
}

class Speller {
  readonly #legacy: boolean;
  readonly #masked: boolean;
  readonly #name: string;
  readonly #shapes = new Map<string, readonly (number | null)[]>();
  /** Paths of layers that have a mask and initial states at once. */
  readonly #maskedStates: readonly string[];

  constructor(legacy: boolean, masked: boolean, graph: Graph) {
    this.#name = graph.name;
    this.#legacy = legacy;
    this.#masked = masked;
    this.#maskedStates = graph.nodes.flatMap(({ kind, attributes, layer }) =>
      kind === "recurrent" && (attributes as Recurrent).masked && (attributes as Recurrent).initial ? [layer.path] : [],
    );
    for (const { name, outputs } of graph.calls) {
      for (const [index, value] of outputs.entries())
        this.#shapes.set(`${name}:${index}`, shapeOf(graph.values[value]!.axes));
    }
    for (const { name, value } of graph.inputs) this.#shapes.set(`${name}:0`, shapeOf(graph.values[value]!.axes));
  }

  /** @param layer the name of the layer that the value belongs to; @param path the names of the models around it, each with a slash */
  spelled(value: unknown, layer: string, path: string): unknown {
    if (value === "keras2>hard_sigmoid")
      throw notInKeras3(layer, "hard_sigmoid as it was before Keras 3, clip(0.2 x + 0.5, 0, 1)");
    if (Array.isArray(value)) return value.map((entry) => this.spelled(entry, layer, path));
    if (!isObject(value)) return value;
    const { class_name: className, config, module } = value;
    if (typeof className !== "string" || !isObject(config)) return this.#entries(value, layer, path);
    if (className === "__keras_tensor__") return this.#legacy ? this.#tensor(value, config, path) : value;
    const name = typeof config.name === "string" ? config.name : layer;
    if (this.#legacy && className === "Lambda")
      throw notInKeras3(name, "Lambda of Keras 2, whose Python code it does not open", "convert to PyTorch");
    if (this.#legacy && this.#masked && className === "Bidirectional" && config.zero_output_for_mask === false)
      throw notInKeras3(name, "Bidirectional whose masked steps give the step before them, as before Keras 2.4");
    const own = `${path}${name}`;
    if (this.#legacy && this.#maskedStates.some((layer) => layer === own || layer.startsWith(`${own}/`)))
      throw notInKeras3(
        name,
        "mask that goes along with a series where initial states are given",
        "convert to PyTorch",
      );
    const model = Object.hasOwn(models, className) && Array.isArray(config.layers) ? models[className] : undefined;
    const within = model && layer !== "" ? `${path}${name}/` : path;
    const entries = this.#entries(value, name === "" ? className : name, within);
    const old = typeof module === "string" && /^keras\.src\.engine\./.test(module);
    if (module !== undefined && !old && !this.#legacy) return entries;
    const options = isObject(entries.config) ? entries.config : {};
    if (model) return { ...entries, ...model, config: { ...options, name: name === "" ? this.#name : name } };
    if (this.#legacy && isOperation(value)) return { ...entries, ...operationOf(className) };
    if (this.#legacy) Object.assign(entries, withoutOldForms(className, options, entries.inbound_nodes));
    if (!("name" in config) && !this.#legacy) return entries;
    return { ...entries, class_name: exportedName(className), module: "keras.layers", registered_name: null };
  }

  #entries(value: Json, layer: string, path: string): Json {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !(this.#legacy && dropped.test(key)))
        .map(([key, entry]) => [key, this.spelled(entry, layer, path)]),
    );
  }

  /** The tensor with its shape; Keras 3 goes by its history alone, and yet wants one. */
  #tensor(value: Json, config: Json, path: string): Json {
    const [layer, call, tensor] = Array.isArray(config.keras_history) ? config.keras_history : [];
    const at = call === 0 ? `${path}${layer}` : `${path}${layer}@${call}`;
    const shape = config.shape ?? this.#shapes.get(`${at}:${tensor}`) ?? [null];
    return { ...value, config: { ...config, shape, dtype: config.dtype ?? "float32" } };
  }
}
