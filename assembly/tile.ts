/**
 * tile: a few rows of C by 8 columns held in registers while k runs once from first to last        f32, SIMD128
 *
 *   C[r, n] = panel[0][n] + sum over t < taps, i < inner of A[r*lda + t*tapStep + i] * panel[1 + t*inner + i][n]
 *
 *   a      rows lda apart, which may overlap; a tap's `inner` floats are contiguous, taps are tapStep apart
 *   panel  [1 + taps*inner][NR], the bias first
 *   c      rows ldc apart, never read
 *
 * lda, ldc and tapStep count bytes here. A matrix product has taps = 1 and inner = K. So has a convolution without dilation
 * and groups, whose taps are neighbours.
 *
 * All whole tiles are full-tile.ts, the last of which starts early enough to be whole, and gives rows a second time that it
 * shares with the one before. Here are those for fewer rows than a tile has, and for rows of a convolution that reach into
 * the padding. One row, which is all a Dense has in a batch of one, takes four panels at a time: it waits for memory, and
 * for the additions of its few sums.
 *
 * Cost    16*rows flop per k.
 * Order   k ascends, multiply then add: the plain build equals a plain float32 loop bit for bit; relaxed fuses the two.
 * Source  BLIS's microkernel (Van Zee & van de Geijn, 2015).
 */
import { fullTile, MR, storeRow } from "./full-tile";
import { madd } from "./lanes";
import { NR, PANEL_ROW } from "./panel";

/** Rows of a tile at the padding. */
const PADDED_ROWS: i32 = 4;

/** One float of zero: what a row of A points to, with a step of 0, while its tap lies in the padding. */
const ZERO: usize = memory.data<f32>([0]);

