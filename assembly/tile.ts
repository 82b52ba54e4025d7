/**
 * tile: up to 4 x 8 elements of C held in registers while k runs once from first to last        f32, SIMD128
 *
 *   C[r, n] = panel[0][n] + sum over t < taps, i < inner of A[r*lda + t*tapStep + i] * panel[1 + t*inner + i][n]
 *
 *   a      rows lda apart, which may overlap; a tap's `inner` floats are contiguous, taps are tapStep apart
 *   panel  [1 + taps*inner][NR], the bias first
 *   c      rows ldc apart, written once, never read
 *
 * lda, ldc and tapStep count bytes here. A matrix product has taps = 1 and inner = K. So has a convolution without dilation
 * and groups, whose taps are neighbours.
 *
 *          b0   b1        b: two vectors of the panel's row k        a0 .. a3: A's element k of each row, splat
 *    a0   c00  c01
 *    a1   c10  c11        All whole tiles are tile4x8.ts. Here are those for the last rows of C, for a last panel of up to
 *    a2   c20  c21        4 columns, and for rows of a convolution that reach into the padding.
 *    a3   c30  c31
 *
 * Cost    2*rows*columns flop per k, columns padded to 4.
 * Order   k ascends, multiply then add: the plain build equals a plain float32 loop bit for bit; relaxed fuses the two.
 * Source  BLIS's microkernel (Van Zee & van de Geijn, 2015).
 */
import { clamp, madd, store4 } from "./lanes";
import { PANEL_ROW } from "./panel";
import { tile4x8 } from "./tile4x8";

/** Rows of the tile. */
const MR: i32 = 4;

/** One float of zero: what a row of A points to, with a step of 0, while its tap lies in the padding. */
const ZERO: usize = memory.data<f32>([0]);

