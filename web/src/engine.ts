/**
 * The page's side of the worker: calls with progress, each answered or refused, and an end to those that take too long.
 *
 * A computation ends with its thread and all that it holds. What else was asked of that thread is asked again of the next one, which opens
 * the same files first: no call changes a model. Another model is opened in a thread of its own; until it is there, the one before stays.
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

/** The visitor gave it up: the call, or the model that it was for. */
export class Cancelled extends Error {}

/** The thread was ended, for another call's sake. */
class Interrupted extends Error {}

/** What a call tells while it is under way, and what ends it. */
export interface Watch {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

type Result<M extends Method> = Awaited<ReturnType<Methods[M]>>;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: Watch["onProgress"];
}

/** One worker, and who waits for its answers. */
class Thread {
  readonly #worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended = false;

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.#take(data));
    // What ends a worker from inside is most likely a lack of memory.
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      const message = event.message || "the computation ended before it was done";
      this.end(new Refused({ code: "failure", message, where: [], fix: "reload the page, or try the command line" }));
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Rejects with `Interrupted` where a signal, this call's or another's, ends the thread. */
  async send<M extends Method>(
    method: M,
    args: Parameters<Methods[M]>,
    { onProgress, signal }: Watch,
  ): Promise<Result<M>> {
    if (this.#ended || signal?.aborted) throw new Interrupted();
    const end = () => this.end(new Interrupted());
    signal?.addEventListener("abort", end);
    const id = this.#next++;
    const call: Call<M> = { id, method, args };
    try {
      return await new Promise<Result<M>>((resolve, reject) => {
        this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject, onProgress });
        this.#worker.postMessage(call);
      });
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }

  /** Ends all that is under way, with an error for those who wait. */
  end(error: Error): void {
    this.#ended = true;
    this.#worker.terminate();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    if ("progress" in answer) return waiting.onProgress?.(answer.progress);
    this.#waiting.delete(answer.id);
    if ("refusal" in answer) waiting.reject(new Refused(answer.refusal));
    else waiting.resolve(answer.result);
  }
}

export class Engine {
  /** Started ahead of the next `open`. */
  #spare: Thread | null = null;
  /** The files of the open model. */
  #files: readonly File[] | null = null;
  /** The thread that holds it, or opens it again; null where it was ended. */
  #holding: Promise<Thread> | null = null;

  /** Fetches and starts a worker ahead of its first call. */
  warm(): void {
    this.#spare ??= new Thread();
  }

  /** Opens files. The model before is given up, with what was asked of it, when they are open, and stays when they are refused. */
  async open(files: readonly File[], watch: Watch): Promise<Result<"open">> {
    const { thread, opened } = await this.#load(files, watch);
    this.close();
    this.#files = files;
    this.#holding = Promise.resolve(thread);
    return opened;
  }

  /** Gives up the open model, and what was asked of it. */
  close(): void {
    this.#files = null;
    this.#holding?.then(
      (thread) => thread.end(new Cancelled()),
      () => {},
    );
    this.#holding = null;
  }

  /** Asks something of the open model. Its signal ends the thread; who else waits for it is served by the next. */
  async call<M extends Exclude<Method, "open">>(
    method: M,
    args: Parameters<Methods[M]>,
    watch: Watch = {},
  ): Promise<Result<M>> {
    const files = this.#files;
    while (files && files === this.#files && !watch.signal?.aborted) {
      const holding = (this.#holding ??= this.#load(files, {}).then(({ thread }) => thread));
      let thread: Thread | null = null;
      try {
        thread = await holding;
        return await thread.send(method, args, watch);
      } catch (error) {
        const gone = thread === null || thread.ended;
        if (gone && this.#holding === holding) this.#holding = null;
        if (!(error instanceof Interrupted)) throw error;
      }
    }
    throw new Cancelled();
  }

  /** A thread that holds the model of these files. */
  async #load(files: readonly File[], watch: Watch): Promise<{ thread: Thread; opened: Result<"open"> }> {
    this.warm();
    const thread = this.#spare!;
    this.#spare = null;
    try {
      return { thread, opened: await thread.send("open", [files], watch) };
    } catch (error) {
      thread.end(new Cancelled());
      throw error instanceof Interrupted ? new Cancelled() : error;
    }
  }
}
