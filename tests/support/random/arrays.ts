/**
 * Keras' tensors with their numbers, as random models compute with them: axes by position, plain loops. Nothing of this is
 * shared with src/, whose layouts by letter it is there to check.
 */

/**
 * A Keras tensor with its numbers. `open` says, per axis, how a size that the model leaves unknown follows from the
 * input's, so that two such sizes can be told to be equal; null where the size is known.
 */
export interface Known {
  readonly shape: readonly number[];
  readonly open: readonly (string | null)[];
  readonly data: Float64Array;
}

type Index = readonly number[];

export function count(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

export function at({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }, ...index: Index): number {
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
export function transposed(x: Known, order: readonly number[]): Known {
  const pick = <T>(list: readonly T[]) => order.map((axis) => list[axis]!);
  return tabulate(pick(x.shape), pick(x.open), (...index) =>
    at(x, ...x.shape.map((_, axis) => index[order.indexOf(axis)]!)),
  );
}

export function mapped(x: Known, f: (value: number) => number): Known {
  return { ...x, data: x.data.map((value) => f(value)) };
}

/** Applies `f` to every line of elements along `axes`, which lie side by side. */
export function alongAxes(x: Known, axes: readonly number[], f: (line: number[]) => number[]): Known {
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
export function channelsLast(x: Known, first: boolean, f: (series: Known) => Known | null): Known | null {
  const y = f(first ? transposed(x, [0, 2, 1]) : x);
  return y && first && y.shape.length === 3 ? transposed(y, [0, 2, 1]) : y;
}
