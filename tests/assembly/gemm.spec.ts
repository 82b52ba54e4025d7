/**
 * gemm: every edge of the tile, of 5 or 6 rows by 8, and of its eight k per round, against two plain loops. The one
 * in float32, k ascending, must agree bit for bit; the one in float64 bounds the error.
 */
import { gemm } from "../../assembly/gemm";
import { at, clamped, error, floats, GUARD, guarded, HIGH, LOW, output, put, reset } from "./arena";
import { packPanels } from "./panels";

/** Runs one shape with and without a clamp; the largest error, or Infinity if a bit differs from the float32 loop or a guard is gone. */
function check(M: i32, N: i32, K: i32, padding: i32): f64 {
  return max(checkClamped(M, N, K, padding, -Infinity, Infinity), checkClamped(M, N, K, padding, LOW, HIGH));
}

function checkClamped(M: i32, N: i32, K: i32, padding: i32, low: f32, high: f32): f64 {
  reset(M * 10007 + N * 101 + K);
  const lda = K + padding,
    ldc = N + padding;
  const a = floats(M * lda),
    b = floats(K * N),
    bias = floats(N);
  const packed = packPanels(b, bias, K, N, N);
  const c = output(M * ldc);
  gemm(a, lda, packed, c, ldc, M, N, K, low, high);
  let worst: f64 = 0;
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let single = at(bias, n);
      let double = <f64>single;
      for (let k = 0; k < K; k++) {
        single += at(a, m * lda + k) * at(b, k * N + n);
        double += <f64>at(a, m * lda + k) * <f64>at(b, k * N + n);
      }
      if (at(c, m * ldc + n) !== clamped(single, low, high)) return Infinity;
      worst = max(worst, error(single, double));
    }
    for (let n = N; n < ldc; n++) if (at(c, m * ldc + n) !== GUARD) return Infinity;
  }
  return guarded(c, M * ldc) ? worst : Infinity;
}

describe("gemm", () => {
  test("every M, N and K from 0 to past two tiles", () => {
    for (let M = 0; M <= 13; M++) {
      for (let N = 0; N <= 17; N++) {
        for (let K = 0; K <= 17; K++) {
          expect(check(M, N, K, 0)).toBeLessThan(5e-6, `M ${M} N ${N} K ${K}`);
        }
      }
    }
  });

  test("one row takes four panels at a time", () => {
    for (let N = 31; N <= 66; N++) {
      for (let K = 0; K <= 5; K++) expect(check(1, N, K, 0)).toBeLessThan(5e-6, `N ${N} K ${K}`);
    }
  });

  test("rows further apart than they are long", () => {
    for (let size = 1; size <= 17; size++) expect(check(size, 18 - size, size + 3, 3)).toBeLessThan(5e-6, `M ${size}`);
  });

  test("more rows than one block of A", () => {
    expect(check(70, 11, 2100, 0)).toBeLessThan(5e-5);
  });

  test("NaN stays NaN in a clamp", () => {
    reset();
    const a = floats(20),
      b = floats(65),
      bias = floats(13);
    put(a, 7, NaN);
    const packed = packPanels(b, bias, 5, 13, 13);
    const c = output(52);
    gemm(a, 5, packed, c, 13, 4, 13, 5, 0, 6);
    for (let i = 0; i < 52; i++) expect(isNaN(at(c, i))).toBe(i / 13 === 1);
  });

  test("without a bias", () => {
    reset();
    const a = floats(5),
      b = floats(5);
    const packed = packPanels(b, 0, 5, 1, 1);
    const c = output(1);
    gemm(a, 5, packed, c, 1, 1, 1, 5, -Infinity, Infinity);
    let sum: f32 = 0;
    for (let k = 0; k < 5; k++) sum += at(a, k) * at(b, k);
    expect(at(c, 0)).toBe(sum);
  });
});
