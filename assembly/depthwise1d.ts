/**
 * depthwiseConv1d: y[n, l, c*M + m] =
 *   clamp(w[0][c*M + m] + sum over k of x[n, l*stride + k*dilation - left, c] * w[1 + k][c*M + m])
 *   clamp(v) = min(max(v, low), high); NaN stays NaN
 *
 *   x     [N][length][channels]            M = multiplier
 *   w     [1 + taps][channels * M]         unpacked, the bias in the first row
 *   y     [N][outLength][channels * M]     written once
 *
 * Channels lie side by side, so four of them are one vector and nothing is rearranged:
 *
 *   M = 1      4 channels by 4 output rows stay in registers while the taps pass; a weight is loaded once for 4 rows
 *   M > 1      the same for 4 outputs, whose input channels come from one load: splat where all 4 share one, else picked
 *
 * Rows whose window reaches out of x run alone, over the taps that lie inside.
 *
 * Cost    2*N*outLength*channels*M*taps flop; with M = 1, 5 loads feed 4 multiply-adds.
 * Order   taps ascend, multiply then add: equal, bit for bit, to the plain loop (relaxed build: fused).
 */
import { firstInside, firstOutside } from "./conv1d";
import { aligned, bytes, clamp, load4, madd, store4 } from "./lanes";

export function depthwiseConv1d(
  x: usize, w: usize, y: usize, batch: i32, length: i32, outLength: i32, channels: i32, multiplier: i32, taps: i32,
  stride: i32, dilation: i32, left: i32, low: f32, high: f32,
): void {
  assert(aligned(x) && aligned(w) && aligned(y));
  assert(batch >= 0 && length >= 0 && outLength >= 0 && channels >= 0 && multiplier >= 0);
  assert(taps >= 0 && stride > 0 && dilation > 0);
  const ldx = bytes(channels);
  const ldy = bytes(channels * multiplier);
  const first = firstInside(left, stride, outLength);
  const beyond = max(first, firstOutside(length + left - (taps - 1) * dilation, stride, outLength));
  for (let n = 0; n < batch; n++) {
    let l = 0;
    while (l < outLength) {
      const position = l * stride - left;
      const at = y + <usize>l * ldy;
      if (l >= first && l + 4 <= beyond) {
        const window = x + <usize>position * ldx;
        const rowStep = <usize>stride * ldx, tapStep = <usize>dilation * ldx;
        if (multiplier === 1) fourRows(window, rowStep, w, at, ldx, channels, taps, tapStep, low, high);
        else times(4, window, rowStep, w, w + ldy, at, ldy, channels, multiplier, taps, tapStep, low, high);
        l += 4;
        continue;
      }
      const from = position < 0 ? min(taps, (-position - 1) / dilation + 1) : 0;
      const to = position >= length ? 0 : min(taps, (length - position - 1) / dilation + 1);
      const window = x + <usize>(position + from * dilation) * ldx;
      const weights = w + <usize>(1 + from) * ldy;
      const count = max(0, to - from);
      const tapStep = <usize>dilation * ldx;
      if (multiplier === 1) oneRow(window, w, weights, at, ldx, channels, count, tapStep, low, high);
      else times(1, window, 0, w, weights, at, ldy, channels, multiplier, count, tapStep, low, high);
      l++;
    }
    x += <usize>length * ldx;
    y += <usize>outLength * ldy;
  }
}

/** Four output rows whose windows lie inside x; `row` is the distance between rows of w and of y, all in bytes. */
function fourRows(
  x: usize, ldx: usize, w: usize, y: usize, row: usize, channels: i32, taps: i32, tapStep: usize, low: f32,
  high: f32,
): void {
  for (; channels >= 4; channels -= 4) {
    let c0 = v128.load(w), c1 = c0, c2 = c0, c3 = c0;
    let a0 = x, a1 = a0 + ldx, a2 = a1 + ldx, a3 = a2 + ldx;
    let b = w + row;
    for (let k = taps; k > 0; k--) {
      const b0 = v128.load(b);
      c0 = madd(v128.load(a0), b0, c0);
      c1 = madd(v128.load(a1), b0, c1);
      c2 = madd(v128.load(a2), b0, c2);
      c3 = madd(v128.load(a3), b0, c3);
      a0 += tapStep;
      a1 += tapStep;
      a2 += tapStep;
      a3 += tapStep;
      b += row;
    }
    v128.store(y, clamp(c0, low, high));
    v128.store(y + row, clamp(c1, low, high));
    v128.store(y + 2 * row, clamp(c2, low, high));
    v128.store(y + 3 * row, clamp(c3, low, high));
    x += 16;
    w += 16;
    y += 16;
  }
  for (; channels > 0; channels -= 4) {
    let c0 = load4(w, channels), c1 = c0, c2 = c0, c3 = c0;
    let a = x;
    let b = w + row;
    for (let k = taps; k > 0; k--) {
      const b0 = load4(b, channels);
      const a1 = a + ldx, a2 = a1 + ldx, a3 = a2 + ldx;
      c0 = madd(load4(a, channels), b0, c0);
      c1 = madd(load4(a1, channels), b0, c1);
      c2 = madd(load4(a2, channels), b0, c2);
      c3 = madd(load4(a3, channels), b0, c3);
      a += tapStep;
      b += row;
    }
    store4(y, clamp(c0, low, high), channels);
    store4(y + row, clamp(c1, low, high), channels);
    store4(y + 2 * row, clamp(c2, low, high), channels);
    store4(y + 3 * row, clamp(c3, low, high), channels);
    x += 16;
    w += 16;
    y += 16;
  }
}

