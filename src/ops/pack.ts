/**
 * pack: weights as gemm, conv1d and their narrow versions read them, written straight into WebAssembly memory
 *
 *   panels    [N/width][1+K][width]   for gemm and conv1d: the bias in each panel's first row, zeros past column N
 *   columns   [N][4+K, up to a multiple of 4]   for gemmNarrow and conv1dNarrow: the bias, three zeros, a column's K weights
 *
 * The source is K x N, N running fastest: Keras' IO, and KIO with K = taps * I. Groups have N / groups columns each, and
 * panels of their own. assembly/panel.ts and assembly/dot.ts say how the kernels read the two.
 *
 * Panels are written by a kernel, out of 256 KiB of the source at a time: it is fast from its first call, where JavaScript
 * is interpreted until it has run for some milliseconds, which is what a model of ordinary size needs altogether.
 */
import type { Floats } from "../bytes/numbers.ts";
import { pieceBytes } from "../platform/bytes.ts";
import { lendMemory } from "../platform/scratch.ts";
import { copyStrided, type StridedCopy } from "../strided.ts";
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

/** Numbers as a file has them, and the copies that bring them into Keras' order. */
export interface StoredOrder {
  readonly data: Floats;
  readonly copies: readonly StridedCopy[];
}

/** A matrix on its way into panels, in whatever order the file has it, of which parts may be read alone. */
export type StoredMatrix = Omit<Matrix, "values"> & { readonly values: Floats | StoredOrder };

/** Columns of a panel, as `Kernels.panelWidth` tells; a panel of K rows has 1 + K of so many elements. */
export const panelColumns = 8;

/** Elements of a matrix of K rows and N columns in panels. */
export function panelSize(K: number, N: number): number {
  return Math.ceil(N / panelColumns) * (1 + K) * panelColumns;
}

/** WebAssembly memory as panels are written into it. */
export interface PanelMemory {
  readonly kernels: Kernels;
  /** The whole memory; made anew after it grew. */
  floats(): Float32Array;
  /** Makes sure that the memory reaches an address. */
  reserve(end: number): void;
  /**
   * Carries out strided copies of `values` to the address `target`, by a kernel. What lies behind the address `behind` is
   * overwritten.
   */
  copyIn(values: Float32Array, copies: readonly StridedCopy[], target: number, behind: number): void;
}

/** Most bytes that `copyIn` writes behind what is kept, for a matrix whose rows or columns are no longer than what is copied at once. */
export const stagedBytes = 2 ** 20;

/** Elements of the source that lie in WebAssembly memory at a time, unless a row or a panel's columns have more: a page that is met for the first time costs more than its copy. */
const elementsAtOnce = pieceBytes / 4;

/** A layer's matrix in panels. */
export function packPanels(pack: WeightPacker, matrix: StoredMatrix): void {
  const { byteOffset } = pack.allocate(panelElements(pack.memory.kernels, matrix));
  writePanels(pack.memory, byteOffset, matrix);
}

/** A layer's matrix in columns; it has no groups. */
export function packColumns(pack: WeightPacker, matrix: Matrix): void {
  writeColumns(
    pack.allocate(matrix.columns * pack.memory.kernels.narrowStride(matrix.rows)),
    pack.memory.kernels,
    matrix,
  );
}

/** A weight as it is, read piece by piece where it lies in a file. */
export function packAsItIs(pack: WeightPacker, role: string): void {
  const stored = pack.stored(role)!;
  const source = "copies" in stored ? inKerasOrder(stored) : stored;
  const target = pack.allocate(source.length);
  for (let start = 0; start < source.length; start += elementsAtOnce) {
    const end = Math.min(start + elementsAtOnce, source.length);
    lendMemory(() => target.set(source.subarray(start, end), start));
  }
}

/** Elements of a matrix in panels, those of all groups together. */
export function panelElements(
  kernels: Kernels,
  { rows, columns, groups = 1 }: Pick<Matrix, "rows" | "columns" | "groups">,
): number {
  return groups * (kernels.packedBytes(rows, columns / groups) / 4);
}

