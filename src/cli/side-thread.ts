/**
 * side-thread: what the engine computes for a proof, in a thread of its own while this one writes the file that is to be proved
 */
import { existsSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { load, type LoadOptions } from "../api/load.ts";
import { type EngineSide, engineSide } from "../api/verify.ts";

/** Files that are large enough for a thread to pay. */
const leastBytes = 2 ** 28;

interface Task {
  readonly path: string;
  readonly options: LoadOptions;
}

/** Whether this is such a thread, which then answers. */
export function answerAsThread(): boolean {
  const task = (workerData as { readonly sideOf?: Task } | null)?.sideOf;
  if (isMainThread || !task) return false;
  void load(task.path, task.options).then((model) => parentPort!.postMessage(engineSide(model)));
  return true;
}

/** A thread for the model in a file. */
export class SideThread {
  readonly #task: Task;
  readonly #program: URL;
  readonly #leastBytes: number;
  #worker: Worker | null = null;

  /** @param program what the thread runs, and asks `answerAsThread` */
  constructor(path: string, options: LoadOptions, program = new URL(import.meta.url), least = leastBytes) {
    this.#task = { path, options };
    this.#program = program;
    this.#leastBytes = least;
  }

  /** What it computes; undefined where a thread is not worth it, where the model is no file of this machine, and where it failed. */
  async start(): Promise<EngineSide | undefined> {
    try {
      const { path } = this.#task;
      if (availableParallelism() < 2 || !existsSync(path) || statSync(path).size < this.#leastBytes) return undefined;
      const worker = new Worker(this.#program, { workerData: { sideOf: this.#task }, stderr: true });
      this.#worker = worker;
      return await new Promise((resolve) => {
        const failed = () => resolve(undefined);
        worker.once("message", resolve).once("error", failed).once("exit", failed);
      });
    } catch {
      return undefined;
    }
  }

  stop(): void {
    void this.#worker?.terminate();
  }
}
