/**
 * Configurations of Keras 1 and 2, of tf.keras and TensorFlow.js, in the spelling of Keras 3, with the meaning that they had.
 *
 *     {"class_name": "Convolution1D", "config": {"nb_filter": 64, "filter_length": 5, "border_mode": "same", "bias": true}}
 *     {"class_name": "Conv1D", "config": {"filters": 64, "kernel_size": 5, "padding": "same", "use_bias": true}}
 *
 * Nothing is built here: the result goes the way of every configuration of Keras 3. Where Keras 3 would take the old text for
 * something else, the text is changed so that it keeps its meaning, and a note says so.
 *
 * Source  keras 1.2.2 and 2.3.1: keras/layers/, keras/legacy/interfaces.py, keras/engine/topology.py (get_config);
 *         keras 2.15: keras/src/engine/functional.py (get_network_config)
 */
import { invalidModel, unsupportedFeature, unsupportedOption } from "../error.ts";
import type { WeightLists } from "../formats/weight-lists.ts";
import type { WeightTree } from "../formats/weight-tree.ts";
import { brief, isObject, type Json } from "./keras-config.ts";
import { connected } from "./keras-legacy-graph.ts";
import { isTensorFlowOperation } from "./keras-tf-operations.ts";
import type { StoredMeaning } from "./keras-stored.ts";

/** What is known of a file besides its configuration. */
export interface Origin {
  readonly weights: WeightTree | WeightLists;
  readonly kerasVersion?: string | null;
  readonly backend?: string | null;
  readonly meaning?: "original" | "keras3";
  readonly place: readonly string[];
}

export interface ModernModel {
  readonly config: Json;
  readonly stored: StoredMeaning;
  readonly notes: readonly string[];
}

/** Layers deeper in each other than this are refused. */
const deepest = 64;

/** A configuration of any version as one of Keras 3. */
export function modernModel(config: Json, origin: Origin): ModernModel {
  const version = typeof config.keras_version === "string" ? config.keras_version : (origin.kerasVersion ?? null);
  if (isModern(version, config)) return { config, stored: { flipped: false }, notes: [] };
  const notes = new Notes();
  const backend = origin.backend ?? (typeof config.backend === "string" ? config.backend : null);
  const keepsMeaning = origin.meaning !== "keras3";
  const theano = backend === "theano";
  if (backend !== null && !["tensorflow", "theano", "tensor_flow.js", "tfjs", "jax", "torch"].includes(backend)) {
    throw unsupportedFeature(
      `the backend ${brief(backend)}, whose padding is not known`,
      origin.place,
      "save the model again with Keras 2 on TensorFlow",
    );
  }
  const masked = /"mask_zero":true|"class_name":"Masking"/.test(JSON.stringify(config));
  const context = { keepsMeaning, theano, masked, forcesZeros: forcesZeros(version) };
  const reader = new Legacy(notes, { ...context, place: origin.place, weights: origin.weights });
  const modern = reader.model(config, 0);
  const flipped = theano && keepsMeaning;
  if (backend === null && "kind" in origin.weights && origin.weights.kind === "layers")
    notes.add("the file does not say which backend wrote it; taken as TensorFlow");
  return { config: modern, stored: { flipped }, notes: notes.list() };
}

/** Whether Keras 3 wrote a configuration: it says so, or has no version and is spelled that way. */
function isModern(version: string | null, { module }: Json): boolean {
  if (version === null) return typeof module === "string";
  const major = /^(\d+)\./.exec(version)?.[1];
  return major !== undefined && Number(major) >= 3;
}

/** Keras itself never did before 2.4; tf.keras did from TensorFlow 2.1 on, whose files bear the version of 2.0 too. */
function forcesZeros(version: string | null): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+$/.exec(version ?? "") ?? [];
  return major === undefined || Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 4);
}

/** Notes, each once with the layers that it is about. */
class Notes {
  readonly #layers = new Map<string, string[]>();

  add(text: string, layer?: string): void {
    const layers = this.#layers.get(text) ?? [];
    if (layer !== undefined && !layers.includes(layer)) layers.push(layer);
    this.#layers.set(text, layers);
  }

