/**
 * threads: starting them as a page does, with Web Workers out of Blobs; the other way is tests/threads.test.ts
 */
import { resolveObjectURL } from "node:buffer";
import { Worker as NodeWorker } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import { workerText } from "../../build/threads.js";
import { threadHost } from "../../src/platform/host.ts";
import { startWebWorker } from "../../src/platform/web.ts";
import type { Reply } from "../../src/platform/worker.ts";

/** What a Web Worker sees of a thread of Node: messages as events, and no process. */
const asInPage = `
  const { parentPort } = require("node:worker_threads");
  delete globalThis.process;
  globalThis.postMessage = (data) => parentPort.postMessage(data);
  globalThis.addEventListener = (name, listener) => parentPort.on(name, (data) => listener({ data }));
`;

/** A Web Worker as far as it is used. */
class PageWorker {
  onmessage: ((event: { data: Reply }) => void) | null = null;
  readonly #started: Promise<NodeWorker>;

  constructor(url: string) {
    const text = resolveObjectURL(url)!.text();
    this.#started = text.then((text) => {
      const worker = new NodeWorker(asInPage + text, { eval: true });
      worker.on("message", (data) => this.onmessage?.({ data }));
      return worker;
    });
  }

  postMessage(data: unknown): void {
    this.#started.then((worker) => worker.postMessage(data));
  }

  terminate(): void {
    this.#started.then((worker) => worker.terminate());
  }
}

test("a Web Worker runs tasks", async () => {
  const { module, memory } = (await threadHost())!;
  vi.stubGlobal("Worker", PageWorker);
  try {
    const replies: Reply[] = [];
    const start = await startWebWorker(workerText);
    const thread = start({
      reply: (reply) => replies.push(reply),
      broken: (cause) => expect.unreachable(String(cause)),
    });
    const control = new Int32Array(new SharedArrayBuffer(32 * 4));
    thread.send({ module, memory, control, plan: 60000 });
    await vi.waitFor(() => expect(replies).toEqual(["ready"]));
    const fill = (from: number, value: number): [string, ...number[]] => ["fill", from, 4, value];
    const tasks = [
      { after: 0, calls: [fill(50000, 1), fill(50016, 2)] },
      { after: 1, calls: [fill(50000, 3)] },
    ];
    thread.send({ start: 0, tasks });
    await vi.waitFor(() => expect(replies).toEqual(["ready", "done"]));
    expect([...new Float32Array(memory.buffer, 50000, 8)]).toEqual([3, 3, 3, 3, 2, 2, 2, 2]);
    // Heard of again, a run that is over is left alone; the next one starts where it ended.
    new Float32Array(memory.buffer, 50000, 8).fill(0);
    thread.send({ start: 0, tasks: null });
    thread.send({ start: 2, tasks: null });
    await vi.waitFor(() => expect(replies).toEqual(["ready", "done", "done"]));
    thread.stop();
  } finally {
    vi.unstubAllGlobals();
  }
});
