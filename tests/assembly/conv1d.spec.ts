/**
 * conv1d: padding, stride, dilation and groups on both sides of every tile, against a plain float64 loop, and bit for bit
 * against the same loop in float32 where no tap lies in the padding and where it does.
 */
import { conv1d } from "../../assembly/conv1d";
import { packedBytes } from "../../assembly/panel";
import { at, clamped, error, floats, guarded, HIGH, LOW, output, reserve, reset } from "./arena";
import { writePanels } from "./panels";

/** Runs one shape with and without a clamp; the largest error, or Infinity if a bit differs from the float32 loop or a guard is gone. */
function check(
  batch: i32,
  length: i32,
  outLength: i32,
  groups: i32,
  I: i32,
  O: i32,
  taps: i32,
  stride: i32,
  dilation: i32,
  left: i32,
): f64 {
  return max(
    checkClamped(batch, length, outLength, groups, I, O, taps, stride, dilation, left, -Infinity, Infinity),
    checkClamped(batch, length, outLength, groups, I, O, taps, stride, dilation, left, LOW, HIGH),
  );
}

function checkClamped(
  batch: i32,
  length: i32,
  outLength: i32,
  groups: i32,
  I: i32,
  O: i32,
  taps: i32,
  stride: i32,
  dilation: i32,
  left: i32,
  low: f32,
  high: f32,
): f64 {
  reset(length * 1009 + outLength * 211 + I * 53 + O * 17 + taps * 5 + left);
  const inputs = groups * I,
    outputs = groups * O;
  const x = floats(batch * length * inputs),
    w = floats(taps * I * outputs),
    bias = floats(outputs);
  const matrix = packedBytes(taps * I, O);
  const packed = reserve(<i32>(matrix >> 2) * groups);
  for (let g = 0; g < groups; g++) {
    const column = (<usize>(g * O)) << 2;
    writePanels(packed + <usize>g * matrix, w + column, bias + column, taps * I, O, outputs);
  }
  const count = batch * outLength * outputs;
  const y = output(count);
  conv1d(x, packed, y, batch, length, outLength, groups, I, O, taps, stride, dilation, left, low, high);
  let worst: f64 = 0;
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      for (let o = 0; o < outputs; o++) {
        let single = at(bias, o);
        let double = <f64>single;
        for (let k = 0; k < taps; k++) {
          const row = l * stride + k * dilation - left;
          if (row < 0 || row >= length) continue;
          for (let i = 0; i < I; i++) {
            const a = at(x, (n * length + row) * inputs + (o / O) * I + i),
              b = at(w, (k * I + i) * outputs + o);
            single += a * b;
            double += <f64>a * <f64>b;
          }
        }
        const actual = at(y, (n * outLength + l) * outputs + o);
        if (actual !== clamped(single, low, high)) return Infinity;
        worst = max(worst, error(single, double));
      }
    }
  }
  return guarded(y, count) ? worst : Infinity;
}

describe("conv1d", () => {
  test("every length and number of taps, same padding", () => {
    for (let length = 0; length <= 11; length++) {
      for (let taps = 0; taps <= 9; taps++) {
        expect(check(2, length, length, 1, 3, 5, taps, 1, 1, max(taps - 1, 0) / 2)).toBeLessThan(
          5e-6,
          `length ${length} taps ${taps}`,
        );
      }
    }
  });

  test("every number of output rows and channels around the tile", () => {
    for (let outLength = 0; outLength <= 13; outLength++) {
      for (let O = 0; O <= 17; O++) {
        expect(check(1, outLength + 2, outLength, 1, 2, O, 3, 1, 1, 0)).toBeLessThan(5e-6, `rows ${outLength} O ${O}`);
      }
    }
  });

  test("every number of input channels around a round of eight", () => {
    for (let I = 0; I <= 17; I++) {
      expect(check(1, 9, 9, 1, I, 9, 3, 1, 1, 1)).toBeLessThan(5e-6, `dilation 1, I ${I}`);
      expect(check(1, 9, 9, 1, I, 9, 3, 1, 2, 2)).toBeLessThan(5e-6, `dilation 2, I ${I}`);
    }
  });

  test("stride, dilation and left padding, with more output rows than windows inside", () => {
    for (let stride = 1; stride <= 4; stride++) {
      for (let dilation = 1; dilation <= 4; dilation++) {
        for (let left = 0; left <= 9; left += 3) {
          for (let outLength = 1; outLength <= 13; outLength += 4) {
            expect(check(2, 13, outLength, 1, 3, 9, 4, stride, dilation, left)).toBeLessThan(
              5e-6,
              `stride ${stride} dilation ${dilation} left ${left} rows ${outLength}`,
            );
          }
        }
      }
    }
  });

  test("one row inside, over four panels, dilated and not", () => {
    for (let I = 0; I <= 3; I++) {
      expect(check(2, 5, 1, 1, I, 37, 3, 1, 1, 0)).toBeLessThan(5e-6, `I ${I}`);
      expect(check(2, 5, 1, 1, I, 37, 3, 1, 2, 0)).toBeLessThan(5e-6, `I ${I} dilated`);
    }
  });

  test("groups", () => {
    for (let groups = 1; groups <= 4; groups++) {
      for (let O = 1; O <= 9; O += 4) {
        expect(check(2, 10, 10, groups, 3, O, 3, 1, 1, 1)).toBeLessThan(5e-6, `groups ${groups} O ${O}`);
        expect(check(2, 10, 5, groups, 1, O, 3, 2, 3, 3)).toBeLessThan(5e-6, `groups ${groups} O ${O} dilated`);
      }
    }
  });

  test("a pointwise convolution takes the batch as rows", () => {
    for (let batch = 0; batch <= 5; batch++) expect(check(batch, 3, 3, 1, 5, 9, 1, 1, 1, 0)).toBeLessThan(5e-6);
  });

  test("all of the window in the padding leaves the bias", () => {
    expect(check(1, 2, 12, 1, 2, 9, 2, 1, 1, 5)).toBeLessThan(5e-6);
    expect(check(1, 0, 3, 1, 2, 9, 2, 1, 1, 1)).toBeLessThan(5e-6);
  });
});