  list(): string[] {
    return [...this.#layers].map(([text, layers]) => (layers.length === 0 ? text : `${layers.join(", ")}: ${text}`));
  }
}

// ------------------------------------------------------------------------------------------------------ tables

/** Classes that go by another name now. */
const classes: Readonly<Record<string, string>> = {
  AtrousConvolution1D: "Conv1D",
  AveragePooling1DV1: "AveragePooling1D",
  AvgPool1D: "AveragePooling1D",
  BatchNormalizationV1: "BatchNormalization",
  BatchNormalizationV2: "BatchNormalization",
  Convolution1D: "Conv1D",
  Convolution1DTranspose: "Conv1DTranspose",
  CuDNNGRU: "GRU",
  CuDNNLSTM: "LSTM",
  GlobalAvgPool1D: "GlobalAveragePooling1D",
  GlobalMaxPool1D: "GlobalMaxPooling1D",
  MaxPool1D: "MaxPooling1D",
  SeparableConvolution1D: "SeparableConv1D",
  ThresholdedReLU: "ReLU",
  TimeDistributedDense: "Dense",
  UnifiedGRU: "GRU",
  UnifiedLSTM: "LSTM",
};

const convolution = {
  nb_filter: "filters",
  filter_length: "kernel_size",
  subsample_length: "strides",
  border_mode: "padding",
  atrous_rate: "dilation_rate",
  bias: "use_bias",
};
const pooling = { pool_length: "pool_size", stride: "strides", border_mode: "padding" };
const cell = { output_dim: "units", inner_activation: "recurrent_activation" };

/** Options that go by another name now, by today's class. */
const options: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  AlphaDropout: { p: "rate" },
  AveragePooling1D: pooling,
  Conv1D: convolution,
  Dense: { output_dim: "units", bias: "use_bias" },
  Dropout: { p: "rate" },
  GaussianDropout: { p: "rate" },
  GaussianNoise: { sigma: "stddev" },
  GRU: cell,
  InputLayer: { batch_input_shape: "batch_shape", input_dtype: "dtype" },
  LeakyReLU: { alpha: "negative_slope" },
  LSTM: cell,
  MaxPooling1D: pooling,
  ReLU: { theta: "threshold" },
  SimpleRNN: cell,
  SpatialDropout1D: { p: "rate" },
  UpSampling1D: { length: "size" },
};

/** Options that said how to train, to build or to store. */
const dropped =
  /^(init|(inner|forget_bias|beta|gamma)_init|[WUb]_(regularizer|constraint)|dropout_[WU]|input_length|input_dtype|consume_less|weights|batch_input_shape|query_shape|key_shape|value_shape)$/;

/** Options that tell a layer of Keras 1. */
const keras1 = ["nb_filter", "filter_length", "border_mode", "inner_activation", "pool_length", "consume_less", "init"];

/** Options of one class that said so. */
const droppedOf: Readonly<Record<string, readonly string[]>> = {
  Bidirectional: ["input_dim"],
  Conv1D: ["input_dim"],
  Dense: ["input_dim"],
  Embedding: ["dropout"],
  GRU: ["input_dim"],
  LSTM: ["input_dim"],
  SimpleRNN: ["input_dim"],
  TimeDistributed: ["input_dim"],
};

/** Options that a class took over from another and that only ever had one value. */
const idle: Readonly<Record<string, Json>> = {
  AdditiveAttention: { causal: false },
  Attention: { causal: false },
  BatchNormalization: { mode: 0 },
  Conv1DTranspose: { groups: 1 },
  DepthwiseConv1D: { groups: 1 },
  SeparableConv1D: { groups: 1 },
};

/** What Keras 1 called the layers that its Merge has become. */
const merges: Readonly<Record<string, string>> = {
  ave: "Average",
  concat: "Concatenate",
  max: "Maximum",
  mul: "Multiply",
  sum: "Add",
};

/** Options that hold layers, or name functions. */
const inner = ["layer", "backward_layer", "cell"] as const;
const functions = ["activation", "recurrent_activation"] as const;

// ------------------------------------------------------------------------------------------------------ layers

interface Context {
  readonly keepsMeaning: boolean;
  readonly theano: boolean;
  /** Whether masks may be on their way through the model. */
  readonly masked: boolean;
  /** Whether Bidirectional gives zeros for masked steps, as it does now. */
  readonly forcesZeros: boolean;
  readonly place: readonly string[];
  readonly weights: WeightTree | WeightLists;
}

class Legacy {
  readonly #notes: Notes;
  readonly #context: Context;

  constructor(notes: Notes, context: Context) {
    this.#notes = notes;
    this.#context = context;
  }

