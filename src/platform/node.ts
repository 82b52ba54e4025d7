/**
 * node: Node, Deno and Bun have files and threads, and compile what is inlined
 */
import { unreadable } from "../error.ts";
import type { Bytes } from "./bytes.ts";
import { FileBytes } from "./file.ts";

import { inlinedKernels } from "./inlined.ts";
import type { Crc32, Files, Need, PackagedKernels } from "./runtime.ts";
import { sharingThreads, type ThreadHost, type ThreadStarter } from "./threads.ts";

/** A file of up to so many bytes whose numbers will be read is read at once: then nothing that happens to it later matters. */
const mostBytesAtOnce = 2 ** 28;

export const files: Files | null = {
  locate(text) {
    if (text.startsWith("file:")) return new URL(text);
    return /^[a-z][a-z0-9+.-]+:/i.test(text) ? null : text;
  },

  async read(path) {
    try {
      const { promises } = await import("node:fs");
      const buffer = await promises.readFile(path);
      return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    } catch (cause) {
      throw unreadable(String(path), cause);
    }
  },

  /** Null for a file of ordinary size, a pipe and the like. */
  async open(path: string | URL, need: Need): Promise<Bytes | null> {
    try {
      const system = await import("node:fs");
      const stat = system.statSync(path);
      if (!stat.isFile() || (need === "numbers" && stat.size <= mostBytesAtOnce)) return null;
      return new FileBytes(system, path, stat);
    } catch (cause) {
      throw unreadable(String(path), cause);
    }
  },
};

export const packagedKernels: () => PackagedKernels = inlinedKernels;

let found: Crc32 | null | undefined;

/** That of zlib, which Node has since 20.16: some GB/s where a loop over tables has 0.9. */
export function runtimeCrc32(): Crc32 | null {
  if (found !== undefined) return found;
  const own = process.getBuiltinModule?.("node:zlib")?.crc32;
  found = typeof own === "function" ? own : null;
  return found;
}

/** Threads of node:worker_threads, which Deno and Bun have too: there alone can a thread let the process end. */
const startThread: ThreadStarter = async (text) => {
  const { Worker } = await import("node:worker_threads");
  return ({ reply, broken }) => {
    const worker = new Worker(text, { eval: true, execArgv: [] });
    worker.on("message", reply);
    worker.on("error", broken);
    return {
      send: (order) => worker.postMessage(order),
      hold: (held) => (held ? worker.ref() : worker.unref()),
      stop: () => void worker.terminate(),
    };
  };
};

export const threadHost = (): Promise<ThreadHost | null> => sharingThreads(startThread);
