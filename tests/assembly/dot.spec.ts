/**
 * gemmNarrow: rows around four, every K to past two rounds of four vectors, against a plain loop in float64; and
 * a row has the same bits whatever rows are beside it.
 */
import { gemmNarrow, narrowStride } from "../../assembly/dot";
import { at, error, floats, GUARD, guarded, HIGH, LOW, output, put, reserve, reset } from "./arena";

/** Runs one shape with and without a clamp; returns the largest error, or Infinity if a guard word is gone. */
function check(M: i32, N: i32, K: i32, padding: i32): f64 {
  return max(checkClamped(M, N, K, padding, -Infinity, Infinity), checkClamped(M, N, K, padding, LOW, HIGH));
}

function checkClamped(M: i32, N: i32, K: i32, padding: i32, low: f32, high: f32): f64 {
  reset(M * 10007 + N * 101 + K);
  const lda = K + padding,
    ldc = N + padding,
    stride = narrowStride(K);
  const a = floats(M * lda),
    weights = floats(K * N),
    bias = floats(N);
  const b = reserve(N * stride);
  for (let n = 0; n < N; n++) {
    for (let i = 0; i < stride; i++) put(b, n * stride + i, NaN);
    put(b, n * stride, at(bias, n));
    for (let k = 0; k < K; k++) put(b, n * stride + 4 + k, at(weights, k * N + n));
  }
  const c = output(M * ldc);
  gemmNarrow(a, lda, b, c, ldc, M, N, K, low, high);
  let worst: f64 = 0;
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = <f64>at(bias, n);
      for (let k = 0; k < K; k++) sum += <f64>at(a, m * lda + k) * <f64>at(weights, k * N + n);
      const expected = min(max(sum, <f64>low), <f64>high);
      worst = max(worst, error(at(c, m * ldc + n), expected));
    }
    for (let n = N; n < ldc; n++) if (at(c, m * ldc + n) !== GUARD) return Infinity;
  }
  return guarded(c, M * ldc) ? worst : Infinity;
}

describe("gemmNarrow", () => {
  test("every K from 0 to past two rounds, every count of rows and columns", () => {
    for (let K = 0; K <= 37; K++) {
      for (let M = 0; M <= 9; M++) {
        for (let N = 0; N <= 4; N++) {
          expect(check(M, N, K, 0)).toBeLessThan(5e-6, `M ${M} N ${N} K ${K}`);
        }
      }
    }
  });

  test("a row's result does not depend on the rows beside it", () => {
    for (let K = 0; K <= 37; K++) {
      reset(K);
      const a = floats(7 * K),
        b = floats(narrowStride(K));
      const c = output(7),
        alone = output(7);
      gemmNarrow(a, K, b, c, 1, 7, 1, K, -Infinity, Infinity);
      for (let m = 0; m < 7; m++) {
        const row = floats(K);
        for (let k = 0; k < K; k++) put(row, k, at(a, m * K + k));
        const one = output(1);
        gemmNarrow(row, K, b, one, 1, 1, 1, K, -Infinity, Infinity);
        put(alone, m, at(one, 0));
      }
      for (let m = 0; m < 7; m++) expect(at(c, m)).toBe(at(alone, m), `K ${K} row ${m}`);
    }
  });

  test("NaN beside a row, and in it", () => {
    reset();
    const a = floats(3),
      b = floats(narrowStride(3)),
      c = output(1);
    gemmNarrow(a, 3, b, c, 1, 1, 1, 3, 0, 6);
    expect(isNaN(at(c, 0))).toBe(false);
    put(a, 1, NaN);
    gemmNarrow(a, 3, b, c, 1, 1, 1, 3, 0, 6);
    expect(isNaN(at(c, 0))).toBe(true);
  });

  test("rows further apart than they are long", () => {
    for (let K = 11; K <= 25; K++) expect(check(3, 2, K, 5)).toBeLessThan(5e-6, `K ${K}`);
  });

  test("long rows", () => {
    expect(check(2, 1, 6400, 0)).toBeLessThan(2e-5);
  });
});
