/**
 * panel: the shape in which weights wait for the tiles, written by src/ops/pack.ts, read by full-tile.ts and tile.ts
 *
 *   B  K x N                          panels [N/NR][1+K][NR]
 *
 *        n0 .. n7   n8 .. n15          panel 0   bias  n0 .. n7
 *   k0                                           k0    n0 .. n7
 *   k1                                           k1    n0 .. n7
 *   ..                                 panel 1   bias  n8 .. n15   ...
 *
 * A tile reads its panel from first to last byte, once.
 */

/** Columns of a panel. */
export const NR: i32 = 8;

/** Bytes of one row of a panel. */
export const PANEL_ROW: usize = <usize>NR * 4;

/** Columns of a panel, for those who write one. */
export function panelWidth(): i32 {
  return NR;
}

/** Bytes of a matrix of K rows and N columns in panels, bias included. */
export function packedBytes(K: i32, N: i32): usize {
  assert(K >= 0 && N >= 0);
  return <usize>((N + NR - 1) / NR) * panelBytes(K);
}

/** Bytes of one panel. */
export function panelBytes(K: i32): usize {
  return <usize>(1 + K) * PANEL_ROW;
}
