/**
 * keras-kept: what a model of Keras is written from, in the metadata of a safetensors file beside its graph
 *
 *     {"version": "3.15.1", "config": {…},
 *      "variables": [{"dtype": "float32", "shape": [3, 2, 4]},                        a weight: its numbers are a tensor's
 *                    {"dtype": "int64", "shape": [], "data": "BwAAAAAAAAA="}, …]}     no weight: its bytes, base64
 *
 * The variables stand in the order of `model.get_weights()`. One that no weight is made of, such as the count of a Normalization, is
 * kept with its bytes if it is small; a model with larger ones (quantized embeddings) can be written again only from its template.
 */
import { bytesOf, typedArray } from "../bytes/numbers.ts";
import { denseBytes } from "../bytes/limits.ts";
import { ChannelwiseError, corruptFile, notKept } from "../error.ts";
import { isRecord, parseJson } from "../formats/json.ts";
import { type Graph, type Layer, layersOf, type Weight, withLayers } from "../graph/graph.ts";
import { bytesPerElement, type DType, type StoredArray } from "../tensor.ts";
import type { KerasOrigin } from "./keras.ts";
import { readKeras } from "./keras.ts";
import type { Json } from "./keras-config.ts";
import { kerasConfig } from "./keras-spelling.ts";
import { converted, inOrder } from "./keras-store.ts";
import { count as isCount, natural } from "../ops/schema.ts";

/** The metadata key. */
export const keptKey = "channelwise.keras";

const mostKeptBytes = 2 ** 16;

/** The metadata of a model; null for one that Keras 3 has no words for. */
export function describeOrigin(origin: KerasOrigin, version: string | null): string | null {
  const config = spelledOrNull(origin);
  if (!config) return null;
  const weighed = new Set(
    layersOf(origin.graph).flatMap(({ weights }) => Object.values(weights).flatMap(({ variable }) => variable ?? [])),
  );
  const variables = inOrder(origin.variables).map((array) => {
    const { dtype, shape } = array;
    if (weighed.has(array) || denseBytes(shape, bytesPerElement[dtype], []) > mostKeptBytes) return { dtype, shape };
    return { dtype, shape, data: btoa(String.fromCharCode(...bytesOf(array.read()))) };
  });
  return JSON.stringify({ version: origin.legacy ? null : version, config, variables });
}

function spelledOrNull(origin: KerasOrigin): Json | null {
  try {
    return kerasConfig(origin);
  } catch (error) {
    if (error instanceof ChannelwiseError) return null;
    throw error;
  }
}

/**
 * The origin of a model out of its metadata.
 *
 * @param graph the model as the file's other metadata describes it
 * @throws {ChannelwiseError} `corrupt-file` where the two do not belong together
 */
export function keptOrigin(
  text: string,
  graph: Graph,
  place: readonly string[],
): KerasOrigin & { version: string | null } {
  const json = parseJson(new TextEncoder().encode(text), place);
  if (!isRecord(json) || !Array.isArray(json.variables))
    throw corruptFile("expected a configuration and variables", place);
  const arrays = json.variables.map((entry, index) => ({
    name: `variable ${index}`,
    array: keptArray(entry, index, place),
  }));
  const version = typeof json.version === "string" ? json.version : null;
  const weights = { kind: "order", place, arrays } as const;
  const { keras } = readKeras({ config: json.config, weights, kerasVersion: version, place });

  const own = layersOf(graph);
  const described = layersOf(keras.graph);
  const roles = (layer: Layer | undefined) => `${layer?.path} ${Object.keys(layer?.weights ?? {}).sort()}`;
  if (own.length !== described.length || own.some((layer, index) => roles(layer) !== roles(described[index])))
    throw corruptFile("the configuration of Keras and the graph are of two models", place);
  // What the walk took becomes what the file holds: the numbers of its tensors in the variables' own types.
  const filled = new Map<StoredArray, StoredArray>();
  const layers = own.map((layer, index): Layer => {
    const entries = Object.entries(layer.weights).map(([role, weight]): [string, Weight] => {
      const { variable } = described[index]!.weights[role]!;
      if (!variable) return [role, weight];
      const { dtype, shape } = variable;
      const read = () => converted(weight.array, dtype, `${layer.path}/${role}`);
      filled.set(variable, { dtype, shape, read });
      return [role, { ...weight, variable: filled.get(variable)! }];
    });
    return { ...layer, weights: Object.fromEntries(entries) };
  });
  return {
    ...keras,
    version,
    graph: withLayers(graph, new Map(own.map((layer, index) => [layer, layers[index]!]))),
    variables: keras.variables.map((entry) => ({
      ...entry,
      array: entry.array && (filled.get(entry.array) ?? entry.array),
    })),
  };
}

function keptArray(entry: unknown, index: number, place: readonly string[]): StoredArray {
  const fail = (): never => {
    throw corruptFile(`variable ${index}: expected its type and shape`, place);
  };
  if (!isRecord(entry)) return fail();
  const { dtype, shape, data } = entry;
  const known = typeof dtype === "string" && Object.hasOwn(bytesPerElement, dtype);
  if (!known || !Array.isArray(shape) || !shape.every((size) => natural(size) || isCount(size))) return fail();
  const type = dtype as DType;
  const expected = denseBytes(shape, bytesPerElement[type], place);
  if (data === undefined) {
    const read = (): never => {
      throw notKept(`variable ${index}`, place);
    };
    return { dtype: type, shape, read };
  }
  if (typeof data !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(data) || data.length % 4 !== 0) return fail();
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  if (bytes.length !== expected) return fail();
  return { dtype: type, shape, read: () => typedArray(type, bytes) };
}
