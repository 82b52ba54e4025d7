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
 * multiple of eight; those with a negative k are never taken, and stand where the registers are full. A 5 x 8 tile without
 * them runs at half its speed, the 6 x 8 one too. V8 13 keeps the order, and is as fast with them as without.
 *
 * a, lda, panel, c, ldc, taps, tapStep, inner as in tile.ts; the first `columns` (1 to 8) are stored.
 *
 * Cost    16*MR flop per k. Plain: MR*4 + 2 + MR operations and 4 for the loop; six a cycle are the limit before multiply
 *         and add are.
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
  let b = panel + PANEL_ROW;
  for (let t = inner > 0 ? taps : 0; t > 0; t--) {
    let a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
    let k = inner;
    while (true) {
      let b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load_splat<f32>(a0); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -1) break;
      x = v128.load_splat<f32>(a1); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -2) break;
      x = v128.load_splat<f32>(a2); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -3) break;
      x = v128.load_splat<f32>(a3); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -4) break;
      x = v128.load_splat<f32>(a4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -5) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (k === 1) {
        b += 1 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 8 * 4); b1 = v128.load(b, 12 * 4);
      x = v128.load_splat<f32>(a0, 1 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -6) break;
      x = v128.load_splat<f32>(a1, 1 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -7) break;
      x = v128.load_splat<f32>(a2, 1 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -8) break;
      x = v128.load_splat<f32>(a3, 1 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -9) break;
      x = v128.load_splat<f32>(a4, 1 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -10) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 1 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (k === 2) {
        b += 2 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 16 * 4); b1 = v128.load(b, 20 * 4);
      x = v128.load_splat<f32>(a0, 2 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -11) break;
      x = v128.load_splat<f32>(a1, 2 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -12) break;
      x = v128.load_splat<f32>(a2, 2 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -13) break;
      x = v128.load_splat<f32>(a3, 2 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -14) break;
      x = v128.load_splat<f32>(a4, 2 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -15) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 2 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (k === 3) {
        b += 3 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 24 * 4); b1 = v128.load(b, 28 * 4);
      x = v128.load_splat<f32>(a0, 3 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -16) break;
      x = v128.load_splat<f32>(a1, 3 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -17) break;
      x = v128.load_splat<f32>(a2, 3 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -18) break;
      x = v128.load_splat<f32>(a3, 3 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -19) break;
      x = v128.load_splat<f32>(a4, 3 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -20) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 3 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (k === 4) {
        b += 4 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 32 * 4); b1 = v128.load(b, 36 * 4);
      x = v128.load_splat<f32>(a0, 4 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -21) break;
      x = v128.load_splat<f32>(a1, 4 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -22) break;
      x = v128.load_splat<f32>(a2, 4 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -23) break;
      x = v128.load_splat<f32>(a3, 4 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -24) break;
      x = v128.load_splat<f32>(a4, 4 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -25) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 4 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (k === 5) {
        b += 5 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 40 * 4); b1 = v128.load(b, 44 * 4);
      x = v128.load_splat<f32>(a0, 5 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -26) break;
      x = v128.load_splat<f32>(a1, 5 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -27) break;
      x = v128.load_splat<f32>(a2, 5 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -28) break;
      x = v128.load_splat<f32>(a3, 5 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -29) break;
      x = v128.load_splat<f32>(a4, 5 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -30) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 5 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (k === 6) {
        b += 6 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 48 * 4); b1 = v128.load(b, 52 * 4);
      x = v128.load_splat<f32>(a0, 6 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -31) break;
      x = v128.load_splat<f32>(a1, 6 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -32) break;
      x = v128.load_splat<f32>(a2, 6 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -33) break;
      x = v128.load_splat<f32>(a3, 6 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -34) break;
      x = v128.load_splat<f32>(a4, 6 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -35) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 6 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      if (k === 7) {
        b += 7 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 56 * 4); b1 = v128.load(b, 60 * 4);
      x = v128.load_splat<f32>(a0, 7 * 4); c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (k === -36) break;
      x = v128.load_splat<f32>(a1, 7 * 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      if (ASC_FEATURE_RELAXED_SIMD && k === -37) break;
      x = v128.load_splat<f32>(a2, 7 * 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      if (k === -38) break;
      x = v128.load_splat<f32>(a3, 7 * 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      if (ASC_FEATURE_RELAXED_SIMD && k === -39) break;
      x = v128.load_splat<f32>(a4, 7 * 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      if (ASC_FEATURE_RELAXED_SIMD && k === -40) break;
      if (ASC_FEATURE_RELAXED_SIMD) {
        x = v128.load_splat<f32>(a5, 7 * 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      }
      b += 8 * PANEL_ROW;
      k -= 8;
      if (k === 0) break;
      a0 += 8 * 4;
      a1 += 8 * 4;
      a2 += 8 * 4;
      a3 += 8 * 4;
      a4 += 8 * 4;
      if (ASC_FEATURE_RELAXED_SIMD) a5 += 8 * 4;
    }
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
