/**
 * side-thread: what the engine computes for a proof, in a thread of its own while this one writes the file that is to be proved
 */
import { statSync } from "node:fs";
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
  #worker: Worker | null = null;

  constructor(path: string, options: LoadOptions) {
    this.#task = { path, options };
  }

  /** What it computes; undefined where it is not worth it, or failed: whoever computes it then meets what is wrong. */
  async start(): Promise<EngineSide | undefined> {
    if (availableParallelism() < 2 || statSync(this.#task.path).size < leastBytes) return undefined;
    const worker = new Worker(new URL(import.meta.url), { workerData: { sideOf: this.#task }, stderr: true });
    this.#worker = worker;
    return new Promise((resolve) => {
      const failed = () => resolve(undefined);
      worker.once("message", resolve).once("error", failed).once("exit", failed);
    });
  }

  stop(): void {
    void this.#worker?.terminate();
  }
}
