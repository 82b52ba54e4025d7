/**
 * pack: every cell of the panels and the columns, around one and two panels, in groups, with and without a bias, over rows that
 * do and do not fill a block; and that a target need not be zero before.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Kernels } from "../../src/ops/kernels.ts";
import { panelColumns, panelElements, writeColumns, writePanels } from "../../src/ops/pack.ts";

const module = new WebAssembly.Module(
  new Uint8Array(readFileSync(new URL("../../build/kernels.wasm", import.meta.url))),
);
const kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
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
          const target = new Float32Array(panelElements(kernels, source)).fill(Number.NaN);
          writePanels(target, kernels, source);
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