/** C's columns of one panel, N <= NR, for M rows of A that lie wholly in memory. */
export function strip(
  a: usize, lda: usize, panel: usize, c: usize, ldc: usize, M: i32, N: i32, taps: i32, tapStep: usize, inner: i32,
  low: f32, high: f32,
): void {
  if (N > 4) {
    for (; M >= MR; M -= MR) {
      tile4x8(a, lda, panel, c, ldc, taps, tapStep, inner, N - 4, low, high);
      a += <usize>MR * lda;
      c += <usize>MR * ldc;
    }
    if (M === 3) tile(false, 3, 2, a, lda, panel, c, ldc, taps, tapStep, inner, N - 4, low, high);
    else if (M === 2) tile(false, 2, 2, a, lda, panel, c, ldc, taps, tapStep, inner, N - 4, low, high);
    else if (M === 1) tile(false, 1, 2, a, lda, panel, c, ldc, taps, tapStep, inner, N - 4, low, high);
  } else {
    for (; M >= MR; M -= MR) {
      tile(false, 4, 1, a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
      a += <usize>MR * lda;
      c += <usize>MR * ldc;
    }
    for (; M > 0; M--) {
      tile(false, 1, 1, a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
      a += lda;
      c += ldc;
    }
  }
}

/**
 * The same for output rows whose windows reach into the padding: row m reads x[position + m*stride + t*dilation], ldx bytes
 * apart, which counts as zero outside 0 <= .. < length. `contiguous` says that consecutive taps are neighbours in memory.
 */
export function paddedStrip(
  x: usize, ldx: usize, panel: usize, c: usize, ldc: usize, M: i32, N: i32, taps: i32, inner: i32, position: i32,
  stride: i32, length: i32, dilation: i32, contiguous: bool, low: f32, high: f32,
): void {
  for (; M > 0; M -= MR) {
    const rows = min(M, MR);
    if (N > 4) {
      tile(
        true, 4, 2, x, 0, panel, c, ldc, taps, ldx, inner, N - 4, low, high, rows, position, stride, length, dilation,
        contiguous,
      );
    } else {
      tile(
        true, 4, 1, x, 0, panel, c, ldc, taps, ldx, inner, N, low, high, rows, position, stride, length, dilation,
        contiguous,
      );
    }
    position += MR * stride;
    c += <usize>MR * ldc;
  }
}

/**
 * Any tile of up to 4x8. `padded`, `height` and `vectors` are constants at every call, so that this one body makes them all;
 * the last of the vectors stores `last` columns.
 *
 * Padded, `a` is x and `tapStep` the bytes between two of its rows. Of the tile's rows only the first `rows` exist. A row's
 * tap outside x reads ZERO; taps for which all rows lie outside are skipped; and where taps are neighbours, those for which no
 * row lies outside run as one.
 */
@inline
function tile(
  padded: bool, height: i32, vectors: i32, a: usize, lda: usize, panel: usize, c: usize, ldc: usize, taps: i32,
  tapStep: usize, inner: i32, last: i32, low: f32, high: f32, rows: i32 = height, position: i32 = 0, stride: i32 = 0, length: i32 = 0,
  dilation: i32 = 1, contiguous: bool = false,
): void {
  let c00 = v128.load(panel), c01 = vectors === 2 ? v128.load(panel, 16) : c00;
  let c10 = c00, c11 = c01;
  let c20 = c00, c21 = c01;
  let c30 = c00, c31 = c01;
  let b = panel + PANEL_ROW;
  let t = 0;
  const furthest = (rows - 1) * stride;
  if (padded) {
    if (position + furthest < 0) t = ceilDivide(-position - furthest, dilation);
    taps = position >= length ? 0 : min(taps, ceilDivide(length - position, dilation));
    b += <usize>(t * inner) * PANEL_ROW;
  }
  while (t < taps) {
    let k = inner, run = 1;
    let a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
    let s0: usize = 4, s1: usize = 4, s2: usize = 4, s3: usize = 4;
    if (padded) {
      const p0 = position + t * dilation, p1 = p0 + stride, p2 = p1 + stride, p3 = p2 + stride;
      if (contiguous && p0 >= 0) run = max(1, min(taps - t, length - p0 - furthest));
      k *= run;
      if (<u32>p0 < <u32>length) a0 = a + <usize>p0 * tapStep;
      else {
        a0 = ZERO;
        s0 = 0;
      }
      if (<u32>p1 < <u32>length && rows > 1) a1 = a + <usize>p1 * tapStep;
      else {
        a1 = ZERO;
        s1 = 0;
      }
      if (<u32>p2 < <u32>length && rows > 2) a2 = a + <usize>p2 * tapStep;
      else {
        a2 = ZERO;
        s2 = 0;
      }
      if (<u32>p3 < <u32>length && rows > 3) a3 = a + <usize>p3 * tapStep;
      else {
        a3 = ZERO;
        s3 = 0;
      }
    }
    for (; k > 0; k--) {
      const b0 = v128.load(b);
      const b1 = vectors === 2 ? v128.load(b, 16) : b0;
      b += PANEL_ROW;
      const x0 = v128.load_splat<f32>(a0);
      a0 += s0;
      c00 = madd(x0, b0, c00);
      if (vectors === 2) c01 = madd(x0, b1, c01);
      if (height > 1) {
        const x1 = v128.load_splat<f32>(a1);
        a1 += s1;
        c10 = madd(x1, b0, c10);
        if (vectors === 2) c11 = madd(x1, b1, c11);
      }
      if (height > 2) {
        const x2 = v128.load_splat<f32>(a2);
        a2 += s2;
        c20 = madd(x2, b0, c20);
        if (vectors === 2) c21 = madd(x2, b1, c21);
      }
      if (height > 3) {
        const x3 = v128.load_splat<f32>(a3);
        a3 += s3;
        c30 = madd(x3, b0, c30);
        if (vectors === 2) c31 = madd(x3, b1, c31);
      }
    }
    t += run;
    a += padded ? 0 : tapStep;
  }
  store(vectors, c, c00, c01, last, low, high);
  if (height > 1 && rows > 1) store(vectors, c + ldc, c10, c11, last, low, high);
  if (height > 2 && rows > 2) store(vectors, c + 2 * ldc, c20, c21, last, low, high);
  if (height > 3 && rows > 3) store(vectors, c + 3 * ldc, c30, c31, last, low, high);
}

/** One row of a tile. */
@inline
function store(vectors: i32, c: usize, v0: v128, v1: v128, last: i32, low: f32, high: f32): void {
  if (vectors === 2) {
    v128.store(c, clamp(v0, low, high));
    store4(c + 16, clamp(v1, low, high), last);
  } else {
    store4(c, clamp(v0, low, high), last);
  }
}

/** ceil(a / b) for a > 0. */
@inline
function ceilDivide(a: i32, b: i32): i32 {
  return (a - 1) / b + 1;
}