/** Writes the panels of all groups to an address, behind which nothing is kept. */
export function writePanels(memory: PanelMemory, target: number, matrix: StoredMatrix): void {
  const { bias, rows, columns, groups = 1 } = matrix;
  const width = memory.kernels.panelWidth();
  const panel = (1 + rows) * width;
  const share = columns / groups;
  const group = Math.ceil(share / width) * panel;
  const end = target + 4 * groups * group;
  const place = (column: number) => {
    const own = column % share;
    return Math.floor(column / share) * group + Math.floor(own / width) * panel + (own % width);
  };
  clear(memory.floats().subarray(target / 4, end / 4));
  const source = sourceOf(matrix);
  if (source.columnsOutside) {
    const atOnce = width * Math.max(1, Math.floor(elementsAtOnce / (source.columnStride * width)));
    for (let column = 0, count = 0; column < columns; column += count) {
      count = Math.min(atOnce, share - (column % share));
      const [from, to] = [column, column + count].map((at) => at * source.columnStride);
      lendMemory(() =>
        memory.copyIn(source.data.subarray(from, to), copies(source.rows, column, count, 0, 0), target, end),
      );
    }
    return;
  }
  const atOnce = Math.max(1, Math.floor(elementsAtOnce / columns));
  for (let row = 0; row < rows; row += atOnce) {
    const count = Math.min(atOnce, rows - row);
    const dimension = { ...source.rows[0]!, size: count };
    const list = Array.from({ length: groups }, (_, g) => copies([dimension], g * share, share, g * share, row));
    const [from, to] = [row * columns, (row + count) * columns];
    lendMemory(() => memory.copyIn(source.data.subarray(from, to), list.flat(), target, end));
  }

  /** Zeros where no weight comes, and the bias. */
  function clear(panels: Float32Array): void {
    if (share % width > 0) for (let g = 1; g <= groups; g++) panels.fill(0, g * group - panel, g * group);
    for (let n = 0; n < columns; n++) panels[place(n)] = bias ? bias[n]! : 0;
  }

  /** `count` columns of one group, from `column` on: the whole panels, and what is left. */
  function copies(along: readonly Dimension[], column: number, count: number, sourceOffset: number, row: number) {
    const whole = Math.floor(count / width);
    const [sizes, from, to] = [
      along.map(({ size }) => size),
      along.map(({ sourceStride }) => sourceStride),
      along.map(({ rowStride }) => rowStride * width),
    ];
    const targetOffset = place(column) + (1 + row) * width;
    const full: StridedCopy = {
      sizes: [whole, ...sizes, width],
      sourceOffset,
      sourceStrides: [width * source.columnStride, ...from, source.columnStride],
      targetOffset,
      targetStrides: [panel, ...to, 1],
    };
    const last: StridedCopy = {
      sizes: [...sizes, count - whole * width],
      sourceOffset: sourceOffset + whole * width * source.columnStride,
      sourceStrides: [...from, source.columnStride],
      targetOffset: targetOffset + whole * panel,
      targetStrides: [...to, 1],
    };
    return [full, last];
  }
}

/** A dimension of a matrix' rows. */
interface Dimension {
  readonly size: number;
  /** From one of its places to the next, in the source and in rows of the matrix. */
  readonly sourceStride: number;
  readonly rowStride: number;
}

/** Where a matrix' elements lie: column n at n * columnStride, which is 1 unless the columns are the outermost dimension. */
interface Source {
  readonly data: Floats;
  readonly rows: readonly Dimension[];
  readonly columnStride: number;
  readonly columnsOutside: boolean;
}

/** PyTorch's orders, columns outermost, as they lie in the file; any other is brought into Keras' first. */
function sourceOf({ values, rows, columns }: StoredMatrix): Source {
  if ("copies" in values) {
    const [copy, ...others] = values.copies;
    const dimensions = (copy?.sizes ?? []).map((size, index) => ({
      size,
      sourceStride: copy!.sourceStrides[index]!,
      targetStride: copy!.targetStrides[index]!,
    }));
    const column = dimensions.find(({ size, targetStride }) => size === columns && targetStride === 1);
    if (others.length === 0 && column?.sourceStride === rows) {
      const along = dimensions.filter((dimension) => dimension !== column);
      return {
        data: values.data,
        rows: along.map(({ targetStride, ...rest }) => ({ ...rest, rowStride: targetStride / columns })),
        columnStride: rows,
        columnsOutside: true,
      };
    }
  }
  return {
    data: "copies" in values ? inKerasOrder(values) : values,
    rows: [{ size: rows, sourceStride: columns, rowStride: 1 }],
    columnStride: 1,
    columnsOutside: false,
  };
}

/** Stored numbers in Keras' order. */
export function inKerasOrder(values: Floats | StoredOrder): Float32Array {
  if (!("copies" in values)) return values.subarray(0, values.length);
  const { data, copies } = values;
  const stored = data.subarray(0, data.length);
  const ordered = new Float32Array(stored.length);
  for (const copy of copies) copyStrided(stored, ordered, copy);
  return ordered;
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
