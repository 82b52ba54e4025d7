/**
 * split: how a kernel's rows are divided among threads
 *
 *     rows    0 ........................ 103
 *     ranges  0 .. 32 | 32 .. 64 | 64 .. 103      begin at multiples of `grain`, the last takes the rest
 *
 * Ranges are fixed when a program is made, so the same calls are made whichever threads make them.
 */

/** For how many threads to split, and the least work (`WasmWriter.split`) that is worth a range. */
export interface Split {
  readonly threads: number;
  readonly leastWork: number;
}

/** Multiples of `leastWork` below which a whole program is left to one thread: 1.4 ms, where two threads begin to gain. */
export const worthThreads = 64;

/** Ranges begin at multiples of four rows: then rows of any length begin at multiples of 16 bytes, and tiles are whole. */
const grain = 4;

/** More ranges than threads, so that a thread that other programs slow down leaves its share to the others. */
const rangesPerThread = 4;

/** Ranges that cover 0 .. rows; one where splitting doesn't pay. */
export function ranges(rows: number, work: number, { threads, leastWork }: Split): [from: number, to: number][] {
  const most = Math.min(threads * rangesPerThread, Math.floor(work / leastWork), Math.floor(rows / grain));
  const count = threads === 1 ? 1 : Math.max(1, most);
  const start = (index: number) => Math.floor((index * rows) / count / grain) * grain;
  return Array.from({ length: count }, (_, index) => [start(index), index === count - 1 ? rows : start(index + 1)]);
}
