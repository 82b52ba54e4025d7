/**
 * Arrays with a meaning: `Tensor` carries its axes as text, `StoredArray` is an array that still lies in a file.
 *
 * Data is always row-major: the last axis of `shape` and `layout` is contiguous.
 */
import { type Axes, layoutRank, parseLayout } from "./axes.ts";
import { ChannelwiseError } from "./error.ts";
import type { Bytes } from "./platform/bytes.ts";

/** Element types of arrays in files. The engine itself computes in float32. */
export type DType =
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool";

/** Bytes that one element takes. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
};

/** What numbers an engine's tensor holds. */
export type TensorData = Float32Array | Int32Array;

/**
 * A dense row-major array whose axes are named by a layout text, one capital letter per axis:
 * `N` batch, `L` length, `C` channels, `K` taps, `I` in, `O` out; parentheses merge axes, row-major.
 */
export interface Tensor<L extends string = string> {
  readonly data: TensorData;
  readonly layout: L;
  readonly shape: readonly number[];
}

/**
 * Names the axes of `data`.
 *
 * @param data row-major elements, as many as the product of `shape`
 * @param layout one letter or parenthesis group per entry of `shape`, e.g. `"NLC"` or `"N(LC)"`
 * @throws {ChannelwiseError} `layout-mismatch` or `shape-mismatch` when the three do not agree
 */
export function tensor<const L extends string>(data: TensorData, layout: L, shape: readonly number[]): Tensor<L> {
  if (layoutRank(parseLayout(layout)) !== shape.length) {
    throw new ChannelwiseError({
      code: "layout-mismatch",
      message: `tensor: expected one axis of the layout per entry of the shape, got ${layout} and (${shape.join(", ")})`,
      fix: "write one capital letter, or one parenthesis group, per axis",
    });
  }
  const bad = shape.find((size) => !Number.isInteger(size) || size < 0);
  if (bad !== undefined || elements(shape) !== data.length) {
    throw new ChannelwiseError({
      code: "shape-mismatch",
      message: `tensor: expected ${layout} = (${shape.join(", ")}) with ${elements(shape)} elements, got ${data.length}`,
      fix: "check the order and the sizes of the axes",
    });
  }
  return { data, layout, shape: [...shape] };
}

/** Number of elements of an array of this shape; 1 for the empty shape. */
export function elements(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/** The types that hold one dtype's elements as they lie in a little-endian file. float16, bfloat16 and bool come as integers. */
export type RawArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * An array inside a file, checked but not yet read: shape and dtype are known, the numbers are fetched by `read`.
 * Reading a float32 array that lies contiguous and aligned copies nothing.
 */
export interface StoredArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Little-endian elements in row-major order: a view into the file where possible, else a copy. Do not write to it. */
  read(): RawArray;
  /** The elements where they lie in the file, little-endian and row-major, so that parts can be read; null where they do not lie so. */
  contents?(): Bytes | null;
  /** What `read` brings into another order, for those who do that themselves. */
  readonly reorders?: { readonly stored: StoredArray; readonly from: Axes; readonly to: Axes };
}
