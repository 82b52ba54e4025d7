/**
 * elementary: the largest error in ulp over a million float32 spread evenly over all bit patterns, of which those in a
 * function's range count, and the special values. The bounds are those in the header of assembly/elementary.ts.
 */
import * as elementary from "../../assembly/elementary";
import * as float64 from "./float64";

const EXP = 0,
  EXPM1 = 1,
  LOG = 2,
  LOG1P = 3,
  TANH = 4,
  SIGMOID = 5,
  SOFTPLUS = 6,
  CDF = 7,
  REST = 8,
  BOUNDED_EXP = 9,
  BOUNDED_EXPM1 = 10;

function single(name: i32, x: f32): f32 {
  const v = f32x4.splat(x);
  if (name === EXP) return f32x4.extract_lane(elementary.exp(v), 3);
  if (name === EXPM1) return f32x4.extract_lane(elementary.expm1(v), 3);
  if (name === LOG) return f32x4.extract_lane(elementary.log(v), 3);
  if (name === LOG1P) return f32x4.extract_lane(elementary.log1p(v), 3);
  if (name === TANH) return f32x4.extract_lane(elementary.tanh(v), 3);
  if (name === SIGMOID) return f32x4.extract_lane(elementary.sigmoid(v), 3);
  if (name === SOFTPLUS) return f32x4.extract_lane(elementary.softplus(v), 3);
  if (name === CDF) return f32x4.extract_lane(elementary.normalCdf(v), 3);
  if (name === BOUNDED_EXP) return f32x4.extract_lane(elementary.boundedExp(v), 3);
  if (name === BOUNDED_EXPM1) return f32x4.extract_lane(elementary.boundedExpm1(v), 3);
  return f32x4.extract_lane(elementary.tanhRest(v), 3);
}

function double(name: i32, x: f64): f64 {
  if (name === EXP || name === BOUNDED_EXP) return float64.exp(x);
  if (name === EXPM1 || name === BOUNDED_EXPM1) return float64.expm1(x);
  if (name === LOG) return float64.log(x);
  if (name === LOG1P) return float64.log1p(x);
  if (name === TANH) return float64.tanh(x);
  if (name === SIGMOID) return float64.sigmoid(x);
  if (name === SOFTPLUS) return float64.softplus(x);
  if (name === CDF) return float64.normalCdf(x);
  return float64.tanhRest(x);
}

/** The largest error over every `step`th float32 from `from` to `to`. */
function worst(name: i32, from: f32, to: f32, step: u32): f64 {
  let largest: f64 = 0;
  for (let bits: u64 = 0; bits < 0x100000000; bits += step) {
    const x = reinterpret<f32>(<u32>bits);
    if (x >= from && x <= to) largest = max(largest, float64.ulps(single(name, x), double(name, x)));
  }
  return largest;
}

const LARGE: f32 = 3e38;

describe("errors in ulp", () => {
  test("exp", () => {
    expect(worst(EXP, -LARGE, LARGE, 4099)).toBeLessThan(1.0);
  });
  test("expm1, x <= 0", () => {
    expect(worst(EXPM1, -LARGE, 0, 4099)).toBeLessThan(1.5);
  });
  test("boundedExp, |x| <= 87", () => {
    expect(worst(BOUNDED_EXP, -87, 87, 4099)).toBeLessThan(1.0);
  });
  test("boundedExpm1, |x| <= 18.2", () => {
    expect(worst(BOUNDED_EXPM1, -18.2, 18.2, 4099)).toBeLessThan(1.7);
  });
  test("log, x >= 1", () => {
    expect(worst(LOG, 1, LARGE, 4099)).toBeLessThan(1.0);
  });
  test("log1p, 0 <= x <= 1", () => {
    expect(worst(LOG1P, 0, 1, 4099)).toBeLessThan(2.0);
  });
  test("tanh", () => {
    expect(worst(TANH, -LARGE, LARGE, 4099)).toBeLessThan(1.3);
  });
  test("sigmoid", () => {
    expect(worst(SIGMOID, -LARGE, LARGE, 4099)).toBeLessThan(2.4);
  });
  test("softplus", () => {
    expect(worst(SOFTPLUS, -LARGE, LARGE, 4099)).toBeLessThan(2.0);
  });
  test("normalCdf", () => {
    expect(worst(CDF, -LARGE, LARGE, 40961)).toBeLessThan(9.0);
  });
  test("tanhRest", () => {
    expect(worst(REST, -LARGE, LARGE, 4099)).toBeLessThan(11.0);
  });
});

describe("special values", () => {
  test("NaN gives NaN", () => {
    for (let name = EXP; name <= BOUNDED_EXPM1; name++) expect(isNaN(single(name, NaN))).toBe(true, `function ${name}`);
  });

  test("the ends of the range", () => {
    const inf = <f32>Infinity;
    expect(single(EXP, inf)).toBe(inf);
    expect(single(EXP, -inf)).toBe(0);
    expect(single(EXP, 88.72283)).toBeLessThan(inf);
    expect(single(EXP, 88.73)).toBe(inf);
    expect(single(EXP, -103.9)).toBeGreaterThan(0);
    expect(single(EXPM1, -inf)).toBe(-1);
    expect(single(LOG, inf)).toBe(inf);
    expect(single(LOG, 1)).toBe(0);
    expect(single(TANH, inf)).toBe(1);
    expect(single(TANH, -inf)).toBe(-1);
    expect(single(SIGMOID, inf)).toBe(1);
    expect(single(SIGMOID, -inf)).toBe(0);
    expect(single(SOFTPLUS, inf)).toBe(inf);
    expect(single(SOFTPLUS, -inf)).toBe(0);
    expect(single(CDF, inf)).toBe(1);
    expect(single(CDF, -inf)).toBe(0);
  });

  test("past a bound, the value there", () => {
    const inf = <f32>Infinity;
    expect(single(BOUNDED_EXP, inf)).toBe(single(BOUNDED_EXP, 87));
    expect(single(BOUNDED_EXP, -inf)).toBe(single(BOUNDED_EXP, -87));
    expect(single(BOUNDED_EXPM1, -inf)).toBe(-1);
    // y / (y + 2), which is tanh, comes to 1.
    expect(single(BOUNDED_EXPM1, inf) + <f32>2).toBe(single(BOUNDED_EXPM1, 18.2));
    expect(single(BOUNDED_EXPM1, inf)).toBe(single(BOUNDED_EXPM1, 18.2));
  });

  test("zero", () => {
    expect(single(EXP, 0)).toBe(1);
    expect(single(EXPM1, 0)).toBe(0);
    expect(single(LOG1P, 0)).toBe(0);
    expect(single(TANH, 0)).toBe(0);
    expect(single(SIGMOID, 0)).toBe(0.5);
    expect(single(CDF, 0)).toBe(0.5);
  });
});
