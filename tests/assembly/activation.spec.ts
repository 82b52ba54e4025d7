/**
 * activation: every function against its definition in float64, over counts around one vector, in place, with guards; then the
 * largest error in ulp over numbers of all sizes, with the bounds of the header of assembly/activation.ts; and glu.
 */
import * as activation from "../../assembly/activation";
import { at, error, floats, guarded, output, put, reserve, reset } from "./arena";
import * as float64 from "./float64";

enum Kind {
  Relu,
  Relu6,
  LeakyRelu,
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
  SteepHardSigmoid,
  HardSilu,
  HardTanh,
  HardShrink,
  SoftShrink,
  TanhShrink,
  SparsePlus,
  Squareplus,
  SparseSigmoid,
  Count,
}

function run(kind: Kind, x: usize, y: usize, count: i32): void {
  if (kind === Kind.Relu) activation.relu(x, y, count, 0, <f32>Infinity, 0);
  if (kind === Kind.Relu6) activation.relu(x, y, count, 0, 1.5, 0.25);
  if (kind === Kind.LeakyRelu) activation.relu(x, y, count, 0.3, <f32>Infinity, 0.5);
  if (kind === Kind.Elu) activation.elu(x, y, count, 1.25);
  if (kind === Kind.Selu) activation.selu(x, y, count);
  if (kind === Kind.Celu) activation.celu(x, y, count, 0.75);
  if (kind === Kind.Exponential) activation.exponential(x, y, count);
  if (kind === Kind.Gelu) activation.gelu(x, y, count);
  if (kind === Kind.GeluTanh) activation.geluTanh(x, y, count);
  if (kind === Kind.Silu) activation.silu(x, y, count);
  if (kind === Kind.Mish) activation.mish(x, y, count);
  if (kind === Kind.Softplus) activation.softplus(x, y, count);
  if (kind === Kind.Softsign) activation.softsign(x, y, count);
  if (kind === Kind.Tanh) activation.tanh(x, y, count);
  if (kind === Kind.Sigmoid) activation.sigmoid(x, y, count);
  if (kind === Kind.LogSigmoid) activation.logSigmoid(x, y, count);
  if (kind === Kind.HardSigmoid) activation.hardSigmoid(x, y, count, 3);
  if (kind === Kind.SteepHardSigmoid) activation.hardSigmoid(x, y, count, 2.5);
  if (kind === Kind.HardSilu) activation.hardSilu(x, y, count);
  if (kind === Kind.HardTanh) activation.hardTanh(x, y, count);
  if (kind === Kind.HardShrink) activation.hardShrink(x, y, count, 0.5);
  if (kind === Kind.SoftShrink) activation.softShrink(x, y, count, 0.5);
  if (kind === Kind.TanhShrink) activation.tanhShrink(x, y, count);
  if (kind === Kind.SparsePlus) activation.sparsePlus(x, y, count);
  if (kind === Kind.Squareplus) activation.squareplus(x, y, count, 4);
  if (kind === Kind.SparseSigmoid) activation.sparseSigmoid(x, y, count);
}

function relu(x: f64, slope: f64, maximum: f64, threshold: f64): f64 {
  return x >= maximum ? maximum : x >= threshold ? x : slope === 0 ? 0 : slope * (x - threshold);
}

/** The definitions. */
function double(kind: Kind, x: f64): f64 {
  if (kind === Kind.Relu) return relu(x, 0, Infinity, 0);
  if (kind === Kind.Relu6) return relu(x, 0, 1.5, 0.25);
  if (kind === Kind.LeakyRelu) return relu(x, <f64>(<f32>0.3), Infinity, 0.5);
  if (kind === Kind.Elu) return x > 0 ? x : 1.25 * Math.expm1(x);
  if (kind === Kind.Selu) return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x));
  if (kind === Kind.Celu) return x > 0 ? x : 0.75 * Math.expm1(x / 0.75);
  if (kind === Kind.Exponential) return Math.exp(x);
  if (kind === Kind.Gelu) return x * float64.normalCdf(x);
  if (kind === Kind.GeluTanh) return x * float64.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x));
  if (kind === Kind.Silu) return x * float64.sigmoid(x);
  if (kind === Kind.Mish) return x * Math.tanh(float64.softplus(x));
  if (kind === Kind.Softplus) return float64.softplus(x);
  if (kind === Kind.Softsign) return x / (1 + abs(x));
  if (kind === Kind.Tanh) return Math.tanh(x);
  if (kind === Kind.Sigmoid) return float64.sigmoid(x);
  if (kind === Kind.LogSigmoid) return -float64.softplus(-x);
  if (kind === Kind.HardSigmoid) return min(max(x + 3, 0.0), 6.0) / 6;
  if (kind === Kind.SteepHardSigmoid) return min(max(0.2 * x + 0.5, 0.0), 1.0);
  if (kind === Kind.HardSilu) return (x * min(max(x + 3, 0.0), 6.0)) / 6;
  if (kind === Kind.HardTanh) return min(max(x, -1.0), 1.0);
  if (kind === Kind.HardShrink) return abs(x) > 0.5 ? x : 0;
  if (kind === Kind.SoftShrink) return x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0;
  if (kind === Kind.TanhShrink) return float64.tanhRest(x);
  if (kind === Kind.SparsePlus) return x <= -1 ? 0 : x < 1 ? ((x + 1) * (x + 1)) / 4 : x;
  if (kind === Kind.Squareplus) return x < 0 ? 2 / (Math.sqrt(x * x + 4) - x) : (x + Math.sqrt(x * x + 4)) / 2;
  return x <= -1 ? 0 : x < 1 ? (x + 1) / 2 : 1;
}