/** One output row over `taps` taps that lie inside x. */
function oneRow(
  x: usize, bias: usize, w: usize, y: usize, row: usize, channels: i32, taps: i32, tapStep: usize, low: f32, high: f32,
): void {
  for (; channels > 0; channels -= 4) {
    let sum = load4(bias, channels);
    let a = x;
    let b = w;
    for (let k = taps; k > 0; k--) {
      sum = madd(load4(a, channels), load4(b, channels), sum);
      a += tapStep;
      b += row;
    }
    store4(y, clamp(sum, low, high), channels);
    x += 16;
    bias += 16;
    w += 16;
    y += 16;
  }
}

/**
 * Four output rows or one (`rows` is a constant at both calls), with a multiplier of 2 or more: output o reads input channel
 * o / multiplier. `row` is the distance between rows of w and of y. Four outputs at a time where four input channels are
 * there to be loaded, or all four outputs share one; the last few outputs one by one.
 */
@inline
function times(
  rows: i32, x: usize, ldx: usize, bias: usize, w: usize, y: usize, row: usize, channels: i32, multiplier: i32, taps: i32,
  tapStep: usize, low: f32, high: f32,
): void {
  const outputs = channels * multiplier;
  let o = 0;
  // Output o is number m of input channel c.
  for (let c = 0, m = 0; o + 4 <= outputs; o += 4) {
    const at = bytes(o);
    const window = x + bytes(c);
    if (m + 4 <= multiplier) {
      fourOutputs(rows, true, window, ldx, bias + at, w + at, y + at, row, taps, tapStep, low, high, f32x4.splat(0));
    } else {
      if (c + 4 > channels) break;
      const lanes = lanesOf(m, multiplier);
      fourOutputs(rows, false, window, ldx, bias + at, w + at, y + at, row, taps, tapStep, low, high, lanes);
    }
    for (m += 4; m >= multiplier; m -= multiplier) c++;
  }
  for (; o < outputs; o++) {
    const at = bytes(o);
    for (let r = 0; r < rows; r++) {
      let sum = v128.load_zero<f32>(bias + at);
      let a = x + <usize>r * ldx + bytes(o / multiplier);
      let b = w + at;
      for (let k = taps; k > 0; k--) {
        sum = madd(v128.load_zero<f32>(a), v128.load_zero<f32>(b), sum);
        a += tapStep;
        b += row;
      }
      v128.store_lane<f32>(y + <usize>r * row + at, clamp(sum, low, high), 0);
    }
  }
}

/** Four outputs of `rows` rows, which read one input channel (`shared`) or those that `lanes` picks. */
@inline
function fourOutputs(
  rows: i32, shared: bool, x: usize, ldx: usize, bias: usize, w: usize, y: usize, row: usize, taps: i32, tapStep: usize,
  low: f32, high: f32, lanes: v128,
): void {
  let c0 = v128.load(bias), c1 = c0, c2 = c0, c3 = c0;
  let a0 = x, a1 = a0 + ldx, a2 = a1 + ldx, a3 = a2 + ldx;
  for (let k = taps; k > 0; k--) {
    const b0 = v128.load(w);
    c0 = madd(pick(shared, a0, lanes), b0, c0);
    a0 += tapStep;
    if (rows > 1) {
      c1 = madd(pick(shared, a1, lanes), b0, c1);
      c2 = madd(pick(shared, a2, lanes), b0, c2);
      c3 = madd(pick(shared, a3, lanes), b0, c3);
      a1 += tapStep;
      a2 += tapStep;
      a3 += tapStep;
    }
    w += row;
  }
  v128.store(y, clamp(c0, low, high));
  if (rows > 1) {
    v128.store(y + row, clamp(c1, low, high));
    v128.store(y + 2 * row, clamp(c2, low, high));
    v128.store(y + 3 * row, clamp(c3, low, high));
  }
}

/** For outputs m to m + 3 of a channel, and of those after it, the bytes of their input channels. */
@inline
function lanesOf(m: i32, multiplier: i32): v128 {
  const output = i32x4.add(i32x4.splat(m), i32x4(0, 1, 2, 3));
  const first = i32x4.ge_s(output, i32x4.splat(multiplier));
  const second = i32x4.ge_s(output, i32x4.splat(2 * multiplier));
  const channel = i32x4.neg(i32x4.add(first, second));
  return i32x4.add(i32x4.mul(channel, i32x4.splat(0x04040404)), i32x4.splat(0x03020100));
}

/** The input channels of four outputs. */
@inline
function pick(shared: bool, a: usize, lanes: v128): v128 {
  return shared ? v128.load_splat<f32>(a) : i8x16.swizzle(v128.load(a), lanes);
}
