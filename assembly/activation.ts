/**
 * activation: y[i] = f(x[i]), one export per function        f32, SIMD128
 *
 *   x, y    count elements; in place (y == x) is allowed
 *
 * The formulas stand in `apply`, over four elements at a time; the loop around them is `map`. Each formula is chosen so that
 * nothing cancels and nothing overflows on the way to a finite result. NaN gives NaN, except in hardShrink.
 *
 * Cost    one read and one write per element, and one exp at most.
 * Error   largest in ulp against float64 where |y| >= 0.001 and |x| < 1e18; below, 1e-7 absolute:
 *           exponential 0.95   elu 0.9   tanh 1.25   softsign 1.5   celu, selu, softplus, logSigmoid 2   sigmoid 2.4
 *           silu, squareplus 2.8   mish 3.7   gelu 5.2   tanhShrink 10   geluTanh 15, at x = -3.2: its argument is rounded
 *           the others, of a few roundings each, at most 2
 * Source  keras.activations and torch.nn.functional; elementary.ts for exp and the like.
 */
import * as elementary from "./elementary";
import { aligned, bytes, load4, store4 } from "./lanes";
import { softmax } from "./softmax";

/** Klambauer et al., Self-Normalizing Neural Networks, 2017. */
const SELU_ALPHA: f32 = 1.6732632423543772;
const SELU_SCALE: f32 = 1.0507009873554805;

enum Kind {
  Relu,
  Elu,
  Selu,
  Celu,
  Exponential,
  Gelu,
  GeluTanh,
  Silu,
  Mish,
  Softplus,
  Softsign,
  Tanh,
  Sigmoid,
  LogSigmoid,
  HardSigmoid,
  HardSilu,
  HardTanh,
  HardShrink,
  SoftShrink,
  TanhShrink,
  SparsePlus,
  Squareplus,
  SparseSigmoid,
}

/** x >= maximum: maximum; x >= threshold: x; else slope * (x - threshold), and 0 where slope is 0. */
export function relu(x: usize, y: usize, count: i32, slope: f32, maximum: f32, threshold: f32): void {
  map(Kind.Relu, x, y, count, slope, maximum, threshold);
}

/** x > 0: x; else alpha * (exp(x) - 1). */
export function elu(x: usize, y: usize, count: i32, alpha: f32): void {
  map(Kind.Elu, x, y, count, alpha);
}

/** scale * (x > 0 ? x : alpha * (exp(x) - 1)). */
export function selu(x: usize, y: usize, count: i32): void {
  map(Kind.Selu, x, y, count);
}

/** x > 0: x; else alpha * (exp(x / alpha) - 1). */
export function celu(x: usize, y: usize, count: i32, alpha: f32): void {
  map(Kind.Celu, x, y, count, alpha);
}

/** exp(x). */
export function exponential(x: usize, y: usize, count: i32): void {
  map(Kind.Exponential, x, y, count);
}

/** x * (1 + erf(x / sqrt 2)) / 2. */
export function gelu(x: usize, y: usize, count: i32): void {
  map(Kind.Gelu, x, y, count);
}

/** x * (1 + tanh u) / 2 = x * sigmoid(2u), u = sqrt(2 / pi) * (x + 0.044715 x^3). */
export function geluTanh(x: usize, y: usize, count: i32): void {
  map(Kind.GeluTanh, x, y, count);
}

/** x * sigmoid(x). */
export function silu(x: usize, y: usize, count: i32): void {
  map(Kind.Silu, x, y, count);
}

/** x * tanh(ln(1 + exp(x))). */
export function mish(x: usize, y: usize, count: i32): void {
  map(Kind.Mish, x, y, count);
}

/** ln(1 + exp(x)). */
export function softplus(x: usize, y: usize, count: i32): void {
  map(Kind.Softplus, x, y, count);
}

/** x / (1 + |x|). */
export function softsign(x: usize, y: usize, count: i32): void {
  map(Kind.Softsign, x, y, count);
}

export function tanh(x: usize, y: usize, count: i32): void {
  map(Kind.Tanh, x, y, count);
}

export function sigmoid(x: usize, y: usize, count: i32): void {
  map(Kind.Sigmoid, x, y, count);
}

/** -ln(1 + exp(-x)). */
export function logSigmoid(x: usize, y: usize, count: i32): void {
  map(Kind.LogSigmoid, x, y, count);
}

/** x + reach, cut to 0 .. 2 reach, divided by 2 reach: Keras' reach is 3, before its version 3 it was 2.5. */
export function hardSigmoid(x: usize, y: usize, count: i32, reach: f32): void {
  map(Kind.HardSigmoid, x, y, count, reach);
}

/** x * relu6(x + 3) / 6. */
export function hardSilu(x: usize, y: usize, count: i32): void {
  map(Kind.HardSilu, x, y, count);
}

/** x cut to -1 .. 1. */
export function hardTanh(x: usize, y: usize, count: i32): void {
  map(Kind.HardTanh, x, y, count);
}