/** C's columns of one panel, N <= NR, for M rows of A that lie wholly in memory. */
export function strip(
  a: usize, lda: usize, panel: usize, c: usize, ldc: usize, M: i32, N: i32, taps: i32, tapStep: usize, inner: i32,
  low: f32, high: f32,
): void {
  const whole = M >= MR;
  for (; M >= MR; M -= MR) {
    fullTile(a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
    a += <usize>MR * lda;
    c += <usize>MR * ldc;
  }
  if (whole && M > 2) {
    const again = <usize>(MR - M);
    fullTile(a - again * lda, lda, panel, c - again * ldc, ldc, taps, tapStep, inner, N, low, high);
  } else if (MR > 5 && M === 5) tile(false, 5, a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
  else if (M === 4) tile(false, 4, a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
  else if (M === 3) tile(false, 3, a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
  else if (M === 2) tile(false, 2, a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
  else if (M === 1) tile(false, 1, a, lda, panel, c, ldc, taps, tapStep, inner, N, low, high);
}

/** One row of A and all N columns. */
export function row(
  a: usize, b: usize, panel: usize, c: usize, N: i32, taps: i32, tapStep: usize, inner: i32, low: f32, high: f32,
): void {
  for (; N > 3 * NR; N -= 4 * NR) {
    rowOfFour(a, b, panel, c, N, taps, tapStep, inner, low, high);
    b += 4 * panel;
    c += 4 * PANEL_ROW;
  }
  for (; N > 0; N -= NR) {
    tile(false, 1, a, 0, b, c, 0, taps, tapStep, inner, min(N, NR), low, high);
    b += panel;
    c += PANEL_ROW;
  }
}

/**
 * One row of A and four panels that lie `panel` bytes apart: min(N, 32) columns, of which the last panel has one or more. The
 * exits with a negative k are as in full-tile.ts: without them the plain build ran at 40 GB/s of B, now at 70; the relaxed one
 * at 84, and a loop that only reads at 91.
 */
function rowOfFour(
  a: usize, b: usize, panel: usize, c: usize, N: i32, taps: i32, tapStep: usize, inner: i32, low: f32, high: f32,
): void {
  let b0 = b, b1 = b0 + panel, b2 = b1 + panel, b3 = b2 + panel;
  let c00 = v128.load(b0), c01 = v128.load(b0, 16);
  let c10 = v128.load(b1), c11 = v128.load(b1, 16);
  let c20 = v128.load(b2), c21 = v128.load(b2, 16);
  let c30 = v128.load(b3), c31 = v128.load(b3, 16);
  b += PANEL_ROW;
  for (let t = inner > 0 ? taps : 0; t > 0; t--) {
    b0 = b, b1 = b0 + panel, b2 = b1 + panel, b3 = b2 + panel;
    let at = a;
    for (let k = inner; k > 0; k -= 2) {
      let x = v128.load_splat<f32>(at);
      c00 = madd(x, v128.load(b0), c00); c01 = madd(x, v128.load(b0, 16), c01);
      c10 = madd(x, v128.load(b1), c10); c11 = madd(x, v128.load(b1, 16), c11);
      if (k === -1) break;
      c20 = madd(x, v128.load(b2), c20); c21 = madd(x, v128.load(b2, 16), c21);
      c30 = madd(x, v128.load(b3), c30); c31 = madd(x, v128.load(b3, 16), c31);
      if (k === 1) break;
      x = v128.load_splat<f32>(at, 4);
      c00 = madd(x, v128.load(b0, 32), c00); c01 = madd(x, v128.load(b0, 48), c01);
      c10 = madd(x, v128.load(b1, 32), c10); c11 = madd(x, v128.load(b1, 48), c11);
      if (k === -2) break;
      c20 = madd(x, v128.load(b2, 32), c20); c21 = madd(x, v128.load(b2, 48), c21);
      c30 = madd(x, v128.load(b3, 32), c30); c31 = madd(x, v128.load(b3, 48), c31);
      at += 2 * 4;
      b0 += 2 * PANEL_ROW;
      b1 += 2 * PANEL_ROW;
      b2 += 2 * PANEL_ROW;
      b3 += 2 * PANEL_ROW;
    }
    a += tapStep;
    b += <usize>inner * PANEL_ROW;
  }
  storeRow(c, c00, c01, NR, low, high);
  storeRow(c + PANEL_ROW, c10, c11, NR, low, high);
  storeRow(c + 2 * PANEL_ROW, c20, c21, NR, low, high);
  storeRow(c + 3 * PANEL_ROW, c30, c31, N - 3 * NR, low, high);
}

/**
 * The same for output rows whose windows reach into the padding: row m reads x[position + m*stride + t*dilation], ldx bytes
 * apart, which counts as zero outside 0 <= .. < length. `contiguous` says that consecutive taps are neighbours in memory.
 */
export function paddedStrip(
  x: usize, ldx: usize, panel: usize, c: usize, ldc: usize, M: i32, N: i32, taps: i32, inner: i32, position: i32,
  stride: i32, length: i32, dilation: i32, contiguous: bool, low: f32, high: f32,
): void {
  for (; M > 0; M -= PADDED_ROWS) {
    const rows = min(M, PADDED_ROWS);
    tile(
      true, PADDED_ROWS, x, 0, panel, c, ldc, taps, ldx, inner, N, low, high, rows, position, stride, length, dilation,
      contiguous,
    );
    position += PADDED_ROWS * stride;
    c += <usize>PADDED_ROWS * ldc;
  }
}

/**
 * Any tile of up to 5x8. `padded` and `height` are constants at every call, so that this one body makes them all; the first
 * `columns` are stored.
 *
 * Padded, `a` is x and `tapStep` the bytes between two of its rows. Of the tile's rows only the first `rows` exist. A row's
 * tap outside x reads ZERO; taps for which all rows lie outside are skipped; and where taps are neighbours, those for which no
 * row lies outside run as one.
 */
@inline
function tile(
  padded: bool, height: i32, a: usize, lda: usize, panel: usize, c: usize, ldc: usize, taps: i32, tapStep: usize,
  inner: i32, columns: i32, low: f32, high: f32, rows: i32 = height, position: i32 = 0, stride: i32 = 0, length: i32 = 0,
  dilation: i32 = 1, contiguous: bool = false,
): void {
  let c00 = v128.load(panel), c01 = v128.load(panel, 16);
  let c10 = c00, c11 = c01;
  let c20 = c00, c21 = c01;
  let c30 = c00, c31 = c01;
  let c40 = c00, c41 = c01;
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
    let a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda;
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
      const b1 = v128.load(b, 16);
      b += PANEL_ROW;
      const x0 = v128.load_splat<f32>(a0);
      a0 += s0;
      c00 = madd(x0, b0, c00);
      c01 = madd(x0, b1, c01);
      if (height > 1) {
        const x1 = v128.load_splat<f32>(a1);
        a1 += s1;
        c10 = madd(x1, b0, c10);
        c11 = madd(x1, b1, c11);
      }
      if (height > 2) {
        const x2 = v128.load_splat<f32>(a2);
        a2 += s2;
        c20 = madd(x2, b0, c20);
        c21 = madd(x2, b1, c21);
      }
      if (height > 3) {
        const x3 = v128.load_splat<f32>(a3);
        a3 += s3;
        c30 = madd(x3, b0, c30);
        c31 = madd(x3, b1, c31);
      }
      if (height > 4) {
        const x4 = v128.load_splat<f32>(a4);
        a4 += 4;
        c40 = madd(x4, b0, c40);
        c41 = madd(x4, b1, c41);
      }
    }
    t += run;
    a += padded ? 0 : tapStep;
  }
  storeRow(c, c00, c01, columns, low, high);
  if (height > 1 && rows > 1) storeRow(c + ldc, c10, c11, columns, low, high);
  if (height > 2 && rows > 2) storeRow(c + 2 * ldc, c20, c21, columns, low, high);
  if (height > 3 && rows > 3) storeRow(c + 3 * ldc, c30, c31, columns, low, high);
  if (height > 4) storeRow(c + 4 * ldc, c40, c41, columns, low, high);
}

/** ceil(a / b) for a > 0. */
@inline
function ceilDivide(a: i32, b: i32): i32 {
  return (a - 1) / b + 1;
}
