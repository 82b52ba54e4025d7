/**
 * threads: what those runtimes have in common that have threads sharing WebAssembly memory
 *
 * Node, Deno and Bun have node:worker_threads (node.ts); pages have Web Workers (web.ts), and shared memory if they are
 * cross-origin isolated. A worker is started from its text (worker.ts): there is no file to be found by a bundler or a server.
 */
import { newestBuild } from "./inlined.ts";
import type { Order, Reply } from "./worker.ts";

/** A started thread. It keeps the process alive while it is held, where there is a process. */
export interface Thread {
  send(order: Order): void;
  hold(held: boolean): void;
  stop(): void;
}

/** Who hears what a thread answers, and that it broke. */
export interface ThreadListener {
  reply(reply: Reply): void;
  broken(cause: unknown): void;
}

/** What threads need: kernels for shared memory, that memory, and how to start one. */
export interface ThreadHost {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  start(listener: ThreadListener): Thread;
}

/** Makes a runtime's way of starting threads, each of which runs `text`. */
export type ThreadStarter = (text: string) => Promise<ThreadHost["start"]>;

/** Most pages that a memory of 32-bit addresses can have. */
const allPages = 65536;

/** Threads started so, or null where they can't share memory. The kernels and the worker's text are loaded here, on first use. */
export async function sharingThreads(starter: ThreadStarter): Promise<ThreadHost | null> {
  if (typeof SharedArrayBuffer === "undefined" || globalThis.crossOriginIsolated === false) return null;
  try {
    const builds = await import("#threads");
    const bytes = newestBuild(builds);
    const start = await starter(builds.workerText);
    return { module: await WebAssembly.compile(bytes), memory: sharedMemory(), start };
  } catch {
    return null;
  }
}

/** Shared memory has to say how far it may grow, and some systems reserve that much: as far as they let. */
function sharedMemory(): WebAssembly.Memory {
  for (let maximum = allPages; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    } catch (cause) {
      if (maximum === 1) throw cause;
    }
  }
}
