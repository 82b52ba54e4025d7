/**
 * worker: what runs in each thread of a pool (backends/wasm/pool.ts)
 *
 * This file is started from its own text (scripts/build-kernels.js), so it imports nothing. All threads have one memory, and
 * take tasks from one list by a shared counter; whoever is free takes the next, so a thread that is late or slow delays
 * nobody for more than one task. A task begins when the `after` tasks before it are done.
 *
 *     control   int32   [taken] .. [done]      both only count up, past the end of int32 too
 *     tasks             0 1 2 | 3 | 4 5 6      steps of a program; `after` = 0 0 0 | 3 | 4 4 4
 *
 * A run is announced with the count at which it starts. A thread that hears of it when others have done everything finds the
 * counter past its end, and takes nothing.
 */

/** Kernel calls that one thread makes in order, once the first `after` tasks of the list are done. */
export interface Task {
  readonly after: number;
  readonly calls: readonly (readonly [kernel: string, ...operands: number[]])[];
}

/** What a thread is told: first how to start, then each run, with the tasks where they are others than before. */
export type Order =
  | {
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly control: Int32Array;
      /** The address of this thread's bytes for `placePlan` (assembly/plan.ts). */
      readonly plan: number;
    }
  | { readonly start: number; readonly tasks: readonly Task[] | null };

/** What a thread answers: that it has started, that the run is over (said by one of them), or what went wrong. */
export type Reply = "ready" | "done" | { readonly error: string };

/** Looks at the counter before a thread sleeps: some 40 microseconds, about what it takes to sleep and to be woken. */
const SPINS = 5000;
/** Indices in `control`, a cache line apart. */
const TAKEN = 0;
const DONE = 16;

type Kernel = (...operands: readonly number[]) => void;

/** Answers orders. */
function thread(reply: (reply: Reply) => void): (order: Order) => void {
  let kernels: Record<string, Kernel>;
  let control: Int32Array;
  let tasks: readonly { readonly after: number; readonly calls: readonly [Kernel, readonly number[]][] }[] = [];

  /** Waits until `count` tasks are done. */
  function waitFor(count: number): void {
    for (let looks = 0; ; looks++) {
      const done = Atomics.load(control, DONE);
      if (((count - done) | 0) <= 0) return;
      if (looks >= SPINS) Atomics.wait(control, DONE, done);
    }
  }

  function run(start: number): void {
    for (;;) {
      const taken = Atomics.load(control, TAKEN);
      const index = (taken - start) | 0;
      if (index >= tasks.length) return;
      if (Atomics.compareExchange(control, TAKEN, taken, (taken + 1) | 0) !== taken) continue;
      const { after, calls } = tasks[index]!;
      waitFor((start + after) | 0);
      for (const [kernel, operands] of calls) kernel(...operands);
      const done = (Atomics.add(control, DONE, 1) + 1 - start) | 0;
      if (done === tasks.length) reply("done");
      else if (tasks[done]!.after === done) Atomics.notify(control, DONE);
    }
  }

  return (order) => {
    try {
      if ("module" in order) {
        const { exports } = new WebAssembly.Instance(order.module, { env: { memory: order.memory } });
        kernels = exports as Record<string, Kernel>;
        kernels.placePlan!(order.plan);
        control = order.control;
        reply("ready");
        return;
      }
      if (order.tasks)
        tasks = order.tasks.map(({ after, calls }) => ({
          after,
          calls: calls.map(([kernel, ...operands]) => [kernels[kernel]!, operands]),
        }));
      run(order.start);
    } catch (error) {
      reply({ error: String(error) });
    }
  };
}

if ("process" in globalThis) {
  import("node:worker_threads").then(({ parentPort }) => {
    parentPort!.on(
      "message",
      thread((reply) => parentPort!.postMessage(reply)),
    );
  });
} else {
  const answer = thread((reply) => postMessage(reply));
  addEventListener("message", ({ data }: MessageEvent<Order>) => answer(data));
}
