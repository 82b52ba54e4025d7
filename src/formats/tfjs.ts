/**
 * tfjs: a TensorFlow.js layers model: `model.json`, and its weights in files beside it.
 *
 *   model.json   {"format": "layers-model", "modelTopology": …, "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights":
 *                 [{"name": "conv1d/kernel", "shape": [3, 9, 64], "dtype": "float32", "quantization"?: …}, …]}, …]}
 *   shards       the weights of one group, one after the other without gaps, cut into files anywhere
 *
 * The topology is a configuration of Keras: as TensorFlow.js wrote it, or as tensorflowjs_converter took it out of an HDF5 file of
 * Keras 2 or 3. Quantized numbers stand for `q * scale + min`, those of float16 for themselves.
 *
 * Source  tfjs:tfjs-core/src/io/{types,io_utils}.ts; tfjs:tfjs-layers/src/models.ts; tfjs:tfjs-converter/python/tensorflowjs
 */
import { denseBytes } from "../bytes/limits.ts";
import { float16ToFloat32, typedArray } from "../bytes/numbers.ts";
import { printable } from "../bytes/printable.ts";
import { corruptFile, unsupportedFeature } from "../error.ts";
import { type Bytes, joined } from "../platform/bytes.ts";
import { bytesPerElement, type DType, type StoredArray } from "../tensor.ts";
import { isRecord } from "./json.ts";
import type { KerasFile } from "./keras.ts";
import { type Parts, part, partName } from "./parts.ts";
import type { NamedArray } from "./weight-lists.ts";

/** Whether a JSON object is a TensorFlow.js model. */
export function isTfjs(json: Record<string, unknown>): boolean {
  return isRecord(json.modelTopology) || Array.isArray(json.weightsManifest) || json.format === "graph-model";
}

/** The names of the files with the weights. */
export function tfjsParts(json: Record<string, unknown>, place: readonly string[]): string[] {
  return groupsOf(json, place).flatMap(({ paths }) => paths);
}

/** Reads a layers model whose weights are `parts`. */
export function readTfjs(json: Record<string, unknown>, parts: Parts, place: readonly string[]): KerasFile {
  const topology = topologyOf(json, place);
  const config = isRecord(topology.model_config) ? topology.model_config : topology;
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const arrays = groupsOf(json, place).flatMap(({ paths, weights }) => readGroup(paths, weights, parts, place));
  if (new Set(arrays.map(({ name }) => name)).size < arrays.length)
    throw corruptFile("two weights of one name", [...place, "weightsManifest"]);
  return {
    kind: "keras",
    kerasVersion: text(topology.keras_version),
    backend: text(topology.backend),
    config,
    configPlace: "modelTopology",
    weights: { kind: "names", place: [...place, "weightsManifest"], arrays },
    unread: [
      ...("training_config" in topology || "trainingConfig" in json ? ["compile settings"] : []),
      ...("userDefinedMetadata" in json ? ["user-defined metadata"] : []),
    ],
  };
}

function topologyOf(json: Record<string, unknown>, place: readonly string[]): Record<string, unknown> {
  const { format, modelTopology: topology } = json;
  if (format === "graph-model" || (isRecord(topology) && Array.isArray(topology.node))) {
    throw unsupportedFeature(
      "a TensorFlow.js graph model, which is a program of TensorFlow",
      place,
      "convert the Keras model itself, or export it as a layers model: tensorflowjs_converter --output_format tfjs_layers_model",
    );
  }
  if (!isRecord(topology)) throw corruptFile("expected modelTopology", place);
  return topology;
}

interface Group {
  readonly paths: readonly string[];
  readonly weights: readonly unknown[];
}

