/**
 * bytes: files that are read a piece at a time, wherever they are.
 *
 *   Uint8Array    in memory: every piece is a view
 *   FileBytes     a file of this machine: a piece is read when it is asked for (file.ts)
 *   RangedBytes   a Blob, or what a URL leads to: a piece has to be fetched before
 *
 * Readers are plain functions that ask for pieces and wait for none. So a piece that is not there yet ends the reader; `settle`
 * fetches what it asked for and runs it again, until it has all it wants. A reader starts afresh each time and keeps nothing.
 */

/** A file's bytes by where they lie in it. A Uint8Array is one. */
export interface Bytes {
  readonly length: number;
  /** Bytes `[start, end)`, as far as the file goes: a view where they are in memory, else a copy. Do not write to them. */
  subarray(start: number, end: number): Uint8Array;
  /** Says that all of `[start, end)` will be asked for, in smaller pieces. */
  need?(start: number, end: number): void;
}

/** Bytes of a file that are read at a time where no more are needed: they stay in the cache until they have been dealt with. */
export const pieceBytes = 2 ** 18;

/** The part `[start, end)` of a file, as a file of its own. Nothing is read. */
export function section(bytes: Bytes, start: number, end: number): Bytes {
  return bytes instanceof Uint8Array ? bytes.subarray(start, end) : new Section(bytes, start, end);
}

/** All of a file in memory. */
export function whole(bytes: Bytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.subarray(0, bytes.length);
}

/** Pieces one after another, in memory of their own. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let filled = 0;
  for (const piece of pieces) {
    bytes.set(piece, filled);
    filled += piece.length;
  }
  return bytes;
}

class Section implements Bytes {
  readonly length: number;
  readonly #bytes: Bytes;
  readonly #start: number;

  constructor(bytes: Bytes, start: number, end: number) {
    this.length = end - start;
    this.#bytes = bytes;
    this.#start = start;
  }

  subarray(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(this.#start + start, this.#start + Math.min(end, this.length));
  }

  need(start: number, end: number): void {
    this.#bytes.need?.(this.#start + start, this.#start + Math.min(end, this.length));
  }
}

/** Ends a reader that asks for bytes which are not there yet. Nobody outside of `settle` sees it. */
export class MissingBytes extends Error {}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Requests that are under way at the same time. */
const mostRequests = 6;

/** Bytes that have to be fetched. */
export class RangedBytes implements Bytes {
  readonly length: number;
  readonly #fetch: (start: number, end: number) => Promise<Uint8Array>;
  readonly #blockBytes: number;
  readonly #pieces: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  #missing: Range[] = [];

  /**
   * @param fetch gives bytes `[start, end)`, all of them, or fails
   * @param first the file's first bytes, where they are known
   * @param blockBytes pieces are fetched in multiples of this: whoever reads one header soon reads the next
   */
  constructor(
    length: number,
    fetch: (start: number, end: number) => Promise<Uint8Array>,
    first?: Uint8Array,
    blockBytes = 2 ** 16,
  ) {
    this.length = length;
    this.#fetch = fetch;
    this.#blockBytes = blockBytes;
    if (first) this.#pieces.push({ start: 0, bytes: first });
  }

  subarray(from: number, to: number): Uint8Array {
    const [start, end] = [Math.min(from, this.length), Math.min(to, this.length)];
    if (start >= end) return new Uint8Array(0);
    const piece = this.#pieces.find((own) => own.start <= start && end <= own.start + own.bytes.length);
    if (piece) return piece.bytes.subarray(start - piece.start, end - piece.start);
    this.#missing.push({ start, end });
    throw new MissingBytes(`bytes ${start} to ${end} are not there yet`);
  }

  need(start: number, end: number): void {
    this.subarray(start, end);
  }

  /** Fetches what was asked for in vain; tells whether there was anything. */
  async fetchMissing(): Promise<boolean> {
    const ranges = wholeBlocks(this.#missing, this.length, this.#blockBytes);
    this.#missing = [];
    for (let at = 0; at < ranges.length; at += mostRequests) {
      const pieces = ranges.slice(at, at + mostRequests).map(async ({ start, end }) => ({
        start,
        bytes: await this.#fetch(start, end),
      }));
      this.#pieces.push(...(await Promise.all(pieces)));
    }
    return ranges.length > 0;
  }
}

/** Whole blocks that hold these ranges, each once, in order. */
function wholeBlocks(ranges: readonly Range[], length: number, blockBytes: number): Range[] {
  const result: { start: number; end: number }[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const start = Math.floor(range.start / blockBytes) * blockBytes;
    const end = Math.min(Math.ceil(range.end / blockBytes) * blockBytes, length);
    const last = result.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** Runs `work` until `sources` have all the bytes that it asks for. It is run from the start each time. */
export async function settle<T>(sources: readonly Bytes[], work: () => T): Promise<T> {
  const ranged = sources.filter((bytes) => bytes instanceof RangedBytes);
  for (;;) {
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      outcome = { value: work() };
    } catch (error) {
      outcome = { error };
    }
    // Asked first: a reader may have made a failure of its own out of the missing bytes.
    const fetched = await Promise.all(ranged.map((bytes) => bytes.fetchMissing()));
    if (fetched.includes(true)) continue;
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }
}

/** Reads all arrays within `settle`, so that all that is missing is fetched together. Where nothing has to be fetched it does nothing. */
export function fetchArrays(sources: readonly Bytes[], arrays: Iterable<{ read(): unknown }>): void {
  if (!sources.some((bytes) => bytes instanceof RangedBytes)) return;
  let missing: MissingBytes | undefined;
  for (const array of arrays) {
    try {
      array.read();
    } catch (error) {
      if (!(error instanceof MissingBytes)) throw error;
      missing = error;
    }
  }
  if (missing) throw missing;
}
