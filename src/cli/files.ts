/**
 * files: models and arrays in, files out. What is written is there whole or not at all.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { inputsOf } from "../api/inputs.ts";
import { load, type LoadOptions } from "../api/load.ts";
import type { Model } from "../api/model.ts";
import { fileOf, type FileToWrite, type Put } from "../bytes/file-to-write.ts";
import { ChannelwiseError, unreadable, unwritable } from "../error.ts";
import { partsOf } from "../formats/read.ts";
import { type Bytes, pieceBytes } from "../platform/bytes.ts";
import { FileBytes } from "../platform/file.ts";
import { reuseMemory } from "../platform/scratch.ts";
import type { Tensor } from "../tensor.ts";

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true;
  readonly architecture?: string;
  readonly meaning?: "original" | "keras3";
  /** How a state dict was converted, where somebody says it. */
  readonly stateFlatten?: "permute" | "fold";
}

export async function openModel(path: string, options: CommonOptions): Promise<Model> {
  return load(path, loadOptions(path, options));
}

/** How a command's options say that its model is loaded. */
export function loadOptions(path: string, options: CommonOptions) {
  return {
    name: basename(path),
    ...(options.architecture === undefined ? {} : { architecture: options.architecture }),
    ...(options.stateFlatten === undefined ? {} : { flatten: options.stateFlatten }),
    ...(options.meaning === undefined ? {} : { meaning: options.meaning }),
  } satisfies LoadOptions;
}

/** The bytes of a file. */
export function readBytes(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** A file, of which pieces are read as they are needed. */
export function openBytes(path: string): Bytes {
  try {
    const stat = statSync(path);
    return stat.isFile() ? new FileBytes(fs, path, stat) : new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The model's inputs out of a .npz or .npy file: by name, else as input_0, input_1, …. */
export function readInputs(model: Model, path: string, layout: "keras" | "torch"): Record<string, Tensor> {
  return inputsOf(model, readBytes(path), basename(path), layout);
}

/** A file's place, where it is before, and where the one that it replaces is meanwhile. */
interface Move {
  readonly path: string;
  readonly part: string;
  readonly old: string;
}

/**
 * Files that are written so that all of them are there afterwards, or everything is as it was: first beside their places, then
 * (`commit`) old ones aside, and these into place.
 */
export class StagedFiles {
  readonly #moves: Move[] = [];
  readonly #folders: string[] = [];

  /** Writes a file beside its place, and gives its bytes to be read again. */
  write(path: string, file: FileToWrite, onProgress: (done: number, total: number) => void = () => {}): Bytes {
    const part = `${path}.${process.pid}.part`;
    try {
      if (isFolder(path)) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
      const folder = mkdirSync(dirname(path), { recursive: true });
      if (folder !== undefined) this.#folders.push(folder);
      this.#moves.push({ path, part, old: `${path}.${process.pid}.old` });
      const descriptor = fs.openSync(part, "w");
      try {
        fs.ftruncateSync(descriptor, file.sizeBytes);
        let written = 0;
        const put: Put = (bytes, at) => {
          for (let start = 0; start < bytes.length; ) {
            const count = Math.min(bytes.length - start, pieceBytes);
            const done = fs.writeSync(descriptor, bytes, start, count, at + start);
            start += done;
            written += done;
            onProgress(written, file.sizeBytes);
          }
        };
        reuseMemory(() => file.write(put));
      } finally {
        fs.closeSync(descriptor);
      }
      return openBytes(part);
    } catch (cause) {
      // What can't be read of a source says so itself.
      throw cause instanceof ChannelwiseError ? cause : unwritable(path, cause);
    }
  }

  /** Brings all files into place. */
  commit(): void {
    const done: Move[] = [];
    let current = "";
    try {
      for (const move of this.#moves) {
        current = move.path;
        if (existsSync(move.path)) renameSync(move.path, move.old);
        done.push(move);
        renameSync(move.part, move.path);
      }
    } catch (cause) {
      for (const { path, old } of done)
        quietly(() => (existsSync(old) ? renameSync(old, path) : rmSync(path, { force: true })));
      throw unwritable(current, cause);
    }
    for (const { old } of this.#moves) quietly(() => rmSync(old, { force: true }));
    this.#moves.length = 0;
    this.#folders.length = 0;
  }

  /** Removes what is not in its place. */
  discard(): void {
    for (const { part } of this.#moves) quietly(() => rmSync(part, { force: true }));
    for (const folder of this.#folders) quietly(() => rmSync(folder, { recursive: true, force: true }));
  }
}

/**
 * Writes files, all of them or none.
 *
 * @param files bytes by path
 */
export function writeFiles(files: ReadonlyMap<string, Uint8Array>): void {
  const staged = new StagedFiles();
  try {
    for (const [path, bytes] of files) staged.write(path, fileOf(bytes));
    staged.commit();
  } finally {
    staged.discard();
  }
}

/** Cleaning up must not hide why it was needed. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // What can't be removed stays; the error that is on its way says what happened.
  }
}

/** The files beside a model's that belong to it: its shards. What is no file, or can't be read, is told by whoever reads it. */
export function partsBeside(path: string): string[] {
  try {
    return partsOf(openBytes(path), [basename(path)]).map((name) => join(dirname(path), name));
  } catch {
    return [];
  }
}

/** Fails where what is written would replace what is read. */
export function requireOther(out: string, read: readonly (string | undefined)[]): void {
  const same =
    existsSync(out) && read.find((path) => path && existsSync(path) && realpathSync(path) === realpathSync(out));
  if (!same) return;
  throw new ChannelwiseError({
    code: "usage",
    message: `${out} would replace ${same}, which is read`,
    fix: "give another name",
  });
}

/** Whether a folder of this name is there. */
export function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Fails where a folder is wanted and a file is. */
export function requireFolder(path: string): void {
  if (!existsSync(path) || isFolder(path)) return;
  throw new ChannelwiseError({
    code: "usage",
    message: `expected ${path} to be a folder, but it is a file`,
    fix: "give another name, or --to for what the file should be",
  });
}

/** Fails where a file is that a conversion would write over and did not make; `mark` stands in those that it makes. */
export function requireOwn(path: string, mark: string): void {
  if (!existsSync(path) || new TextDecoder().decode(readBytes(path)).includes(mark)) return;
  throw new ChannelwiseError({
    code: "usage",
    message: `${path} is there already, and channelwise did not write it`,
    fix: "give another folder, or move the file away",
  });
}
