/**
 * Seeded random choices for tests: equal seeds give equal choices on every machine.
 */
import { normal, uniform } from "../../src/api/random.ts";

export class Draw {
  readonly next: () => number;
  readonly normal: () => number;

  constructor(seed: number) {
    this.next = uniform(seed);
    this.normal = normal(seed ^ 0x5bd1e995);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!;
  }

  /** The same entries in another order. */
  shuffled<T>(entries: readonly T[]): T[] {
    return entries
      .map((entry) => ({ entry, key: this.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ entry }) => entry);
  }

  /** Channels, units, filters: mostly small, past the kernels' tiles or 1 now and then; never the batch's 2. */
  size(): number {
    if (this.chance(0.08)) return 1;
    return this.chance(0.12) ? this.integer(12, 34) : this.integer(3, 9);
  }
}
