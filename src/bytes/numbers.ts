/**
 * numbers: the elements of stored arrays as typed arrays, and as the float32 and int32 that the engine takes.
 *
 *   float16   1 sign, 5 exponent (bias 15),  10 fraction      bfloat16  1 sign, 8 exponent (bias 127), 7 fraction
 *   float32   1 sign, 8 exponent (bias 127), 23 fraction      bfloat16 is the upper half of a float32
 *
 * Files are little-endian, and so is every machine that runs JavaScript engines today; typed arrays are used as they are.
 * Rounding is to nearest, ties to even, as in IEEE 754-2019 section 4.3.1 and NumPy.
 */
import { type Axes, isView, rearrangeArray, rearrangement, shapeOf } from "../axes.ts";
import type { Put } from "./file-to-write.ts";
import { dataSizeMismatch, valueOutOfRange } from "../error.ts";
import { type Bytes, pieceBytes } from "../platform/bytes.ts";
import { lendMemory, lent } from "../platform/scratch.ts";
import { copyStrided, piecesOf } from "../strided.ts";
import { bytesPerElement, type DType, elements, type RawArray, type StoredArray } from "../tensor.ts";

/** An array in memory on its way into a file. `data` holds the elements as they lie in the file, row-major. */
export interface DenseArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: RawArray;
}

const arrayTypes = {
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

/** Little-endian `bytes` as elements of `dtype`: a view where they are aligned for it, else a copy. */
export function typedArray(dtype: DType, bytes: Uint8Array): RawArray {
  const elementBytes = bytesPerElement[dtype];
  const aligned = bytes.byteOffset % elementBytes === 0 ? bytes : copied(bytes);
  const buffer = aligned.buffer as ArrayBuffer;
  return new arrayTypes[dtype](buffer, aligned.byteOffset, Math.floor(bytes.length / elementBytes));
}

function copied(bytes: Uint8Array): Uint8Array {
  const copy = lent(Uint8Array, bytes.length);
  copy.set(bytes);
  return copy;
}

/** The bytes behind a typed array, without a copy. */
export function bytesOf(data: RawArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** What is written: an array in memory, or one that is read when its turn comes. */
export type WritableArray = DenseArray | StoredArray;

/** The number of bytes that an array has in a file. */
export function sizeBytesOf({ dtype, shape }: WritableArray): number {
  return elements(shape) * bytesPerElement[dtype];
}

/** Puts an array's bytes at an offset, piece by piece if it lies in a file, after a check that there are as many as its shape and dtype need. */
export function putArray(put: Put, array: WritableArray, at: number, place: readonly string[]): void {
  const expected = sizeBytesOf(array);
  const expect = (sizeBytes: number) => {
    if (sizeBytes !== expected) throw dataSizeMismatch(array, expected, sizeBytes, place);
  };
  const contents = "data" in array ? null : array.contents?.();
  if (contents) {
    expect(contents.length);
    contents.need?.(0, expected);
    for (let start = 0; start < expected; start += pieceBytes)
      lendMemory(() => put(contents.subarray(start, Math.min(start + pieceBytes, expected)), at + start));
    return;
  }
  lendMemory(() => {
    const data = "data" in array ? array.data : array.read();
    expect(data.byteLength);
    put(bytesOf(data), at);
  });
}

/** Exchanges the order of bytes in each element, in place: big-endian files. */
export function swapBytes(bytes: Uint8Array, elementBytes: number): void {
  for (let start = 0; start + elementBytes <= bytes.length; start += elementBytes) {
    for (let low = start, high = start + elementBytes - 1; low < high; low++, high--) {
      const byte = bytes[low]!;
      bytes[low] = bytes[high]!;
      bytes[high] = byte;
    }
  }
}

/** The numbers of `stored` as float32, rounded where they have more digits. Aligned float32 is not copied: do not write to it. */
export function toFloat32(stored: StoredArray): Float32Array {
  return asFloat32(stored.dtype, stored.read());
}

/** Numbers of float32 of which a part can be had without the others. A Float32Array is one. */
export interface Floats {
  readonly length: number;
  subarray(start: number, end: number): Float32Array;
}

/** What `toFloat32` gives, read when it is asked for: parts of a file alone, or else all at once. A part lies in lent memory. */
export function floatsOf(stored: StoredArray): Floats {
  const contents = stored.contents?.();
  if (!contents) return toFloat32(stored);
  if (stored.dtype === "float32" && contents instanceof Uint8Array)
    return typedArray("float32", contents) as Float32Array;
  return partsOf(stored.dtype, contents);
}

function partsOf(dtype: DType, contents: Bytes): Floats {
  contents.need?.(0, contents.length);
  const size = bytesPerElement[dtype];
  return {
    length: contents.length / size,
    subarray: (start, end) => asFloat32(dtype, typedArray(dtype, contents.subarray(start * size, end * size))),
  };
}

function asFloat32(dtype: DType, data: RawArray): Float32Array {
  if (data instanceof Float32Array) return data;
  if (dtype === "float16") return float16ToFloat32(data as Uint16Array);
  if (dtype === "bfloat16") return bfloat16ToFloat32(data as Uint16Array);
  if (dtype === "bool") return Float32Array.from(data as Uint8Array, (value) => (value === 0 ? 0 : 1));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const result = lent(Float32Array, data.length);
    for (let index = 0; index < data.length; index++) result[index] = Number(data[index]);
    return result;
  }
  const result = lent(Float32Array, data.length);
  result.set(data);
  return result;
}

/**
 * The numbers of `stored` as int32, such as the tokens that an Embedding takes. Floating point is taken where it holds integers.
 *
 * @throws {ChannelwiseError} `invalid-input` for a number that is no 32-bit integer
 */
export function toInt32(stored: StoredArray, place: readonly string[] = []): Int32Array {
  const data = stored.read();
  if (data instanceof Int32Array) return data;
  let source: RawArray = data;
  if (stored.dtype === "float16") source = float16ToFloat32(data as Uint16Array);
  if (stored.dtype === "bfloat16") source = bfloat16ToFloat32(data as Uint16Array);
  const result = new Int32Array(source.length);
  for (let index = 0; index < source.length; index++) {
    const value = Number(source[index]);
    result[index] = value;
    if (result[index] !== value) throw valueOutOfRange("a 32-bit integer", source[index]!, index, place);
  }
  return result;
}

/** `stored` in another order of axes: int8 as it is, anything else as float32. All sizes are known. */
export function reordered(stored: StoredArray, from: Axes, to: Axes): StoredArray {
  const shape = shapeOf(to) as number[];
  return stored.dtype === "int8"
    ? { dtype: "int8", shape, read: () => rearrangeArray(stored.read() as Int8Array, from, to) }
    : {
        dtype: "float32",
        shape,
        read: () => rearranged(stored, from, to),
        contents: () => (stored.dtype === "float32" && isView(from, to) ? (stored.contents?.() ?? null) : null),
        reorders: { stored, from, to },
      };
}

/** What is turned at a time: so many rows of a matrix that whole lines of the cache are written. */
const turnedBytes = 4 * pieceBytes;

/** The numbers of `stored` as float32 in another order of axes. What lies in a file is read piece by piece. */
export function rearranged(stored: StoredArray, from: Axes, to: Axes): Float32Array {
  const floats = floatsOf(stored);
  if (floats instanceof Float32Array) return rearrangeArray(floats, from, to);
  if (isView(from, to)) return floats.subarray(0, floats.length);
  const target = lent(Float32Array, floats.length);
  for (const copy of rearrangement(from, to)) {
    for (const { start, end, ...part } of piecesOf(copy, turnedBytes / 4))
      lendMemory(() => copyStrided(floats.subarray(start, end), target, part));
  }
  return target;
}

// ----------------------------------------------------------------------------------------------- 16-bit floats

/** Every float16 is exact in float32. */
export function float16ToFloat32(halves: Uint16Array): Float32Array {
  const result = lent(Float32Array, halves.length);
  const bits = new Uint32Array(result.buffer, result.byteOffset, result.length);
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index]!;
    const sign = (half & 0x8000) << 16;
    const exponent = half & 0x7c00;
    const fraction = half & 0x03ff;
    if (exponent === 0) result[index] = (sign ? -fraction : fraction) * 2 ** -24;
    else if (exponent === 0x7c00) bits[index] = sign | 0x7f800000 | (fraction << 13);
    else bits[index] = sign | ((exponent + 0x1c000) << 13) | (fraction << 13);
  }
  return result;
}

