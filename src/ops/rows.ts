/**
 * rows: what families share that let several threads have some rows of a call each (`WasmWriter.split`)
 */
import type { Place, WasmWriter } from "./facets.ts";

/** What reading and writing an element costs, in multiply-adds of a convolution: half a nanosecond or so. */
export const elementWork = 16;

/** Rows of consecutive samples, all of them or, of a single sample, some. */
export interface Piece {
  readonly sample: number;
  readonly samples: number;
  readonly first: number;
  readonly last: number;
}

/** Rows `from` to `to` of all samples' rows, which follow one another, as whole samples and what is left at both ends. */
export function pieces(from: number, to: number, rowsPerSample: number): Piece[] {
  const result: Piece[] = [];
  for (let row = from; row < to; ) {
    const sample = Math.floor(row / rowsPerSample);
    const first = row - sample * rowsPerSample;
    const samples = first === 0 ? Math.max(1, Math.floor((to - row) / rowsPerSample)) : 1;
    const last = Math.min(rowsPerSample, first + to - row);
    result.push({ sample, samples, first, last });
    row += (samples - 1) * rowsPerSample + last - first;
  }
  return result;
}

/** A strided copy (kernel `rearrange`), divided along its longest dimension. */
export function copy(
  wasm: WasmWriter,
  source: Place,
  target: Place,
  sizes: readonly number[],
  sourceStrides: readonly number[],
  targetStrides: readonly number[],
): void {
  const longest = sizes.indexOf(Math.max(...sizes));
  const count = sizes.reduce((all, size) => all * size, 1);
  wasm.split(sizes[longest] ?? 1, count * elementWork, (from, to) => {
    const part = sizes.map((size, axis) => (axis === longest ? to - from : size));
    wasm.call(
      "rearrange",
      source.at(from * (sourceStrides[longest] ?? 0)),
      target.at(from * (targetStrides[longest] ?? 0)),
      sizes.length,
      wasm.table([...part, ...sourceStrides, ...targetStrides]),
    );
  });
}
