/**
 * pool: the threads of one model, and the memory that they share with it
 *
 * The threads do all the work of a run, so that the caller's own thread stays free: a page stays responsive and needs no
 * Atomics.wait, which it would not be allowed. A program is sent to them once; each run is one small message to every thread
 * and one answer, some 40 microseconds in all. How they divide the work is told in platform/worker.ts.
 */
import { disposed, threadBroken } from "../../error.ts";
import { threadHost } from "../../platform/host.ts";
import type { Thread, ThreadHost } from "../../platform/threads.ts";
import type { Reply, Task } from "../../platform/worker.ts";
import { KernelMemory } from "./memory.ts";
import type { Split } from "./split.ts";

/** The least work that is worth a task: some 20 microseconds. */
const leastWork = 2 ** 19;

/** Someone who waits for an answer. */
interface Waiting {
  resolve(): void;
  reject(cause: unknown): void;
}

export class Pool {
  readonly memory: KernelMemory;
  /** How programs for this pool are to be split. */
  readonly split: Split;
  readonly #threads: Thread[] = [];
  readonly #control = new Int32Array(new SharedArrayBuffer(32 * Int32Array.BYTES_PER_ELEMENT));
  #queue: Promise<unknown> = Promise.resolve();
  #waiting: Waiting | null = null;
  #broken: unknown = null;
  #tasks: readonly Task[] | null = null;
  /** The control's counts before the next run. */
  #count = 0;

  /**
   * A pool with its threads started, or null where this runtime has none.
   *
   * @param least see `Split`; less than the default in tests, whose models are small
   */
  static async open(threads: number, least = leastWork): Promise<Pool | null> {
    const host = await threadHost();
    if (!host) return null;
    const pool = new Pool(host, { threads, leastWork: least });
    try {
      await pool.#start(host);
      return pool;
    } catch {
      pool.close();
      return null;
    }
  }

  private constructor({ module, memory }: ThreadHost, split: Split) {
    this.memory = new KernelMemory(module, memory);
    this.split = split;
  }

  async #start({ module, memory, start }: ThreadHost): Promise<void> {
    const ready = Array.from({ length: this.split.threads }, async () => {
      const plan = this.memory.allocatePlan();
      await new Promise<void>((resolve, reject) => {
        const waiting = { resolve, reject };
        const thread = start({
          reply: (reply) => this.#hear(reply, waiting),
          broken: (cause) => {
            reject(cause);
            this.#break(cause);
          },
        });
        this.#threads.push(thread);
        thread.send({ module, memory, control: this.#control, plan });
      });
    });
    await Promise.all(ready);
    this.#hold(false);
  }

  #hear(reply: Reply, starting: Waiting): void {
    if (reply === "ready") starting.resolve();
    else if (reply === "done") this.#waiting?.resolve();
    else {
      starting.reject(reply.error);
      this.#break(reply.error);
    }
  }

  /** Does `job` once all jobs before it are over. */
  enqueue<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(job);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Runs a program's tasks. One run at a time: to be called in a job. */
  async run(tasks: readonly Task[]): Promise<void> {
    if (this.#broken) throw this.#broken;
    const news = tasks === this.#tasks ? null : tasks;
    const start = this.#count;
    this.#tasks = tasks;
    this.#count = (start + tasks.length) | 0;
    this.#hold(true);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        for (const thread of this.#threads) thread.send({ start, tasks: news });
      });
    } finally {
      this.#waiting = null;
      this.#hold(false);
    }
  }

  /** Stops the threads. A run under way and all later ones are rejected. */
  close(reason: unknown = disposed("the model")): void {
    this.#broken ??= reason;
    for (const thread of this.#threads.splice(0)) thread.stop();
    this.#waiting?.reject(this.#broken);
  }

  /** A thread that broke may hold a task that all others wait for. */
  #break(cause: unknown): void {
    this.close(threadBroken(cause));
  }

  #hold(held: boolean): void {
    for (const thread of this.#threads) thread.hold(held);
  }
}