/** |x| > lambda ? x : 0. */
export function hardShrink(x: usize, y: usize, count: i32, lambda: f32): void {
  map(Kind.HardShrink, x, y, count, lambda);
}

/** sign(x) * max(|x| - lambda, 0). */
export function softShrink(x: usize, y: usize, count: i32, lambda: f32): void {
  map(Kind.SoftShrink, x, y, count, lambda);
}

/** x - tanh x. */
export function tanhShrink(x: usize, y: usize, count: i32): void {
  map(Kind.TanhShrink, x, y, count);
}

/** x <= -1: 0; x < 1: (x + 1)^2 / 4; else x. */
export function sparsePlus(x: usize, y: usize, count: i32): void {
  map(Kind.SparsePlus, x, y, count);
}

/** (x + sqrt(x^2 + b)) / 2; for x < 0 as b / (2 (sqrt(x^2 + b) - x)), in which nothing cancels. */
export function squareplus(x: usize, y: usize, count: i32, b: f32): void {
  map(Kind.Squareplus, x, y, count, b);
}

/** x <= -1: 0; x < 1: (x + 1) / 2; else 1. */
export function sparseSigmoid(x: usize, y: usize, count: i32): void {
  map(Kind.SparseSigmoid, x, y, count);
}

/** x: [outer][2*half][inner]; y[o, c, i] = x[o, c, i] * sigmoid(x[o, half + c, i]). */
export function glu(x: usize, y: usize, outer: i32, half: i32, inner: i32): void {
  assert(aligned(x) && aligned(y) && outer >= 0 && half >= 0 && inner >= 0);
  const gate = bytes(half * inner);
  for (let o = 0; o < outer; o++) {
    let count = half * inner;
    for (; count >= 4; count -= 4) {
      v128.store(y, f32x4.mul(v128.load(x), elementary.sigmoid(v128.load(x + gate))));
      x += 16;
      y += 16;
    }
    if (count > 0) {
      store4(y, f32x4.mul(load4(x, count), elementary.sigmoid(load4(x + gate, count))), count);
      x += bytes(count);
      y += bytes(count);
    }
    x += gate;
  }
}

export const TANH: i32 = Kind.Tanh, SIGMOID: i32 = Kind.Sigmoid;

/** Functions that are no activation of their own: none at all, and the softmax of the row. */
const LINEAR: i32 = 100, SOFTMAX: i32 = 101;

/** A function by its number, in place over one row; the numbers are those of `Kind`, in src/ops/recurrent.ts too. */
export function applyTo(kind: i32, x: usize, count: i32, p: f32, q: f32, r: f32): void {
  switch (kind) {
    case LINEAR: return;
    case SOFTMAX: return softmax(x, x, 1, count, 1);
    case Kind.Relu: return relu(x, x, count, p, q, r);
    case Kind.Elu: return elu(x, x, count, p);
    case Kind.Selu: return selu(x, x, count);
    case Kind.Celu: return celu(x, x, count, p);
    case Kind.Exponential: return exponential(x, x, count);
    case Kind.Gelu: return gelu(x, x, count);
    case Kind.GeluTanh: return geluTanh(x, x, count);
    case Kind.Silu: return silu(x, x, count);
    case Kind.Mish: return mish(x, x, count);
    case Kind.Softplus: return softplus(x, x, count);
    case Kind.Softsign: return softsign(x, x, count);
    case Kind.Tanh: return tanh(x, x, count);
    case Kind.Sigmoid: return sigmoid(x, x, count);
    case Kind.LogSigmoid: return logSigmoid(x, x, count);
    case Kind.HardSigmoid: return hardSigmoid(x, x, count, p);
    case Kind.HardSilu: return hardSilu(x, x, count);
    case Kind.HardTanh: return hardTanh(x, x, count);
    case Kind.HardShrink: return hardShrink(x, x, count, p);
    case Kind.SoftShrink: return softShrink(x, x, count, p);
    case Kind.TanhShrink: return tanhShrink(x, x, count);
    case Kind.SparsePlus: return sparsePlus(x, x, count);
    case Kind.Squareplus: return squareplus(x, x, count, p);
    case Kind.SparseSigmoid: return sparseSigmoid(x, x, count);
    default: unreachable();
  }
}

/** The loop. `kind` is a constant at every call, so that each export holds its own formula and no other. */
@inline
function map(kind: Kind, x: usize, y: usize, count: i32, p: f32 = 0, q: f32 = 0, r: f32 = 0): void {
  assert(aligned(x) && aligned(y) && count >= 0);
  const p4 = f32x4.splat(p), q4 = f32x4.splat(q), r4 = f32x4.splat(r);
  for (; count >= 4; count -= 4) {
    v128.store(y, apply(kind, v128.load(x), p4, q4, r4));
    x += 16;
    y += 16;
  }
  if (count > 0) store4(y, apply(kind, load4(x, count), p4, q4, r4), count);
}

