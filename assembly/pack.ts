/**
 * pack: weights into the panels of panel.ts, once per model        f32
 *
 * A function is named after the layout it reads: KIO (Keras; row k*I + i holds the O outputs) or OIK (PyTorch). Columns past
 * N are zeros. bias = 0 (no pointer) packs a bias of zeros. Target and sources do not overlap.
 *
 * Cost    one read and one write per weight. packOIK reads NR streams in order, so that no cache line is fetched twice.
 */
import { aligned, bytes, load4 } from "./lanes";
import { NR, PANEL_ROW } from "./panel";

export function packKIO(
  target: usize, source: usize, bias: usize, taps: i32, inChannels: i32, outChannels: i32, rowStride: i32,
): void {
  assert(aligned(target) && taps >= 0 && inChannels >= 0 && outChannels >= 0 && rowStride >= 0);
  const K = taps * inChannels;
  for (let n = 0; n < outChannels; n += NR) {
    const columns = min(NR, outChannels - n);
    packBias(target, bias, n, columns);
    target += PANEL_ROW;
    let row = source + bytes(n);
    for (let k = 0; k < K; k++) {
      packRow(target, row, columns);
      target += PANEL_ROW;
      row += bytes(rowStride);
    }
  }
}

export function packOIK(target: usize, source: usize, bias: usize, taps: i32, inChannels: i32, outChannels: i32): void {
  assert(aligned(target) && taps >= 0 && inChannels >= 0 && outChannels >= 0);
  const K = taps * inChannels;
  for (let n = 0; n < outChannels; n += NR) {
    const columns = min(NR, outChannels - n);
    packBias(target, bias, n, columns);
    target += PANEL_ROW;
    for (let i = 0; i < inChannels; i++) {
      for (let k = 0; k < taps; k++) {
        const row = target + <usize>(k * inChannels + i) * PANEL_ROW;
        let from = source + bytes(n * K + i * taps + k);
        for (let o = 0; o < columns; o++) {
          store<f32>(row + bytes(o), load<f32>(from));
          from += bytes(K);
        }
        for (let o = columns; o < NR; o++) store<f32>(row + bytes(o), 0);
      }
    }
    target += <usize>K * PANEL_ROW;
  }
}

function packBias(target: usize, bias: usize, n: i32, columns: i32): void {
  if (bias !== 0) packRow(target, bias + bytes(n), columns);
  else memory.fill(target, 0, PANEL_ROW);
}

/** One row of a panel, zeros in the columns that the matrix has not got. */
function packRow(target: usize, source: usize, columns: i32): void {
  for (let n = 0; n < NR; n += 4) {
    v128.store(target + bytes(n), n < columns ? load4(source + bytes(n), columns - n) : f32x4.splat(0));
  }
}
