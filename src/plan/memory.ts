/**
 * memory: where each value lies in one arena
 *
 * Given   the sizes of buffers and the steps between which each one is needed
 * Result  an offset for each, such that buffers needed at the same time do not overlap, and the arena's size
 *
 * Largest first, each at the lowest offset that is free during its life: the greedy rule of TensorFlow Lite's planner
 * (tensorflow/lite/simple_memory_arena.cc; Pisarchyk & Lee, 2020, "greedy by size").
 */

/** A buffer and the steps, first and last inclusive, during which it holds something. */
export interface Lifetime {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface MemoryPlan {
  /** Per lifetime, in bytes from the arena's start; multiples of 16. */
  readonly offsets: readonly number[];
  readonly bytes: number;
  /** The most that is needed at any one step: no plan can do with less. */
  readonly liveBytes: number;
}

const alignment = 16;

export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes.map((_, index) => index).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes);
  const placed: number[] = [];
  let total = 0;
  for (const index of order) {
    const own = lifetimes[index]!;
    const bytes = Math.ceil(own.bytes / alignment) * alignment;
    const neighbours = placed
      .filter((other) => lifetimes[other]!.from <= own.to && own.from <= lifetimes[other]!.to)
      .sort((a, b) => offsets[a]! - offsets[b]!);
    let offset = 0;
    for (const other of neighbours) {
      if (offset + bytes <= offsets[other]!) break;
      offset = Math.max(offset, offsets[other]! + Math.ceil(lifetimes[other]!.bytes / alignment) * alignment);
    }
    offsets[index] = offset;
    total = Math.max(total, offset + bytes);
    placed.push(index);
  }
  return { offsets, bytes: total, liveBytes: mostAlive(lifetimes) };
}

/** The largest sum of buffers that are needed at the same step. */
function mostAlive(lifetimes: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  const change = (step: number, bytes: number) => changes.set(step, (changes.get(step) ?? 0) + bytes);
  for (const { bytes, from, to } of lifetimes) {
    const whole = Math.ceil(bytes / alignment) * alignment;
    change(from, whole);
    change(to + 1, -whole);
  }
  let alive = 0;
  let most = 0;
  for (const [, bytes] of [...changes].sort(([a], [b]) => a - b)) {
    alive += bytes;
    most = Math.max(most, alive);
  }
  return most;
}
