/**
 * file: a file of this machine, read a piece at a time (Node, Deno, Bun).
 *
 * It is opened for each piece and closed again, so that nothing is left open by a model that nobody disposes of: that takes some
 * ten microseconds. Small pieces, of which headers are made, come out of the last few blocks. Every time the file is opened it
 * has to be the one of the first time, of the same length and age.
 */
import type * as fs from "node:fs";
import { unreadable } from "../error.ts";
import type { Bytes } from "./bytes.ts";
import { lent } from "./scratch.ts";

const blockBytes = 2 ** 16;
const mostBlocks = 16;
/** Node reads less than 2 GiB at once. */
const mostBytesAtOnce = 2 ** 30;

export class FileBytes implements Bytes {
  readonly length: number;
  readonly #fs: typeof fs;
  readonly #path: string | URL;
  readonly #stat: fs.Stats;
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(system: typeof fs, path: string | URL, stat: fs.Stats) {
    this.length = stat.size;
    this.#fs = system;
    this.#path = path;
    this.#stat = stat;
  }

  subarray(from: number, to: number): Uint8Array {
    const [start, end] = [Math.min(from, this.length), Math.min(to, this.length)];
    if (start >= end) return new Uint8Array(0);
    const block = Math.floor(start / blockBytes);
    if (end > (block + 1) * blockBytes) return this.#read(start, lent(Uint8Array, end - start));
    let bytes = this.#blocks.get(block);
    if (!bytes) {
      // Kept, and so in memory of its own.
      const length = Math.min(blockBytes, this.length - block * blockBytes);
      bytes = this.#read(block * blockBytes, new Uint8Array(length));
      if (this.#blocks.size === mostBlocks) this.#blocks.delete(this.#blocks.keys().next().value!);
      this.#blocks.set(block, bytes);
    }
    return bytes.subarray(start - block * blockBytes, end - block * blockBytes);
  }

  /** Fills `bytes` from `start` on. */
  #read(start: number, bytes: Uint8Array): Uint8Array {
    try {
      const file = this.#fs.openSync(this.#path, "r");
      try {
        this.#requireSame(this.#fs.fstatSync(file));
        for (let filled = 0; filled < bytes.length; ) {
          const wanted = Math.min(bytes.length - filled, mostBytesAtOnce);
          const count = this.#fs.readSync(file, bytes, filled, wanted, start + filled);
          if (count === 0) throw new Error(`it was cut off at byte ${start + filled} while it was read`);
          filled += count;
        }
        return bytes;
      } finally {
        this.#fs.closeSync(file);
      }
    } catch (cause) {
      throw unreadable(String(this.#path), cause);
    }
  }

  #requireSame({ size, mtimeMs, ino }: fs.Stats): void {
    if (size === this.#stat.size && mtimeMs === this.#stat.mtimeMs && ino === this.#stat.ino) return;
    throw new Error("it was changed while it was read");
  }
}
