/**
 * load: a model file, wherever it is, as a Model
 */
import { kerasGraph } from "../dialects/keras.ts";
import { readModelFile } from "../formats/read.ts";
import { graphFromState } from "../dialects/state.ts";
import type { Graph } from "../graph/graph.ts";
import { kernelModule } from "../platform/kernels.ts";
import { readSource, type Source } from "../platform/source.ts";
import { Model } from "./model.ts";

export interface LoadOptions {
  /** What messages and reports call the model; the file's name by default. */
  readonly name?: string;
  /** The compiled kernels, for hosts that forbid compiling bytes at run time. */
  readonly module?: WebAssembly.Module;
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
  const { graph, origin } = readGraph(bytes, name);
  return new Model(graph, name, origin, kernelModule(options.module));
}

/** The graph of a model file, and what the file is. */
export function readGraph(bytes: Uint8Array, name: string): { graph: Graph; origin: string } {
  const file = readModelFile(bytes, [name]);
  if (file.kind === "keras") {
    const graph = kerasGraph({ config: file.config, weights: file.variables, place: [name, "config.json"] });
    return { graph, origin: `Keras ${file.kerasVersion}` };
  }
  return { graph: graphFromState(file, [name]), origin: "channelwise safetensors" };
}
