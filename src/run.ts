/**
 * channelwise/run: the small entry for serving. Loads the `.safetensors` models that channelwise writes, and runs them.
 */
import { type EngineOptions, engineOptions, type Model, openModel } from "./api/model.ts";
import { type OptionNames, requireKnown } from "./options.ts";
import { graphFromState } from "./dialects/state.ts";
import { notServed } from "./error.ts";
import { isSafetensors, readSafetensors } from "./formats/safetensors.ts";
import { readSource, type Source } from "./platform/source.ts";

export type { Input, Model, ModelPort } from "./api/model.ts";
export { ChannelwiseError, type ErrorCode } from "./error.ts";
export type { Source } from "./platform/source.ts";
export { type Tensor, type TensorData, tensor } from "./tensor.ts";

/** How `load` takes a file. */
export interface LoadOptions extends EngineOptions {
  /** What messages call the model; the file's name by default. */
  readonly name?: string;
}

const optionNames: OptionNames<LoadOptions> = { name: true, ...engineOptions };

/**
 * Loads a model that channelwise wrote as `.safetensors`: a path (Node, Deno, Bun), a URL, a Response, a Blob, or bytes.
 *
 * @throws {ChannelwiseError} `unreadable-file`, `unknown-format`, `corrupt-file`, `unsupported-feature`, `missing-weight`, `usage`
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  requireKnown(options, optionNames);
  const { bytes, name: found } = await readSource(source);
  const name = options.name ?? found;
  if (!isSafetensors(bytes)) throw notServed(name);
  const graph = graphFromState(readSafetensors(bytes, [name]), [name]);
  return openModel(graph, name, "channelwise safetensors", options);
}