/** Every bfloat16 is exact in float32. */
export function bfloat16ToFloat32(halves: Uint16Array): Float32Array {
  const result = lent(Float32Array, halves.length);
  const bits = new Uint32Array(result.buffer, result.byteOffset, result.length);
  for (let index = 0; index < halves.length; index++) bits[index] = halves[index]! << 16;
  return result;
}

/** To the nearest float16; beyond 65520 it is infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const result = new Uint16Array(values.length);
  const scratch = new Float32Array(1);
  const bits = new Uint32Array(scratch.buffer);
  for (let index = 0; index < values.length; index++) {
    scratch[0] = values[index]!;
    const sign = (bits[0]! >>> 16) & 0x8000;
    const magnitude = bits[0]! & 0x7fffffff;
    if (magnitude > 0x7f800000) result[index] = sign | 0x7e00;
    else if (magnitude >= 0x477ff000) result[index] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) result[index] = sign | roundShift(magnitude - 0x38000000, 13);
    else {
      // Below 2^-14 the result counts steps of 2^-24; adding 0.5 rounds to them, in the float32 addition itself.
      scratch[0] = Math.abs(values[index]!) + 0.5;
      result[index] = sign | (bits[0]! - 0x3f000000);
    }
  }
  return result;
}

/** To the nearest bfloat16. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const result = new Uint16Array(values.length);
  const source = new Float32Array(1);
  const bits = new Uint32Array(source.buffer);
  for (let index = 0; index < values.length; index++) {
    source[0] = values[index]!;
    const word = bits[0]!;
    result[index] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : roundShift(word, 16);
  }
  return result;
}

/** `value / 2^count`, to the nearest integer, ties to the even one. */
function roundShift(value: number, count: number): number {
  const odd = (value >>> count) & 1;
  return Math.floor((value + (1 << (count - 1)) - 1 + odd) / 2 ** count);
}
