/**
 * fullTile: MR x 8 elements of C, eight k per round; MR is 5 in the plain build and 6 in the relaxed one        f32, SIMD128
 *
 *          b0   b1        b: two vectors of the panel's row k        x: A's element k of one row after the other, splat
 *    a0   c00  c01
 *    ..   ..   ..         plain     10 sums, b0, b1, two x and a product: V8's 15 usable registers
 *    a5   c50  c51        relaxed   12 sums, b0, b1, one x; multiply and add are one
 *
 * Why the exits: V8 11 and 12 move all loads of a basic block to its front, whatever their order here, and sums are spilled
 * when more operands wait than registers are left. An exit ends the block. The one behind every k is needed, since K is no
 * multiple of eight. Those for odd values of `left`, a multiple of four, are never taken, and stand where the registers are
 * full; without them the 5 x 8 tile runs at 45 % of the ceiling, the 6 x 8 one at 51. V8 13 keeps the order, and is as fast
 * with them as without. It leaves a counter of k in memory where one lives through the loop, which cost it a tenth: hence
 * `left`, made anew in every round.
 *
 * a, lda, panel, c, ldc, taps, tapStep, inner as in tile.ts; the first `columns` (1 to 8) are stored.
 *
 * Cost    16*MR flop per k; 86 % of the ceiling, relaxed 97.
 * Order   k ascends, multiply then add: the plain build equals a plain float32 loop bit for bit; relaxed fuses the two.
 * Source  BLIS's microkernel (Van Zee & van de Geijn, 2015); shape, unrolling and exits chosen in bench/results/gemm.md.
 */
import { clamp, madd, store4 } from "./lanes";
import { PANEL_ROW } from "./panel";

/** Rows of the tile. */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;

export function fullTile(
  a: usize, lda: usize, panel: usize, c: usize, ldc: usize, taps: i32, tapStep: usize, inner: i32, columns: i32,
  low: f32, high: f32,
): void {
  let c00 = v128.load(panel), c01 = v128.load(panel, 16);
  let c10 = c00, c11 = c01;
  let c20 = c00, c21 = c01;
  let c30 = c00, c31 = c01;
  let c40 = c00, c41 = c01;
  let c50 = c00, c51 = c01;
  panel += PANEL_ROW;
  for (let t = inner > 0 ? taps : 0; t > 0; t--) {
    let a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
    let b = panel;
    const end = a + <usize>inner * 4;
    while (true) {
      const left = end - a0;
      let b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load_splat<f32>(a0); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 1) break;
      x = v128.load_splat<f32>(a1); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 3) break;
      x = v128.load_splat<f32>(a2); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 5) break;
      x = v128.load_splat<f32>(a3); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 7) break;
      x = v128.load_splat<f32>(a4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 9) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 1 * 4) break;
      b0 = v128.load(b, 8 * 4); b1 = v128.load(b, 12 * 4);
      x = v128.load_splat<f32>(a0, 1 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 11) break;
      x = v128.load_splat<f32>(a1, 1 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 13) break;
      x = v128.load_splat<f32>(a2, 1 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 15) break;
      x = v128.load_splat<f32>(a3, 1 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 17) break;
      x = v128.load_splat<f32>(a4, 1 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 19) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 1 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 2 * 4) break;
      b0 = v128.load(b, 16 * 4); b1 = v128.load(b, 20 * 4);
      x = v128.load_splat<f32>(a0, 2 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 21) break;
      x = v128.load_splat<f32>(a1, 2 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 23) break;
      x = v128.load_splat<f32>(a2, 2 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 25) break;
      x = v128.load_splat<f32>(a3, 2 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 27) break;
      x = v128.load_splat<f32>(a4, 2 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 29) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 2 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 3 * 4) break;
      b0 = v128.load(b, 24 * 4); b1 = v128.load(b, 28 * 4);
      x = v128.load_splat<f32>(a0, 3 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 31) break;
      x = v128.load_splat<f32>(a1, 3 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 33) break;
      x = v128.load_splat<f32>(a2, 3 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 35) break;
      x = v128.load_splat<f32>(a3, 3 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 37) break;
      x = v128.load_splat<f32>(a4, 3 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 39) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 3 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 4 * 4) break;
      b0 = v128.load(b, 32 * 4); b1 = v128.load(b, 36 * 4);
      x = v128.load_splat<f32>(a0, 4 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 41) break;
      x = v128.load_splat<f32>(a1, 4 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 43) break;
      x = v128.load_splat<f32>(a2, 4 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 45) break;
      x = v128.load_splat<f32>(a3, 4 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 47) break;
      x = v128.load_splat<f32>(a4, 4 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 49) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 4 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 5 * 4) break;
      b0 = v128.load(b, 40 * 4); b1 = v128.load(b, 44 * 4);
      x = v128.load_splat<f32>(a0, 5 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 51) break;
      x = v128.load_splat<f32>(a1, 5 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 53) break;
      x = v128.load_splat<f32>(a2, 5 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 55) break;
      x = v128.load_splat<f32>(a3, 5 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 57) break;
      x = v128.load_splat<f32>(a4, 5 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 59) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 5 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 6 * 4) break;
      b0 = v128.load(b, 48 * 4); b1 = v128.load(b, 52 * 4);
      x = v128.load_splat<f32>(a0, 6 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 61) break;
      x = v128.load_splat<f32>(a1, 6 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 63) break;
      x = v128.load_splat<f32>(a2, 6 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 65) break;
      x = v128.load_splat<f32>(a3, 6 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 67) break;
      x = v128.load_splat<f32>(a4, 6 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 69) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 6 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 7 * 4) break;
      b0 = v128.load(b, 56 * 4); b1 = v128.load(b, 60 * 4);
      x = v128.load_splat<f32>(a0, 7 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (left === 71) break;
      x = v128.load_splat<f32>(a1, 7 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && left === 73) break;
      x = v128.load_splat<f32>(a2, 7 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (left === 75) break;
      x = v128.load_splat<f32>(a3, 7 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && left === 77) break;
      x = v128.load_splat<f32>(a4, 7 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && left === 79) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 7 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (left === 8 * 4) break;
      b += 8 * PANEL_ROW;
      a0 += 8 * 4;
      a1 += 8 * 4;
      a2 += 8 * 4;
      a3 += 8 * 4;
      a4 += 8 * 4;
      if (ASC_FEATURE_RELAXED_SIMD) a5 += 8 * 4;
    }
    panel += <usize>inner * PANEL_ROW;
    a += tapStep;
  }
  storeRow(c, c00, c01, columns, low, high);
  storeRow(c + ldc, c10, c11, columns, low, high);
  storeRow(c + 2 * ldc, c20, c21, columns, low, high);
  storeRow(c + 3 * ldc, c30, c31, columns, low, high);
  storeRow(c + 4 * ldc, c40, c41, columns, low, high);
  if (ASC_FEATURE_RELAXED_SIMD) storeRow(c + 5 * ldc, c50, c51, columns, low, high);
}

/** The first `columns` of a row of a tile. */
@inline
export function storeRow(c: usize, v0: v128, v1: v128, columns: i32, low: f32, high: f32): void {
  store4(c, clamp(v0, low, high), columns);
  if (columns > 4) store4(c + 16, clamp(v1, low, high), columns - 4);
}
