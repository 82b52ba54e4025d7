/**
 * random: seeded random inputs, the same everywhere
 */
import type { Graph } from "../graph/graph.ts";
import { describeAxes, layoutText } from "../axes.ts";
import { invalidInput } from "../error.ts";
import { vocabularyOf } from "../ops/embedding.ts";
import { elements, type Tensor, type TensorData } from "../tensor.ts";

/** Uniform numbers in [0, 1): mulberry32 (Tommy Ettinger, public domain). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal numbers, by Box and Muller. */
export function normal(seed: number): () => number {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

export interface RandomInput {
  readonly data: TensorData;
  readonly shape: number[];
}

/** Numbers in one random input: 1 GiB of float32. */
const mostNumbers = 2 ** 28;

/** Sizes that the model leaves open are drawn as this. */
const openSize = 67;

/** Standard normal inputs, integers from 0 to 9 where the model takes integers, rows of its table where an Embedding reads them; `samples` of them in one batch. */
export function randomInputs(graph: Graph, samples: number, seed: number): RandomInput[] {
  const draw = normal(seed);
  const integer = uniform(seed + 1);
  return graph.inputs.map(({ value }) => {
    const { axes, type } = graph.values[value]!;
    const shape = axes.map((axis, index) => (index === 0 ? samples : (axis.size ?? openSize)));
    const count = elements(shape);
    if (count > mostNumbers)
      throw invalidInput(
        `${samples} random inputs of ${describeAxes(axes)} are ${count} numbers, more than ${mostNumbers}`,
        "give an input, or use fewer samples",
      );
    const ids = vocabularyOf(graph, value);
    const most = ids ?? 10;
    const data =
      type === "int32"
        ? Int32Array.from({ length: count }, () => Math.floor(integer() * most))
        : ids !== null
          ? Float32Array.from({ length: count }, () => Math.floor(integer() * most))
          : type === "bool"
            ? Float32Array.from({ length: count }, () => Number(integer() < 0.5))
            : Float32Array.from({ length: count }, draw);
    return { data, shape };
  });
}

/** Inputs by name, as `Model.predict` takes them. */
export function inputRecord(graph: Graph, inputs: readonly RandomInput[]): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, value }, index) => [
      name,
      { ...inputs[index]!, layout: layoutText(graph.values[value]!.axes) },
    ]),
  );
}
