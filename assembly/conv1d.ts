/**
 * conv1d: y[n, l, g*O + o] =
 *   clamp(bias[g*O + o] + sum over k, i of x[n, l*stride + k*dilation - left, g*I + i] * w[k, i, g*O + o])
 *   clamp(v) = min(max(v, low), high); NaN stays NaN
 *
 *   x     [N][length][groups*I]       read where it lies: no im2col, no padded copy
 *   w     `groups` packed matrices of K = taps*I rows and O columns (panel.ts)
 *   y     [N][outLength][groups*O]    written once
 *
 * In NLC a convolution is a matrix product whose rows overlap:
 *
 *   x     r0c0 r0c1 r1c0 r1c1 r2c0 r2c1 r3c0 r3c1       3 taps of 2 channels, stride 1
 *   A[0]  \_______________________/                     K = 6, lda = stride * channels = 2
 *   A[1]            \_______________________/
 *
 * Without dilation and groups a row's taps are one run of K floats. Otherwise they are `taps` runs of I floats, and the tile
 * has a loop around its loop; nothing is accumulated in memory either way.
 *
 *   rows      0 .. first | first .. beyond | beyond .. outLength
 *             padded       sweep (gemm.ts)   padded: taps outside x read zeros, and those outside for all rows are skipped
 *
 * Cost    2*N*outLength*taps*I*O*groups flop, less the skipped taps.
 * Order   taps, then channels ascend, multiply then add: equal, bit for bit, to the plain loop (relaxed build: fused).
 *         A tap in the padding adds 0 * w, so an infinite weight gives NaN there, as it does in Keras.
 */
import { sweep } from "./gemm";
import { aligned, bytes } from "./lanes";
import { NR, packedBytes, panelBytes } from "./panel";
import { paddedStrip } from "./tile";

export function conv1d(
  x: usize, w: usize, y: usize, batch: i32, length: i32, outLength: i32, groups: i32, inChannels: i32,
  outChannels: i32, taps: i32, stride: i32, dilation: i32, left: i32, low: f32, high: f32,
): void {
  assert(aligned(x) && aligned(w) && aligned(y));
  assert(batch >= 0 && length >= 0 && outLength >= 0 && groups >= 0 && inChannels >= 0 && outChannels >= 0);
  assert(taps >= 0 && stride > 0 && dilation > 0);
  if (taps === 1 && stride === 1 && left === 0 && length === outLength) {
    // Pointwise: the batch is only more rows, so that short sequences fill whole tiles.
    length = outLength = batch * length;
    batch = 1;
  }
  const ldx = bytes(groups * inChannels);
  const ldy = bytes(groups * outChannels);
  const matrix = packedBytes(taps * inChannels, outChannels);
  const contiguous = groups === 1 && dilation === 1;
  const first = firstInside(left, stride, outLength);
  const beyond = max(first, firstOutside(length + left - (taps - 1) * dilation, stride, outLength));
  for (let n = 0; n < batch; n++) {
    for (let g = 0; g < groups; g++) {
      const xg = x + bytes(g * inChannels);
      const yg = y + bytes(g * outChannels);
      const wg = w + <usize>g * matrix;
      padded(
        xg, ldx, wg, yg, ldy, 0, first, length, inChannels, outChannels, taps, stride, dilation, left, contiguous, low,
        high,
      );
      sweep(
        xg + <usize>(first * stride - left) * ldx, <usize>stride * ldx, wg, yg + <usize>first * ldy, ldy,
        beyond - first, outChannels, contiguous ? 1 : taps, <usize>dilation * ldx,
        contiguous ? taps * inChannels : inChannels, low, high,
      );
      padded(
        xg, ldx, wg, yg, ldy, beyond, outLength, length, inChannels, outChannels, taps, stride, dilation, left,
        contiguous, low, high,
      );
    }
    x += <usize>length * ldx;
    y += <usize>outLength * ldy;
  }
}

/** The first output row whose first tap is not left of x: ceil(left / stride), at most outLength. */
export function firstInside(left: i32, stride: i32, outLength: i32): i32 {
  return left <= 0 ? 0 : min((left - 1) / stride + 1, outLength);
}

/** The first output row whose last tap is right of x, given the count of positions at which a window may start. */
export function firstOutside(starts: i32, stride: i32, outLength: i32): i32 {
  return starts <= 0 ? 0 : min((starts - 1) / stride + 1, outLength);
}

/** Output rows from `from` to `to`, whose windows reach out of x. */
function padded(
  x: usize, ldx: usize, w: usize, y: usize, ldy: usize, from: i32, to: i32, length: i32, inChannels: i32,
  outChannels: i32, taps: i32, stride: i32, dilation: i32, left: i32, contiguous: bool, low: f32,
  high: f32,
): void {
  if (from >= to) return;
  const panel = panelBytes(taps * inChannels);
  for (let o = 0; o < outChannels; o += NR, w += panel) {
    paddedStrip(
      x, ldx, w, y + <usize>from * ldy + bytes(o), ldy, to - from, min(NR, outChannels - o), taps, inChannels,
      from * stride - left, stride, length, dilation, contiguous, low, high,
    );
  }
}