  /** Notes what Keras 3 stops at. */
  #unopened(what: string): void {
    this.#notes.add(`Keras 3 does not open such a file: ${what}`);
  }

  /** A model, or a model as a layer. */
  model(envelope: Json, depth: number): Json {
    const { place } = this.#context;
    if (depth > deepest) throw invalidModel(`layers lie more than ${deepest} deep in each other`, place);
    const { class_name: className } = envelope;
    const given = Array.isArray(envelope.config) ? { layers: envelope.config } : envelope.config;
    if (!isObject(given) || !Array.isArray(given.layers)) return envelope;
    if (Array.isArray(envelope.config)) this.#unopened("a Sequential that is a list of layers");
    const entries: unknown[] = given.layers;
    const layers = entries.map((entry) => (isObject(entry) ? this.#layer(entry, depth + 1) : entry));
    if (className === "Sequential")
      return { ...envelope, config: { ...given, layers: this.#withInput(layers, entries, given) } };
    return { ...envelope, config: connected(given, layers, place) };
  }

  #layer(entry: Json, depth: number): Json {
    const { place } = this.#context;
    if (depth > deepest) throw invalidModel(`layers lie more than ${deepest} deep in each other`, place);
    const { class_name: given, config: old } = entry;
    if (typeof given !== "string" || Array.isArray(old)) return this.model(entry, depth);
    if (!isObject(old)) return entry;
    if (Array.isArray(old.layers) && given !== "Merge") {
      const model = this.model(entry, depth);
      return typeof entry.name === "string" || !isObject(model.config) ? model : { ...model, name: model.config.name };
    }
    const name = typeof old.name === "string" ? old.name : given;
    const where = [...place, `layer ${name}`];
    if (given === "Merge") {
      this.#unopened("layers of Keras 1");
      return { ...entry, ...mergeLayer(old, where) };
    }
    if (isTensorFlowOperation(entry)) this.#unopened("functions of TensorFlow in the graph");
    const className = Object.hasOwn(classes, given) ? classes[given]! : given;
    const config = plainOptions(className, old);
    if (keras1.some((key) => key in old)) this.#unopened("layers of Keras 1");
    if ("time_major" in old) this.#unopened("time_major in a recurrent layer");
    this.#explicit(given, className, config, old, where);
    for (const key of functions) {
      if (key in config) config[key] = this.#function(config[key], name, depth);
    }
    for (const key of inner) {
      if (isObject(config[key])) config[key] = this.#layer(config[key], depth + 1);
    }
    if (Array.isArray(config.cells))
      config.cells = config.cells.map((part) => (isObject(part) ? this.#layer(part, depth + 1) : part));
    if (className === "Bidirectional" && !isObject(config.backward_layer))
      config.backward_layer = mirrored(config.layer);
    return { ...entry, class_name: className, config };
  }

  /** Writes out what an option that is not there meant, and refuses what has no spelling today. */
  #explicit(given: string, className: string, config: Json, old: Json, where: readonly string[]): void {
    if (given.startsWith("CuDNN")) {
      Object.assign(config, { activation: "tanh", recurrent_activation: "sigmoid", use_bias: true });
      if (className === "GRU") config.reset_after = true;
    }
    if (className === "GRU" && config.reset_after === undefined) {
      config.reset_after = false;
      this.#notes.add(
        "the reset gate is applied before the recurrent kernel, as before reset_after existed; Keras 3 does not open such layers",
        typeof old.name === "string" ? old.name : given,
      );
    }
    if (className === "InputLayer" && config.dtype === undefined) config.dtype = "float32";
    const sequences = isObject(config.layer) && isObject(config.layer.config) && config.layer.config.return_sequences;
    if (
      className === "Bidirectional" &&
      sequences === true &&
      !this.#context.forcesZeros &&
      this.#context.keepsMeaning
    ) {
      config.zero_output_for_mask = false;
      if (this.#context.masked) {
        this.#notes.add(
          "a masked step gives the output of the step before it, as before Keras 2.4; Keras 3 gives zeros",
          String(old.name),
        );
      }
    }
    if (this.#context.theano && this.#context.keepsMeaning && className === "Conv1D") {
      this.#notes.add(
        "the kernel is turned round along its taps, since Theano, which wrote it, convolves; Keras 3 takes it as it lies",
        String(old.name),
      );
    }
    if (!this.#context.theano) return;
    const uneven = config.padding === "same" && theanoPadsOtherwise(className, config);
    if (uneven && this.#context.keepsMeaning) {
      throw unsupportedOption(
        given,
        "padding",
        'Theano pads "same" otherwise than Keras 3 for an even kernel, for strides above 1 and for pooling',
        where,
      );
    }
  }

  /** An activation's name, or the layer that stands for one. */
  #function(value: unknown, layer: string, depth: number): unknown {
    if (isObject(value) && value.class_name === "function") return this.#function(value.config, layer, depth);
    if (isObject(value) && isObject(value.config)) return this.#layer(value, depth + 1);
    if (value !== "hard_sigmoid") return value;
    if (!this.#context.keepsMeaning) return value;
    this.#notes.add(
      "hard_sigmoid is clip(0.2 x + 0.5, 0, 1), as it was before Keras 3, which takes it for clip(x / 6 + 0.5, 0, 1)",
      layer,
    );
    return "keras2>hard_sigmoid";
  }

  /** A Sequential's layers behind an InputLayer: before Keras 2.2.3 the first layer had the input's shape. */
  #withInput(layers: unknown[], entries: readonly unknown[], config: Json): unknown[] {
    const [first] = layers;
    if (!isObject(first) || first.class_name === "InputLayer" || Array.isArray(config.build_input_shape)) return layers;
    const shape = firstShape(entries[0]) ?? this.#storedShape(first);
    if (!shape) return layers;
    this.#unopened("a first layer that has the input's shape, without an InputLayer");
    const embeds = first.class_name === "Embedding";
    const name = isObject(first.config) && typeof first.config.name === "string" ? first.config.name : "layer";
    const input = { batch_shape: shape, dtype: embeds ? "int32" : "float32", name: `${name}_input` };
    return [{ class_name: "InputLayer", config: input }, ...layers];
  }

  /** The shape that a first layer's kernel asks for, with what it leaves open. */
  #storedShape(first: Json): (number | null)[] | null {
    const { weights } = this.#context;
    if (!("kind" in weights) || weights.kind !== "layers" || !isObject(first.config)) return null;
    const { name } = first.config;
    const kernel = weights.layers.find((layer) => layer.name === name)?.arrays[0]?.array.shape;
    if (!kernel) return null;
    const shapes: Readonly<Record<string, (number | null)[] | null>> = {
      Conv1D: kernel.length === 3 ? [null, null, kernel[1]!] : null,
      Dense: kernel.length === 2 ? [null, kernel[0]!] : null,
      Embedding: [null, null],
      GRU: kernel.length === 2 ? [null, null, kernel[0]!] : null,
      LSTM: kernel.length === 2 ? [null, null, kernel[0]!] : null,
    };
    const className = String(first.class_name);
    const shape = Object.hasOwn(shapes, className) ? shapes[className]! : null;
    if (shape)
      this.#notes.add("the model does not say its input's shape, which is taken from the first layer's kernel");
    return shape;
  }
}

