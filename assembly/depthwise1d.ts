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
 *   M % 4 = 0  4 outputs share an input channel, which is splat
 *   else       the input channel of each of 4 outputs is loaded on its own
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
      if (multiplier === 1 && l >= first && l + 4 <= beyond) {
        fourRows(
          x + <usize>position * ldx, <usize>stride * ldx, w, at, ldx, channels, taps, <usize>dilation * ldx, low, high,
        );
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
      else oneRowTimes(window, w, weights, at, ldy, channels, multiplier, count, tapStep, low, high);
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

/** The same with a multiplier of 2 or more: output o reads input channel o / multiplier. */
function oneRowTimes(
  x: usize, bias: usize, w: usize, y: usize, row: usize, channels: i32, multiplier: i32, taps: i32, tapStep: usize,
  low: f32, high: f32,
): void {
  const outputs = channels * multiplier;
  for (let o = 0; o < outputs; o += 4) {
    const count = outputs - o;
    const at = bytes(o);
    const o0 = bytes(o / multiplier);
    const o1 = bytes(min(o + 1, outputs - 1) / multiplier);
    const o2 = bytes(min(o + 2, outputs - 1) / multiplier);
    const o3 = bytes(min(o + 3, outputs - 1) / multiplier);
    let sum = load4(bias + at, count);
    let a = x;
    let b = w + at;
    if (o0 === o3) {
      for (let k = taps; k > 0; k--) {
        sum = madd(v128.load_splat<f32>(a + o0), load4(b, count), sum);
        a += tapStep;
        b += row;
      }
    } else {
      for (let k = taps; k > 0; k--) {
        let v = v128.load_zero<f32>(a + o0);
        v = v128.load_lane<f32>(a + o1, v, 1);
        v = v128.load_lane<f32>(a + o2, v, 2);
        v = v128.load_lane<f32>(a + o3, v, 3);
        sum = madd(v, load4(b, count), sum);
        a += tapStep;
        b += row;
      }
    }
    store4(y + at, clamp(sum, low, high), count);
  }
}
