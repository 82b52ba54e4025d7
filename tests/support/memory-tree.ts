/**
 * The variables of a Keras model as a tree in memory, without a file.
 */
import type { WeightTree } from "../../src/formats/weight-tree.ts";
import type { StoredArray } from "../../src/tensor.ts";

/** One layer's group: the name that its `vars` bear, where the file tells, and its variables. */
export interface Group {
  readonly name?: string;
  readonly variables: readonly StoredArray[];
}

/** A float32 array as if it lay in a file; counting from 1 where no numbers are given. */
export function stored(shape: readonly number[], data?: ArrayLike<number>): StoredArray {
  const count = shape.reduce((all, size) => all * size, 1);
  const numbers = data ? Float32Array.from(data) : Float32Array.from({ length: count }, (_, index) => index + 1);
  return { dtype: "float32", shape, read: () => numbers };
}

/** An int8 array, counting from 1. */
export function storedInt8(shape: readonly number[]): StoredArray {
  const numbers = Int8Array.from(stored(shape).read() as Float32Array);
  return { dtype: "int8", shape, read: () => numbers };
}

/** Groups by path, such as `layers/conv1d_1`. */
export function memoryTree(groups: Iterable<readonly [path: string, group: Group]>): WeightTree {
  const known = new Map(groups);
  const below = (path: string) => [...known.keys()].filter((key) => path === "" || key.startsWith(`${path}/`));
  return {
    place: ["model.keras", "model.weights.h5"],
    variables: (path) => [...(known.get(path)?.variables ?? [])],
    name: (path) => known.get(path)?.name,
    has: (path) => known.has(path) || below(path).length > 0,
    children: (path) => [
      ...new Set(below(path).map((key) => key.slice(path === "" ? 0 : path.length + 1).split("/")[0]!)),
    ],
  };
}
