/**
 * gemmNarrow: C[m, n] = clamp(bias[n] + sum over k of A[m, k] * B[n][k]), for a few columns        f32, SIMD128
 *
 *   A   M x K   rows, lda apart
 *   B   N rows  [bias 0 0 0][K rounded up to 4], narrowStride(K) apart: each column of the matrix lies in one run
 *   C   M x N   rows, ldc apart
 *
 * gemm's panels are eight columns wide; a Dense with one to four outputs would multiply by zeros most of the time. Here the
 * vector runs along k instead, and four rows share what is loaded of B:
 *
 *          b0  b1  b2        b: k .. k+3, k+4 .. k+7 and k+8 .. k+11 of one column
 *    a0   s00 s01 s02        three sums per row, which hide the addition's latency
 *    ..   ..  ..  ..
 *    a3   s30 s31 s32
 *
 * clamp(v) = min(max(v, low), high); NaN stays NaN. lda, ldc count elements. M, N and K are free, and 0 is allowed. C
 * overlaps nothing.
 *
 * Cost    2MNK flop; five loads per four multiply-adds of vectors, which leaves 80 % of the ceiling.
 * Order   vector k / 4 goes to the three sums in turn, the elements past the last whole vector to the first (bottom lanes
 *         if K < 4, else top lanes); then first + second + third, (lane 0 + lane 2) + (lane 1 + lane 3), and the bias. A row's result does not depend on how many rows there are.
 */
import { aligned, bytes, clamp, load4, madd, sumOfLanes, sumsOfLanes } from "./lanes";

/** Rows that share what is loaded of B. */
const ROWS: i32 = 4;

/** Four lanes from element r on are a mask of the top r lanes. */
const TAIL: usize = memory.data<i32>([0, 0, 0, 0, -1, -1, -1, -1], 16);

/** Elements from one column of B to the next. */
export function narrowStride(K: i32): i32 {
  return 4 + ((K + 3) & ~3);
}

export function gemmNarrow(
  a: usize, lda: i32, b: usize, c: usize, ldc: i32, M: i32, N: i32, K: i32, low: f32, high: f32,
): void {
  assert(aligned(a) && aligned(b) && aligned(c));
  assert(M >= 0 && N >= 0 && K >= 0 && lda >= 0 && ldc >= 0);
  narrowRows(a, bytes(lda), b + 16, b, bytes(narrowStride(K)), c, bytes(ldc), M, N, K, low, high);
}

/**
 * The same with B's columns and their biases given apart, since a row of a convolution that reaches into the padding has no
 * use for a column's first weights. lda, ldc and `column`, from one of B's columns to the next, count bytes.
 */
export function narrowRows(
  a: usize, lda: usize, b: usize, bias: usize, column: usize, c: usize, ldc: usize, M: i32, N: i32, K: i32, low: f32,
  high: f32,
): void {
  for (; M >= ROWS; M -= ROWS) {
    for (let n = 0; n < N; n++) {
      const at = <usize>n * column;
      dots(ROWS, a, lda, b + at, load<f32>(bias + at), c + bytes(n), ldc, K, low, high);
    }
    a += <usize>ROWS * lda;
    c += <usize>ROWS * ldc;
  }
  for (; M > 0; M--) {
    for (let n = 0; n < N; n++) {
      const at = <usize>n * column;
      dots(1, a, lda, b + at, load<f32>(bias + at), c + bytes(n), ldc, K, low, high);
    }
    a += lda;
    c += ldc;
  }
}

/**
 * One column for four rows or one; `rows` is a constant at both calls. The exit with a negative count is as in full-tile.ts:
 * never taken, it keeps the sums, an operand and a product in V8's 15 usable registers.
 */
@inline
function dots(
  rows: i32, a: usize, lda: usize, b: usize, bias: f32, c: usize, ldc: usize, K: i32, low: f32, high: f32,
): void {
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00;
  let s10 = s00, s11 = s00, s12 = s00;
  let s20 = s00, s21 = s00, s22 = s00;
  let s30 = s00, s31 = s00, s32 = s00;
  let a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
  let p = b;
  for (let vectors = K >> 2; vectors > 0; vectors -= 3) {
    let y = v128.load(p);
    s00 = madd(v128.load(a0), y, s00);
    if (rows > 1) {
      s10 = madd(v128.load(a1), y, s10);
      s20 = madd(v128.load(a2), y, s20);
      s30 = madd(v128.load(a3), y, s30);
    }
    if (vectors === 1) break;
    y = v128.load(p, 16);
    s01 = madd(v128.load(a0, 16), y, s01);
    if (rows > 1) {
      s11 = madd(v128.load(a1, 16), y, s11);
      s21 = madd(v128.load(a2, 16), y, s21);
      s31 = madd(v128.load(a3, 16), y, s31);
    }
    if (vectors === 2) break;
    y = v128.load(p, 32);
    s02 = madd(v128.load(a0, 32), y, s02);
    if (rows > 1) {
      s12 = madd(v128.load(a1, 32), y, s12);
      s22 = madd(v128.load(a2, 32), y, s22);
      s32 = madd(v128.load(a3, 32), y, s32);
    }
    p += 48;
    a0 += 48;
    if (rows > 1) {
      a1 += 48;
      a2 += 48;
      a3 += 48;
    }
  }
  const rest = K & 3;
  if (rest > 0) {
    const y = tail(b, K);
    s00 = madd(tail(a, K), y, s00);
    if (rows > 1) {
      s10 = madd(tail(a + lda, K), y, s10);
      s20 = madd(tail(a + 2 * lda, K), y, s20);
      s30 = madd(tail(a + 3 * lda, K), y, s30);
    }
  }
  s00 = f32x4.add(f32x4.add(s00, s01), s02);
  if (rows === 1) {
    store<f32>(c, min<f32>(max<f32>(sumOfLanes(s00) + bias, low), high));
    return;
  }
  s10 = f32x4.add(f32x4.add(s10, s11), s12);
  s20 = f32x4.add(f32x4.add(s20, s21), s22);
  s30 = f32x4.add(f32x4.add(s30, s31), s32);
  const sums = sumsOfLanes(s00, s10, s20, s30);
  const v = clamp(f32x4.add(sums, f32x4.splat(bias)), low, high);
  v128.store_lane<f32>(c, v, 0);
  v128.store_lane<f32>(c + ldc, v, 1);
  v128.store_lane<f32>(c + 2 * ldc, v, 2);
  v128.store_lane<f32>(c + 3 * ldc, v, 3);
}

/** The elements past the last whole vector of a row of K, zeros beside them; K is no multiple of 4. */
@inline
function tail(row: usize, K: i32): v128 {
  if (K < 4) return load4(row, K);
  return v128.and(v128.load(row + bytes(K - 4)), v128.load(TAIL + bytes(K & 3)));
}
