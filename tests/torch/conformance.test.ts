/**
 * Every program in tests/fixtures/torch gives what PyTorch 2.13 gave in float64, to 1e-9 of each element (and 1e-12 of the
 * largest), with the same shapes and dtypes; every program at which PyTorch raised is refused.
 */
import { describe, expect, it } from "vitest";
import { type Array64, runTorchProgram } from "../../src/backends/torch/interpret.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { groups, readCases } from "./fixtures.ts";

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((top, x) => (Number.isFinite(x) ? Math.max(top, Math.abs(x)) : top), 0);
}

/** The first element that differs; null if none does. */
function difference(got: Array64, expected: Array64): string | null {
  const [a, b] = [got.data as Float64Array, expected.data as Float64Array];
  if (`${got.dtype} ${got.shape}` !== `${expected.dtype} ${expected.shape}`) {
    return `expected ${expected.dtype} (${expected.shape}), got ${got.dtype} (${got.shape})`;
  }
  const floor = 1e-12 * largest(b);
  const i = b.findIndex(
    (x, k) => !(Object.is(x, a[k]) || x === a[k] || Math.abs(x - a[k]!) <= 1e-9 * Math.abs(x) + floor),
  );
  return i < 0 ? null : `element ${i}: expected ${b[i]}, got ${a[i]}`;
}

for (const group of groups("refusals", "signatures")) {
  describe(group, () => {
    for (const { name, source, state, inputs, outputs } of readCases(group)) {
      it(name, () => {
        const results = runTorchProgram({ source, state, inputs });
        expect(results.length).toBe(outputs.length);
        const returned = source.slice(source.lastIndexOf("return")).split("\n");
        const wrong = outputs.flatMap((output, i) => {
          const found = difference(results[i]!, output);
          return found ? [`output ${i} (${(returned[i + 1] ?? "").trim()}): ${found}`] : [];
        });
        expect(wrong).toEqual([]);
      });
    }
  });
}

describe("refusals", () => {
  for (const { name, source, state, inputs, raised } of readCases("refusals")) {
    it(`${name}: PyTorch says ${raised.slice(0, 100)}`, () => {
      let code = "none";
      try {
        runTorchProgram({ source, state, inputs });
      } catch (error) {
        if (!(error instanceof ChannelwiseError)) throw error;
        code = error.code;
      }
      const unknownName = raised.startsWith("NameError");
      expect(unknownName ? ["unsupported-feature"] : ["invalid-model", "shape-mismatch"]).toContain(code);
    });
  }
});
