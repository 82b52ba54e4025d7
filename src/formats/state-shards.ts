/**
 * state-shards: a PyTorch state dict over several files, with an index beside them.
 *
 *   model.safetensors.index.json   {"metadata": {"total_size": …}, "weight_map": {"conv.weight": "model-00001-of-00002.safetensors", …}}
 *   pytorch_model.bin.index.json   the same with names of checkpoints
 *
 * Every tensor has to be in the file that the index names for it, and no file may hold one that the index does not name.
 *
 * Source  huggingface_hub: serialization/_torch.py (split_torch_state_dict_into_shards)
 */
import { printable } from "../bytes/printable.ts";
import { corruptFile } from "../error.ts";
import { headBytes } from "./format.ts";
import type { StoredArray } from "../tensor.ts";
import { isRecord } from "./json.ts";
import { type Parts, part, partName } from "./parts.ts";
import { readCheckpoint } from "./pytorch-read.ts";
import { isSafetensors, readSafetensors } from "./safetensors.ts";
import type { StateFile } from "./state-dict.ts";

type Json = Record<string, unknown>;

/** Whether a JSON object maps tensors to files. */
export function isStateIndex({ weight_map: map }: Json): boolean {
  return isRecord(map) && Object.values(map).every((name) => typeof name === "string");
}

/** The files that an index names, each once. */
export function stateIndexParts({ weight_map: map }: Json, place: readonly string[]): string[] {
  if (!isRecord(map)) throw corruptFile("expected weight_map", place);
  return [...new Set(Object.values(map).map((name) => partName(name, [...place, "weight_map"])))];
}

/** Reads the tensors in the files of an index. */
export function readStateIndex(json: Json, parts: Parts, place: readonly string[]): StateFile {
  const map = json.weight_map as Json;
  const tensors = new Map<string, StoredArray>();
  const unread: string[] = [];
  for (const name of stateIndexParts(json, place)) {
    const bytes = part(parts, name, place);
    const inside = [...place.slice(0, -1), name];
    const shard = isSafetensors(bytes.subarray(0, headBytes))
      ? readSafetensors(bytes, inside)
      : readCheckpoint(bytes, inside);
    if (shard.kind === "state") unread.push(...shard.unread);
    for (const [tensor, array] of shard.tensors) {
      if (!Object.hasOwn(map, tensor) || map[tensor] !== name)
        throw corruptFile(`the tensor ${printable(tensor)}, which the index does not place here`, inside);
      tensors.set(tensor, array);
    }
  }
  const missing = Object.keys(map).find((tensor) => !tensors.has(tensor));
  if (missing !== undefined)
    throw corruptFile(`expected the tensor ${printable(missing)} in ${printable(String(map[missing]))}`, place);
  return { kind: "state", tensors, unread, place };
}
