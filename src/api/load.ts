/**
 * load: a model file, wherever it is, as a Model
 */
import { type CustomLayers, type Meaning, readKeras } from "../dialects/keras.ts";
import { ChannelwiseError, unsupportedFeature } from "../error.ts";
import { printable } from "../bytes/printable.ts";
import type { KerasFile } from "../formats/keras.ts";
import type { WeightTree } from "../formats/weight-tree.ts";
import type { Parts } from "../formats/parts.ts";
import { partsOf, readModelFile } from "../formats/read.ts";
import { keptKey, keptOrigin } from "../dialects/keras-kept.ts";
import { graphFromState } from "../dialects/state.ts";
import { type Graph, layersOf } from "../graph/graph.ts";
import { type Bytes, fetchArrays, settle } from "../platform/bytes.ts";
import { openSource } from "../platform/open.ts";
import type { Need } from "../platform/runtime.ts";
import type { Source } from "../platform/source.ts";
import type { StoredArray } from "../tensor.ts";
import { type EngineOptions, engineOptions, type Model, openModel } from "./model.ts";
import { type OptionNames, requireChoice, requireKnown } from "../options.ts";
import { type ModelSource, rememberSource } from "./source.ts";
import { type WayBack, wayBack } from "./way-back.ts";

/** How `load` takes a file. */
export interface LoadOptions extends EngineOptions {
  /** What messages and reports call the model; the file's name by default. */
  readonly name?: string;
  /**
   * Where the architecture is, for a file of weights alone. Of Keras weights (`.weights.h5`): a model file or its config JSON. Of a
   * PyTorch state dict (`.pt`, `.safetensors`): the model file that it was converted from.
   */
  readonly architecture?: Source;
  /** How a PyTorch state dict was converted: `ConvertOptions.flatten`. Told from its weights by default. */
  readonly flatten?: "permute" | "fold";
  /** Files that belong to the model, by name, where it is bytes or a Blob: the shards that a TensorFlow.js `model.json` names. */
  readonly files?: Readonly<Record<string, Source>>;
  /**
   * What classes that are not Keras' own compute, by registered name (`my_package>MyLayer`) or class: a function that builds
   * nodes of known operators. A Lambda takes the same way in, under `Lambda` or the name of its layer.
   */
  readonly customLayers?: CustomLayers;
  /**
   * What files of Keras 1 and 2 mean where Keras 3 takes them for something else (`hard_sigmoid`, kernels written with Theano):
   * what they meant when they were written, or what Keras 3 makes of them. Default "original".
   */
  readonly meaning?: Meaning;
}

const optionNames: OptionNames<LoadOptions> = {
  name: true,
  architecture: true,
  flatten: true,
  files: true,
  customLayers: true,
  meaning: true,
  ...engineOptions,
};

/**
 * Loads a model: a path (Node, Deno, Bun), a URL, a Response, a Blob, or bytes. The format is known by the bytes. Of a URL
 * only what is needed is fetched, where its server gives ranges. A file of more than 256 MiB is read as its weights are needed, which is
 * when the model is first run, and again for what is run otherwise later: until then it has to stay as it is, and damage shows no earlier.
 *
 * @throws {ChannelwiseError} `unreadable-file`, `unknown-format`, `corrupt-file`, `unsupported-…`, `invalid-model`,
 *   `missing-weight`, `shape-mismatch`, `usage`
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  const { name, ...read } = await readFile(source, options, "numbers");
  const model = await openModel(read.graph, name, read.origin, options, read.notes);
  rememberSource(model, read.source);
  return model;
}

/**
 * Reads a model file.
 *
 * @param need whether its arrays' numbers will be read; else as little as tells what is in it is fetched
 */
export async function readFile(
  source: Source,
  options: LoadOptions,
  need: Need,
): Promise<ReadFile & { readonly name: string }> {
  requireKnown(options, optionNames);
  requireChoice("flatten", ["permute", "fold"], options.flatten ?? "permute");
  requireChoice("meaning", ["original", "keras3"], options.meaning ?? "original");
  const found = await open(source, options, need);
  const file = { ...found, name: options.name ?? found.name };
  const architecture = options.architecture === undefined ? null : await open(options.architecture, options, need);
  const sources = [file, ...(architecture ? [architecture] : [])].flatMap(({ bytes, parts }) => [
    bytes,
    ...(parts?.values() ?? []),
  ]);
  const read = await settle(sources, () => {
    const own = architecture ? readWeights(file, architecture, options) : readGraph(file, options);
    if (need === "numbers") fetchArrays(sources, arraysOf(own));
    return own;
  });
  return { ...read, name: file.name };
}

