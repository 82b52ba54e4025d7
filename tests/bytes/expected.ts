/** expected: the arrays that tests/fixtures/make_arrays.py writes down beside the files, compared with what is read. */
import { expect } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32 } from "../../src/bytes/numbers.ts";
import { elements, type StoredArray } from "../../src/tensor.ts";

export interface ExpectedArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** 64-bit integers as text; a single value stands for an array of equal ones. */
  readonly values: readonly (number | string)[];
}

export function expectArray(found: StoredArray, expected: ExpectedArray): void {
  expect(found.dtype).toBe(expected.dtype);
  expect(found.shape).toEqual(expected.shape);
  const data = found.read();
  const numbers =
    found.dtype === "float16"
      ? float16ToFloat32(data as Uint16Array)
      : found.dtype === "bfloat16"
        ? bfloat16ToFloat32(data as Uint16Array)
        : data;
  const values = Array.from<number | bigint, number | string>(numbers, (value) =>
    typeof value === "bigint" ? String(value) : value,
  );
  const count = elements(expected.shape);
  expect(values).toEqual(expected.values.length === count ? expected.values : Array(count).fill(expected.values[0]));
}
