/**
 * files: models and arrays in, files out. What is written is there whole or not at all.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { load } from "../api/load.ts";
import type { Model } from "../api/model.ts";
import { isNpy, readNpy } from "../bytes/npy.ts";
import { readNpz } from "../bytes/npz.ts";
import { toFloat32, toInt32 } from "../bytes/numbers.ts";
import { ChannelwiseError, invalidInput, unreadable, unwritable } from "../error.ts";
import { portOrder } from "../plan/layout.ts";
import { layoutText } from "../axes.ts";
import type { StoredArray, Tensor } from "../tensor.ts";

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true;
  readonly architecture?: string;
}

export async function openModel(path: string, options: CommonOptions): Promise<Model> {
  return load(path, {
    name: basename(path),
    ...(options.architecture === undefined ? {} : { architecture: options.architecture }),
  });
}

function readBytes(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The model's inputs out of a .npz or .npy file: by name, else as input_0, input_1, …. */
export function readInputs(model: Model, path: string, layout: "keras" | "torch"): Record<string, Tensor> {
  const bytes = readBytes(path);
  const place = [basename(path)];
  const arrays: Map<string, StoredArray> = isNpy(bytes)
    ? new Map([["input_0", readNpy(bytes, place)]])
    : readNpz(bytes, place);
  const names = model.inputs.map(({ name }, index) => (arrays.has(name) ? name : `input_${index}`));
  const spare = [...arrays.keys()].find((name) => !names.includes(name));
  if (spare !== undefined)
    throw invalidInput(
      `${path}: expected ${model.inputs.map(({ name }, index) => `${name} or input_${index}`).join(", ")}, got ${spare}`,
    );
  return Object.fromEntries(
    model.inputs.map((port, index) => {
      const array = arrays.get(names[index]!);
      if (!array)
        throw invalidInput(`${path}: input ${port.name} is missing; expected an array ${port.name} or input_${index}`);
      const order = portOrder(
        model.graph.values[model.graph.inputs[index]!.value]!.axes,
        layout === "torch" ? "torch" : "source",
      );
      const data = port.type === "int32" ? toInt32(array, place) : toFloat32(array);
      return [port.name, { data, shape: array.shape, layout: layoutText(order) }];
    }),
  );
}

/** Writes one file: beside its place first, then into it. */
export function writeFile(path: string, bytes: Uint8Array): void {
  const part = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(part, bytes);
    renameSync(part, path);
  } catch (cause) {
    rmSync(part, { force: true });
    throw unwritable(path, cause);
  }
}

/** Writes several files into a folder: all of them beside their places first, then into them. */
export function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new ChannelwiseError({
      code: "usage",
      message: `expected ${folder} to be a folder, but it is a file`,
      fix: "give another name, or --to for what the file should be",
    });
  }
  const parts = [...files].map(([name, bytes]) => ({
    path: join(folder, name),
    part: join(folder, `${name}.${process.pid}.part`),
    bytes,
  }));
  try {
    mkdirSync(folder, { recursive: true });
    for (const { part, bytes } of parts) writeFileSync(part, bytes);
    for (const { part, path } of parts) renameSync(part, path);
  } catch (cause) {
    for (const { part } of parts) rmSync(part, { force: true });
    throw unwritable(folder, cause);
  }
}