/** Largest error in ulp that the header grants for |y| >= 0.001. */
function bound(kind: Kind): f64 {
  if (kind === Kind.GeluTanh) return 16;
  if (kind === Kind.TanhShrink) return 11;
  if (kind === Kind.Gelu) return 6;
  if (kind === Kind.Mish) return 4;
  if (kind === Kind.Silu || kind === Kind.Squareplus) return 3;
  if (kind === Kind.Sigmoid) return 2.4;
  if (kind <= Kind.LeakyRelu) return 2;
  return 2.2;
}

describe("activations", () => {
  test("every count around one vector, and in place", () => {
    for (let kind = 0; kind < Kind.Count; kind++) {
      for (let count = 0; count <= 9; count++) {
        reset(kind * 10 + count);
        const x = floats(count);
        for (let i = 0; i < count; i++) put(x, i, at(x, i) * 3);
        const y = output(count),
          place = output(count);
        run(kind, x, y, count);
        memory.copy(place, x, (<usize>count) << 2);
        run(kind, place, place, count);
        let worst: f64 = guarded(y, count) && guarded(place, count) ? 0 : Infinity;
        for (let i = 0; i < count; i++) {
          worst = max(worst, error(at(y, i), double(kind, <f64>at(x, i))));
          if (at(place, i) !== at(y, i)) worst = Infinity;
        }
        expect(worst).toBeLessThan(1e-6, `function ${kind} count ${count}`);
      }
    }
  });

  test("errors in ulp over numbers of all sizes", () => {
    reset();
    const count = 4096;
    const x = reserve(count),
      y = reserve(count);
    for (let kind = 0; kind < Kind.Count; kind++) {
      let worst: f64 = 0;
      for (let first: u64 = 0; first < 0x100000000; first += <u64>count * 16411) {
        for (let i = 0; i < count; i++) {
          const v = reinterpret<f32>(<u32>(first + <u64>i * 16411));
          // Past 1e18 the squares in some definitions leave float32.
          put(x, i, abs(v) < <f32>1e18 ? v : 0);
        }
        run(kind, x, y, count);
        for (let i = 0; i < count; i++) {
          const expected = double(kind, <f64>at(x, i));
          if (abs(expected) >= 0.001) worst = max(worst, float64.ulps(at(y, i), expected));
          else worst = max(worst, error(at(y, i), expected) * 1e7);
        }
      }
      expect(worst).toBeLessThan(bound(kind), `function ${kind}`);
    }
  });

  test("NaN gives NaN, but for hardShrink", () => {
    reset();
    const x = reserve(4),
      y = reserve(4);
    for (let i = 0; i < 4; i++) put(x, i, NaN);
    for (let kind = 0; kind < Kind.Count; kind++) {
      run(kind, x, y, 4);
      expect(isNaN(at(y, 2))).toBe(kind !== Kind.HardShrink, `function ${kind}`);
    }
  });

  test("relu of -Infinity is 0 without a slope", () => {
    reset();
    const x = reserve(1),
      y = output(1);
    put(x, 0, -(<f32>Infinity));
    run(Kind.Relu, x, y, 1);
    expect(at(y, 0)).toBe(0);
    run(Kind.LeakyRelu, x, y, 1);
    expect(at(y, 0)).toBe(-(<f32>Infinity));
  });
});

describe("glu", () => {
  test("every half and inner size", () => {
    for (let half = 0; half <= 5; half++) {
      for (let inner = 0; inner <= 5; inner++) {
        reset(half * 10 + inner);
        const each = half * inner,
          count = 3 * each;
        const x = floats(2 * count),
          y = output(count);
        activation.glu(x, y, 3, half, inner);
        let worst: f64 = guarded(y, count) ? 0 : Infinity;
        for (let o = 0; o < 3; o++) {
          for (let i = 0; i < each; i++) {
            const value = <f64>at(x, 2 * o * each + i),
              gate = <f64>at(x, (2 * o + 1) * each + i);
            worst = max(worst, error(at(y, o * each + i), value * float64.sigmoid(gate)));
          }
        }
        expect(worst).toBeLessThan(3e-7, `half ${half} inner ${inner}`);
      }
    }
  });
});
