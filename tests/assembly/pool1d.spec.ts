/** pool1d: windows inside, across and outside the sequence, channels around one vector, against plain loops; NaN. */
import { averagePool1d, globalAveragePool1d, globalMaxPool1d, maxPool1d } from "../../assembly/pool1d";
import { at, error, floats, guarded, output, put, reset } from "./arena";

function check(batch: i32, length: i32, outLength: i32, channels: i32, size: i32, stride: i32, left: i32): f64 {
  reset(length * 1009 + outLength * 211 + channels * 53 + size * 17 + left);
  const x = floats(batch * length * channels);
  const count = batch * outLength * channels;
  const largest = output(count),
    mean = output(count);
  maxPool1d(x, largest, batch, length, outLength, channels, size, stride, left);
  averagePool1d(x, mean, batch, length, outLength, channels, size, stride, left);
  let worst: f64 = 0;
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      for (let c = 0; c < channels; c++) {
        let best = -Infinity,
          sum: f64 = 0,
          real = 0;
        for (let row = l * stride - left; row < l * stride - left + size; row++) {
          if (row < 0 || row >= length) continue;
          const v = <f64>at(x, (n * length + row) * channels + c);
          best = max(best, v);
          sum += v;
          real++;
        }
        const index = (n * outLength + l) * channels + c;
        worst = max(worst, error(at(largest, index), best) * 1e9);
        worst = max(worst, error(at(mean, index), real > 0 ? sum / <f64>real : 0));
      }
    }
  }
  return guarded(largest, count) && guarded(mean, count) ? worst : Infinity;
}

describe("pool1d", () => {
  test("every number of channels, size and stride", () => {
    for (let channels = 0; channels <= 23; channels++) {
      for (let size = 0; size <= 5; size++) {
        for (let stride = 1; stride <= 4; stride++) {
          expect(check(2, 9, 6, channels, size, stride, 1)).toBeLessThan(1e-6, `channels ${channels} size ${size}`);
        }
      }
    }
  });

  test("windows outside the sequence", () => {
    for (let left = 0; left <= 6; left++) expect(check(1, 3, 12, 5, 2, 1, left)).toBeLessThan(1e-6, `left ${left}`);
    expect(check(1, 0, 2, 5, 2, 1, 0)).toBe(0);
  });

  test("global pooling is one window", () => {
    for (let length = 0; length <= 9; length++) {
      for (let channels = 0; channels <= 9; channels++) {
        reset(length * 100 + channels);
        const x = floats(2 * length * channels);
        const largest = output(2 * channels),
          mean = output(2 * channels);
        globalMaxPool1d(x, largest, 2, length, channels);
        globalAveragePool1d(x, mean, 2, length, channels);
        for (let n = 0; n < 2; n++) {
          for (let c = 0; c < channels; c++) {
            let best = -Infinity,
              sum: f64 = 0;
            for (let l = 0; l < length; l++) {
              best = max(best, <f64>at(x, (n * length + l) * channels + c));
              sum += <f64>at(x, (n * length + l) * channels + c);
            }
            expect(<f64>at(largest, n * channels + c)).toBe(best);
            expect(error(at(mean, n * channels + c), length > 0 ? sum / <f64>length : 0)).toBeLessThan(1e-6);
          }
        }
        expect(guarded(largest, 2 * channels) && guarded(mean, 2 * channels)).toBe(true);
      }
    }
  });

  test("NaN stays NaN", () => {
    reset();
    const x = floats(6),
      y = output(2);
    put(x, 2, NaN);
    maxPool1d(x, y, 1, 3, 1, 2, 3, 1, 0);
    expect(isNaN(at(y, 0))).toBe(true);
    expect(isNaN(at(y, 1))).toBe(false);
    for (let channels = 1; channels <= 23; channels++) {
      for (let c = 0; c < channels; c++) {
        for (let row = 0; row < 3; row++) {
          reset();
          const wide = floats(3 * channels),
            largest = output(channels),
            mean = output(channels);
          put(wide, row * channels + c, NaN);
          maxPool1d(wide, largest, 1, 3, 1, channels, 3, 1, 0);
          averagePool1d(wide, mean, 1, 3, 1, channels, 3, 1, 0);
          for (let i = 0; i < channels; i++) {
            expect(isNaN(at(largest, i))).toBe(i === c);
            expect(isNaN(at(mean, i))).toBe(i === c);
          }
        }
      }
    }
  });
});
