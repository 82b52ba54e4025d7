/**
 * threads: how this runtime starts threads that share WebAssembly memory
 *
 * Node, Deno and Bun have node:worker_threads; pages have Web Workers, and shared memory if they are cross-origin isolated.
 * A worker is started from its text (worker.ts): there is no file to be found by a bundler or a server. Where a page's
 * policy forbids that (CSP without `worker-src blob:`), there are no threads.
 */
import { newestBuild } from "./kernels.ts";
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

/** Most pages that a memory of 32-bit addresses can have. */
const allPages = 65536;

/** This runtime's threads, or null where it has none. The kernels and the worker's text are loaded here, on first use. */
export async function threadHost(): Promise<ThreadHost | null> {
  if (typeof SharedArrayBuffer === "undefined" || globalThis.crossOriginIsolated === false) return null;
  try {
    const builds = await import("#threads");
    const bytes = newestBuild(builds);
    const start = hasProcess() ? await nodeStarter(builds.workerText) : webStarter(builds.workerText);
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

function hasProcess(): boolean {
  return typeof globalThis.process?.versions?.node === "string";
}

/** Starts threads of node:worker_threads, which Deno and Bun have too: there alone can a thread let the process end. */
async function nodeStarter(text: string): Promise<ThreadHost["start"]> {
  // Named by a variable, so that bundlers for browsers don't look for it.
  const name = "node:worker_threads";
  const { Worker }: typeof import("node:worker_threads") = await import(name);
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
}

/** Starts Web Workers. */
export function webStarter(text: string): ThreadHost["start"] {
  return ({ reply, broken }) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      // The text has been read by the time of the first answer.
      URL.revokeObjectURL(url);
      reply(data);
    };
    worker.onerror = broken;
    return { send: (order) => worker.postMessage(order), hold: () => {}, stop: () => worker.terminate() };
  };
}
