/**
 * Keras' activation functions by their definitions, in float64.
 *
 * Source  keras 3.15: keras/src/activations/activations.py, keras/src/ops/nn.py
 */
import { alongAxes, type Known, mapped } from "./arrays.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.log(1 + Math.exp(x));
const clip = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

/** The error function by Simpson's rule. */
function erf(x: number): number {
  const steps = 400;
  const end = clip(x, -6, 6);
  const width = end / steps;
  let sum = 1 + Math.exp(-end * end);
  for (let step = 1; step < steps; step++) sum += (step % 2 === 1 ? 4 : 2) * Math.exp(-((step * width) ** 2));
  return ((2 / Math.sqrt(Math.PI)) * sum * width) / 3;
}

/** NaN where a value lies so near a jump of its function that float32 may take the other side: such a layer is drawn again. */
const jump = (distance: number) => (Math.abs(distance) < 1e-4 ? Number.NaN : 0);

/** As Keras computes it: what is above the threshold, clipped, and of what is below a share. */
export function relu(x: number, { slope = 0, maximum = Number.POSITIVE_INFINITY, threshold = 0 }): number {
  if (threshold !== 0 && Number.isNaN(jump(x - threshold))) return Number.NaN;
  return clip(x > threshold ? x : 0, 0, maximum) - slope * Math.max(threshold - x, 0);
}

const elementwise: Readonly<Record<string, (x: number) => number>> = {
  linear: (x) => x,
  relu: (x) => relu(x, {}),
  relu6: (x) => relu(x, { maximum: 6 }),
  leaky_relu: (x) => relu(x, { slope: 0.2 }),
  elu: (x) => (x > 0 ? x : Math.exp(x) - 1),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1)),
  celu: (x) => (x > 0 ? x : Math.exp(x) - 1),
  exponential: (x) => Math.exp(x),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  silu: (x) => x * sigmoid(x),
  swish: (x) => x * sigmoid(x),
  mish: (x) => x * Math.tanh(softplus(x)),
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  tanh: (x) => Math.tanh(x),
  sigmoid,
  log_sigmoid: (x) => -softplus(-x),
  hard_sigmoid: (x) => clip(x / 6 + 0.5, 0, 1),
  hard_silu: (x) => x * clip(x / 6 + 0.5, 0, 1),
  hard_swish: (x) => x * clip(x / 6 + 0.5, 0, 1),
  hard_tanh: (x) => clip(x, -1, 1),
  hard_shrink: (x) => (x > 0.5 || x < -0.5 ? x : 0) + jump(Math.abs(x) - 0.5),
  soft_shrink: (x) => (x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0),
  tanh_shrink: (x) => x - Math.tanh(x),
  sparse_plus: (x) => (x <= -1 ? 0 : x >= 1 ? x : ((x + 1) * (x + 1)) / 4),
  squareplus: (x) => (x + Math.sqrt(x * x + 4)) / 2,
  sparse_sigmoid: (x) => clip((x + 1) / 2, 0, 1),
};

export function softmax(line: number[]): number[] {
  const powers = line.map((value) => Math.exp(value));
  const total = powers.reduce((sum, value) => sum + value);
  return powers.map((value) => value / total);
}

const overLastAxis: Readonly<Record<string, (line: number[]) => number[]>> = {
  softmax,
  log_softmax: (line) => softmax(line).map((value) => Math.log(value)),
  glu: (line) => line.slice(0, line.length / 2).map((value, i) => value * sigmoid(line[i + line.length / 2]!)),
  // Keras sums all the partial sums of the support, where Martins & Astudillo (2016) take the last one.
  sparsemax(line) {
    const sorted = [...line].sort((a, b) => b - a);
    const partial = sorted.map((_, i) => sorted.slice(0, i + 1).reduce((sum, value) => sum + value));
    const jumps = partial.map((sum, i) => jump(1 + (i + 1) * sorted[i]! - sum));
    const support = partial.filter((sum, i) => 1 + (i + 1) * sorted[i]! > sum);
    const threshold = (support.reduce((sum, value) => sum + value) - 1) / support.length;
    return line.map((value) => Math.max(value - threshold, 0) + jumps.reduce((all, own) => all + own));
  },
};

/** Every activation that Keras has a name for, as far as recipes draw it. */
export const activations: readonly string[] = [...Object.keys(elementwise), ...Object.keys(overLastAxis)];

export function activate(name: string, x: Known): Known | null {
  const f = elementwise[name];
  if (f) return mapped(x, f);
  const last = x.shape.length - 1;
  if (name === "glu" && (x.open[last] !== null || x.shape[last]! % 2 !== 0)) return null;
  return alongAxes(x, [last], overLastAxis[name]!);
}
