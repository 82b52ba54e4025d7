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
      if (kind === MAX) window(MAX, x + <usize>from * row, row, y, channels, rows);
      else window(MEAN, x + <usize>from * row, row, y, channels, rows);
      y += row;
    }
    x += <usize>length * row;
  }
}

/** One window (`kind` is a constant at both calls), sixteen channels at a time, which is a line of the cache, then four, then the last few. */
@inline
function window(kind: i32, x: usize, row: usize, y: usize, channels: i32, rows: i32): void {
  const count = f32x4.splat(<f32>max(rows, 1));
  for (; channels >= 16; channels -= 16) {
    reduce(kind, 4, x, row, y, rows, count);
    x += 64;
    y += 64;
  }
  for (; channels >= 4; channels -= 4) {
    reduce(kind, 1, x, row, y, rows, count);
    x += 16;
    y += 16;
  }
  if (channels > 0) {
    let all = start(kind), nan = f32x4.splat(0);
    for (; rows > 0; rows--) {
      const v = load4(x, channels);
      all = combine(kind, all, v);
      nan = v128.or(nan, f32x4.ne(v, v));
      x += row;
    }
    store4(y, result(kind, all, nan, count), channels);
  }
}

/** `vectors` (4 or 1) times four channels. */
@inline
function reduce(kind: i32, vectors: i32, x: usize, row: usize, y: usize, rows: i32, count: v128): void {
  let all0 = start(kind), all1 = all0, all2 = all0, all3 = all0;
  let nan0 = f32x4.splat(0), nan1 = nan0, nan2 = nan0, nan3 = nan0;
  for (; rows > 0; rows--) {
    const v0 = v128.load(x);
    all0 = combine(kind, all0, v0);
    nan0 = v128.or(nan0, f32x4.ne(v0, v0));
    if (vectors > 1) {
      const v1 = v128.load(x, 16), v2 = v128.load(x, 32), v3 = v128.load(x, 48);
      all1 = combine(kind, all1, v1);
      all2 = combine(kind, all2, v2);
      all3 = combine(kind, all3, v3);
      nan1 = v128.or(nan1, f32x4.ne(v1, v1));
      nan2 = v128.or(nan2, f32x4.ne(v2, v2));
      nan3 = v128.or(nan3, f32x4.ne(v3, v3));
    }
    x += row;
  }
  v128.store(y, result(kind, all0, nan0, count));
  if (vectors > 1) {
    v128.store(y, result(kind, all1, nan1, count), 16);
    v128.store(y, result(kind, all2, nan2, count), 32);
    v128.store(y, result(kind, all3, nan3, count), 48);
  }
}

/** What a window without rows gives. */
@inline
function start(kind: i32): v128 {
  return f32x4.splat(kind === MAX ? -(<f32>Infinity) : 0);
}

/** pmax forgets a NaN in v, which is why those are noted beside it: three instructions, where V8's f32x4.max is seven. */
@inline
function combine(kind: i32, all: v128, v: v128): v128 {
  return kind === MAX ? f32x4.pmax(all, v) : f32x4.add(all, v);
}

/** What is stored; where `nan` is set, it is NaN. */
@inline
function result(kind: i32, all: v128, nan: v128, count: v128): v128 {
  return kind === MAX ? v128.or(all, nan) : f32x4.div(all, count);
}
