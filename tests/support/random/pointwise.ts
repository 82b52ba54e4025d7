/**
 * Recipes of layers that keep the shape: activations, normalizations, and what does nothing at inference.
 *
 * Source  keras 3.15: keras/src/layers/{activations,normalization,regularization}
 */
import type { Draw } from "../random-draw.ts";
import { activate, activations, relu, softmax } from "./activations.ts";
import { alongAxes, at, type Known, mapped, tabulate } from "./arrays.ts";
import { initializer, type Made, noRegularizers, type Recipe, type Variable, weights } from "./recipe.ts";

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

export const pointwise: Readonly<Record<string, Recipe>> = {
  BatchNormalization,
  Softmax,
  Activation(draw) {
    const name = draw.pick(activations);
    return { config: { activation: name }, variables: [], run: (input) => activate(name, input) };
  },
  ActivityRegularization: byElement(() => ({ config: { l1: 0, l2: 0.1 }, f: same })),
  AlphaDropout: byElement((draw) => ({ config: { rate: rate(draw), seed: null, noise_shape: null }, f: same })),
  Dropout: byElement((draw) => ({ config: { rate: rate(draw), seed: null, noise_shape: null }, f: same })),
  ELU: byElement((draw) => {
    const alpha = draw.pick([1, 0.7, 1.3]);
    return { config: { alpha }, f: (x) => (x > 0 ? x : alpha * (Math.exp(x) - 1)) };
  }),
  GaussianDropout: byElement((draw) => ({ config: { rate: rate(draw), seed: null }, f: same })),
  GaussianNoise: byElement(() => ({ config: { stddev: 0.3, seed: null }, f: same })),
  Identity: byElement(() => ({ config: {}, f: same })),
  LeakyReLU: byElement((draw) => {
    const slope = draw.pick([0.3, 0.01, 0.5]);
    return { config: { negative_slope: slope }, f: (x) => relu(x, { slope }) };
  }),
  ReLU: byElement((draw) => {
    const maximum = draw.chance(0.4) ? draw.pick([6, 1.5]) : null;
    const slope = draw.chance(0.4) ? draw.pick([0.1, 0.5]) : 0;
    const threshold = draw.chance(0.3) ? draw.pick([0.5, 1]) : 0;
    return {
      config: { max_value: maximum, negative_slope: slope, threshold },
      f: (x) => relu(x, { slope, threshold, ...(maximum === null ? {} : { maximum }) }),
    };
  }),
  SpatialDropout1D: (draw, x) =>
    x.shape.length === 3
      ? {
          config: { rate: rate(draw), seed: null },
          variables: [],
          run: (input) => (input.shape.length === 3 ? input : null),
        }
      : null,
};

export interface Activating {
  /** What the config holds under `activation`. */
  readonly value: unknown;
  apply(x: Known): Known | null;
}

const withinLayers = ["ReLU", "LeakyReLU", "ELU", "Softmax"] as const;

/** An activation for the end of a layer: often none, sometimes a layer. */
export function activation(draw: Draw, like: Known): Activating {
  if (draw.chance(0.4)) return { value: "linear", apply: (x) => x };
  if (draw.chance(0.2)) {
    const className = draw.pick(withinLayers);
    const made = pointwise[className]!(draw, like);
    if (made) {
      const config = { name: className.toLowerCase(), trainable: true, dtype: "float32", ...made.config };
      const value = { module: "keras.layers", class_name: className, config, registered_name: null };
      return { value, apply: made.run };
    }
  }
  const name = draw.pick(activations);
  return { value: name, apply: (x) => activate(name, x) };
}
