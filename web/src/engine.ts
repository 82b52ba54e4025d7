/**
 * The page's side of the worker: calls with progress, each answered or refused, and an end to those that take too long.
 *
 * What is cancelled ends the worker with all it holds. The next call starts another, which opens the same files again first.
 */
import type { Answer, Call, Method, Methods, Progress, Refusal } from "./protocol.ts";

/** A failure that the worker told of. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** The visitor gave it up. */
export class Cancelled extends Error {}

type Result<M extends Method> = Awaited<ReturnType<Methods[M]>>;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: (progress: Progress) => void;
}

export class Engine {
  #worker: Worker | null = null;
  #files: readonly File[] | null = null;
  #reopened: Promise<unknown> | null = null;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** Fetches and starts the worker ahead of its first call. */
  warm(): void {
    this.#running();
  }

  /** Opens files; they are opened again where the worker had to be ended. */
  async open(files: readonly File[], onProgress: (progress: Progress) => void): Promise<Result<"open">> {
    // Nobody waits any longer for what was asked of the model before.
    if (this.#waiting.size > 0) this.cancel();
    const opened = await this.#send("open", [files], onProgress);
    this.#files = files;
    return opened;
  }

  async call<M extends Exclude<Method, "open">>(
    method: M,
    args: Parameters<Methods[M]>,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<Result<M>> {
    if (!this.#worker && this.#files) this.#reopened = this.#send("open", [this.#files], () => {});
    await this.#reopened;
    return this.#send(method, args, onProgress);
  }

  /** Ends all that is under way. */
  cancel(): void {
    this.#end(new Cancelled("cancelled"));
  }

  #send<M extends Method>(
    method: M,
    args: Parameters<Methods[M]>,
    onProgress: (progress: Progress) => void,
  ): Promise<Result<M>> {
    const worker = this.#running();
    const id = this.#next++;
    const call: Call<M> = { id, method, args };
    return new Promise<Result<M>>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject, onProgress });
      worker.postMessage(call);
    });
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.#take(data));
    // What ends a worker from inside is most likely a lack of memory.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const message = event.message || "the computation ended before it was done";
      this.#end(new Refused({ code: "failure", message, where: [], fix: "reload the page, or try the command line" }));
    });
    this.#worker = worker;
    return worker;
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    if ("progress" in answer) return waiting.onProgress(answer.progress);
    this.#waiting.delete(answer.id);
    if ("refusal" in answer) waiting.reject(new Refused(answer.refusal));
    else waiting.resolve(answer.result);
  }

  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#reopened = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}
