/**
 * elementary: exp, expm1, log, log1p, tanh, sigmoid, softplus and the normal distribution        f32, SIMD128
 *
 * NaN gives NaN. Error: the largest in ulp against float64, over every 307th float32 of the range (normalCdf: every 1009th);
 * tests/assembly/elementary.spec.ts holds it.
 *
 *   exp(x)          all x            0.95, gradual underflow included
 *   expm1(x)        x <= 0           0.91
 *   log(x)          x >= 1           0.82
 *   log1p(x)        0 <= x <= 1      1.2
 *   tanh(x)         all x            1.25
 *   tanhRest(x)     all x            10, at |x| = 0.65, where x and tanh x begin to be subtracted
 *   boundedExp(x)   |x| <= 87        0.95; beyond, that of the bound
 *   boundedExpm1(x) |x| <= 18.2      1.7; beyond, that of the bound
 *   sigmoid(x)      all x            2.4
 *   softplus(x)     all x            1.9
 *   normalCdf(x)    all x            6.6, down to x = -14 where it vanishes
 *
 * Multiplications and additions are rounded one by one in both builds, so results do not depend on the build.
 * Source  Cephes, single precision (Moshier, 1992): expf, logf, tanhf. normalCdf's polynomial is an own fit, see there.
 */

const LOG2_E: f32 = <f32>Math.LOG2E;
/** ln 2 in two parts: the first has so few bits that its product with an exponent is exact. */
const LN_2_HIGH: f32 = 0.693359375;
const LN_2_LOW: f32 = -2.1219444e-4;

@inline
function constant(value: f32): v128 {
  return f32x4.splat(value);
}

/** p * x + c: one step of Horner's rule. */
@inline
function step(p: v128, x: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(p, x), f32x4.splat(c));
}

/** exp(r) - 1 for |r| <= ln(2) / 2. */
@inline
function expm1OfRest(r: v128): v128 {
  let p = constant(1.98756915e-4);
  p = step(p, r, 1.3981999507e-3);
  p = step(p, r, 8.3334519073e-3);
  p = step(p, r, 4.1665795894e-2);
  p = step(p, r, 1.6666665459e-1);
  p = step(p, r, 5.0000001201e-1);
  return f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r);
}

/** 2^n for a vector of int32 in -126 to 127. */
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** x - n ln 2. */
@inline
function restOfLn2(x: v128, n: v128): v128 {
  const high = f32x4.sub(x, f32x4.mul(n, constant(LN_2_HIGH)));
  return f32x4.sub(high, f32x4.mul(n, constant(LN_2_LOW)));
}

/** exp(x + low), where low is a small correction to x. */
@inline
function expOfSum(x: v128, low: v128): v128 {
  // pmin and pmax return their first operand where it is NaN. Past these bounds exp is 0 and Infinity in float32.
  x = f32x4.pmin(f32x4.pmax(x, constant(-105)), constant(89));
  const n = f32x4.nearest(f32x4.mul(x, constant(LOG2_E)));
  const r = f32x4.add(restOfLn2(x, n), low);
  const p = f32x4.add(expm1OfRest(r), constant(1));
  // 2^n in two factors, since n goes down to -151 and up to 128, where one alone is no normal number.
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(i, half)));
}

@inline
export function exp(x: v128): v128 {
  return expOfSum(x, constant(0));
}

/** exp(x) - 1 for x <= 0, without loss where x is small. */
@inline
export function expm1(x: v128): v128 {
  x = f32x4.pmax(x, constant(-18));
  const n = f32x4.nearest(f32x4.mul(x, constant(LOG2_E)));
  const p = expm1OfRest(restOfLn2(x, n));
  const scale = powerOfTwo(i32x4.trunc_sat_f32x4_s(n));
  return f32x4.add(f32x4.mul(scale, p), f32x4.sub(scale, constant(1)));
}

/** exp(x) for |x| <= 87 and nothing but normal numbers: a third fewer instructions than exp. */
@inline
export function boundedExp(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, constant(-87)), constant(87));
  const n = f32x4.nearest(f32x4.mul(x, constant(LOG2_E)));
  const p = f32x4.add(expm1OfRest(restOfLn2(x, n)), constant(1));
  return f32x4.mul(p, powerOfTwo(i32x4.trunc_sat_f32x4_s(n)));
}

/** exp(x) - 1 for |x| <= 18.2, where y / (y + 2) = tanh(x / 2) has come to -1 and 1. */
@inline
export function boundedExpm1(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, constant(-18.2)), constant(18.2));
  const n = f32x4.nearest(f32x4.mul(x, constant(LOG2_E)));
  const p = expm1OfRest(restOfLn2(x, n));
  const scale = powerOfTwo(i32x4.trunc_sat_f32x4_s(n));
  return f32x4.add(f32x4.mul(scale, p), f32x4.sub(scale, constant(1)));
}

