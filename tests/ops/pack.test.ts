/**
 * pack: every cell of the panels and the columns, around one and two panels, in groups, with and without a bias, over rows that
 * do and do not fill a block; that a target need not be zero before; and that files' orders come out as Keras' does.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { namedAxes, rearrangeArray, rearrangement } from "../../src/axes.ts";
import { KernelMemory } from "../../src/backends/wasm/memory.ts";
import { panelColumns, panelElements, writeColumns, writePanels } from "../../src/ops/pack.ts";
import { floats } from "../support/kernels.ts";

const module = new WebAssembly.Module(
  new Uint8Array(readFileSync(new URL("../../build/kernels.wasm", import.meta.url))),
);
const memory = new KernelMemory(module);
const { kernels } = memory;
const width = kernels.panelWidth();

/** Weights and biases that all differ. */
function matrix(rows: number, columns: number, groups: number, biased: boolean) {
  const values = Float32Array.from({ length: rows * columns }, (_, index) => index + 1);
  const bias = biased ? Float32Array.from({ length: columns }, (_, index) => -index - 1) : null;
  return { values, bias, rows, columns, groups };
}

describe("panels", () => {
  it("are as wide as the kernels read them", () => expect(panelColumns).toBe(width));

  it.each([1, 2, 3])("hold row k, column n in panel n / width, %d groups", (groups) => {
    for (const rows of [0, 1, 2, 63, 64, 65, 129]) {
      for (let share = 1; share <= 2 * width + 1; share++) {
        for (const biased of [true, false]) {
          const source = matrix(rows, share * groups, groups, biased);
          const [at, count] = [memory.weightsEnd / 4, panelElements(kernels, source)];
          memory.reserve(4 * (at + count));
          memory.floats().fill(Number.NaN, at, at + count);
          writePanels(memory, 4 * at, source);
          const target = memory.floats().subarray(at, at + count);
          const expected: number[] = [];
          for (let group = 0; group < groups; group++)
            for (let first = 0; first < share; first += width)
              for (let k = -1; k < rows; k++)
                for (let n = first; n < first + width; n++) {
                  const column = group * share + n;
                  if (n >= share) expected.push(0);
                  else if (k < 0) expected.push(source.bias?.[column] ?? 0);
                  else expected.push(source.values[k * source.columns + column]!);
                }
          expect([...target], `${rows} rows, ${share} columns`).toEqual(expected);
        }
      }
    }
  });
});

describe("panels out of PyTorch's orders", () => {
  /** Random numbers in the order `from`, and the same numbers in Keras' order. */
  function stored(from: string, to: string, sizes: Readonly<Record<string, number>>) {
    const axes = (letters: string) =>
      namedAxes(
        letters,
        [...letters].map((letter) => sizes[letter]!),
      );
    const data = floats(
      [...from].reduce((all, letter) => all * sizes[letter]!, 1),
      from.length,
    );
    const copies = rearrangement(axes(from), axes(to));
    return { values: { data, copies }, keras: rearrangeArray(data, axes(from), axes(to)) };
  }
  const cases: [from: string, to: string, sizes: Record<string, number>, groups: number][] = [
    ["OI", "IO", { O: 13, I: 7 }, 1],
    ["OI", "IO", { O: 8, I: 1 }, 1],
    ["OI", "IO", { O: 1, I: 9 }, 1],
    ["OI", "IO", { O: 100, I: 3001 }, 1],
    ["OI", "IO", { O: 9, I: 20_000 }, 1],
    ["OIK", "KIO", { O: 21, I: 5, K: 3 }, 1],
    ["OIK", "KIO", { O: 22, I: 5, K: 3 }, 2],
    ["OIK", "KIO", { O: 24, I: 4, K: 1 }, 3],
    ["OIK", "KIO", { O: 48, I: 1, K: 6 }, 3],
    // Not with the outputs outermost: brought into Keras' order first.
    ["IOK", "KIO", { O: 9, I: 5, K: 3 }, 1],
    ["KOI", "KIO", { O: 9, I: 5, K: 3 }, 1],
  ];
  it.each(cases)("%s to %s, %o, %d groups", (from, to, sizes, groups) => {
    const { values, keras } = stored(from, to, sizes);
    const [rows, columns] = [keras.length / sizes.O!, sizes.O!];
    const written = (given: Float32Array | typeof values) => {
      const matrix = { values: given, bias: floats(columns, 9), rows, columns, groups };
      const [at, count] = [memory.weightsEnd / 4, panelElements(kernels, matrix)];
      memory.reserve(4 * (at + count));
      memory.floats().fill(Number.NaN, at, at + count);
      writePanels(memory, 4 * at, matrix);
      return memory.floats().slice(at, at + count);
    };
    expect(written(values)).toEqual(written(keras));
  });
});

it("panels of a matrix that goes through WebAssembly memory in parts", () => {
  const source = matrix(700, 2 * 401, 2, true);
  const target = memory.allocateWeights(4 * panelElements(kernels, source));
  writePanels(memory, target, source);
  const panels = memory.floats().subarray(target / 4);
  const [panel, perGroup] = [701 * width, Math.ceil(401 / width)];
  const wrong = source.values.findIndex((value, index) => {
    const [row, column] = [Math.floor(index / 802), index % 802];
    const [group, n] = [Math.floor(column / 401), column % 401];
    const at = (group * perGroup + Math.floor(n / width)) * panel + (1 + row) * width + (n % width);
    return panels[at] !== value;
  });
  expect(wrong).toBe(-1);
});

describe("columns", () => {
  it("hold a bias, three zeros and the column's weights, and end in zeros", () => {
    for (let rows = 0; rows <= 9; rows++) {
      for (let columns = 1; columns <= 4; columns++) {
        for (const biased of [true, false]) {
          const source = matrix(rows, columns, 1, biased);
          const stride = kernels.narrowStride(rows);
          const target = new Float32Array(columns * stride).fill(Number.NaN);
          writeColumns(target, kernels, source);
          for (let n = 0; n < columns; n++) {
            const weights = Array.from({ length: rows }, (_, k) => source.values[k * columns + n]!);
            const end = new Array<number>(stride - 4 - rows).fill(0);
            const expected = [source.bias?.[n] ?? 0, 0, 0, 0, ...weights, ...end];
            expect([...target.subarray(n * stride, (n + 1) * stride)]).toEqual(expected);
          }
        }
      }
    }
  });
});
