/**
 * Recipes of layers that do no arithmetic: Flatten, Reshape, Permute, padding, cropping, upsampling.
 *
 * Source  keras 3.15: keras/src/layers/reshaping
 */
import type { Draw } from "../random-draw.ts";
import { at, channelsLast, count, tabulate, transposed } from "./arrays.ts";
import type { Made, Recipe } from "./recipe.ts";

const Flatten: Recipe = (draw) => {
  const first = draw.chance(0.15);
  return {
    config: { data_format: first ? "channels_first" : "channels_last" },
    variables: [],
    run(input) {
      const rank = input.shape.length;
      const last = Array.from({ length: rank - 2 }, (_, axis) => axis + 2);
      const x = first && rank > 1 ? transposed(input, [0, ...last, 1]) : input;
      const open = x.open.slice(1).some((axis) => axis !== null)
        ? `product(${x.open.slice(1).map((axis, i) => axis ?? x.shape[i + 1])})`
        : null;
      return {
        shape: [x.shape[0]!, count(x.shape.slice(1))],
        open: [null, rank === 2 ? x.open[1]! : open],
        data: x.data,
      };
    },
  };
};

const Reshape: Recipe = (draw, x) => {
  const known = x.shape.filter((_, axis) => axis > 0 && x.open[axis] === null);
  const total = count(known);
  const unknown = x.open.slice(1).filter((axis) => axis !== null);
  const divisors = Array.from({ length: total }, (_, i) => i + 1).filter(
    (size) => total % size === 0 && size > 1 && size < total,
  );
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
      return {
        shape,
        open: [null, ...target.map((size) => (size === -1 && unknown.length > 0 ? said : null))],
        data: input.data,
      };
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
  configure: (draw: Draw) => {
    config: Made["config"];
    first: boolean;
    length: (steps: number) => number;
    say: string;
    from: (step: number, steps: number) => number | null;
  },
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
  return {
    config: { size },
    first: false,
    length: (steps) => steps * size,
    say: `times ${size}`,
    from: (step) => Math.floor(step / size),
  };
});

export const shaping: Readonly<Record<string, Recipe>> = {
  Cropping1D,
  Flatten,
  Permute,
  Reshape,
  UpSampling1D,
  ZeroPadding1D,
};
