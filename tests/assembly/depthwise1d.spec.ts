/**
 * depthwiseConv1d: channels around 4 and 8, rows around 4, multipliers that share a vector and that do not, padding, stride and
 * dilation; bit for bit against a plain float32 loop, and against float64.
 */
import { depthwiseConv1d } from "../../assembly/depthwise1d";
import { at, clamped, error, floats, guarded, HIGH, LOW, output, reset } from "./arena";

function check(
  batch: i32,
  length: i32,
  outLength: i32,
  channels: i32,
  multiplier: i32,
  taps: i32,
  stride: i32,
  dilation: i32,
  left: i32,
): f64 {
  return max(
    checkClamped(batch, length, outLength, channels, multiplier, taps, stride, dilation, left, -Infinity, Infinity),
    checkClamped(batch, length, outLength, channels, multiplier, taps, stride, dilation, left, LOW, HIGH),
  );
}

function checkClamped(
  batch: i32,
  length: i32,
  outLength: i32,
  channels: i32,
  multiplier: i32,
  taps: i32,
  stride: i32,
  dilation: i32,
  left: i32,
  low: f32,
  high: f32,
): f64 {
  reset(length * 1009 + outLength * 211 + channels * 53 + multiplier * 17 + taps * 5 + left);
  const outputs = channels * multiplier;
  const x = floats(batch * length * channels),
    w = floats((1 + taps) * outputs);
  const count = batch * outLength * outputs;
  const y = output(count);
  depthwiseConv1d(x, w, y, batch, length, outLength, channels, multiplier, taps, stride, dilation, left, low, high);
  let worst: f64 = 0;
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      for (let o = 0; o < outputs; o++) {
        let single = at(w, o);
        let double = <f64>single;
        for (let k = 0; k < taps; k++) {
          const row = l * stride + k * dilation - left;
          if (row < 0 || row >= length) continue;
          const a = at(x, (n * length + row) * channels + o / multiplier),
            b = at(w, (1 + k) * outputs + o);
          single += a * b;
          double += <f64>a * <f64>b;
        }
        const actual = at(y, (n * outLength + l) * outputs + o);
        if (actual !== clamped(single, low, high)) return Infinity;
        worst = max(worst, error(single, double));
      }
    }
  }
  return guarded(y, count) ? worst : Infinity;
}

describe("depthwiseConv1d", () => {
  test("every number of channels and rows around the tile", () => {
    for (let channels = 0; channels <= 17; channels++) {
      for (let outLength = 0; outLength <= 9; outLength++) {
        expect(check(2, outLength + 2, outLength, channels, 1, 3, 1, 1, 0)).toBeLessThan(
          2e-6,
          `channels ${channels} rows ${outLength}`,
        );
      }
    }
  });

  test("multipliers", () => {
    for (let multiplier = 0; multiplier <= 9; multiplier++) {
      for (let channels = 1; channels <= 5; channels++) {
        expect(check(2, 7, 7, channels, multiplier, 3, 1, 1, 1)).toBeLessThan(
          2e-6,
          `channels ${channels} multiplier ${multiplier}`,
        );
      }
    }
  });

  test("taps, stride, dilation and padding", () => {
    for (let taps = 0; taps <= 5; taps++) {
      for (let stride = 1; stride <= 3; stride++) {
        for (let dilation = 1; dilation <= 3; dilation++) {
          for (let left = 0; left <= 8; left += 4) {
            for (let multiplier = 1; multiplier <= 2; multiplier++) {
              expect(check(1, 11, 14, 9, multiplier, taps, stride, dilation, left)).toBeLessThan(
                2e-6,
                `taps ${taps} stride ${stride} dilation ${dilation} left ${left} multiplier ${multiplier}`,
              );
            }
          }
        }
      }
    }
  });

  test("no rows at all", () => {
    expect(check(1, 0, 3, 5, 1, 2, 1, 1, 1)).toBe(0);
    expect(check(0, 4, 4, 5, 1, 2, 1, 1, 1)).toBe(0);
  });
});
