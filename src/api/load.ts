/**
 * load: a model file, wherever it is, as a Model
 */
import { type CustomLayers, kerasGraph } from "../dialects/keras.ts";
import { isHdf5, openHdf5 } from "../bytes/hdf5/index.ts";
import { unsupportedFeature } from "../error.ts";
import { parseJson } from "../formats/json.ts";
import type { KerasFile } from "../formats/keras.ts";
import { readModelFile } from "../formats/read.ts";
import { weightTree } from "../formats/weight-tree.ts";
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
  const custom = options.customLayers;
  const { graph, origin } = architecture
    ? readWeights(bytes, name, architecture, custom)
    : readGraph(bytes, name, custom);
  return openModel(graph, name, origin, options);
}

/** The graph of a model file, and what the file is. */
export function readGraph(
  bytes: Uint8Array,
  name: string,
  customLayers: CustomLayers = {},
): { graph: Graph; origin: string } {
  const file = readModelFile(bytes, [name]);
  if (file.kind === "keras") {
    const place = [name, "config.json"];
    const graph = kerasGraph({ config: file.config, weights: file.variables, place, customLayers });
    return { graph, origin: `Keras ${file.kerasVersion}` };
  }
  return { graph: graphFromState(file, [name]), origin: "channelwise safetensors" };
}

/** Keras weights alone, on an architecture: the config of a `.keras` file, or the JSON of `model.to_json()`. */
function readWeights(
  bytes: Uint8Array,
  name: string,
  architecture: { bytes: Uint8Array; name: string },
  customLayers: CustomLayers = {},
): { graph: Graph; origin: string } {
  const config =
    architecture.bytes[0] === 0x7b ? parseJson(architecture.bytes, [architecture.name]) : kerasConfig(architecture);
  const weights = isHdf5(bytes) ? weightTree(openHdf5(bytes, [name])) : kerasFile(bytes, name).variables;
  return {
    graph: kerasGraph({ config, weights, place: [architecture.name, "config"], customLayers }),
    origin: "Keras weights",
  };
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

function kerasConfig({ bytes, name }: { bytes: Uint8Array; name: string }): unknown {
  return kerasFile(bytes, name).config;
}
