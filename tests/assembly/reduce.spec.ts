/** reduce: every kind, count and inner size around one vector against float64; ties, NaN, and axes of nothing. */
import { reduce } from "../../assembly/reduce";
import { at, error, floats, guarded, output, put, reset } from "./arena";

const MEAN = 1,
  MAX = 2,
  MIN = 3,
  PRODUCT = 4,
  VARIANCE = 5,
  DEVIATION = 6,
  ANY = 7,
  ALL = 8,
  ARGMAX = 9,
  ARGMIN = 10;

function plain(kind: i32, line: StaticArray<f64>): f64 {
  const count = line.length;
  let sum: f64 = 0,
    product: f64 = 1,
    zeros = 0,
    most = 0,
    least = 0;
  for (let i = 0; i < count; i++) {
    sum += line[i];
    product *= line[i];
    if (line[i] === 0) zeros++;
    if (line[i] > line[most]) most = i;
    if (line[i] < line[least]) least = i;
  }
  const mean = sum / <f64>count;
  if (kind === MEAN) return mean;
  if (kind === MAX) return line[most];
  if (kind === MIN) return line[least];
  if (kind === PRODUCT) return product;
  if (kind === ANY) return zeros < count ? 1.0 : 0.0;
  if (kind === ALL) return zeros === 0 ? 1.0 : 0.0;
  if (kind === ARGMAX) return <f64>most;
  if (kind === ARGMIN) return <f64>least;
  if (kind < MEAN) return sum;
  let squares: f64 = 0;
  for (let i = 0; i < count; i++) squares += (line[i] - mean) * (line[i] - mean);
  return kind === VARIANCE ? squares / <f64>count : Math.sqrt(squares / <f64>count);
}

/** Largest error of one shape; `coarse` numbers are whole, so that some are equal and some zero. */
function check(kind: i32, outer: i32, count: i32, inner: i32, coarse: bool): f64 {
  reset(outer * 1000 + count * 100 + inner);
  const total = outer * count * inner;
  const x = floats(total),
    y = output(outer * inner);
  if (coarse) for (let i = 0; i < total; i++) put(x, i, Mathf.round(at(x, i) * 2));
  reduce(x, y, outer, count, inner, kind);
  if (!guarded(y, outer * inner)) return Infinity;
  let worst: f64 = 0;
  const line = new StaticArray<f64>(count);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let c = 0; c < count; c++) line[c] = <f64>at(x, (o * count + c) * inner + i);
      worst = max(worst, error(at(y, o * inner + i), plain(kind, line)));
    }
  }
  return worst;
}

describe("reduce", () => {
  test("every kind, count and inner size", () => {
    for (let kind = 0; kind <= ARGMIN; kind++) {
      for (let count = 1; count <= 9; count++) {
        for (let inner = 0; inner <= 5; inner++) {
          expect(check(kind, 2, count, inner, false)).toBeLessThan(1e-7, `kind ${kind} count ${count} inner ${inner}`);
          expect(check(kind, 2, count, inner, true)).toBeLessThan(1e-7, `kind ${kind} count ${count} inner ${inner}, whole`);
        }
      }
      expect(check(kind, 0, 3, 2, false)).toBe(0);
      expect(check(kind, 1, 3001, 1, false)).toBeLessThan(1e-7, `kind ${kind}, a long line`);
    }
  });

  test("an axis of nothing", () => {
    const expected: f32[] = [0, NaN, -f32.MAX_VALUE, f32.MAX_VALUE, 1, NaN, NaN, 0, 1, 0, 0];
    for (let kind = 0; kind <= ARGMIN; kind++) {
      reset();
      const y = output(5);
      reduce(y, y, 1, 0, 5, kind);
      for (let i = 0; i < 5; i++) {
        expect(at(y, i) === expected[kind] || (isNaN(at(y, i)) && isNaN(expected[kind]))).toBe(true, `kind ${kind}`);
      }
    }
  });

  test("NaN makes its own line NaN, where numbers are asked for", () => {
    for (let kind = 0; kind <= DEVIATION; kind++) {
      reset();
      const x = floats(15),
        y = output(3);
      put(x, 7, NaN);
      reduce(x, y, 3, 5, 1, kind);
      expect(isNaN(at(y, 0))).toBe(false);
      expect(isNaN(at(y, 1))).toBe(true, `kind ${kind}`);
      expect(isNaN(at(y, 2))).toBe(false);
    }
  });
});
