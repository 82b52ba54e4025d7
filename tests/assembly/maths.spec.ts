/** maths: counts around one vector for every kind against float64, in place; special values. */
import { maths } from "../../assembly/maths";
import { at, error, floats, guarded, output, put, reserve, reset } from "./arena";
import * as float64 from "./float64";

const KINDS = 16,
  ROUND = 9;
/** Square root, its reciprocal, and the logarithm: of numbers from 0. */
const SQRT = 3,
  RSQRT = 4,
  LOG = 11,
  LOG1P = 12;

/** Half to even, as every other kind by the definition. */
function plain(kind: i32, x: f64): f64 {
  switch (kind) {
    case 0:
      return abs(x);
    case 1:
      return -x;
    case 2:
      return x * x;
    case SQRT:
      return Math.sqrt(x);
    case RSQRT:
      return 1 / Math.sqrt(x);
    case 5:
      return 1 / x;
    case 6:
      return isNaN(x) ? NaN : x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0;
    case 7:
      return Math.floor(x);
    case 8:
      return Math.ceil(x);
    case ROUND: {
      const low = Math.floor(x),
        rest = x - low;
      if (rest === 0.5) return low % 2 === 0 ? low : low + 1;
      return rest < 0.5 ? low : low + 1;
    }
    case 10:
      return Math.trunc(x);
    case LOG:
      return float64.log(x);
    case LOG1P:
      return float64.log1p(x);
    case 13:
      return float64.expm1(x);
    case 14:
      return Math.sin(x);
    default:
      return Math.cos(x);
  }
}

describe("maths", () => {
  test("every kind and count, in place too", () => {
    for (let kind = 0; kind < KINDS; kind++) {
      for (let count = 0; count <= 9; count++) {
        reset(kind * 10 + count);
        const x = floats(count),
          y = output(count),
          own = output(count);
        for (let i = 0; i < count; i++) {
          const value = at(x, i) * 6;
          put(x, i, kind === SQRT || kind === RSQRT || kind === LOG || kind === LOG1P ? abs(value) : value);
        }
        memory.copy(own, x, (<usize>count) << 2);
        maths(x, y, count, kind);
        maths(own, own, count, kind);
        expect(guarded(y, count) && guarded(own, count)).toBe(true, `kind ${kind} count ${count}`);
        for (let i = 0; i < count; i++) {
          expect(float64.ulps(at(y, i), plain(kind, <f64>at(x, i)))).toBeLessThan(1.01, `kind ${kind} count ${count}`);
          expect(at(own, i)).toBe(at(y, i), `kind ${kind} in place`);
        }
      }
    }
  });

  test("the same in a whole vector and in what is left behind it", () => {
    const values: f32[] = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0, Infinity, -Infinity, NaN, 16777217, -8388609.5];
    for (let kind = 0; kind < KINDS; kind++) {
      for (let v = 0; v < values.length; v++) {
        reset();
        const x = reserve(5),
          y = output(5);
        for (let i = 0; i < 5; i++) put(x, i, values[v]);
        maths(x, y, 5, kind);
        const expected = plain(kind, <f64>values[v]);
        for (let i = 0; i < 5; i++) {
          expect(error(at(y, i), expected)).toBeLessThan(2e-7, `kind ${kind} of ${values[v]}`);
        }
      }
    }
  });
});
