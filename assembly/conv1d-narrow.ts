/**
 * conv1dNarrow: y[n, l, o] = clamp(bias[o] + sum over k, i of x[n, l*stride + k - left, i] * w[o][k*I + i])        f32, SIMD128
 *   clamp(v) = min(max(v, low), high); NaN stays NaN
 *
 *   x     [N][length][I]
 *   w     per output channel a column of gemmNarrow's matrix (dot.ts): [bias 0 0 0][taps*I rounded up to 4]
 *   y     [N][outLength][O]
 *
 * For a few output channels, without groups and dilation: a row's window is one run of floats, so that every output is a dot
 * product, and no zeros are multiplied as in conv1d's panels of eight channels. Taps in the padding are left out of it.
 *
 * Cost    2*N*outLength*taps*I*O flop, less the taps in the padding; see dot.ts.
 * Order   as in dot.ts, from the first tap inside x on.
 */
import { firstInside, firstOutside } from "./conv1d";
import { narrowRows, narrowStride } from "./dot";
import { aligned, bytes } from "./lanes";

export function conv1dNarrow(
  x: usize, w: usize, y: usize, batch: i32, length: i32, outLength: i32, inChannels: i32, outChannels: i32, taps: i32,
  stride: i32, left: i32, low: f32, high: f32,
): void {
  assert(aligned(x) && aligned(w) && aligned(y));
  assert(batch >= 0 && length >= 0 && outLength >= 0 && inChannels >= 0 && outChannels >= 0 && taps >= 0 && stride > 0);
  const ldx = bytes(inChannels);
  const ldy = bytes(outChannels);
  const column = bytes(narrowStride(taps * inChannels));
  const first = firstInside(left, stride, outLength);
  const beyond = max(first, firstOutside(length + left - taps + 1, stride, outLength));
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      const position = l * stride - left;
      const from = min(max(-position, 0), taps);
      const inside = l >= first && l < beyond;
      const to = inside ? taps : max(from, min(taps, length - position));
      const rows = inside ? beyond - first : 1;
      narrowRows(
        x + <usize>(position + from) * ldx, <usize>stride * ldx, w + 16 + <usize>from * ldx, w, column,
        y + <usize>l * ldy, ldy, rows, outChannels, (to - from) * inChannels, low, high,
      );
      l += rows - 1;
    }
    x += <usize>length * ldx;
    y += <usize>outLength * ldy;
  }
}
