/** Conversions between the number types of files and of the engine. */
import { describe, expect, test } from "vitest";
import { inOrder, namedAxes, rearrangeArray } from "../../src/axes.ts";
import {
  bfloat16ToFloat32,
  bytesOf,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  floatsOf,
  putArray,
  rearranged,
  swapBytes,
  toFloat32,
  toInt32,
  typedArray,
} from "../../src/bytes/numbers.ts";
import { type Bytes, pieceBytes } from "../../src/platform/bytes.ts";
import type { DType, RawArray, StoredArray } from "../../src/tensor.ts";
import { bfloat16, float16 } from "./hdf5-oracle.ts";

const stored = (dtype: DType, data: RawArray): StoredArray => ({ dtype, shape: [data.length], read: () => data });
const every16 = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe("16-bit floats", () => {
  test("every float16 is what its definition says, and comes back", () => {
    const values = float16ToFloat32(every16);
    expect(Array.from(values)).toEqual(Array.from(every16, float16));
    const back = float32ToFloat16(values);
    expect(back.filter((bits, index) => bits !== index && !Number.isNaN(values[index]))).toEqual(new Uint16Array(0));
  });

  test("every bfloat16 is what its definition says, and comes back", () => {
    const values = bfloat16ToFloat32(every16);
    expect(Array.from(values)).toEqual(Array.from(every16, bfloat16));
    const back = float32ToBfloat16(values);
    expect(back.filter((bits, index) => bits !== index && !Number.isNaN(values[index]))).toEqual(new Uint16Array(0));
  });

  test.each([
    ["float16", float16ToFloat32, float32ToFloat16, 0x7c00],
    ["bfloat16", bfloat16ToFloat32, float32ToBfloat16, 0x7f80],
  ] as const)(
    "%s: between two neighbours to the nearer, in the middle to the even one",
    (_, widen, narrow, infinity) => {
      const values = widen(every16);
      const wrong: number[] = [];
      for (let bits = 0; bits < infinity - 1; bits++) {
        const [low, high] = [values[bits]!, values[bits + 1]!];
        const middle = (low + high) / 2;
        const inputs = Float32Array.of(middle, -middle, low + (high - low) * 0.49, low + (high - low) * 0.51);
        if (inputs[0] !== middle) continue;
        const even = bits % 2 === 0 ? bits : bits + 1;
        const expected = [
          even,
          even | 0x8000,
          inputs[2]! < middle ? bits : even,
          inputs[3]! > middle ? bits + 1 : even,
        ];
        if (String(narrow(inputs)) !== String(expected)) wrong.push(middle);
      }
      expect(wrong).toEqual([]);
    },
  );

  test("beyond the largest, infinity; NaN stays NaN", () => {
    expect(Array.from(float32ToFloat16(Float32Array.of(65519.99, 65520, -1e9, Infinity)))).toEqual([
      0x7bff, 0x7c00, 0xfc00, 0x7c00,
    ]);
    expect(float16ToFloat32(float32ToFloat16(Float32Array.of(Number.NaN)))[0]).toBeNaN();
    expect(bfloat16ToFloat32(float32ToBfloat16(Float32Array.of(Number.NaN, 3.4e38))).slice(0)).toEqual(
      Float32Array.of(Number.NaN, Infinity),
    );
  });
});