@inline
function relu6(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(0)), f32x4.splat(6));
}

/** The formulas; p, q, r are the export's parameters in their order. */
@inline
function apply(kind: Kind, x: v128, p: v128, q: v128, r: v128): v128 {
  const zero = f32x4.splat(0), half = f32x4.splat(0.5), one = f32x4.splat(1);
  if (kind === Kind.Relu) {
    const below = v128.and(f32x4.mul(p, f32x4.sub(x, r)), f32x4.ne(p, zero));
    return v128.bitselect(q, v128.bitselect(below, x, f32x4.lt(x, r)), f32x4.ge(x, q));
  }
  if (kind === Kind.Elu) return v128.bitselect(x, f32x4.mul(p, elementary.expm1(x)), f32x4.gt(x, zero));
  if (kind === Kind.Selu) {
    const below = f32x4.mul(f32x4.splat(SELU_ALPHA), elementary.expm1(x));
    return f32x4.mul(f32x4.splat(SELU_SCALE), v128.bitselect(x, below, f32x4.gt(x, zero)));
  }
  if (kind === Kind.Celu) return v128.bitselect(x, f32x4.mul(p, elementary.expm1(f32x4.div(x, p))), f32x4.gt(x, zero));
  if (kind === Kind.Exponential) return elementary.exp(x);
  if (kind === Kind.Gelu) return f32x4.mul(x, elementary.normalCdf(x));
  if (kind === Kind.GeluTanh) {
    const cubic = f32x4.add(f32x4.mul(f32x4.mul(x, x), f32x4.splat(0.044715)), one);
    return f32x4.mul(x, elementary.sigmoid(f32x4.mul(f32x4.mul(x, f32x4.splat(1.5957691216057308)), cubic)));
  }
  if (kind === Kind.Silu) return f32x4.mul(x, elementary.sigmoid(x));
  if (kind === Kind.Mish) {
    // With e = exp(x): x (e^2 + 2e) / (e^2 + 2e + 2); for x >= 0 both are divided by e^2, so that neither overflows.
    const e = elementary.exp(f32x4.neg(f32x4.abs(x)));
    const low = f32x4.mul(e, f32x4.add(e, f32x4.splat(2)));
    const high = f32x4.add(f32x4.add(e, e), one);
    const negative = f32x4.lt(x, zero);
    const top = v128.bitselect(low, high, negative);
    const rest = v128.bitselect(f32x4.splat(2), f32x4.mul(f32x4.add(e, e), e), negative);
    return f32x4.mul(x, f32x4.div(top, f32x4.add(top, rest)));
  }
  if (kind === Kind.Softplus) return elementary.softplus(x);
  if (kind === Kind.Softsign) return f32x4.div(x, f32x4.add(one, f32x4.abs(x)));
  if (kind === Kind.Tanh) return elementary.tanh(x);
  if (kind === Kind.Sigmoid) return elementary.sigmoid(x);
  if (kind === Kind.LogSigmoid) return f32x4.neg(elementary.softplus(f32x4.neg(x)));
  if (kind === Kind.HardSigmoid) {
    const whole = f32x4.add(p, p);
    return f32x4.div(f32x4.pmin(f32x4.pmax(f32x4.add(x, p), zero), whole), whole);
  }
  if (kind === Kind.HardSilu) return f32x4.div(f32x4.mul(x, relu6(f32x4.add(x, f32x4.splat(3)))), f32x4.splat(6));
  if (kind === Kind.HardTanh) return f32x4.pmin(f32x4.pmax(x, f32x4.splat(-1)), one);
  if (kind === Kind.HardShrink) return v128.and(x, f32x4.gt(f32x4.abs(x), p));
  if (kind === Kind.SoftShrink) {
    const rest = f32x4.pmax(f32x4.sub(f32x4.abs(x), p), zero);
    return v128.bitselect(x, rest, i32x4.splat(0x80000000));
  }
  if (kind === Kind.TanhShrink) return elementary.tanhRest(x);
  if (kind === Kind.SparsePlus) {
    const above = f32x4.add(x, one);
    const middle = f32x4.mul(f32x4.mul(above, above), f32x4.splat(0.25));
    const lower = v128.bitselect(zero, middle, f32x4.le(x, f32x4.splat(-1)));
    return v128.bitselect(x, lower, f32x4.ge(x, one));
  }
  if (kind === Kind.Squareplus) {
    const root = f32x4.sqrt(f32x4.add(f32x4.mul(x, x), p));
    const high = f32x4.mul(f32x4.add(x, root), half);
    const low = f32x4.div(f32x4.mul(p, half), f32x4.sub(root, x));
    return v128.bitselect(low, high, f32x4.lt(x, zero));
  }
  if (kind === Kind.SparseSigmoid) {
    const middle = f32x4.mul(f32x4.add(x, one), half);
    return f32x4.pmin(f32x4.pmax(middle, zero), one);
  }
  return x;
}
