/**
 * compare: how far outputs are apart, and the refusal to time contenders that do not compute the same
 */

/**
 * The largest difference, relative to the largest expected magnitude.
 * @param {ArrayLike<number>} got @param {ArrayLike<number>} expected
 */
export function relativeError(got, expected) {
  if (got.length !== expected.length) return Infinity;
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const difference = Math.abs(got[i] - expected[i]);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst === 0 ? 0 : worst / largest;
}

/**
 * @param {string} what @param {ArrayLike<number>} got @param {ArrayLike<number>} expected @param {number} tolerance
 * @returns {number} the relative error
 * @throws {Error} when it is above the tolerance
 */
export function agree(what, got, expected, tolerance) {
  const error = relativeError(got, expected);
  if (error <= tolerance) return error;
  const sizes = got.length === expected.length ? "" : ` (${got.length} numbers instead of ${expected.length})`;
  throw new Error(
    `outputs differ: ${what}: relative error ${error.toExponential(1)} above ${tolerance.toExponential()}${sizes}`,
  );
}
