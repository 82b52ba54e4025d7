/**
 * Keras' layers of several inputs, by their definitions.
 *
 * Source  keras 3.15: keras/src/layers/merging
 */
import { at, type Known, tabulate } from "./arrays.ts";

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
  const key = (input: Known) =>
    JSON.stringify([input.shape, input.open].map((list) => list.filter((_, i) => i !== axis)));
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
