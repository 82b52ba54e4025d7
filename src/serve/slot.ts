/**
 * slot: a model that is served: loaded when it is first asked for, and again once it has failed
 *
 * A loaded model may come to its end while it is served: disposed by its owner, or by a thread that broke. Then a function is asked
 * for another one, and a model that was given as it is stays unavailable.
 */
import { type BatchLimits, Batcher } from "./batcher.ts";
import { isGone, type ServedModel } from "./model.ts";
import { unavailable } from "./refusal.ts";

/** A loaded model, or what loads it: called when it is first needed, and again after a failure. */
export type Served = ServedModel | (() => ServedModel | Promise<ServedModel>);

/** A model that is loaded, with the requests that wait for it. */
export interface Loaded {
  readonly model: ServedModel;
  readonly batcher: Batcher;
}

export class Slot {
  readonly name: string;
  readonly #served: Served;
  readonly #limits: BatchLimits;
  readonly #report: (error: unknown) => void;
  #loading: Promise<Loaded> | null = null;
  #loaded: Loaded | null = null;
  #gone = false;

  /** @param report hears why it could not be loaded, or is gone */
  constructor(name: string, served: Served, limits: BatchLimits, report: (error: unknown) => void) {
    this.name = name;
    this.#served = served;
    this.#limits = limits;
    this.#report = report;
  }

  /** The model; rejects with a Refusal where there is none. */
  load(): Promise<Loaded> {
    if (this.#loading) return this.#loading;
    const loading = this.#open();
    this.#loading = loading;
    loading.catch(() => {
      if (this.#loading === loading) this.#loading = null;
    });
    return loading;
  }

  /** Drops a model that failed with `error`, if it will never compute again. */
  failed(loaded: Loaded, error: unknown): void {
    if (!isGone(error) || this.#loaded !== loaded) return;
    this.#loading = null;
    this.#loaded = null;
    this.#gone = typeof this.#served !== "function";
    this.#report(error);
  }

  async #open(): Promise<Loaded> {
    if (this.#gone) throw unavailable(this.name);
    try {
      const model = await (typeof this.#served === "function" ? this.#served() : this.#served);
      this.#loaded = { model, batcher: new Batcher(model, this.#limits) };
      return this.#loaded;
    } catch (error) {
      this.#report(error);
      throw unavailable(this.name);
    }
  }
}
