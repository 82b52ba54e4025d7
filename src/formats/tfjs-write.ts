/**
 * tfjs-write: a TensorFlow.js layers model: model.json, and its weights in shards of at most 4 MiB, as tensorflowjs_converter cuts them.
 *
 *     model.json                {"format": "layers-model", "modelTopology": {"model_config": …, …}, "weightsManifest": [group]}
 *     group1-shard1of2.bin      4 MiB of the weights, one after the other without gaps
 *     group1-shard2of2.bin      the rest
 *
 * All weights are float32, since TensorFlow.js computes in nothing else. No dates are written: equal models give equal files.
 *
 * Source  tfjs:tfjs-converter/python/tensorflowjs/{write_weights,converters/keras_h5_conversion}.py
 */
import { type FileToWrite, fileOf } from "../bytes/file-to-write.ts";
import { bytesOf, toFloat32 } from "../bytes/numbers.ts";
import { elements, type StoredArray } from "../tensor.ts";
import type { NamedArray } from "./weight-lists.ts";

/** The version whose spelling, and whose meaning of old names, the files have. */
const spelledAs = "tfjs-layers 4.22.0";

const shardBytes = 4 * 2 ** 20;

/**
 * The files of a model, by name. Each array is read once, when its turn comes, if the files are written in this order.
 *
 * @param config class and configuration, as TensorFlow.js spells them
 * @param arrays under the names by which TensorFlow.js knows them
 */
export function writeTfjs(config: unknown, arrays: readonly NamedArray[]): Map<string, FileToWrite> {
  let totalBytes = 0;
  const spans = arrays.map(({ array }) => {
    const start = totalBytes;
    totalBytes += 4 * elements(array.shape);
    return { array, start, end: totalBytes };
  });
  let last: { readonly array: StoredArray; readonly bytes: Uint8Array } | undefined;
  const bytesAt = (array: StoredArray) => {
    if (last?.array !== array) last = { array, bytes: bytesOf(toFloat32(array)) };
    return last.bytes;
  };
  const count = Math.ceil(totalBytes / shardBytes);
  const shards = Array.from({ length: count }, (_, index): [string, FileToWrite] => {
    const start = index * shardBytes;
    const end = Math.min(start + shardBytes, totalBytes);
    const write: FileToWrite["write"] = (put) => {
      for (const span of spans.filter((own) => own.start < end && own.end > start)) {
        const [from, to] = [Math.max(span.start, start), Math.min(span.end, end)];
        put(bytesAt(span.array).subarray(from - span.start, to - span.start), from - start);
      }
    };
    return [`group1-shard${index + 1}of${count}.bin`, { sizeBytes: end - start, write }];
  });
  const weights = arrays.map(({ name, array }) => ({ name, shape: array.shape, dtype: "float32" }));
  const json = {
    format: "layers-model",
    convertedBy: "channelwise",
    modelTopology: { keras_version: spelledAs, backend: "tensor_flow.js", model_config: config },
    weightsManifest: [{ paths: shards.map(([name]) => name), weights }],
  };
  return new Map([["model.json", fileOf(new TextEncoder().encode(JSON.stringify(json)))], ...shards]);
}
