/**
 * Keras' layers by their definitions, in plain loops over axes by position, for random models: each recipe draws a layer's
 * options, says the config that Keras writes for them, and computes what Keras computes. It shares nothing with src/, whose
 * layouts by letter it is there to check.
 *
 * Source  keras 3.15: keras/src/layers, keras/src/activations/activations.py, keras/src/ops/nn.py
 */
import type { Draw } from "./random-draw.ts";

/**
 * A Keras tensor with its numbers. `open` says, per axis, how a size that the model leaves unknown follows from the
 * input's, so that two such sizes can be told to be equal; null where the size is known.
 */
export interface Known {
  readonly shape: readonly number[];
  readonly open: readonly (string | null)[];
  readonly data: Float64Array;
}

export interface Variable {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer with its options drawn. */
export interface Made {
  /** The layer's config without `name`, `trainable` and `dtype`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** In Keras' order. */
  readonly variables: readonly Variable[];
  /** What the layer computes; null where it can't be called on this. */
  run(input: Known): Known | null;
}

/** Draws the options of a layer for this input; null where the layer does not fit. */
type Recipe = (draw: Draw, input: Known) => Made | null;

// ---------------------------------------------------------------------------------------------------- arrays

type Index = readonly number[];

function count(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

function at({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }, ...index: Index): number {
  return data[index.reduce((offset, i, axis) => offset * shape[axis]! + i, 0)]!;
}

/** The array of this shape with `value(index)` at every index. */
export function tabulate(shape: readonly number[], open: Known["open"], value: (...index: number[]) => number): Known {
  const data = new Float64Array(count(shape));
  const index = shape.map(() => 0);
  for (let place = 0; place < data.length; place++) {
    for (let axis = shape.length - 1, rest = place; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    data[place] = value(...index);
  }
  return { shape, open, data };
}

/** Axis `i` of the result is axis `order[i]` of the input. */
function transposed(x: Known, order: readonly number[]): Known {
  const pick = <T>(list: readonly T[]) => order.map((axis) => list[axis]!);
  return tabulate(pick(x.shape), pick(x.open), (...index) =>
    at(x, ...x.shape.map((_, axis) => index[order.indexOf(axis)]!)),
  );
}

function mapped(x: Known, f: (value: number) => number): Known {
  return { ...x, data: x.data.map((value) => f(value)) };
}

/** Applies `f` to every line of elements along `axes`, which lie side by side. */
function alongAxes(x: Known, axes: readonly number[], f: (line: number[]) => number[]): Known {
  const first = Math.min(...axes);
  const inner = count(x.shape.slice(first + axes.length));
  const length = count(x.shape.slice(first, first + axes.length));
  const outer = count(x.shape.slice(0, first));
  const lines = Array.from({ length: outer * inner }, (_, line) => {
    const start = Math.floor(line / inner) * length * inner + (line % inner);
    return f(Array.from({ length }, (_, step) => x.data[start + step * inner]!));
  });
  const kept = lines[0]!.length;
  const data = new Float64Array(outer * kept * inner);
  lines.forEach((values, line) => {
    values.forEach((value, step) => {
      data[Math.floor(line / inner) * kept * inner + step * inner + (line % inner)] = value;
    });
  });
  const shape = kept === length ? x.shape : x.shape.map((size, axis) => (axis === first ? kept : size));
  return { shape, open: x.open, data };
}

/** The result of `f` on a series as (batch, length, channels), back in the order it came in. */
function channelsLast(x: Known, first: boolean, f: (series: Known) => Known | null): Known | null {
  const y = f(first ? transposed(x, [0, 2, 1]) : x);
  return y && first && y.shape.length === 3 ? transposed(y, [0, 2, 1]) : y;
}

function weights(draw: Draw, shape: readonly number[], spread: number, center = 0): Variable {
  return { shape, data: Float32Array.from({ length: count(shape) }, () => center + spread * draw.normal()) };
}

// ----------------------------------------------------------------------------------------------- activations

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

/** As Keras computes it: what is above the threshold, clipped, and of what is below a share. */
function relu(x: number, { slope = 0, maximum = Number.POSITIVE_INFINITY, threshold = 0 }): number {
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
  hard_shrink: (x) => (x > 0.5 || x < -0.5 ? x : 0),
  soft_shrink: (x) => (x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0),
  tanh_shrink: (x) => x - Math.tanh(x),
  sparse_plus: (x) => (x <= -1 ? 0 : x >= 1 ? x : ((x + 1) * (x + 1)) / 4),
  squareplus: (x) => (x + Math.sqrt(x * x + 4)) / 2,
  sparse_sigmoid: (x) => clip((x + 1) / 2, 0, 1),
};

function softmax(line: number[]): number[] {
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
    const support = partial.filter((sum, i) => 1 + (i + 1) * sorted[i]! > sum);
    const threshold = (support.reduce((sum, value) => sum + value) - 1) / support.length;
    return line.map((value) => Math.max(value - threshold, 0));
  },
};

/** Every activation that Keras has a name for, as far as recipes draw it. */
export const activations: readonly string[] = [...Object.keys(elementwise), ...Object.keys(overLastAxis)];

function activate(name: string, x: Known): Known | null {
  const f = elementwise[name];
  if (f) return mapped(x, f);
  const last = x.shape.length - 1;
  if (name === "glu" && (x.open[last] !== null || x.shape[last]! % 2 !== 0)) return null;
  return alongAxes(x, [last], overLastAxis[name]!);
}

interface Activating {
  /** What the config holds under `activation`. */
  readonly value: unknown;
  apply(x: Known): Known | null;
}

const withinLayers = ["ReLU", "LeakyReLU", "ELU", "Softmax"] as const;

/** An activation for the end of a layer: often none, sometimes a layer. */
function activation(draw: Draw, like: Known): Activating {
  if (draw.chance(0.4)) return { value: "linear", apply: (x) => x };
  if (draw.chance(0.2)) {
    const className = draw.pick(withinLayers);
    const made = recipes[className]!(draw, like);
    if (made) {
      const config = { name: className.toLowerCase(), trainable: true, dtype: "float32", ...made.config };
      const value = { module: "keras.layers", class_name: className, config, registered_name: null };
      return { value, apply: made.run };
    }
  }
  const name = draw.pick(activations);
  return { value: name, apply: (x) => activate(name, x) };
}

// --------------------------------------------------------------------------------------------------- windows

interface Window {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: string;
}

/** The number of windows along axis 1, how that follows from an unknown length, and where window `l` starts. */
function slide(x: Known, { taps, stride, dilation, padding }: Window): { outputs: number; open: string | null; left: number } | null {
  const length = x.shape[1]!;
  const open = x.open[1] ?? null;
  const extent = (taps - 1) * dilation + 1;
  const say = (text: string) => (open === null ? null : text);
  if (padding === "valid") {
    const outputs = Math.floor((length - extent) / stride) + 1;
    return outputs < 1 ? null : { outputs, open: extent === 1 && stride === 1 ? open : say(`valid(${open}, ${extent}, ${stride})`), left: 0 };
  }
  const outputs = Math.ceil(length / stride);
  const strided = stride === 1 ? open : say(`ceil(${open} / ${stride})`);
  if (padding === "causal") return { outputs, open: strided, left: extent - 1 };
  const total = Math.max((outputs - 1) * stride + extent - length, 0);
  return { outputs, open: strided, left: Math.floor(total / 2) };
}

function noRegularizers(...names: readonly string[]): Record<string, null> {
  return Object.fromEntries(names.map((name) => [name, null]));
}

const initializer = (className: string) => ({ module: "keras.initializers", class_name: className, config: {}, registered_name: null });

const Conv1D: Recipe = (draw, x) => {
  if (x.shape.length !== 3) return null;
  const first = draw.chance(0.15);
  const channelAxis = first ? 1 : 2;
  if (x.open[channelAxis] !== null) return null;
  const channels = x.shape[channelAxis]!;
  const divisors = Array.from({ length: channels }, (_, i) => i + 1).filter((groups) => channels % groups === 0);
  const groups = draw.chance(0.35) ? draw.pick(divisors) : 1;
  const filters = groups === 1 ? draw.size() : groups * draw.integer(1, 3);
  const stride = draw.chance(0.3) ? draw.integer(2, 3) : 1;
  const dilation = stride === 1 && draw.chance(0.3) ? draw.integer(2, 3) : 1;
  const window = { taps: draw.integer(1, 5), stride, dilation, padding: draw.pick(["valid", "same", "same", "causal"]) };
  const kernel = weights(draw, [window.taps, channels / groups, filters], 1 / Math.sqrt((window.taps * channels) / groups));
  const bias = draw.chance(0.8) ? weights(draw, [filters], 0.5) : null;
  const after = activation(draw, { ...x, shape: [0, 0, filters], open: [null, null, null] });
  return {
    config: {
      filters,
      kernel_size: [window.taps],
      strides: [stride],
      padding: window.padding,
      data_format: first ? "channels_first" : "channels_last",
      dilation_rate: [dilation],
      groups,
      activation: after.value,
      use_bias: bias !== null,
      kernel_initializer: initializer("GlorotUniform"),
      bias_initializer: initializer("Zeros"),
      ...noRegularizers("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"),
    },
    variables: bias ? [kernel, bias] : [kernel],
    run(input) {
      if (input.shape.length !== 3 || input.open[channelAxis] !== null || input.shape[channelAxis] !== channels) return null;
      const y = channelsLast(input, first, (series) => {
        const places = slide(series, window);
        if (!places) return null;
        const perGroup = filters / groups;
        return tabulate([series.shape[0]!, places.outputs, filters], [null, places.open, null], (n, l, o) => {
          let sum = bias ? bias.data[o]! : 0;
          for (let k = 0; k < window.taps; k++) {
            const from = l * stride + k * dilation - places.left;
            if (from < 0 || from >= series.shape[1]!) continue;
            for (let i = 0; i < channels / groups; i++) {
              sum += at(series, n, from, Math.floor(o / perGroup) * (channels / groups) + i) * at(kernel, k, i, o);
            }
          }
          return sum;
        });
      });
      return y && after.apply(y);
    },
  };
};

const Dense: Recipe = (draw, x) => {
  const last = x.shape.length - 1;
  if (last < 1 || x.open[last] !== null) return null;
  const channels = x.shape[last]!;
  const units = draw.size();
  const kernel = weights(draw, [channels, units], 1 / Math.sqrt(channels));
  const bias = draw.chance(0.8) ? weights(draw, [units], 0.5) : null;
  const after = activation(draw, { ...x, shape: x.shape.map((size, axis) => (axis === last ? units : size)) });
  return {
    config: {
      units,
      activation: after.value,
      use_bias: bias !== null,
      kernel_initializer: initializer("GlorotUniform"),
      bias_initializer: initializer("Zeros"),
      ...noRegularizers("kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint", "quantization_config"),
    },
    variables: bias ? [kernel, bias] : [kernel],
    run(input) {
      const end = input.shape.length - 1;
      if (end < 1 || input.open[end] !== null || input.shape[end] !== channels) return null;
      const y = tabulate([...input.shape.slice(0, -1), units], input.open, (...index) => {
        const o = index[end]!;
        const row = index.slice(0, -1);
        let sum = bias ? bias.data[o]! : 0;
        for (let i = 0; i < channels; i++) sum += at(input, ...row, i) * at(kernel, i, o);
        return sum;
      });
      return after.apply(y);
    },
  };
};

function pooling(reduce: (values: number[]) => number): Recipe {
  return (draw, x) => {
    if (x.shape.length !== 3) return null;
    const first = draw.chance(0.15);
    const taps = draw.integer(2, 4);
    const window = { taps, stride: draw.chance(0.5) ? taps : draw.integer(1, 4), dilation: 1, padding: draw.pick(["valid", "same"]) };
    return {
      config: {
        pool_size: [taps],
        padding: window.padding,
        strides: [window.stride],
        data_format: first ? "channels_first" : "channels_last",
      },
      variables: [],
      run(input) {
        if (input.shape.length !== 3) return null;
        return channelsLast(input, first, (series) => {
          const places = slide(series, window);
          if (!places) return null;
          const [batch, length, channels] = series.shape as [number, number, number];
          return tabulate([batch, places.outputs, channels], [null, places.open, series.open[2]!], (n, l, c) => {
            const from = Array.from({ length: taps }, (_, k) => l * window.stride + k - places.left);
            return reduce(from.filter((step) => step >= 0 && step < length).map((step) => at(series, n, step, c)));
          });
        });
      },
    };
  };
}

function globalPooling(reduce: (values: number[]) => number): Recipe {
  return (draw, x) => {
    if (x.shape.length !== 3) return null;
    const first = draw.chance(0.15);
    const keepdims = draw.chance(0.3);
    return {
      config: { data_format: first ? "channels_first" : "channels_last", keepdims },
      variables: [],
      run(input) {
        if (input.shape.length !== 3) return null;
        return channelsLast(input, first, (series) => {
          const [batch, length, channels] = series.shape as [number, number, number];
          const whole = (n: number, c: number) => reduce(Array.from({ length }, (_, l) => at(series, n, l, c)));
          const open = series.open[2]!;
          return keepdims
            ? tabulate([batch, 1, channels], [null, null, open], (n, _, c) => whole(n, c))
            : tabulate([batch, channels], [null, open], whole);
        });
      },
    };
  };
}

const largest = (values: number[]) => Math.max(...values);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

// --------------------------------------------------------------------------------------------------- shaping

const Flatten: Recipe = (draw) => {
  const first = draw.chance(0.15);
  return {
    config: { data_format: first ? "channels_first" : "channels_last" },
    variables: [],
    run(input) {
      const rank = input.shape.length;
      const last = Array.from({ length: rank - 2 }, (_, axis) => axis + 2);
      const x = first && rank > 1 ? transposed(input, [0, ...last, 1]) : input;
      const open = x.open.slice(1).some((axis) => axis !== null) ? `product(${x.open.slice(1).map((axis, i) => axis ?? x.shape[i + 1])})` : null;
      return { shape: [x.shape[0]!, count(x.shape.slice(1))], open: [null, rank === 2 ? x.open[1]! : open], data: x.data };
    },
  };
};

const Reshape: Recipe = (draw, x) => {
  const known = x.shape.filter((_, axis) => axis > 0 && x.open[axis] === null);
  const total = count(known);
  const unknown = x.open.slice(1).filter((axis) => axis !== null);
  const divisors = Array.from({ length: total }, (_, i) => i + 1).filter((size) => total % size === 0 && size > 1 && size < total);
  if (unknown.length > 1 || divisors.length === 0) return null;
  const inner = draw.pick(divisors);
  const second = divisors.filter((size) => (total / inner) % size === 0);
  const fixed = draw.chance(0.3) && second.length > 0 ? [draw.pick(second), inner] : [inner];
  const free = total / count(fixed);
  let target: number[];
  if (unknown.length === 1) target = [-1, ...fixed];
  else if (draw.chance(0.2)) target = draw.chance(0.5) ? [-1] : [total];
  else target = [draw.chance(0.3) ? -1 : free, ...fixed];
  const { shape: built, open } = x;
  const said = `cut(${open.slice(1).map((axis, i) => axis ?? built[i + 1])} by ${fixed})`;
  return {
    config: { target_shape: target },
    variables: [],
    run(input) {
      if (JSON.stringify([input.shape, input.open]) !== JSON.stringify([built, open])) return null;
      const rest = count(input.shape.slice(1));
      const others = count(target.filter((size) => size !== -1));
      const shape = [input.shape[0]!, ...target.map((size) => (size === -1 ? rest / others : size))];
      return { shape, open: [null, ...target.map((size) => (size === -1 && unknown.length > 0 ? said : null))], data: input.data };
    },
  };
};

const Permute: Recipe = (draw, x) => {
  const rank = x.shape.length;
  if (rank < 3) return null;
  const dims = draw.shuffled(Array.from({ length: rank - 1 }, (_, i) => i + 1));
  return {
    config: { dims },
    variables: [],
    run: (input) => (input.shape.length === rank ? transposed(input, [0, ...dims]) : null),
  };
};

/** Layers that only choose which steps of a series follow each other: `from` gives a step, or null for a zero. */
function stepping(
  configure: (draw: Draw) => { config: Made["config"]; first: boolean; length: (steps: number) => number; say: string; from: (step: number, steps: number) => number | null },
): Recipe {
  return (draw, x) => {
    if (x.shape.length !== 3) return null;
    const { config, first, length, say, from } = configure(draw);
    return {
      config,
      variables: [],
      run(input) {
        if (input.shape.length !== 3) return null;
        return channelsLast(input, first, (series) => {
          const [batch, steps, channels] = series.shape as [number, number, number];
          const open = series.open[1] === null ? null : `${say}(${series.open[1]})`;
          if (length(steps) < 1) return null;
          return tabulate([batch, length(steps), channels], [null, open, series.open[2]!], (n, l, c) => {
            const step = from(l, steps);
            return step === null ? 0 : at(series, n, step, c);
          });
        });
      },
    };
  };
}

const ZeroPadding1D = stepping((draw) => {
  const padding = [draw.integer(0, 3), draw.integer(0, 3)] as const;
  const first = draw.chance(0.15);
  return {
    config: { padding: [...padding], data_format: first ? "channels_first" : "channels_last" },
    first,
    length: (steps) => steps + padding[0] + padding[1],
    say: `pad ${padding}`,
    from: (step, steps) => (step < padding[0] || step >= steps + padding[0] ? null : step - padding[0]),
  };
});

const Cropping1D = stepping((draw) => {
  const cropping = [draw.integer(0, 2), draw.integer(0, 2)] as const;
  return {
    config: { cropping: [...cropping] },
    first: false,
    length: (steps) => steps - cropping[0] - cropping[1],
    say: `crop ${cropping}`,
    from: (step) => step + cropping[0],
  };
});

const UpSampling1D = stepping((draw) => {
  const size = draw.integer(2, 3);
  return { config: { size }, first: false, length: (steps) => steps * size, say: `times ${size}`, from: (step) => Math.floor(step / size) };
});

// ------------------------------------------------------------------------------------------------- by element

const BatchNormalization: Recipe = (draw, x) => {
  const rank = x.shape.length;
  if (rank < 2) return null;
  const axis = draw.chance(0.7) ? rank - 1 : draw.integer(1, rank - 1);
  if (x.open[axis] !== null) return null;
  const size = x.shape[axis]!;
  const gamma = draw.chance(0.8) ? weights(draw, [size], 0.3, 1) : null;
  const beta = draw.chance(0.8) ? weights(draw, [size], 0.5) : null;
  const means = weights(draw, [size], 0.5);
  const variance: Variable = { shape: [size], data: Float32Array.from({ length: size }, () => 0.4 + 2 * draw.next()) };
  const epsilon = draw.pick([0.001, 0.00001, 0.1]);
  return {
    config: {
      axis: axis === rank - 1 || draw.chance(0.5) ? axis - rank : axis,
      momentum: draw.pick([0.99, 0.9, 0.999]),
      epsilon,
      center: beta !== null,
      scale: gamma !== null,
      beta_initializer: initializer("Zeros"),
      gamma_initializer: initializer("Ones"),
      moving_mean_initializer: initializer("Zeros"),
      moving_variance_initializer: initializer("Ones"),
      ...noRegularizers("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint"),
      synchronized: false,
      renorm: false,
      renorm_clipping: null,
      renorm_momentum: 0.99,
    },
    variables: [gamma, beta, means, variance].filter((variable) => variable !== null),
    run(input) {
      if (input.shape.length !== rank || input.open[axis] !== null || input.shape[axis] !== size) return null;
      return tabulate(input.shape, input.open, (...index) => {
        const c = index[axis]!;
        const normal = (at(input, ...index) - means.data[c]!) / Math.sqrt(variance.data[c]! + epsilon);
        return normal * (gamma ? gamma.data[c]! : 1) + (beta ? beta.data[c]! : 0);
      });
    },
  };
};

const Softmax: Recipe = (draw, x) => {
  const rank = x.shape.length;
  if (rank < 2) return null;
  const axis = draw.chance(0.5) ? rank - 1 : draw.integer(1, rank - 1);
  const several = axis > 1 && draw.chance(0.25) ? [axis - 1, axis] : null;
  return {
    config: { axis: several ?? (draw.chance(0.5) ? axis - rank : axis) },
    variables: [],
    run: (input) => (input.shape.length === rank ? alongAxes(input, several ?? [axis], softmax) : null),
  };
};

function byElement(configure: (draw: Draw) => { config: Made["config"]; f: (x: number) => number }): Recipe {
  return (draw) => {
    const { config, f } = configure(draw);
    return { config, variables: [], run: (input) => mapped(input, f) };
  };
}

const same = (x: number) => x;
const rate = (draw: Draw) => draw.pick([0, 0.2, 0.5]);

/** Every layer of one input, by Keras' class. */
export const recipes: Readonly<Record<string, Recipe>> = {
  Activation(draw) {
    const name = draw.pick(activations);
    return { config: { activation: name }, variables: [], run: (input) => activate(name, input) };
  },
  ActivityRegularization: byElement(() => ({ config: { l1: 0, l2: 0.1 }, f: same })),
  AlphaDropout: byElement((draw) => ({ config: { rate: rate(draw), seed: null, noise_shape: null }, f: same })),
  AveragePooling1D: pooling(mean),
  BatchNormalization,
  Conv1D,
  Cropping1D,
  Dense,
  Dropout: byElement((draw) => ({ config: { rate: rate(draw), seed: null, noise_shape: null }, f: same })),
  ELU: byElement((draw) => {
    const alpha = draw.pick([1, 0.7, 1.3]);
    return { config: { alpha }, f: (x) => (x > 0 ? x : alpha * (Math.exp(x) - 1)) };
  }),
  Flatten,
  GaussianDropout: byElement((draw) => ({ config: { rate: rate(draw), seed: null }, f: same })),
  GaussianNoise: byElement(() => ({ config: { stddev: 0.3, seed: null }, f: same })),
  GlobalAveragePooling1D: globalPooling(mean),
  GlobalMaxPooling1D: globalPooling(largest),
  Identity: byElement(() => ({ config: {}, f: same })),
  LeakyReLU: byElement((draw) => {
    const slope = draw.pick([0.3, 0.01, 0.5]);
    return { config: { negative_slope: slope }, f: (x) => relu(x, { slope }) };
  }),
  MaxPooling1D: pooling(largest),
  Permute,
  ReLU: byElement((draw) => {
    const maximum = draw.chance(0.4) ? draw.pick([6, 1.5]) : null;
    const slope = draw.chance(0.4) ? draw.pick([0.1, 0.5]) : 0;
    const threshold = draw.chance(0.3) ? draw.pick([0.5, 1]) : 0;
    return {
      config: { max_value: maximum, negative_slope: slope, threshold },
      f: (x) => relu(x, { slope, threshold, ...(maximum === null ? {} : { maximum }) }),
    };
  }),
  Reshape,
  Softmax,
  SpatialDropout1D: (draw, x) =>
    x.shape.length === 3 ? { config: { rate: rate(draw), seed: null }, variables: [], run: (input) => (input.shape.length === 3 ? input : null) } : null,
  UpSampling1D,
  ZeroPadding1D,
};

// ---------------------------------------------------------------------------------------------------- several

/** Layers of several inputs, element by element. */
export const merges: Readonly<Record<string, (values: readonly number[]) => number>> = {
  Add: (values) => values.reduce((sum, value) => sum + value),
  Subtract: ([a, b]) => a! - b!,
  Multiply: (values) => values.reduce((product, value) => product * value),
  Average: (values) => values.reduce((sum, value) => sum + value) / values.length,
  Maximum: (values) => Math.max(...values),
  Minimum: (values) => Math.min(...values),
};

/** A merge of inputs whose sizes agree or are 1; a lower rank gets axes of size one behind the batch. Null where they don't fit. */
export function merged(className: string, inputs: readonly Known[]): Known | null {
  const rank = Math.max(...inputs.map((input) => input.shape.length));
  const all = inputs.map((input) => {
    const spare = rank - input.shape.length;
    const pad = <T>(list: readonly T[], value: T) => [list[0]!, ...new Array<T>(spare).fill(value), ...list.slice(1)];
    return { shape: pad(input.shape, 1), open: pad(input.open, null), data: input.data };
  });
  const shape: number[] = [];
  const open: (string | null)[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const wide = all.filter((input) => input.shape[axis] !== 1 || input.open[axis] !== null);
    const texts = new Set(wide.map((input) => `${input.shape[axis]} ${input.open[axis]}`));
    if (texts.size > 1) return null;
    shape.push(wide[0]?.shape[axis] ?? 1);
    open.push(wide[0]?.open[axis] ?? null);
  }
  return tabulate(shape, open, (...index) =>
    merges[className]!(all.map((input) => at(input, ...index.map((i, axis) => (input.shape[axis] === 1 ? 0 : i))))),
  );
}

/** Inputs end to end along one axis; null where the other axes differ. */
export function concatenated(axis: number, inputs: readonly Known[]): Known | null {
  const [first] = inputs;
  const key = (input: Known) => JSON.stringify([input.shape, input.open].map((list) => list.filter((_, i) => i !== axis)));
  if (inputs.some((input) => key(input) !== key(first!))) return null;
  const sizes = inputs.map((input) => input.shape[axis]!);
  const shape = first!.shape.map((size, i) => (i === axis ? sizes.reduce((sum, own) => sum + own) : size));
  const isOpen = inputs.some((input) => input.open[axis] !== null);
  const said = isOpen ? inputs.map((input) => input.open[axis] ?? input.shape[axis]).join(" + ") : null;
  const open = first!.open.map((own, i) => (i === axis ? said : own));
  return tabulate(shape, open, (...index) => {
    let from = index[axis]!;
    let piece = 0;
    while (from >= sizes[piece]!) from -= sizes[piece++]!;
    return at(inputs[piece]!, ...index.map((i, own) => (own === axis ? from : i)));
  });
}