function groupsOf(json: Record<string, unknown>, place: readonly string[]): Group[] {
  topologyOf(json, place);
  const where = [...place, "weightsManifest"];
  const { weightsManifest: manifest } = json;
  if (!Array.isArray(manifest)) throw corruptFile("expected weightsManifest to be a list", place);
  return manifest.map((group: unknown) => {
    if (!isRecord(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw corruptFile("expected groups with paths and weights", where);
    return { paths: group.paths.map((path) => partName(path, where)), weights: group.weights };
  });
}

/** The types of tensors, and those of quantized ones. */
const types: Readonly<Record<string, DType>> = { float32: "float32", int32: "int32", bool: "bool" };
const quantizedTypes: Readonly<Record<string, DType>> = { uint8: "uint8", uint16: "uint16", float16: "float16" };

function readGroup(
  paths: readonly string[],
  weights: readonly unknown[],
  parts: Parts,
  place: readonly string[],
): NamedArray[] {
  const shards = paths.map((path) => part(parts, path, place));
  const where = [...place, paths[0] ?? "weightsManifest"];
  const totalBytes = shards.reduce((sum, shard) => sum + shard.length, 0);
  let next = 0;
  const arrays = weights.map((entry): NamedArray => {
    if (!isRecord(entry) || typeof entry.name !== "string") throw corruptFile("expected weights with names", where);
    const own = [...where, printable(entry.name)];
    const { shape } = entry;
    if (!isCounts(shape)) throw corruptFile("expected a shape, as a list of counts", own);
    const { stored, decode } = readType(entry, own);
    const sizeBytes = denseBytes(shape, bytesPerElement[stored], own);
    const start = next;
    next += sizeBytes;
    if (next > totalBytes)
      throw corruptFile(`expected ${sizeBytes} bytes at ${start}, got ${totalBytes - start}: it was cut off`, own);
    const bytes = () => cut(shards, start, sizeBytes);
    const array: StoredArray = decode
      ? { dtype: "float32", shape, read: () => decode(typedArray(stored, bytes())) }
      : { dtype: stored, shape, read: () => typedArray(stored, bytes()) };
    return { name: entry.name, array };
  });
  if (next !== totalBytes) throw corruptFile(`expected ${next} bytes of weights, got ${totalBytes}`, where);
  return arrays;
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

type Decode = (data: ReturnType<StoredArray["read"]>) => Float32Array;

/** As what a weight lies in the file, and how its numbers come of that. */
function readType(
  { dtype, quantization }: Record<string, unknown>,
  place: readonly string[],
): { stored: DType; decode?: Decode } {
  if (quantization === undefined) {
    const known = typeof dtype === "string" && Object.hasOwn(types, dtype) ? types[dtype] : undefined;
    if (known) return { stored: known };
    throw unsupportedFeature(
      `a weight of dtype ${JSON.stringify(dtype)}`,
      place,
      "save the model with float32 weights",
    );
  }
  const { dtype: code, scale, min } = isRecord(quantization) ? quantization : {};
  const stored = typeof code === "string" && Object.hasOwn(quantizedTypes, code) ? quantizedTypes[code] : undefined;
  if (!stored || dtype !== "float32") {
    throw unsupportedFeature(
      `a weight of ${JSON.stringify(dtype)} quantized as ${JSON.stringify(code)}`,
      place,
      "convert the model without quantization",
    );
  }
  if (stored === "float16") return { stored, decode: (data) => float16ToFloat32(data as Uint16Array) };
  if (typeof scale !== "number" || typeof min !== "number" || !Number.isFinite(scale) || !Number.isFinite(min))
    throw corruptFile("expected quantization with scale and min", place);
  return { stored, decode: (data) => Float32Array.from(data as Uint8Array, (value) => value * scale + min) };
}

/** Bytes `[start, start + count)` of shards that follow on each other: a view where they lie in one. */
function cut(shards: readonly Bytes[], start: number, count: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const shard of shards) {
    const [from, to] = [Math.max(start - offset, 0), Math.min(start + count - offset, shard.length)];
    if (from < to) pieces.push(shard.subarray(from, to));
    offset += shard.length;
  }
  return pieces.length === 1 ? pieces[0]! : joined(pieces);
}
