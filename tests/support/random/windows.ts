/**
 * Recipes of layers with weights over channels or windows over a length: Conv1D, Dense, and the pools.
 *
 * Source  keras 3.15: keras/src/layers/{convolutional,core,pooling}, keras/src/ops/operation_utils.py
 */
import { at, channelsLast, type Known, tabulate } from "./arrays.ts";
import { activation } from "./pointwise.ts";
import { initializer, noRegularizers, type Recipe, weights } from "./recipe.ts";

interface Window {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: string;
}

/** The number of windows along axis 1, how that follows from an unknown length, and where window `l` starts. */
function slide(
  x: Known,
  { taps, stride, dilation, padding }: Window,
): { outputs: number; open: string | null; left: number } | null {
  const length = x.shape[1]!;
  const open = x.open[1] ?? null;
  const extent = (taps - 1) * dilation + 1;
  const say = (text: string) => (open === null ? null : text);
  if (padding === "valid") {
    const outputs = Math.floor((length - extent) / stride) + 1;
    return outputs < 1
      ? null
      : { outputs, open: extent === 1 && stride === 1 ? open : say(`valid(${open}, ${extent}, ${stride})`), left: 0 };
  }
  const outputs = Math.ceil(length / stride);
  const strided = stride === 1 ? open : say(`ceil(${open} / ${stride})`);
  if (padding === "causal") return { outputs, open: strided, left: extent - 1 };
  const total = Math.max((outputs - 1) * stride + extent - length, 0);
  return { outputs, open: strided, left: Math.floor(total / 2) };
}

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
  const window = {
    taps: draw.integer(1, 5),
    stride,
    dilation,
    padding: draw.pick(["valid", "same", "same", "causal"]),
  };
  const kernel = weights(
    draw,
    [window.taps, channels / groups, filters],
    1 / Math.sqrt((window.taps * channels) / groups),
  );
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
      ...noRegularizers(
        "kernel_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "kernel_constraint",
        "bias_constraint",
      ),
    },
    variables: bias ? [kernel, bias] : [kernel],
    run(input) {
      if (input.shape.length !== 3 || input.open[channelAxis] !== null || input.shape[channelAxis] !== channels)
        return null;
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
      ...noRegularizers(
        "kernel_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "bias_constraint",
        "quantization_config",
      ),
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
    const window = {
      taps,
      stride: draw.chance(0.5) ? taps : draw.integer(1, 4),
      dilation: 1,
      padding: draw.pick(["valid", "same"]),
    };
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

export const windows: Readonly<Record<string, Recipe>> = {
  AveragePooling1D: pooling(mean),
  Conv1D,
  Dense,
  GlobalAveragePooling1D: globalPooling(mean),
  GlobalMaxPooling1D: globalPooling(largest),
  MaxPooling1D: pooling(largest),
};
