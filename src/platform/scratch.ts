/**
 * scratch: large arrays in memory that is used again.
 *
 * A process that meets memory for the first time waits for the system, page by page: longer than it takes to read a file into it.
 * So whoever goes through many large arrays has their memory lent, and taken back after each:
 *
 *     reuseMemory(() => {
 *       for (const array of arrays) lendMemory(() => put(array.read()));
 *     });
 *
 * What readers make of such an array on the way (`lent`) lies in the same memory. Nothing of it may be kept once `lendMemory` is over: the
 * next array is written over it. Outside of the two, `lent` gives new arrays. Both are for work that is done when they return.
 */

interface Elements {
  readonly BYTES_PER_ELEMENT: number;
}

/** A typed array's constructor. */
type ArrayType<T> = Elements & (new (buffer: ArrayBuffer, byteOffset: number, length: number) => T);

/** Smaller ones come out of memory that the process holds anyway. */
const leastBytes = 2 ** 18;

/** Memory for `reuseMemory`: what is free, and what each `lendMemory` under way has lent. */
interface Store {
  readonly free: ArrayBuffer[];
  readonly loans: ArrayBuffer[][];
}

let store: Store | null = null;

/** Within `work`, what `lendMemory` takes back is lent again. */
export function reuseMemory<T>(work: () => T): T {
  const outer = store;
  store ??= { free: [], loans: [] };
  try {
    return work();
  } finally {
    store = outer;
  }
}

/** Lends memory for large arrays until `work` is over; what it gives must not lie in one. */
export function lendMemory<T>(work: () => T): T {
  const own = store;
  if (!own) return work();
  own.loans.push([]);
  try {
    return work();
  } finally {
    own.free.push(...own.loans.pop()!);
  }
}

/** An array whose numbers are whatever the memory held. */
export function lent<T>(type: ArrayType<T>, length: number): T {
  const sizeBytes = length * type.BYTES_PER_ELEMENT;
  const loan = store?.loans.at(-1);
  if (!loan || sizeBytes < leastBytes) return new type(new ArrayBuffer(sizeBytes), 0, length);
  const buffer = take(store!.free, sizeBytes) ?? new ArrayBuffer(sizeBytes);
  loan.push(buffer);
  return new type(buffer, 0, length);
}

/** A piece of an array does not take the memory of a whole one. */
const mostSpare = 8;

/** The smallest that is large enough. Where none is, the largest that is too small is given up: what grows leaves nothing behind. */
function take(free: ArrayBuffer[], sizeBytes: number): ArrayBuffer | null {
  let [fits, tooSmall] = [-1, -1];
  free.forEach(({ byteLength }, index) => {
    if (byteLength < sizeBytes) {
      if (tooSmall < 0 || byteLength > free[tooSmall]!.byteLength) tooSmall = index;
    } else if (byteLength <= mostSpare * sizeBytes && (fits < 0 || byteLength < free[fits]!.byteLength)) fits = index;
  });
  if (fits >= 0) return free.splice(fits, 1)[0]!;
  if (tooSmall >= 0) free.splice(tooSmall, 1);
  return null;
}
