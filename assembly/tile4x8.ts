/**
 * tile4x8: the 4 x 8 tile of tile.ts, eight k per round        f32, SIMD128
 *
 *   per k     2 loads of the panel, 4 splats of A, 8 multiply-adds, each into its own sum
 *   per round 5 pointers and a counter advance; at one k per round, 68 % of the ceiling; at eight, 80 %
 *
 * Why the exits: V8 moves all loads of a basic block to its front, whatever their order here. With an exit after every k at
 * most six operands wait; without, those of all eight k did, and sums were spilled: half the speed. K needs no remainder
 * loop that way.
 * Why 4x8: eight sums, six operands and one product are V8's 15 usable registers. 3x12 needs 16, and ran at 37 % of the
 * ceiling; 2x16 is as fast as 4x8, but pads N to twice as much.
 *
 * a, lda, panel, c, ldc, taps, tapStep, inner as in tile.ts; `last` (1 to 4) columns of the second vector are stored.
 *
 * Cost    64 flop per k.
 * Order   k ascends, multiply then add: the plain build equals a plain float32 loop bit for bit; relaxed fuses the two.
 * Source  measured by bench/kernels.js on V8 11.3, AMD Zen 4; see bench/results/kernels.md.
 */
import { clamp, madd, store4 } from "./lanes";
import { PANEL_ROW } from "./panel";

export function tile4x8(
  a: usize, lda: usize, panel: usize, c: usize, ldc: usize, taps: i32, tapStep: usize, inner: i32, last: i32,
  low: f32, high: f32,
): void {
  let c00 = v128.load(panel), c01 = v128.load(panel, 16);
  let c10 = c00, c11 = c01;
  let c20 = c00, c21 = c01;
  let c30 = c00, c31 = c01;
  let b = panel + PANEL_ROW;
  for (let t = inner > 0 ? taps : 0; t > 0; t--) {
    let a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
    let k = inner;
    while (true) {
      let b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load_splat<f32>(a0);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      if (k === 1) {
        b += 1 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 8 * 4);
      b1 = v128.load(b, 12 * 4);
      x = v128.load_splat<f32>(a0, 1 * 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1, 1 * 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2, 1 * 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3, 1 * 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      if (k === 2) {
        b += 2 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 16 * 4);
      b1 = v128.load(b, 20 * 4);
      x = v128.load_splat<f32>(a0, 2 * 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1, 2 * 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2, 2 * 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3, 2 * 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      if (k === 3) {
        b += 3 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 24 * 4);
      b1 = v128.load(b, 28 * 4);
      x = v128.load_splat<f32>(a0, 3 * 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1, 3 * 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2, 3 * 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3, 3 * 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      if (k === 4) {
        b += 4 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 32 * 4);
      b1 = v128.load(b, 36 * 4);
      x = v128.load_splat<f32>(a0, 4 * 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1, 4 * 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2, 4 * 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3, 4 * 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      if (k === 5) {
        b += 5 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 40 * 4);
      b1 = v128.load(b, 44 * 4);
      x = v128.load_splat<f32>(a0, 5 * 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1, 5 * 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2, 5 * 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3, 5 * 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      if (k === 6) {
        b += 6 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 48 * 4);
      b1 = v128.load(b, 52 * 4);
      x = v128.load_splat<f32>(a0, 6 * 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1, 6 * 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2, 6 * 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3, 6 * 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      if (k === 7) {
        b += 7 * PANEL_ROW;
        break;
      }
      b0 = v128.load(b, 56 * 4);
      b1 = v128.load(b, 60 * 4);
      x = v128.load_splat<f32>(a0, 7 * 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load_splat<f32>(a1, 7 * 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load_splat<f32>(a2, 7 * 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load_splat<f32>(a3, 7 * 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      b += 8 * PANEL_ROW;
      k -= 8;
      if (k === 0) break;
      a0 += 8 * 4;
      a1 += 8 * 4;
      a2 += 8 * 4;
      a3 += 8 * 4;
    }
    a += tapStep;
  }
  v128.store(c, clamp(c00, low, high));
  store4(c + 16, clamp(c01, low, high), last);
  c += ldc;
  v128.store(c, clamp(c10, low, high));
  store4(c + 16, clamp(c11, low, high), last);
  c += ldc;
  v128.store(c, clamp(c20, low, high));
  store4(c + 16, clamp(c21, low, high), last);
  c += ldc;
  v128.store(c, clamp(c30, low, high));
  store4(c + 16, clamp(c31, low, high), last);
}