/** ln x for x >= 1; Infinity stays. */
@inline
export function log(x: v128): v128 {
  // x = m 2^e with sqrt(1/2) <= m < sqrt 2; 0x3f3504f3 is sqrt(1/2).
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(e, 23));
  const f = f32x4.sub(m, constant(1));
  const n = f32x4.convert_i32x4_s(e);
  const square = f32x4.mul(f, f);
  let p = constant(7.0376836292e-2);
  p = step(p, f, -1.151461031e-1);
  p = step(p, f, 1.167699874e-1);
  p = step(p, f, -1.2420140846e-1);
  p = step(p, f, 1.4249322787e-1);
  p = step(p, f, -1.6668057665e-1);
  p = step(p, f, 2.0000714765e-1);
  p = step(p, f, -2.4999993993e-1);
  p = step(p, f, 3.3333331174e-1);
  let y = f32x4.mul(f32x4.mul(p, f), square);
  y = f32x4.add(y, f32x4.mul(n, constant(LN_2_LOW)));
  y = f32x4.sub(y, f32x4.mul(square, constant(0.5)));
  y = f32x4.add(f32x4.add(f, y), f32x4.mul(n, constant(LN_2_HIGH)));
  return v128.bitselect(y, x, f32x4.lt(x, constant(<f32>Infinity)));
}

/** ln(1 + u) for 0 <= u <= 1: the log of the rounded sum, and what rounding lost. */
@inline
export function log1p(u: v128): v128 {
  const w = f32x4.add(u, constant(1));
  const lost = f32x4.sub(u, f32x4.sub(w, constant(1)));
  return f32x4.add(log(w), f32x4.div(lost, w));
}

/** tanh(x) / x - 1 for |x| < 0.625, square = x^2. The polynomial interpolates its quotient by x^2, relative error 4.9e-9. */
@inline
function tanhSeries(square: v128): v128 {
  let p = constant(0.0022927448161754573);
  p = step(p, square, -0.008343945515836258);
  p = step(p, square, 0.021768918651027074);
  p = step(p, square, -0.05395925957720435);
  p = step(p, square, 0.1333330355691574);
  p = step(p, square, -0.3333333317214036);
  return f32x4.mul(p, square);
}

/** 1 - 2 / (exp(2|x|) + 1) with x's sign. */
@inline
function tanhOfLarge(x: v128, magnitude: v128): v128 {
  const e = exp(f32x4.add(magnitude, magnitude));
  const y = f32x4.sub(constant(1), f32x4.div(constant(2), f32x4.add(e, constant(1))));
  return v128.bitselect(x, y, i32x4.splat(0x80000000));
}

@inline
export function tanh(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const small = f32x4.add(x, f32x4.mul(x, tanhSeries(f32x4.mul(x, x))));
  return v128.bitselect(small, tanhOfLarge(x, magnitude), f32x4.lt(magnitude, constant(0.625)));
}

/** x - tanh x: for small x the series alone, so that nothing cancels. */
@inline
export function tanhRest(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const small = f32x4.neg(f32x4.mul(x, tanhSeries(f32x4.mul(x, x))));
  return v128.bitselect(small, f32x4.sub(x, tanhOfLarge(x, magnitude)), f32x4.lt(magnitude, constant(0.625)));
}

/** 1 / (1 + exp(-x)). */
@inline
export function sigmoid(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const top = v128.bitselect(e, constant(1), f32x4.lt(x, constant(0)));
  return f32x4.div(top, f32x4.add(e, constant(1)));
}

/** ln(1 + exp(x)). */
@inline
export function softplus(x: v128): v128 {
  return f32x4.add(f32x4.max(x, constant(0)), log1p(exp(f32x4.neg(f32x4.abs(x)))));
}

/**
 * (1 + erf(x / sqrt 2)) / 2, as the tail beyond |x|:
 *
 *   tail = exp(-a^2 / 2) * t * P(1 - t),   a = |x|,   t = 1 / (1 + 0.3 a)
 *
 * P interpolates Mills' ratio over t at Chebyshev nodes for 0 <= a <= 14.5, relative error 4.4e-9. a^2 is not rounded: the
 * square of a's upper 12 bits is exact, and the rest of it goes to the exponential's reduced argument.
 */
@inline
export function normalCdf(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), constant(15));
  const scaled = f32x4.mul(a, constant(0.3));
  const t = f32x4.div(constant(1), f32x4.add(scaled, constant(1)));
  const v = f32x4.mul(scaled, t);
  let p = constant(0.020956024236529876);
  p = step(p, v, -0.07434676517732838);
  p = step(p, v, 0.07288165621987282);
  p = step(p, v, 0.008782380123674455);
  p = step(p, v, 0.023964216284667675);
  p = step(p, v, -0.13988886001851586);
  p = step(p, v, -0.08099737995674709);
  p = step(p, v, 0.6181436182079046);
  p = step(p, v, -0.8298071403596582);
  p = step(p, v, 0.4999999981308643);
  const upper = v128.and(a, i32x4.splat(0xfffff000));
  const high = f32x4.mul(f32x4.mul(upper, upper), constant(-0.5));
  const low = f32x4.mul(f32x4.mul(f32x4.sub(a, upper), f32x4.add(a, upper)), constant(-0.5));
  const tail = f32x4.mul(expOfSum(high, low), f32x4.mul(p, t));
  return v128.bitselect(tail, f32x4.sub(constant(1), tail), f32x4.lt(x, constant(0)));
}
