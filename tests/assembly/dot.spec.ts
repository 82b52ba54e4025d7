/** gemmNarrow: every edge of the round of twelve, against a plain loop in float64. */
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
      for (let M = 0; M <= 3; M++) {
        for (let N = 0; N <= 4; N++) {
          expect(check(M, N, K, 0)).toBeLessThan(5e-6, `M ${M} N ${N} K ${K}`);
        }
      }
    }
  });

  test("rows further apart than they are long", () => {
    for (let K = 11; K <= 25; K++) expect(check(3, 2, K, 5)).toBeLessThan(5e-6, `K ${K}`);
  });

  test("long rows", () => {
    expect(check(2, 1, 6400, 0)).toBeLessThan(2e-5);
  });
});
