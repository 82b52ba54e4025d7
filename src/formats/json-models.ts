/**
 * json-models: model files that are JSON: TensorFlow.js models, maps of sharded weights (of Keras, of PyTorch), configurations alone.
 */
import { unsupportedFeature } from "../error.ts";
import type { Bytes } from "../platform/bytes.ts";
import type { Format, ModelFile } from "./format.ts";
import { isRecord, parseJson } from "./json.ts";
import type { KerasFile } from "./keras.ts";
import { kinds } from "./kinds.ts";
import { noParts, type Parts } from "./parts.ts";
import { isStateIndex, readStateIndex, stateIndexParts } from "./state-shards.ts";
import { isTfjs, readTfjs, tfjsParts } from "./tfjs.ts";
import { isShardMap, readShards, shardParts } from "./weight-shards.ts";

type Json = Record<string, unknown>;

interface Reader {
  is(json: Json): boolean;
  parts(json: Json, place: readonly string[]): string[];
  read(json: Json, parts: Parts, place: readonly string[]): ModelFile;
}

const readers: readonly Reader[] = [
  { is: isTfjs, parts: tfjsParts, read: readTfjs },
  { is: isShardMap, parts: shardParts, read: readShards },
  { is: isStateIndex, parts: stateIndexParts, read: readStateIndex },
  { is: (json) => "class_name" in json, parts: () => [], read: readConfiguration },
];

/** What `model.to_json()` gives. */
function readConfiguration(config: Json): KerasFile {
  return { kind: "keras", kerasVersion: null, backend: null, config, configPlace: "config", weights: null, unread: [] };
}

function parse(bytes: Bytes, place: readonly string[]): { json: Json; kind: Reader } {
  const json = parseJson(bytes, place);
  const kind = isRecord(json) ? readers.find(({ is }) => is(json)) : undefined;
  if (isRecord(json) && kind) return { json, kind };
  throw unsupportedFeature(
    "a JSON text that is neither a TensorFlow.js model nor a configuration of Keras nor a map of weights",
    place,
    "give the model file itself",
  );
}

/** A JSON object, by its first letter. */
export const jsonFormat: Format = {
  kinds: [kinds.tfjs, kinds.weightsJson, kinds.stateIndex, kinds.config],
  sniff: (head) => /^(\ufeff)?\s*\{/.test(new TextDecoder().decode(head.subarray(0, 64))),
  parts(bytes, place) {
    const { json, kind } = parse(bytes, place);
    return kind.parts(json, place);
  },
  read(bytes, place, parts = noParts) {
    const { json, kind } = parse(bytes, place);
    return kind.read(json, parts, place);
  },
};
