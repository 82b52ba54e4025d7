/**
 * attention: what lies between the projections of an attention, for one head of one sample        f32, SIMD128
 *
 *   additiveScores  y[t, s] = sum over d of w[4 + d] * tanh(w[0] * (q[t, d] + k[s, d]))
 *   hide            y[o, t, s] = value where mask[o, t, s] is 0
 *   hideBand        y[t, s] = value where s lies more than `before` in front of row first + t, or more than `after` behind it
 *   unitRows        y[r, d] = x[r, d] / max(sqrt(sum over d of x[r, d]^2), least)
 *
 *   q, k      rows, `..Stride` elements apart, so that a head is read where its projection has it
 *   y         scores, dense: rows x columns
 *
 * The two products of an attention are gemms over packed keys and values (pack.ts).
 * No pointer needs to be aligned. Rows, columns and depth are free; nothing overlaps, but hide and hideBand work in place. A
 * row's result does not depend on how many rows there are.
 */
import { tanh } from "./elementary";
import { bytes, load4, madd, store4, sumOfLanes } from "./lanes";

export function additiveScores(
  q: usize, qStride: i32, k: usize, kStride: i32, w: usize, y: usize, rows: i32, columns: i32, depth: i32,
): void {
  const inner = v128.load_splat<f32>(w);
  for (let t = 0; t < rows; t++) {
    for (let s = 0; s < columns; s++) {
      const key = k + bytes(s * kStride);
      let sum = f32x4.splat(0);
      for (let d = 0; d < depth; d += 4) {
        const at = bytes(d);
        const left = depth - d;
        const x = f32x4.mul(inner, f32x4.add(load4(q + at, left), load4(key + at, left)));
        sum = madd(load4(w + 16 + at, left), tanh(x), sum);
      }
      store<f32>(y + bytes(s), sumOfLanes(sum));
    }
    q += bytes(qStride);
    y += bytes(columns);
  }
}

export function hide(
  y: usize, mask: usize, outer: i32, rows: i32, columns: i32, outerStride: i32, rowStride: i32, columnStride: i32,
  value: f32,
): void {
  for (let o = 0; o < outer; o++) {
    for (let t = 0; t < rows; t++) {
      const row = mask + bytes(o * outerStride + t * rowStride);
      for (let s = 0; s < columns; s++) {
        if (load<f32>(row + bytes(s * columnStride)) === 0) store<f32>(y + bytes(s), value);
      }
      y += bytes(columns);
    }
  }
}

export function hideBand(
  y: usize, first: i32, rows: i32, columns: i32, before: i32, after: i32, value: f32,
): void {
  for (let t = 0; t < rows; t++) {
    const from = min(columns, max(0, first + t - before));
    const to = min(columns, first + t + after + 1);
    for (let s = 0; s < from; s++) store<f32>(y + bytes(s), value);
    for (let s = max(0, to); s < columns; s++) store<f32>(y + bytes(s), value);
    y += bytes(columns);
  }
}

export function unitRows(x: usize, y: usize, rows: i32, depth: i32, least: f32): void {
  for (let r = 0; r < rows; r++) {
    let sum = f32x4.splat(0);
    for (let d = 0; d < depth; d += 4) {
      const v = load4(x + bytes(d), depth - d);
      sum = madd(v, v, sum);
    }
    const norm = f32x4.splat(max<f32>(sqrt<f32>(sumOfLanes(sum)), least));
    for (let d = 0; d < depth; d += 4) {
      store4(y + bytes(d), f32x4.div(load4(x + bytes(d), depth - d), norm), depth - d);
    }
    x += bytes(depth);
    y += bytes(depth);
  }
}
