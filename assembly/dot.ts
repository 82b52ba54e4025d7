/**
 * gemmNarrow: C[m, n] = clamp(bias[n] + sum over k of A[m, k] * B[n][k]), for a few columns        f32, SIMD128
 *
 *   A   M x K   rows, lda apart
 *   B   N rows  [bias 0 0 0][K rounded up to 4], narrowStride(K) apart: each column of the matrix lies in one run
 *   C   M x N   rows, ldc apart
 *
 * gemm's panels are eight columns wide; a Dense with one to four outputs would multiply by zeros most of the time. Here the
 * vector runs along k instead.
 *
 * clamp(v) = min(max(v, low), high); NaN stays NaN. lda, ldc count elements. M, N and K are free, and 0 is allowed. C overlaps nothing.
 *
 * Cost    2MNK flop; two loads per multiply-add.
 * Order   element k goes to lane k mod 12 of three sums, which hide the addition's latency; then the twelve lanes one
 *         after the other, the elements past the last twelve, and the bias.
 */
import { aligned, bytes, madd } from "./lanes";

/** Elements that one round takes: three vectors. */
const ROUND = 12;

/** Elements from one column of B to the next. */
export function narrowStride(K: i32): i32 {
  return 4 + ((K + 3) & ~3);
}

export function gemmNarrow(
  a: usize, lda: i32, b: usize, c: usize, ldc: i32, M: i32, N: i32, K: i32, low: f32, high: f32,
): void {
  assert(aligned(a) && aligned(b) && aligned(c));
  assert(M >= 0 && N >= 0 && K >= 0 && lda >= 0 && ldc >= 0);
  const column = bytes(narrowStride(K));
  for (let m = 0; m < M; m++) {
    for (let n = 0, p = b; n < N; n++, p += column) {
      store<f32>(c + bytes(n), min<f32>(max<f32>(dot(a, p + 16, K) + load<f32>(p), low), high));
    }
    a += bytes(lda);
    c += bytes(ldc);
  }
}

function dot(a: usize, b: usize, K: i32): f32 {
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let k = 0;
  for (; k <= K - ROUND; k += ROUND) {
    sum0 = madd(v128.load(a), v128.load(b), sum0);
    sum1 = madd(v128.load(a, 16), v128.load(b, 16), sum1);
    sum2 = madd(v128.load(a, 32), v128.load(b, 32), sum2);
    a += 48;
    b += 48;
  }
  const sum = inOrder(sum2, inOrder(sum1, inOrder(sum0, 0)));
  let rest: f32 = 0;
  for (; k < K; k++) {
    rest += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum + rest;
}

/** The lanes added to `sum`, first to last. */
@inline
function inOrder(v: v128, sum: f32): f32 {
  sum += f32x4.extract_lane(v, 0);
  sum += f32x4.extract_lane(v, 1);
  sum += f32x4.extract_lane(v, 2);
  return sum + f32x4.extract_lane(v, 3);
}
