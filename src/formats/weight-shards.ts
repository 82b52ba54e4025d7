/**
 * weight-shards: the weights of Keras 3 over several files, since 3.10.
 *
 *   model.weights.json         {"metadata": {"total_size": …}, "weight_map": {"/layers/conv1d/vars": "model_00000.weights.h5", …}}
 *   model_00000.weights.h5 …   each with the tree of weight-tree.ts, as far as it goes
 *
 * A layer's variables may lie in two files: then the map has a list of them.
 *
 * Source  keras:keras/src/saving/saving_lib.py (ShardedH5IOStore)
 */
import { openHdf5 } from "../bytes/hdf5/index.ts";
import { corruptFile } from "../error.ts";
import { isRecord } from "./json.ts";
import type { KerasFile } from "./keras.ts";
import { type Parts, part, partName } from "./parts.ts";
import { weightTree } from "./weight-tree.ts";

/** Whether a JSON object is the map of weights of Keras: PyTorch's have the same form and name other files. */
export function isShardMap({ weight_map: map }: Record<string, unknown>): boolean {
  return (
    isRecord(map) &&
    Object.values(map)
      .flat()
      .some((name) => typeof name === "string" && name.endsWith(".h5"))
  );
}

/** The files that a map names, each once. */
export function shardParts({ weight_map: map }: Record<string, unknown>, place: readonly string[]): string[] {
  if (!isRecord(map)) throw corruptFile("expected weight_map", place);
  return [
    ...new Set(
      Object.values(map)
        .flat()
        .map((name) => partName(name, [...place, "weight_map"])),
    ),
  ];
}

/** Reads the weights in the files of a map. */
export function readShards(json: Record<string, unknown>, parts: Parts, place: readonly string[]): KerasFile {
  const roots = shardParts(json, place).map((name) =>
    openHdf5(part(parts, name, place), [...place.slice(0, -1), name]),
  );
  const [first, ...more] = roots;
  if (!first) throw corruptFile("a weight_map without files", place);
  const unread = roots.some((root) => root.get("optimizer")) ? ["the optimizer's state"] : [];
  return {
    kind: "keras",
    kerasVersion: null,
    backend: null,
    config: null,
    weights: weightTree(first, ...more),
    unread,
  };
}
