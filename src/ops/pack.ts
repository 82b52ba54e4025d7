/**
 * pack: weights as gemm, conv1d and their narrow versions read them, written straight into WebAssembly memory, once per model
 *
 *   panels    [N/width][1+K][width]   for gemm and conv1d: the bias in each panel's first row, zeros past column N
 *   columns   [N][4+K, up to a multiple of 4]   for gemmNarrow and conv1dNarrow: the bias, three zeros, a column's K weights
 *
 * The source is K x N, N running fastest: Keras' IO, and KIO with K = taps * I. Groups have N / groups columns each, and
 * panels of their own. assembly/panel.ts and assembly/dot.ts say how the kernels read the two.
 *
 * In JavaScript, since a kernel could only pack what lies in WebAssembly memory already, and that does not shrink: 80 MB take
 * 40 to 70 ms, and 60 more the first time for memory that was never touched.
 */
import type { WeightPacker } from "./facets.ts";
import type { Kernels } from "./kernels.ts";

/** A matrix of weights in Keras' order, and its bias. */
export interface Matrix {
  readonly values: Float32Array;
  readonly bias: Float32Array | null;
  /** K, what is summed over. */
  readonly rows: number;
  /** N, the outputs. */
  readonly columns: number;
  /** Default 1. */
  readonly groups?: number;
}

/** Columns of a panel, as `Kernels.panelWidth` tells; a panel of K rows has 1 + K of so many elements. */
export const panelColumns = 8;

/** Elements of a matrix of K rows and N columns in panels. */
export function panelSize(K: number, N: number): number {
  return Math.ceil(N / panelColumns) * (1 + K) * panelColumns;
}

/** Rows of the source that are read before the next panel is written: whole rows, so that every page is met once. */
const rowsAtOnce = 64;

/** A layer's matrix in panels. */
export function packPanels(pack: WeightPacker, matrix: Matrix): void {
  writePanels(pack.allocate(panelElements(pack.kernels, matrix)), pack.kernels, matrix);
}

/** A layer's matrix in columns; it has no groups. */
export function packColumns(pack: WeightPacker, matrix: Matrix): void {
  writeColumns(pack.allocate(matrix.columns * pack.kernels.narrowStride(matrix.rows)), pack.kernels, matrix);
}

/** Elements of a matrix in panels, those of all groups together. */
export function panelElements(kernels: Kernels, { rows, columns, groups = 1 }: Matrix): number {
  return groups * (kernels.packedBytes(rows, columns / groups) / 4);
}

/** Writes the panels of all groups. */
export function writePanels(target: Float32Array, kernels: Kernels, matrix: Matrix): void {
  const { values, bias, rows, columns, groups = 1 } = matrix;
  const width = kernels.panelWidth();
  const panel = (1 + rows) * width;
  // A panel's place in the target, its first column in the source, and how many of its columns there are.
  const panels: { at: number; column: number; used: number }[] = [];
  const share = columns / groups;
  for (let group = 0; group < groups; group++) {
    for (let done = 0; done < share; done += width) {
      panels.push({
        at: panels.length * panel,
        column: group * share + done,
        used: Math.min(width, share - done),
      });
    }
  }
  for (const { at, column, used } of panels) {
    for (let c = 0; c < width; c++) target[at + c] = c < used && bias ? bias[column + c]! : 0;
  }
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - row);
    for (const { at, column, used } of panels) {
      copyRows(target, at + (1 + row) * width, width, values, row * columns + column, columns, count, used);
    }
  }
}

/** `count` rows of one panel: `used` elements each, and zeros up to `width`. */
function copyRows(
  target: Float32Array,
  at: number,
  width: number,
  values: Float32Array,
  from: number,
  columns: number,
  count: number,
  used: number,
): void {
  for (; count > 0; count--, at += width, from += columns) {
    for (let c = 0; c < used; c++) target[at + c] = values[from + c]!;
    for (let c = used; c < width; c++) target[at + c] = 0;
  }
}

/** Writes the matrix column by column. */
export function writeColumns(target: Float32Array, kernels: Kernels, { values, bias, rows, columns }: Matrix): void {
  const stride = kernels.narrowStride(rows);
  for (let c = 0, at = 0; c < columns; c++, at += stride) {
    target.fill(0, at, at + stride);
    target[at] = bias ? bias[c]! : 0;
    for (let row = 0; row < rows; row++) target[at + 4 + row] = values[row * columns + c]!;
  }
}
