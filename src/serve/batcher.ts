/**
 * batcher: requests that arrive together are predicted together, each to the bits that it would have had alone
 *
 *     arrival     wait for a tick     the first that wakes predicts for all that wait      answers
 *     A ──────────────────────────┐
 *        B ───────────────────────┼─ [A B C] ──────────────────────────────────────────────> A B C
 *           C ────────────────────┘
 *
 * Nobody waits for a promise of another request: every request wakes by itself, and either finds its answer made or makes it.
 * Workers end a request's timers and promises when its client goes, and requests that waited for them would hang.
 *
 * With threads, which Workers have none of, one batch is under way at a time, and all others wait for its end: so they gather, and are
 * counted while they do.
 *
 * What may be mixed: models without states whose only open axis is the batch, of inputs of finite numbers. A batch that fails is
 * predicted again request by request, so that one bad request fails alone. The engine keeps programs by batch size, so batches are
 * powers of two where they can be.
 */
import { tick } from "../platform/tick.ts";
import { elements, type Tensor } from "../tensor.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import type { InferRequest } from "./infer-request.ts";
import type { ServedModel, ServedPort } from "./model.ts";

/** How requests are put together. */
export interface BatchLimits {
  /** Samples in one prediction. */
  readonly maxBatch: number;
  /** Requests that may wait, or whose bodies may be coming, together. */
  readonly maxWaiting: number;
  /** Milliseconds that a request waits for others; 0 for one turn of the event loop. */
  readonly batchWindow: number;
}

type Inputs = Pick<InferRequest, "inputs" | "batch">;

/** A request that waits. */
interface Job extends Inputs {
  readonly mixable: boolean;
  outcome?: { readonly tensors: Tensor[] } | { readonly error: unknown };
}

/** The predictions of one model. */
export class Batcher {
  readonly #model: ServedModel;
  readonly #limits: BatchLimits;
  readonly #mixable: boolean;
  readonly #arrivals = new Arrivals();
  #waiting: Job[] = [];
  /** The batch that threads work on. */
  #running: Promise<void> | null = null;

  constructor(model: ServedModel, limits: BatchLimits) {
    this.#model = model;
    this.#limits = limits;
    this.#mixable = [...model.inputs, ...model.outputs].every(onlyBatchOpen);
  }

  /** A place for a request whose body is to be read; it has to leave it for `predict`. @throws {Refusal} 503 when too many wait */
  arrive(): Arrival {
    return this.#arrivals.enter(this.#limits.maxWaiting - this.#waiting.length);
  }

  /** All outputs of the model for one request, in their order. */
  async predict(request: Inputs): Promise<Tensor[]> {
    const mixable = this.#mixable && [...request.inputs.values()].every(({ data }) => data.every(Number.isFinite));
    const job: Job = { inputs: request.inputs, batch: request.batch, mixable };
    this.#waiting.push(job);
    await tick(this.#limits.batchWindow);
    // It is in the batch that is taken now, or there are older ones that are in nobody's hands: those come first.
    while (!job.outcome) await (this.#running ?? this.#runNext());
    if ("error" in job.outcome) throw job.outcome.error;
    return job.outcome.tensors;
  }

  #runNext(): Promise<void> | null {
    const jobs = this.#take();
    if (this.#model.threads === 1) {
      this.#predict(jobs);
      return null;
    }
    this.#running = this.#predictByThreads(jobs).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  #predict(jobs: readonly Job[]): void {
    try {
      share(jobs, this.#model.predictAll(together(jobs, this.#model.inputs)));
    } catch (error) {
      if (jobs.length === 1) jobs[0]!.outcome = { error };
      else for (const job of jobs) this.#predict([job]);
    }
  }

  async #predictByThreads(jobs: readonly Job[]): Promise<void> {
    const { inputs, outputs } = this.#model;
    try {
      const result = await this.#model.predictAsync(together(jobs, inputs));
      share(
        jobs,
        outputs.length === 1
          ? [result as Tensor]
          : outputs.map(({ name }) => (result as Record<string, Tensor>)[name]!),
      );
    } catch (error) {
      if (jobs.length === 1) jobs[0]!.outcome = { error };
      else for (const job of jobs) await this.#predictByThreads([job]);
    }
  }

  /** The request that has waited longest, and those that can be predicted with it. */
  #take(): Job[] {
    const [first] = this.#waiting as [Job];
    const others = first.mixable ? this.#waiting.filter((job) => job !== first && job.mixable) : [];
    const waiting = others.reduce((sum, { batch }) => sum + batch, first.batch);
    const most = 2 ** Math.floor(Math.log2(Math.min(waiting, this.#limits.maxBatch)));
    const taken = new Set([first]);
    let batch = first.batch;
    for (const job of others) {
      if (batch + job.batch > most) continue;
      batch += job.batch;
      taken.add(job);
    }
    this.#waiting = this.#waiting.filter((job) => !taken.has(job));
    return [...taken];
  }
}

/** Whether the batch, in front, is the only axis whose size is open. */
function onlyBatchOpen({ shape, state }: ServedPort): boolean {
  return !state && shape[0] === null && !shape.slice(1).includes(null);
}

/** The inputs of several requests one behind the other; of one request, as they are. */
function together(jobs: readonly Job[], ports: readonly ServedPort[]): Record<string, Tensor> {
  if (jobs.length === 1) return Object.fromEntries(jobs[0]!.inputs);
  const batch = jobs.reduce((sum, job) => sum + job.batch, 0);
  const inputs = ports.map(({ name, layout }): [string, Tensor] => {
    const parts = jobs.map((job) => job.inputs.get(name)!);
    const [first] = parts as [Tensor];
    const shape = [batch, ...first.shape.slice(1)];
    const data = first.data instanceof Int32Array ? new Int32Array(elements(shape)) : new Float32Array(elements(shape));
    let filled = 0;
    for (const part of parts) {
      data.set(part.data, filled);
      filled += part.data.length;
    }
    return [name, { data, shape, layout }];
  });
  return Object.fromEntries(inputs);
}

/** Gives each request its rows of the outputs. */
function share(jobs: readonly Job[], tensors: readonly Tensor[]): void {
  let start = 0;
  for (const job of jobs) {
    const end = start + job.batch;
    job.outcome = { tensors: jobs.length === 1 ? [...tensors] : tensors.map((tensor) => rows(tensor, start, end)) };
    start = end;
  }
}

function rows({ data, shape, layout }: Tensor, start: number, end: number): Tensor {
  const size = elements(shape.slice(1));
  return { data: data.subarray(start * size, end * size), shape: [end - start, ...shape.slice(1)], layout };
}
