/** Padding and lengths of sliding windows, against Keras' arithmetic by hand and against counting. */
import { describe, expect, test } from "vitest";
import { extent, namedPadding, outputLength, resolvePadding, samePadding } from "../../src/ops/window.ts";

describe("samePadding", () => {
  // length, taps, stride, dilation -> left, right; total = max((ceil(length / stride) - 1) * stride + extent - length, 0)
  test.each([
    [7, 3, 1, 1, 1, 1],
    [7, 4, 1, 1, 1, 2],
    [7, 2, 1, 1, 0, 1],
    [7, 3, 2, 1, 1, 1],
    [8, 3, 2, 1, 0, 1],
    [8, 2, 2, 1, 0, 0],
    [7, 2, 2, 1, 0, 1],
    [10, 4, 3, 1, 1, 2],
    [11, 4, 3, 1, 1, 1],
    [12, 4, 3, 1, 0, 1],
    [5, 1, 3, 1, 0, 0],
    [5, 2, 5, 1, 0, 0],
    [7, 3, 1, 3, 3, 3],
    [7, 2, 1, 3, 1, 2],
    [1, 5, 1, 1, 2, 2],
    [2, 5, 4, 2, 3, 4],
  ])("length %i, %i taps, stride %i, dilation %i: [%i, %i]", (length, taps, stride, dilation, left, right) => {
    expect(samePadding(length, { taps, stride, dilation })).toEqual([left, right]);
  });
});

test("extent counts the elements from the first tap to the last", () => {
  expect([
    extent({ taps: 1, dilation: 5 }),
    extent({ taps: 3, dilation: 1 }),
    extent({ taps: 3, dilation: 4 }),
  ]).toEqual([1, 3, 9]);
});

const windows = [1, 2, 3, 5].flatMap((taps) =>
  [1, 2, 3].flatMap((stride) => [1, 2].map((dilation) => ({ taps, stride, dilation }))),
);
const lengths = [1, 2, 3, 4, 5, 6, 7, 12, 13];

describe("outputLength counts the windows that fit", () => {
  test.each(windows)("%o", (window) => {
    for (const length of lengths) {
      for (const padding of [
        [0, 0],
        [2, 1],
        [0, 4],
      ] as const) {
        let count = 0;
        for (let start = -padding[0]; start + extent(window) <= length + padding[1]; start += window.stride) count++;
        const got = outputLength(length, { ...window, padding })!;
        expect(Math.max(got, 0), `length ${length}, padding ${padding}`).toBe(count);
      }
    }
  });

  test("no length, no number", () => {
    expect(outputLength(null, { taps: 3, stride: 1, dilation: 1, padding: [0, 0] })).toBeNull();
  });
});

describe("namedPadding", () => {
  test.each(windows)("%o", (window) => {
    for (const length of lengths) {
      expect(namedPadding("valid", length, window)).toEqual([0, 0]);
      expect(namedPadding("causal", length, window)).toEqual([extent(window) - 1, 0]);
      // "same" gives ceil(length / stride) outputs, and so does causal padding.
      for (const name of ["same", "causal"] as const) {
        const padding = namedPadding(name, length, window);
        expect(outputLength(length, { ...window, padding })).toBe(Math.ceil(length / window.stride));
      }
    }
  });

  test.each(windows)("a length that is not known: %o", (window) => {
    const padding = namedPadding("same", null, window);
    if (window.stride > 1) expect(padding).toBe("same");
    for (const length of lengths) {
      expect(resolvePadding({ ...window, padding }, length)).toEqual(samePadding(length, window));
    }
  });
});
