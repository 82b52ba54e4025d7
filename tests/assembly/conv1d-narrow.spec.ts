/**
 * conv1dNarrow: rows around four, every K mod 8, padding and stride on both sides, against a plain loop in float64.
 */
import { conv1dNarrow } from "../../assembly/conv1d-narrow";
import { narrowStride } from "../../assembly/dot";
import { at, error, floats, guarded, HIGH, LOW, output, put, reserve, reset } from "./arena";

/** Runs one shape with and without a clamp; the largest error, or Infinity if a guard word is gone. */
function check(batch: i32, length: i32, outLength: i32, I: i32, O: i32, taps: i32, stride: i32, left: i32): f64 {
  return max(
    checkClamped(batch, length, outLength, I, O, taps, stride, left, -Infinity, Infinity),
    checkClamped(batch, length, outLength, I, O, taps, stride, left, LOW, HIGH),
  );
}

function checkClamped(
  batch: i32,
  length: i32,
  outLength: i32,
  I: i32,
  O: i32,
  taps: i32,
  stride: i32,
  left: i32,
  low: f32,
  high: f32,
): f64 {
  reset(length * 1009 + outLength * 211 + I * 53 + O * 17 + taps * 5 + left);
  const K = taps * I,
    column = narrowStride(K);
  const x = floats(batch * length * I),
    weights = floats(O * K),
    bias = floats(O);
  const w = reserve(O * column);
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < column; i++) put(w, o * column + i, i < 4 ? NaN : 0);
    put(w, o * column, at(bias, o));
    for (let k = 0; k < K; k++) put(w, o * column + 4 + k, at(weights, o * K + k));
  }
  const count = batch * outLength * O;
  const y = output(count);
  conv1dNarrow(x, w, y, batch, length, outLength, I, O, taps, stride, left, low, high);
  let worst: f64 = 0;
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      for (let o = 0; o < O; o++) {
        let sum = <f64>at(bias, o);
        for (let k = 0; k < taps; k++) {
          const row = l * stride + k - left;
          if (row < 0 || row >= length) continue;
          for (let i = 0; i < I; i++) {
            sum += <f64>at(x, (n * length + row) * I + i) * <f64>at(weights, o * K + k * I + i);
          }
        }
        const expected = min(max(sum, <f64>low), <f64>high);
        worst = max(worst, error(at(y, (n * outLength + l) * O + o), expected));
      }
    }
  }
  return guarded(y, count) ? worst : Infinity;
}

describe("conv1dNarrow", () => {
  test("every length and number of taps, same padding", () => {
    for (let length = 0; length <= 11; length++) {
      for (let taps = 0; taps <= 9; taps++) {
        expect(check(2, length, length, 3, 2, taps, 1, max(taps - 1, 0) / 2)).toBeLessThan(
          5e-6,
          `length ${length} taps ${taps}`,
        );
      }
    }
  });

  test("every number of rows, outputs and input channels", () => {
    for (let rows = 0; rows <= 9; rows++) {
      for (let O = 0; O <= 4; O++) {
        for (let I = 0; I <= 9; I++) {
          expect(check(1, rows + 2, rows, I, O, 3, 1, 0)).toBeLessThan(5e-6, `rows ${rows} O ${O} I ${I}`);
        }
      }
    }
  });

  test("stride and left padding, with more rows than windows inside", () => {
    for (let stride = 1; stride <= 4; stride++) {
      for (let left = 0; left <= 9; left++) {
        for (let outLength = 1; outLength <= 13; outLength += 4) {
          expect(check(2, 13, outLength, 3, 3, 4, stride, left)).toBeLessThan(
            5e-6,
            `stride ${stride} left ${left} rows ${outLength}`,
          );
        }
      }
    }
  });

  test("all of the window in the padding leaves the bias", () => {
    expect(check(1, 2, 12, 2, 2, 2, 1, 5)).toBeLessThan(5e-6);
    expect(check(1, 0, 3, 2, 2, 2, 1, 1)).toBeLessThan(5e-6);
  });
});