describe("toFloat32", () => {
  test("float32 is not copied", () => {
    const data = Float32Array.of(1, 2);
    expect(toFloat32(stored("float32", data))).toBe(data);
  });
  test.each([
    ["float64", Float64Array.of(0.1, -2), [Math.fround(0.1), -2]],
    ["float16", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ["bfloat16", Uint16Array.of(0x3f80, 0xc000), [1, -2]],
    ["int8", Int8Array.of(-128, 127), [-128, 127]],
    ["uint32", Uint32Array.of(4294967295), [4294967296]],
    ["int64", BigInt64Array.of(-(2n ** 40n), 7n), [-(2 ** 40), 7]],
    ["uint64", BigUint64Array.of(2n ** 63n), [2 ** 63]],
    ["bool", Uint8Array.of(0, 1, 255), [0, 1, 1]],
  ] as const)("%s", (dtype, data, expected) => {
    expect(Array.from(toFloat32(stored(dtype, data)))).toEqual(expected);
  });
});

/** An array in a file that is read piece by piece; notes the bytes of the largest piece. */
function inFile(dtype: DType, data: RawArray, shape: readonly number[]) {
  const bytes = bytesOf(data);
  const largest = { bytes: 0 };
  const contents: Bytes = {
    length: bytes.length,
    subarray(start, end) {
      largest.bytes = Math.max(largest.bytes, end - start);
      return bytes.slice(start, end);
    },
  };
  const array: StoredArray = { dtype, shape, read: () => data, contents: () => contents };
  return { array, largest };
}

/** Whether two arrays have the same bits. */
const same = (one: RawArray, other: RawArray) => Buffer.compare(bytesOf(one), bytesOf(other)) === 0;

describe("arrays in files, a piece at a time", () => {
  const shape = [23, 301, 117];
  const count = 23 * 301 * 117;
  const halves = Uint16Array.from({ length: count }, (_, index) => (index * 2654435761) >>> 17);
  const values = Float32Array.from({ length: count }, (_, index) => Math.sin(index));
  const arrays = [
    ["float32", values],
    ["bfloat16", halves],
    ["float64", Float64Array.from(values, (value) => value / 3)],
  ] as const;

  test.each(arrays)("parts of %s", (dtype, data) => {
    const { array } = inFile(dtype, data, shape);
    const [all, parts] = [toFloat32(array), floatsOf(array)];
    expect(parts.length).toBe(count);
    for (const [start, end] of [
      [0, 0],
      [1, 2],
      [4097, count],
    ] as const)
      expect(same(parts.subarray(start, end), all.subarray(start, end))).toBe(true);
  });

  test.each(arrays)("in any order of axes: %s", (dtype, data) => {
    const { array, largest } = inFile(dtype, data, shape);
    const from = namedAxes("ABC", shape);
    for (const letters of ["ABC", "ACB", "BAC", "BCA", "CAB", "CBA"]) {
      const to = inOrder(from, letters);
      largest.bytes = 0;
      expect(same(rearranged(array, from, to), rearrangeArray(toFloat32(array), from, to))).toBe(true);
      if (letters !== "ABC") expect(largest.bytes).toBeLessThan(data.byteLength / 1.5);
    }
  });

  test("written as they lie", () => {
    const { array, largest } = inFile("float32", values, shape);
    const file = new Uint8Array(values.byteLength + 5);
    putArray((bytes, at) => file.set(bytes, at), array, 5, []);
    expect(same(file.subarray(5), values)).toBe(true);
    expect(largest.bytes).toBeLessThanOrEqual(pieceBytes);
    const short = { ...array, shape: [count - 1] };
    expect(() => putArray(() => {}, short, 0, ["w"])).toThrow(/expected 3239960 bytes .*, got 3239964\n +where +w/);
  });
});

describe("toInt32", () => {
  test("int32 is not copied", () => {
    const data = Int32Array.of(1, 2);
    expect(toInt32(stored("int32", data))).toBe(data);
  });
  test.each([
    ["int64", BigInt64Array.of(-5n, 2n ** 31n - 1n), [-5, 2147483647]],
    ["float32", Float32Array.of(-3, 4), [-3, 4]],
    ["float16", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ["uint8", Uint8Array.of(255), [255]],
    ["bool", Uint8Array.of(1, 0), [1, 0]],
  ] as const)("%s", (dtype, data, expected) => {
    expect(Array.from(toInt32(stored(dtype, data)))).toEqual(expected);
  });
  test.each([
    ["int64", BigInt64Array.of(0n, 2n ** 31n)],
    ["uint32", Uint32Array.of(4294967295)],
    ["float32", Float32Array.of(0.5)],
    ["float64", Float64Array.of(Number.NaN)],
  ] as const)("refuses %s that is no 32-bit integer", (dtype, data) => {
    expect(() => toInt32(stored(dtype, data), ["input_0"])).toThrow(/invalid-input.*\n {2}where {2}input_0/);
  });
});

test("typedArray is a view where aligned, else a copy", () => {
  const bytes = new Uint8Array(16).map((_, index) => index);
  expect(typedArray("float32", bytes.subarray(4, 12)).buffer).toBe(bytes.buffer);
  const copy = typedArray("int32", bytes.subarray(1, 9));
  expect(copy.buffer).not.toBe(bytes.buffer);
  expect(copy).toEqual(Int32Array.of(0x04030201, 0x08070605));
});

test("swapBytes", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  swapBytes(bytes, 4);
  expect(bytes).toEqual(Uint8Array.of(4, 3, 2, 1, 8, 7, 6, 5));
});
