/**
 * The built command line as its users run it: a process of its own, with what it writes and its exit code.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DenseArray, toFloat32 } from "../../src/bytes/numbers.ts";
import { readNpz, writeNpz } from "../../src/bytes/npz.ts";
import { readZip } from "../../src/bytes/zip.ts";
import { repack } from "../attacks/mutate.ts";

/** The program; `npm run build` makes it. */
export const program = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const keras = fileURLToPath(new URL("../fixtures/keras/", import.meta.url));

/** A file of a fixture: `model.keras`, `inputs.npz`, … */
export const fixture = (name: string, file = "model.keras"): string => join(keras, name, file);

/** Parsed JSON; a test that reads what isn't there fails, which is what it is for. */
// biome-ignore lint/suspicious/noExplicitAny: its shape is what the tests assert
export type Json = any;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest run of any command in these tests. */
const patienceMs = 30_000;

/** Runs `channelwise ...args`. */
export function channelwise(...args: readonly string[]): Promise<Finished> {
  return start(process.execPath, [program, ...args]);
}

/** Runs any program to its end; a program that is killed or hangs has the code -1. */
export function start(file: string, args: readonly string[]): Promise<Finished> {
  if (!existsSync(program)) throw new Error(`${program} is missing: npm run build`);
  const options = { timeout: patienceMs, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: "1" } };
  return new Promise((resolve) => {
    const child = execFile(file, args, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** Runs a command that has to succeed with `--json`; gives its one document. */
export async function json(...args: readonly string[]): Promise<Json> {
  const { code, stdout, stderr } = await channelwise(...args, "--json");
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** An empty folder; `file(name)` is a path in it. Removed with `remove`. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "channelwise-cli-"));

  file(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.file(name), content);
    return this.file(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Every file below a folder with a digest of its content, to see that nothing has changed. */
export function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    names
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), digest(path)]),
  );
}

function digest(path: string): string {
  if (statSync(path).isDirectory()) return "a folder";
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
}

// ------------------------------------------------------------------------------------------------- arrays

export type Arrays = Map<string, DenseArray & { data: Float32Array }>;

/** The arrays of a .npz file as float32. */
export function arrays(path: string): Arrays {
  const found = readNpz(new Uint8Array(readFileSync(path)));
  return new Map(
    Array.from(found, ([name, array]) => [name, { dtype: "float32", shape: array.shape, data: toFloat32(array) }]),
  );
}

export function npz(entries: Iterable<readonly [string, DenseArray]>): Uint8Array {
  return writeNpz(new Map(entries));
}

/** `(N, A, B)` as `(N, B, A)`; written out here so that the program's own way is not checked with itself. */
export function swapped({ shape, data }: { shape: readonly number[]; data: Float32Array }): DenseArray {
  const [batch, rows, columns] = shape as [number, number, number];
  const result = new Float32Array(data.length);
  for (let n = 0; n < batch; n++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        result[(n * columns + column) * rows + row] = data[(n * rows + row) * columns + column]!;
  return { dtype: "float32", shape: [batch, columns, rows], data: result };
}

/** The first number that is not within 1e-5 + 1e-4 |want|, or null. */
export function firstApart(got: DenseArray | undefined, want: DenseArray): string | null {
  if (`${got?.shape}` !== `${want.shape}`) return `shape (${got?.shape}), expected (${want.shape})`;
  const expected = want.data as Float32Array;
  const at = expected.findIndex(
    (value, i) => !(Math.abs((got!.data[i]! as number) - value) <= 1e-5 + 1e-4 * Math.abs(value)),
  );
  return at < 0 ? null : `element ${at}: ${got!.data[at]}, expected ${expected[at]}`;
}

// -------------------------------------------------------------------------------------------------- models

/** One member of a .keras file. */
export function member(path: string, name: string): Uint8Array {
  return readZip(new Uint8Array(readFileSync(path)), [])
    .get(name)!
    .read();
}

/** A .keras file with another configuration. */
export function withConfig(path: string, change: (config: Json) => void): Uint8Array {
  const config = JSON.parse(new TextDecoder().decode(member(path, "config.json")));
  change(config);
  return repack(new Uint8Array(readFileSync(path)), {
    "config.json": new TextEncoder().encode(JSON.stringify(config)),
  });
}

/** A layer's entry in a configuration of `keras.Sequential` or `keras.Model`. */
export function layerOf(config: Json, className: string): Json {
  return config.config.layers.find((layer: Json) => layer.class_name === className);
}
