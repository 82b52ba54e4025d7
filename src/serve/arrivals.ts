/**
 * arrivals: the requests of one model whose bodies are still coming, with what has come of them
 *
 * There are no more of them than may be. Who comes when all places are taken gets that of the body which has been silent longest,
 * and what had come of that one is let go. So no sender holds a place by being slow; nor does a client of a Worker that has gone,
 * where what is done for it stops without an end.
 */
import { busy } from "./refusal.ts";

/** One request's place, and the start of its body in one piece: sent byte by byte, it takes no more memory than at once. */
export class Arrival {
  readonly #places: Set<Arrival>;
  #held = new Uint8Array(0);
  #length = 0;

  constructor(places: Set<Arrival>) {
    this.#places = places;
    places.add(this);
  }

  /** What has come. @throws {Refusal} 503 for one that has lost its place */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (!this.#places.has(this)) throw busy();
    return this.#held.subarray(0, this.#length);
  }

  /** Takes in what comes next. @throws {Refusal} 503 for one that has lost its place */
  add(chunk: Uint8Array): void {
    const before = this.bytes;
    const length = before.length + chunk.length;
    if (length > this.#held.length) {
      this.#held = new Uint8Array(Math.max(length, 2 * this.#held.length));
      this.#held.set(before);
    }
    this.#held.set(chunk, before.length);
    this.#length = length;
    this.#places.delete(this);
    this.#places.add(this);
  }

  /** Gives the place back. */
  leave(): void {
    this.#places.delete(this);
    this.#held = new Uint8Array(0);
    this.#length = 0;
  }
}

export class Arrivals {
  /** The one that has been silent longest first. */
  readonly #places = new Set<Arrival>();

  /** A place, one of `most`. @throws {Refusal} 503 where there are none at all */
  enter(most: number): Arrival {
    if (most < 1) throw busy();
    for (const silent of this.#places) {
      if (this.#places.size < most) break;
      silent.leave();
    }
    return new Arrival(this.#places);
  }
}
