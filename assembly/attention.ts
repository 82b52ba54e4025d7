/**
 * attention: what lies between the projections of an attention, for one head of one sample        f32, SIMD128
 *
 *   dotScores       y[t, s] = factor[0] * sum over d of q[t, d] * k[s, d]
 *   additiveScores  y[t, s] = sum over d of w[4 + d] * tanh(w[0] * (q[t, d] + k[s, d]))
 *   hide            y[o, t, s] = value where mask[o, t, s] is 0
 *   hideBand        y[t, s] = value where s lies more than `before` in front of row first + t, or more than `after` behind it
 *   weightedSum     y[t, d] = sum over s of p[t, s] * v[s, d]
 *   unitRows        y[r, d] = x[r, d] / max(sqrt(sum over d of x[r, d]^2), least)
 *
 *   q, k, v   rows, `..Stride` elements apart, so that a head is read where its projection has it
 *   y, p      scores, dense: rows x columns
 *
 * No pointer needs to be aligned. Rows, columns and depth are free; nothing overlaps, but hide and hideBand work in place.
 *
 * Cost    2 * rows * columns * depth flop for each product; four keys share what is loaded of a query.
 * Order   dotScores: four sums of every fourth element, then (0 + 2) + (1 + 3); weightedSum: s ascends. A row's result
 *         does not depend on how many rows there are.
 */
import { tanh } from "./elementary";
import { bytes, load4, madd, store4, sumOfLanes, sumsOfLanes } from "./lanes";

export function dotScores(
  q: usize, qStride: i32, k: usize, kStride: i32, factor: usize, y: usize, rows: i32, columns: i32, depth: i32,
): void {
  const scale = v128.load_splat<f32>(factor);
  const whole = depth & ~3;
  const rest = depth - whole;
  for (let t = 0; t < rows; t++) {
    for (let s = 0; s < columns; s += 4) {
      const left = columns - s;
      const k0 = k + bytes(s * kStride);
      const k1 = left > 1 ? k0 + bytes(kStride) : k0;
      const k2 = left > 2 ? k1 + bytes(kStride) : k0;
      const k3 = left > 3 ? k2 + bytes(kStride) : k0;
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      for (let d = 0; d < whole; d += 4) {
        const at = bytes(d);
        const a = v128.load(q + at);
        s0 = madd(a, v128.load(k0 + at), s0);
        s1 = madd(a, v128.load(k1 + at), s1);
        s2 = madd(a, v128.load(k2 + at), s2);
        s3 = madd(a, v128.load(k3 + at), s3);
      }
      if (rest > 0) {
        const at = bytes(whole);
        const a = load4(q + at, rest);
        s0 = madd(a, load4(k0 + at, rest), s0);
        s1 = madd(a, load4(k1 + at, rest), s1);
        s2 = madd(a, load4(k2 + at, rest), s2);
        s3 = madd(a, load4(k3 + at, rest), s3);
      }
      store4(y + bytes(s), f32x4.mul(scale, sumsOfLanes(s0, s1, s2, s3)), left);
    }
    q += bytes(qStride);
    y += bytes(columns);
  }
}

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

export function weightedSum(
  p: usize, v: usize, vStride: i32, y: usize, yStride: i32, rows: i32, columns: i32, depth: i32,
): void {
  const step = bytes(vStride);
  for (let t = 0; t < rows; t++) {
    let d = 0;
    for (; d + 16 <= depth; d += 16) {
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      let at = v + bytes(d);
      for (let s = 0; s < columns; s++) {
        const weight = v128.load_splat<f32>(p + bytes(s));
        s0 = madd(weight, v128.load(at), s0);
        s1 = madd(weight, v128.load(at, 16), s1);
        s2 = madd(weight, v128.load(at, 32), s2);
        s3 = madd(weight, v128.load(at, 48), s3);
        at += step;
      }
      const to = y + bytes(d);
      v128.store(to, s0);
      v128.store(to, s1, 16);
      v128.store(to, s2, 32);
      v128.store(to, s3, 48);
    }
    for (; d < depth; d += 4) {
      let sum = f32x4.splat(0);
      let at = v + bytes(d);
      for (let s = 0; s < columns; s++) {
        sum = madd(v128.load_splat<f32>(p + bytes(s)), load4(at, depth - d), sum);
        at += step;
      }
      store4(y + bytes(d), sum, depth - d);
    }
    p += bytes(columns);
    y += bytes(yStride);
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