/** All arrays that may be read of a model from now on. */
function arraysOf({ graph, stored }: ReadFile): Set<StoredArray> {
  const weights = layersOf(graph).flatMap((layer) => Object.values(layer.weights));
  return new Set([...weights.map(({ array }) => array), ...stored]);
}

/** A model file, read. */
export interface ReadFile {
  readonly graph: Graph;
  /** What the file is, e.g. `Keras 3.15.1`. */
  readonly origin: string;
  /** What its reader should know; see `Description.notes`. */
  readonly notes: readonly string[];
  /** What it is written from. */
  readonly source: ModelSource;
  /** The arrays that it is written from, beside those of the graph. */
  readonly stored: readonly StoredArray[];
}

/** How `readGraph` takes a file: the part of `LoadOptions` that is about its meaning. */
export type ReadOptions = Pick<LoadOptions, "customLayers" | "flatten" | "meaning">;

/** A file with those that belong to it. */
export interface OpenedFile {
  readonly bytes: Bytes;
  readonly name: string;
  readonly parts?: Parts;
}

/** Fetches a file and those beside it that it names. */
async function open(source: Source, { files = {} }: Pick<LoadOptions, "files">, need: Need): Promise<OpenedFile> {
  const { bytes, name, beside } = await openSource(source, need);
  const parts = new Map<string, Bytes>();
  for (const part of await settle([bytes], () => partsOf(bytes, [name]))) {
    const where = Object.hasOwn(files, part) ? files[part] : beside?.(part);
    if (where === undefined) {
      throw unsupportedFeature(
        `the file ${printable(part)} belongs to it, and bytes alone have nothing beside them`,
        [name],
        `give it along: load(file, { files: { ${JSON.stringify(part)}: … } }), or load a path or a URL`,
      );
    }
    parts.set(part, (await openSource(where, need)).bytes);
  }
  return { bytes, name, parts };
}

/** The graph of a model file, and what the file is. */
export function readGraph({ bytes, name, parts }: OpenedFile, options: ReadOptions = {}): ReadFile {
  const file = readModelFile(bytes, [name], parts);
  if (file.kind === "safetensors") {
    const graph = graphFromState(file, [name]);
    const kept = Object.hasOwn(file.metadata, keptKey) ? file.metadata[keptKey] : undefined;
    const keras = kept === undefined ? {} : { keras: () => keptOrigin(kept, graph, [name, "__metadata__", keptKey]) };
    return { graph, origin: "channelwise safetensors", notes: [], source: keras, stored: [] };
  }
  if (file.kind === "state") {
    throw unsupportedFeature(
      "the file holds weights and no model",
      [name],
      "give the model that it was converted from, with --architecture (--template of convert)",
    );
  }
  if (file.config === null) {
    throw unsupportedFeature(
      "the file holds weights and no model",
      [name],
      "give the model it belongs to, or its config JSON, with --architecture",
    );
  }
  return readKerasParts(file, file, [name, file.configPlace ?? "config.json"], name, options);
}

/**
 * Weights alone, on an architecture. Of Keras: a model file, or the JSON of `model.to_json()`; of PyTorch: the model file that they
 * were converted from.
 */
