/**
 * pack: what a model computes in panels (panel.ts), so that gemm takes it where it takes weights        f32, SIMD128
 *
 *   packIO   B[k, n] = x[k, n]                    x: K rows of N, as values under their weights
 *   packOI   B[k, n] = factor[0] * x[n, k]        x: N rows of K, as keys under a query
 *
 * Rows of x are `stride` elements apart, so that a head is read where its projection has it. Panels have a bias of zeros, and
 * zeros past column N. x need not be aligned; panels overlap nothing.
 *
 * Cost    one read and one write per element; packOI turns blocks of 4 x 4.
 */
import { aligned, bytes, load4 } from "./lanes";
import { NR, PANEL_ROW, panelBytes } from "./panel";

export function packIO(x: usize, stride: i32, panels: usize, K: i32, N: i32): void {
  assert(aligned(panels) && K >= 0 && N >= 0);
  const step = bytes(stride);
  const zero = f32x4.splat(0);
  for (let n = 0; n < N; n += NR) {
    v128.store(panels, zero);
    v128.store(panels, zero, 16);
    panels += PANEL_ROW;
    let from = x + bytes(n);
    const left = N - n;
    for (let k = 0; k < K; k++) {
      if (left >= NR) {
        v128.store(panels, v128.load(from));
        v128.store(panels, v128.load(from, 16), 16);
      } else {
        v128.store(panels, load4(from, left));
        v128.store(panels, left > 4 ? load4(from + 16, left - 4) : zero, 16);
      }
      from += step;
      panels += PANEL_ROW;
    }
  }
}

export function packOI(x: usize, stride: i32, factor: usize, panels: usize, K: i32, N: i32): void {
  assert(aligned(panels) && K >= 0 && N >= 0);
  const scale = v128.load_splat<f32>(factor);
  const zero = f32x4.splat(0);
  const step = bytes(stride);
  const panel = panelBytes(K);
  for (let n = 0; n < N; n += NR) {
    v128.store(panels, zero);
    v128.store(panels, zero, 16);
    for (let half = 0; half < NR; half += 4) {
      const left = N - n - half;
      const x0 = x + <usize>(n + half) * step;
      const x1 = x0 + step, x2 = x1 + step, x3 = x2 + step;
      let to = panels + PANEL_ROW + bytes(half);
      for (let k = 0; k < K; k += 4) {
        const at = bytes(k), count = K - k;
        const r0 = left > 0 ? f32x4.mul(scale, load4(x0 + at, count)) : zero;
        const r1 = left > 1 ? f32x4.mul(scale, load4(x1 + at, count)) : zero;
        const r2 = left > 2 ? f32x4.mul(scale, load4(x2 + at, count)) : zero;
        const r3 = left > 3 ? f32x4.mul(scale, load4(x3 + at, count)) : zero;
        const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
        const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<f64>(low01, low23, 0, 2));
        if (count > 1) v128.store(to + PANEL_ROW, v128.shuffle<f64>(low01, low23, 1, 3));
        if (count > 2) v128.store(to + 2 * PANEL_ROW, v128.shuffle<f64>(high01, high23, 0, 2));
        if (count > 3) v128.store(to + 3 * PANEL_ROW, v128.shuffle<f64>(high01, high23, 1, 3));
        to += 4 * PANEL_ROW;
      }
    }
    panels += panel;
  }
}
