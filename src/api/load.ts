/**
 * load: a model file, wherever it is, as a Model
 */
import { type CustomLayers, type Meaning, readKeras } from "../dialects/keras.ts";
import { unsupportedFeature } from "../error.ts";
import { parseJson } from "../formats/json.ts";
import type { KerasFile } from "../formats/keras.ts";
import { readModelFile } from "../formats/read.ts";
import { graphFromState } from "../dialects/state.ts";
import type { Graph } from "../graph/graph.ts";
import { readSource, type Source } from "../platform/source.ts";
import { type EngineOptions, type Model, openModel } from "./model.ts";

/** How `load` takes a file. */
export interface LoadOptions extends EngineOptions {
  /** What messages and reports call the model; the file's name by default. */
  readonly name?: string;
  /** Where the architecture is, for a file of Keras weights alone (`.weights.h5`): a model file or its config JSON. */
  readonly architecture?: Source;
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

/**
 * Loads a model: a path (Node, Deno, Bun), a URL, a Response, a Blob, or bytes. The format is known by the bytes.
 *
 * @throws {ChannelwiseError} `unreadable-file`, `unknown-format`, `corrupt-file`, `unsupported-…`, `invalid-model`,
 *   `missing-weight`, `shape-mismatch`
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  const { bytes, name: found } = await readSource(source);
  const name = options.name ?? found;
  const architecture = options.architecture === undefined ? null : await readSource(options.architecture);
  const read = architecture ? readWeights(bytes, name, architecture, options) : readGraph(bytes, name, options);
  return openModel(read.graph, name, read.origin, options, read.notes);
}

/** A model file, read. */
export interface ReadFile {
  readonly graph: Graph;
  /** What the file is, e.g. `Keras 3.15.1`. */
  readonly origin: string;
  /** What its reader should know; see `Description.notes`. */
  readonly notes: readonly string[];
}

/** How `readGraph` takes a file: the part of `LoadOptions` that is about its meaning. */
export type ReadOptions = Pick<LoadOptions, "customLayers" | "meaning">;

/** The graph of a model file, and what the file is. */
export function readGraph(bytes: Uint8Array, name: string, options: ReadOptions = {}): ReadFile {
  const file = readModelFile(bytes, [name]);
  if (file.kind !== "keras")
    return { graph: graphFromState(file, [name]), origin: "channelwise safetensors", notes: [] };
  if (file.config === null) {
    throw unsupportedFeature(
      "the file holds weights and no model",
      [name],
      "give the model it belongs to, or its config JSON, with --architecture",
    );
  }
  return readKerasParts(file, file, [name, file.configPlace ?? "config.json"], options);
}

/** Keras weights alone, on an architecture: a model file, or the JSON of `model.to_json()`. */
export function readWeights(
  bytes: Uint8Array,
  name: string,
  architecture: { bytes: Uint8Array; name: string },
  options: ReadOptions = {},
): ReadFile {
  const described: Architecture =
    architecture.bytes[0] === 0x7b
      ? { config: parseJson(architecture.bytes, [architecture.name]), kerasVersion: null, backend: null }
      : kerasFile(architecture.bytes, architecture.name);
  if (described.config === null) {
    throw unsupportedFeature(
      "the file holds weights and no model",
      [architecture.name],
      "give a model, or its config JSON",
    );
  }
  return readKerasParts(described, kerasFile(bytes, name), [architecture.name, "config"], options);
}

type Architecture = Pick<KerasFile, "config" | "kerasVersion" | "backend">;

function readKerasParts(
  architecture: Architecture,
  file: KerasFile,
  place: readonly string[],
  { customLayers, meaning }: ReadOptions,
): ReadFile {
  const { graph, notes } = readKeras({
    config: architecture.config,
    weights: file.weights,
    kerasVersion: architecture.kerasVersion ?? file.kerasVersion,
    backend: file.backend ?? architecture.backend,
    place,
    ...(customLayers ? { customLayers } : {}),
    ...(meaning ? { meaning } : {}),
  });
  const unread = file.unread.length === 0 ? [] : [`not read: ${file.unread.join(", ")}`];
  const version = file.kerasVersion ?? architecture.kerasVersion;
  const origin = file.config === null ? "Keras weights" : `Keras ${version ?? "of an unknown version"}`;
  return { graph, origin, notes: [...notes, ...unread] };
}

function kerasFile(bytes: Uint8Array, name: string): KerasFile {
  const file = readModelFile(bytes, [name]);
  if (file.kind !== "keras")
    throw unsupportedFeature(
      "the file is not one of Keras",
      [name],
      "give the Keras model as MODEL and as --architecture",
    );
  return file;
}
