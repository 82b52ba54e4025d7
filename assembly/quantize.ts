/**
 * quantize: what lies around a product of int8 matrices, whose numbers are held as float32        f32, SIMD128
 *
 *   quantizeRows     s[r] = 127 / (max over d of |x[r, d]| + 1e-7), y[r, d] = clamp(round(x[r, d] * s[r]), -127, 127)
 *   dequantizeRows   y[r, o] = y[r, o] / (s[r] * scale[o]) + scale[columns + o]       in place
 *
 * Halves round to even. A product of such rows is exact up to 2^24 / 127^2, that is 1040 inputs, and rounds past that.
 *
 * Source  keras:keras/src/quantizers/quantizers.py (abs_max_quantize), keras:keras/src/layers/core/dense.py (_int8_call)
 */
import { bytes, load4, maxOfLanes, store4 } from "./lanes";

export function quantizeRows(x: usize, y: usize, s: usize, rows: i32, depth: i32): void {
  for (let r = 0; r < rows; r++) {
    let largest = f32x4.splat(0);
    for (let d = 0; d < depth; d += 4) {
      largest = f32x4.max(largest, f32x4.abs(load4(x + bytes(d), depth - d)));
    }
    const scale: f32 = <f32>127 / (maxOfLanes(largest) + <f32>1e-7);
    store<f32>(s + bytes(r), scale);
    const factor = f32x4.splat(scale);
    for (let d = 0; d < depth; d += 4) {
      const v = f32x4.nearest(f32x4.mul(load4(x + bytes(d), depth - d), factor));
      store4(y + bytes(d), f32x4.min(f32x4.max(v, f32x4.splat(-127)), f32x4.splat(127)), depth - d);
    }
    x += bytes(depth);
    y += bytes(depth);
  }
}

export function dequantizeRows(y: usize, s: usize, scale: usize, rows: i32, columns: i32): void {
  const bias = scale + bytes(columns);
  for (let r = 0; r < rows; r++) {
    const own = v128.load_splat<f32>(s + bytes(r));
    for (let o = 0; o < columns; o += 4) {
      const at = bytes(o);
      const left = columns - o;
      const v = f32x4.div(load4(y + at, left), f32x4.mul(own, load4(scale + at, left)));
      store4(y + at, f32x4.add(v, load4(bias + at, left)), left);
    }
    y += bytes(columns);
  }
}
