/** panels: weights packed as src/ops/pack.ts packs them, one number at a time. */
import { NR, packedBytes } from "../../assembly/panel";
import { at, put, reserve } from "./arena";

/** Packs K x N weights whose rows are `rowStride` apart; bias = 0 means none. */
export function packPanels(source: usize, bias: usize, K: i32, N: i32, rowStride: i32): usize {
  const packed = reserve(<i32>(packedBytes(K, N) >> 2));
  writePanels(packed, source, bias, K, N, rowStride);
  return packed;
}

export function writePanels(packed: usize, source: usize, bias: usize, K: i32, N: i32, rowStride: i32): void {
  let cell = 0;
  for (let n = 0; n < N; n += NR) {
    for (let k = -1; k < K; k++) {
      for (let c = n; c < n + NR; c++) {
        let value: f32 = 0;
        if (c < N && k < 0 && bias !== 0) value = at(bias, c);
        if (c < N && k >= 0) value = at(source, k * rowStride + c);
        put(packed, cell++, value);
      }
    }
  }
}
