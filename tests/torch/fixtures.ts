/** Reads what tests/fixtures/make_torch.py recorded. */
import { readdirSync, readFileSync } from "node:fs";
import type { Array64 } from "../../src/backends/torch/interpret.ts";

const FOLDER = new URL("../fixtures/torch/", import.meta.url);

interface SavedArray {
  shape: number[];
  dtype: "float64" | "int64" | "bool";
  data: string;
}

interface SavedCase {
  name: string;
  source: string;
  state: Record<string, SavedArray>;
  inputs: SavedArray[];
  outputs?: SavedArray[];
  raised?: string;
}

export interface Case {
  name: string;
  source: string;
  state: Map<string, Array64>;
  inputs: Array64[];
  outputs: Array64[];
  /** What PyTorch raised instead. */
  raised: string;
}

export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")) as T;
}

/** Every group of programs in the folder, apart from the named ones. */
export function groups(...except: readonly string[]): string[] {
  return readdirSync(FOLDER)
    .map((file) => file.replace(/\.json$/, ""))
    .filter((name) => !except.includes(name));
}

export function readCases(group: string): Case[] {
  return readJson<SavedCase[]>(group).map(({ name, source, state, inputs, outputs, raised }) => ({
    name,
    source,
    state: new Map(Object.entries(state).map(([key, saved]) => [key, decode(saved)])),
    inputs: inputs.map(decode),
    outputs: (outputs ?? []).map(decode),
    raised: raised ?? "",
  }));
}

function decode({ shape, dtype, data }: SavedArray): Array64 {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return { shape, dtype, data: new Float64Array(bytes.buffer) };
}