export function readWeights(file: OpenedFile, architecture: OpenedFile, options: ReadOptions = {}): ReadFile {
  const { bytes, name, parts } = file;
  const weights = readModelFile(bytes, [name], parts);
  if (weights.kind !== "keras") {
    const template = readGraph(architecture, options);
    // It is told from all of them how the state dict was converted.
    fetchArrays([bytes, ...(parts?.values() ?? [])], weights.tensors.values());
    const state = wayBack(template.graph, weights.tensors, options.flatten, [name]);
    const unread = weights.kind === "state" ? notRead(weights.unread) : [];
    const how = `weights of PyTorch, as convert --flatten ${state.flatten} orders them`;
    return {
      graph: state.graph,
      origin: `PyTorch weights on ${template.origin}`,
      notes: [how, ...doubts(state), ...template.notes, ...unread],
      source: { ...template.source, state },
      stored: [...template.stored, ...weights.tensors.values()],
    };
  }
  const described = kerasFile(architecture);
  if (described.config === null) {
    throw unsupportedFeature(
      "the file holds weights and no model",
      [architecture.name],
      "give a model, or its config JSON",
    );
  }
  const read = readKerasParts(described, weights, [architecture.name, "config"], file.name, options);
  if (weights.config === null) return read;
  const own = `${name} has a model of its own, which is not read: its weights are taken for that of ${architecture.name}`;
  return { ...read, notes: [own, ...read.notes] };
}

/** What is told where somebody says an order that the weights speak against. */
function doubts({ flatten, doubtful }: WayBack): string[] {
  if (!doubtful) return [];
  const other = flatten === "fold" ? "permute" : "fold";
  return [
    `these weights are far nearer to the architecture's own as convert --flatten ${other} orders them: is ${flatten} right?`,
  ];
}

type Architecture = Pick<KerasFile, "config" | "kerasVersion" | "backend">;

function readKerasParts(
  architecture: Architecture,
  file: KerasFile,
  place: readonly string[],
  name: string,
  { customLayers, meaning }: ReadOptions,
): ReadFile {
  if (file.weights === null) {
    throw unsupportedFeature(
      "the file holds a model's configuration and no weights",
      [name],
      "give the weights as MODEL, and this file with --architecture",
    );
  }
  const readWith = (weights: NonNullable<KerasFile["weights"]>) =>
    readKeras({
      config: architecture.config,
      weights,
      kerasVersion: architecture.kerasVersion ?? file.kerasVersion,
      backend: file.backend ?? architecture.backend,
      place,
      ...(customLayers ? { customLayers } : {}),
      ...(meaning ? { meaning } : {}),
    });
  const { graph, notes, keras } = file === architecture ? readWith(file.weights) : byPlace(file.weights, readWith);
  const version = file.kerasVersion ?? architecture.kerasVersion;
  const origin = file.config === null ? "Keras weights" : `Keras ${version ?? "of an unknown version"}`;
  const written = { ...keras, version, ...(customLayers ? { customLayers } : {}) };
  const source = { keras: () => written };
  const stored = keras.variables.flatMap(({ array }) => array ?? []);
  return { graph, origin, notes: [...notes, ...notRead(file.unread)], source, stored };
}

/** Weights alone on an architecture whose layers may have other names: Keras' own load_weights goes by the groups' places. */
function byPlace<T extends { readonly notes: readonly string[] }>(
  weights: NonNullable<KerasFile["weights"]>,
  read: (weights: NonNullable<KerasFile["weights"]>) => T,
): T {
  try {
    return read(weights);
  } catch (error) {
    if (!(error instanceof ChannelwiseError) || error.code !== "missing-weight" || !("variables" in weights))
      throw error;
    const unnamed: WeightTree = {
      variables: (path) => weights.variables(path),
      name: () => undefined,
      has: (path) => weights.has(path),
      children: (path) => weights.children(path),
      place: weights.place,
    };
    const found = read(unnamed);
    const note = `weights are taken by their places, as Keras' load_weights does: ${error.summary}`;
    return { ...found, notes: [...found.notes, note] };
  }
}

/** What is told of the parts of a file that nobody reads. */
function notRead(unread: readonly string[]): string[] {
  const more = unread.length > 12 ? ` and ${unread.length - 12} more` : "";
  return unread.length === 0 ? [] : [`not read: ${unread.slice(0, 12).join(", ")}${more}`];
}

function kerasFile({ bytes, name, parts }: OpenedFile): KerasFile {
  const file = readModelFile(bytes, [name], parts);
  if (file.kind !== "keras")
    throw unsupportedFeature(
      "the file is not one of Keras",
      [name],
      "give the Keras model as MODEL and as --architecture",
    );
  return file;
}