/** The options under today's names, without those that have no meaning for inference. */
function plainOptions(className: string, old: Json): Json {
  const names = Object.hasOwn(options, className) ? options[className]! : {};
  const gone = Object.hasOwn(droppedOf, className) ? droppedOf[className]! : [];
  const silent = Object.hasOwn(idle, className) ? idle[className]! : {};
  const config: Json = {};
  for (const [key, value] of Object.entries(old)) {
    const name = Object.hasOwn(names, key) ? names[key]! : key;
    if (name === key && (dropped.test(key) || gone.includes(key))) continue;
    if (Object.hasOwn(silent, key) && silent[key] === value) continue;
    config[name] = isObject(value) && value.type === "ndarray" ? value.value : value;
  }
  return config;
}

function mergeLayer(config: Json, where: readonly string[]): Json {
  const { mode, name, trainable = true } = config;
  if (Array.isArray(config.layers) && config.layers.length > 0)
    throw unsupportedOption("Merge", "layers", "models that are merged in front of a Sequential are not read", where);
  if (typeof mode !== "string" || !Object.hasOwn(merges, mode))
    throw unsupportedOption(
      "Merge",
      "mode",
      `expected one of ${Object.keys(merges).join(", ")}, got ${brief(mode)}`,
      where,
    );
  const axis = mode === "concat" ? { axis: config.concat_axis ?? -1 } : {};
  return { class_name: merges[mode]!, config: { name, trainable, ...axis } };
}

/** The backward half that Bidirectional makes of its layer where the file has none. */
function mirrored(layer: unknown): unknown {
  if (!isObject(layer) || !isObject(layer.config)) return layer;
  const { go_backwards: backwards = false, name } = layer.config;
  return { ...layer, config: { ...layer.config, go_backwards: backwards !== true, name: `backward_${String(name)}` } };
}

/** Where Theano's "same" is not that of the others: it pads half the kernel on both sides. */
function theanoPadsOtherwise(className: string, config: Json): boolean {
  if (/Pooling/.test(className)) return true;
  const [taps, stride, dilation] = ["kernel_size", "strides", "dilation_rate"].map((key) => {
    const value = config[key] ?? 1;
    return Number(Array.isArray(value) ? value[0] : value);
  }) as [number, number, number];
  return stride > 1 || ((taps - 1) * dilation) % 2 !== 0;
}

/** The input's shape in a layer's, or in the first layer's of a model. */
function firstShape(entry: unknown, depth = 0): unknown[] | null {
  if (!isObject(entry) || depth > deepest) return null;
  const layers = Array.isArray(entry.config) ? entry.config : isObject(entry.config) ? entry.config.layers : null;
  if (Array.isArray(layers)) return firstShape(layers[0], depth + 1);
  if (!isObject(entry.config)) return null;
  const shape = entry.config.batch_input_shape ?? entry.config.batch_shape;
  return Array.isArray(shape) ? shape : null;
}
