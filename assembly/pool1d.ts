/**
 * pool1d: the largest or the mean element of each window, channel by channel        f32, SIMD128
 *
 *   x     [N][length][channels]
 *   y     [N][outLength][channels]      window l covers rows l*stride - left up to, not including, that + size
 *
 * Padding is no element: a window is cut to the rows that exist. One with none left gives -Infinity or 0. Global pooling is
 * one window over all rows. Four channels are one vector.
 *
 * Cost    one load and one operation per element and window.
 * Order   rows ascend. The mean is the sum divided by the count, each rounded to f32.
 * NaN     in a window gives NaN.
 */
import { aligned, load4, bytes, store4 } from "./lanes";

const MAX = 0;
const MEAN = 1;

export function maxPool1d(
  x: usize, y: usize, batch: i32, length: i32, outLength: i32, channels: i32, size: i32, stride: i32, left: i32,
): void {
  pool(MAX, x, y, batch, length, outLength, channels, size, stride, left);
}

export function averagePool1d(
  x: usize, y: usize, batch: i32, length: i32, outLength: i32, channels: i32, size: i32, stride: i32, left: i32,
): void {
  pool(MEAN, x, y, batch, length, outLength, channels, size, stride, left);
}

export function globalMaxPool1d(x: usize, y: usize, batch: i32, length: i32, channels: i32): void {
  pool(MAX, x, y, batch, length, 1, channels, length, 1, 0);
}

export function globalAveragePool1d(x: usize, y: usize, batch: i32, length: i32, channels: i32): void {
  pool(MEAN, x, y, batch, length, 1, channels, length, 1, 0);
}

function pool(
  kind: i32, x: usize, y: usize, batch: i32, length: i32, outLength: i32, channels: i32, size: i32, stride: i32,
  left: i32,
): void {
  assert(aligned(x) && aligned(y));
  assert(batch >= 0 && length >= 0 && outLength >= 0 && channels >= 0 && size >= 0 && stride >= 0);
  const row = bytes(channels);
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      const start = l * stride - left;
      const from = max(start, 0);
      const rows = max(0, min(start + size, length) - from);
      if (kind === MAX) largest(x + <usize>from * row, row, y, channels, rows);
      else mean(x + <usize>from * row, row, y, channels, rows);
      y += row;
    }
    x += <usize>length * row;
  }
}

function largest(x: usize, row: usize, y: usize, channels: i32, rows: i32): void {
  for (; channels > 0; channels -= 4) {
    let best = f32x4.splat(-(<f32>Infinity));
    let at = x;
    for (let r = rows; r > 0; r--) {
      best = f32x4.max(best, load4(at, channels));
      at += row;
    }
    store4(y, best, channels);
    x += 16;
    y += 16;
  }
}

function mean(x: usize, row: usize, y: usize, channels: i32, rows: i32): void {
  const count = f32x4.splat(<f32>max(rows, 1));
  for (; channels > 0; channels -= 4) {
    let sum = f32x4.splat(0);
    let at = x;
    for (let r = rows; r > 0; r--) {
      sum = f32x4.add(sum, load4(at, channels));
      at += row;
    }
    store4(y, f32x4.div(sum, count), channels);
    x += 16;
    y += 16;
  }
}
