/**
 * safely: the contract of every reader towards a hostile file: it reads it, or throws a ChannelwiseError, soon and in little memory.
 */
import { readNpz } from "../../src/bytes/npz.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { readModelFile } from "../../src/formats/read.ts";
import type { Bytes } from "../../src/platform/bytes.ts";
import type { Mutation } from "./mutate.ts";

const longestMilliseconds = 2000;
const longestMessage = 2000;
/** Deflate's 1032 to 1, once as stored and once as float32, and what a runtime allocates by itself. */
const memoryFactor = 2100;
const memoryBase = 256 * 2 ** 20;

/** Runs `read`; gives what it read, or undefined where it refused. Anything else fails the test. */
export function safely<T>({ name, bytes }: Mutation, read: (bytes: Uint8Array) => T): T | undefined {
  const start = performance.now();
  const memoryBefore = process.memoryUsage().arrayBuffers;
  let result: T | undefined;
  try {
    result = read(bytes);
  } catch (error) {
    if (!(error instanceof ChannelwiseError)) {
      throw new Error(`${name}: expected a ChannelwiseError, got ${error instanceof Error ? error.stack : error}`);
    }
    if (error.message.length > longestMessage || /[^\P{Cc}\n]/u.test(error.message)) {
      throw new Error(`${name}: an error message that can't be shown: ${error.message.slice(0, longestMessage)}`);
    }
  }
  const milliseconds = performance.now() - start;
  if (milliseconds > longestMilliseconds) throw new Error(`${name}: took ${milliseconds} ms`);
  const memory = process.memoryUsage().arrayBuffers - memoryBefore;
  if (memory > memoryFactor * bytes.length + memoryBase) {
    throw new Error(`${name}: took ${memory} bytes for ${bytes.length}`);
  }
  return result;
}

/** Everything in a model file: its configuration and all its numbers, by name. */
export function readModel(bytes: Bytes): Map<string, unknown> {
  const model = readModelFile(bytes, ["attack"]);
  if (model.kind === "safetensors") {
    return new Map<string, unknown>([
      ["", model.metadata],
      ...Array.from(model.tensors, ([name, tensor]) => [name, toFloat32(tensor)] as const),
    ]);
  }
  if (model.kind === "state")
    return new Map(Array.from(model.tensors, ([name, tensor]) => [name, toFloat32(tensor)] as const));
  const found = new Map<string, unknown>([
    ["config", model.config],
    ["version", model.kerasVersion],
  ]);
  const { weights } = model;
  if (weights === null) return found;
  if ("kind" in weights) {
    const lists = weights.kind === "layers" ? weights.layers : [{ name: "", arrays: weights.arrays }];
    for (const { name, arrays } of lists) {
      for (const entry of arrays) found.set(`${name} ${entry.name}`, toFloat32(entry.array));
    }
    return found;
  }
  const visit = (path: string): void => {
    found.set(`${path} name`, weights.name(path));
    found.set(path, weights.variables(path).map(toFloat32));
    for (const child of weights.children(path)) visit(`${path}/${child}`);
  };
  visit("");
  return found;
}

/** Everything in an `.npz` file. */
export function readArrays(bytes: Bytes): Map<string, Float32Array> {
  return new Map(Array.from(readNpz(bytes, ["attack"]), ([name, array]) => [name, toFloat32(array)]));
}
