/** float64: plain definitions of what the kernels approximate, and the distance to them in ulp. */

/** Distance in units of the last place that a float32 has at `expected`; subnormals count in their own constant unit. */
export function ulps(actual: f32, expected: f64): f64 {
  if (isNaN(actual) || isNaN(expected)) return isNaN(actual) && isNaN(expected) ? 0 : Infinity;
  const single = <f32>expected;
  if (abs(single) === <f32>Infinity) return actual === single ? 0 : abs(actual) > <f32>3.4e38 ? 0 : Infinity;
  const exponent = max(<i32>((reinterpret<u32>(single) >> 23) & 255), 1);
  const unit = reinterpret<f64>((<u64>(exponent - 150 + 1023)) << 52);
  return abs(<f64>actual - expected) / unit;
}

export function exp(x: f64): f64 {
  return Math.exp(x);
}

export function expm1(x: f64): f64 {
  return Math.expm1(x);
}

export function log(x: f64): f64 {
  return Math.log(x);
}

export function log1p(x: f64): f64 {
  return Math.log1p(x);
}

export function tanh(x: f64): f64 {
  return Math.tanh(x);
}

export function sigmoid(x: f64): f64 {
  const e = Math.exp(-abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

export function softplus(x: f64): f64 {
  return max(x, 0.0) + Math.log1p(Math.exp(-abs(x)));
}

/** x - tanh x, by its series where x is small. */
export function tanhRest(x: f64): f64 {
  if (abs(x) > 0.05) return x - Math.tanh(x);
  const s = x * x;
  return x * s * (1.0 / 3 - s * (2.0 / 15 - s * (17.0 / 315 - s * (62.0 / 2835))));
}

/** (1 + erf(x / sqrt 2)) / 2: a series up to |x| = 2, beyond it the tail's continued fraction. */
export function normalCdf(x: f64): f64 {
  const a = abs(x);
  const density = Math.exp((-a * a) / 2) / 2.5066282746310002;
  let tail: f64;
  if (a < 2) {
    let term = a,
      sum = a;
    for (let k = 3; k < 90; k += 2) {
      term *= (a * a) / <f64>k;
      sum += term;
    }
    tail = 0.5 - density * sum;
  } else {
    let f = a;
    for (let k = 120; k > 0; k--) f = a + <f64>k / f;
    tail = density / f;
  }
  return x < 0 ? tail : 1 - tail;
}
