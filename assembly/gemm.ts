/**
 * gemm: C[m, n] = clamp(bias[n] + sum over k of A[m, k] * B[k, n])        f32, SIMD128
 *
 *   A     M x K   rows, lda apart        activations: read where they lie, never copied
 *   B     K x N   panels [N/NR][1+K][NR] weights: see panel.ts, the bias at each panel's head
 *   C     M x N   rows, ldc apart        never read
 *
 * clamp(v) = min(max(v, low), high); NaN stays NaN. lda, ldc count elements. N is padded to a multiple of NR in B;
 * M, N and K are free, and 0 is allowed: K = 0 gives the bias. B is aligned, A and C need not be. C overlaps nothing.
 *
 *   for mc: blocks of M, so that a block of A stays in the second-level cache while every panel passes over it
 *     for nr: panels of B; one stays in the first-level cache while the block's rows pass over it
 *       for mr: tiles of C, see tile.ts; each runs k from first to last
 *
 * Cost    2MNK flop; from 256 to 1024 cubed 85 % of the measured ceiling, relaxed 97 %, see bench/results/gemm.md. One row
 *         reads B once, at four fifths of the speed of a loop that only reads, relaxed nine tenths.
 * Order   k ascends, multiply then add: equal, bit for bit, to the plain loop in the spec (relaxed build: fused).
 * Source  loop names from BLIS (Van Zee & van de Geijn, 2015).
 */
import { MR } from "./full-tile";
import { aligned, bytes } from "./lanes";
import { NR, panelBytes } from "./panel";
import { row, strip } from "./tile";

/** Bytes of A that one pass over all panels works on: half of a small second-level cache. */
const BLOCK: usize = 1 << 17;

export function gemm(
  a: usize, lda: i32, b: usize, c: usize, ldc: i32, M: i32, N: i32, K: i32, low: f32, high: f32,
): void {
  assert(aligned(b));
  assert(M >= 0 && N >= 0 && K >= 0 && lda >= 0 && ldc >= 0);
  sweep(a, bytes(lda), b, c, bytes(ldc), M, N, 1, 0, K, low, high);
}

/**
 * The loops around the tile, for gemm and for a convolution's unpadded rows, whose `taps` runs of `inner` elements are
 * tapStep bytes apart. lda and ldc count bytes here.
 */
export function sweep(
  a: usize, lda: usize, b: usize, c: usize, ldc: usize, M: i32, N: i32, taps: i32, tapStep: usize, inner: i32,
  low: f32, high: f32,
): void {
  const panel = panelBytes(taps * inner);
  if (M === 1) {
    row(a, b, panel, c, N, taps, tapStep, inner, low, high);
    return;
  }
  const block = max<i32>(<i32>(BLOCK / max<usize>(lda, 1)) / MR * MR, MR);
  for (let m = 0; m < M; m += block) {
    const rows = min(block, M - m);
    for (let n = 0, p = b; n < N; n += NR, p += panel) {
      strip(
        a + <usize>m * lda, lda, p, c + <usize>m * ldc + bytes(n), ldc, rows, min(NR, N - n), taps, tapStep, inner, low,
        high,
      );
    }
  }
}
