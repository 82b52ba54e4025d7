/**
 * compare: how far two arrays of the same shape are apart
 */

/** Differences between two arrays. */
export interface Difference {
  /** Largest |got - want|. */
  readonly maxAbsolute: number;
  /** That, as a share of the largest |want|; 0 where both are zero. */
  readonly maxRelative: number;
  /** Whether every element is within the tolerance. */
  readonly agrees: boolean;
}

/**
 * What float32 may lose against float64: of the array's largest magnitude, and of each element's own. A wrong axis or
 * epsilon shows far above it.
 */
export const tolerance = { ofLargest: 1e-5, ofElement: 1e-4 } as const;

/** Compares element by element. Where one side is infinite or not a number, so has to be the other. */
export function compareArrays(got: ArrayLike<number>, want: ArrayLike<number>): Difference {
  if (got.length !== want.length)
    return { maxAbsolute: Number.POSITIVE_INFINITY, maxRelative: Number.POSITIVE_INFINITY, agrees: false };
  const largest = largestMagnitude(want);
  let maxAbsolute = 0;
  let agrees = true;
  for (let index = 0; index < want.length; index++) {
    const [a, b] = [got[index]!, want[index]!];
    if (Object.is(a, b)) continue;
    const difference = Math.abs(a - b);
    const allowed = tolerance.ofLargest * largest + tolerance.ofElement * Math.abs(b);
    if (!(Number.isFinite(b) && difference <= allowed)) agrees = false;
    if (!(difference <= maxAbsolute)) maxAbsolute = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return {
    maxAbsolute,
    maxRelative: largest === 0 ? (maxAbsolute === 0 ? 0 : Number.POSITIVE_INFINITY) : maxAbsolute / largest,
    agrees,
  };
}

/** The largest finite magnitude; 0 where there is none. */
export function largestMagnitude(data: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < data.length; index++) {
    const magnitude = Math.abs(data[index]!);
    if (magnitude > largest && magnitude < Number.POSITIVE_INFINITY) largest = magnitude;
  }
  return largest;
}

/** The largest difference between two arrays; infinite where one has a number that the other has not. */
export function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  return compareArrays(got, want).maxAbsolute;
}
