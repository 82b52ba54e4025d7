/**
 * Where float32 and float64 take other branches, both sides are right; a fault of the same size is not excused.
 */
import { describe, expect, test } from "vitest";
import { RoundingCheck } from "../../src/api/rounding.ts";
import { runReference } from "../../src/backends/reference/reference.ts";
import type { EngineValue } from "../../src/backends/wasm/engine.ts";
import { GraphBuilder } from "../../src/graph/build.ts";
import type { Graph } from "../../src/graph/graph.ts";

const axes = [
  { letter: "N", size: 1 },
  { letter: "C", size: 3 },
];
const layer = { path: "layer", className: "ReLU", weights: {} };

/** tanh, then a ReLU that lets through what lies above 1 - 2e-8, which float32 can't tell from 1. */
function jumping(): Graph {
  const builder = new GraphBuilder();
  const [x, soft, jump] = ["x", "soft", "jump"].map((name) => builder.value(name, axes));
  const node = (kind: string, parameters: (number | null)[], input: number, output: number) =>
    builder.node({
      kind: "activation",
      attributes: { kind, parameters },
      inputs: [input],
      outputs: [output],
      layer,
      weights: [],
    });
  node("tanh", [], x!, soft!);
  node("relu", [0, null, 1 - 2e-8], soft!, jump!);
  return builder.finish("jumping", [{ name: "x", value: x! }], [{ name: "jump", value: jump! }]);
}

const graph = jumping();
const input = Float64Array.of(9, 0.5, -1);
const exact = runReference(graph, [{ axes, data: input }]).map((value) => value.data);
const engine = (jump: number[]): Map<number, EngineValue> =>
  new Map(
    [[...input], [1, Math.fround(Math.tanh(0.5)), Math.fround(Math.tanh(-1))], jump].map((data, id) => [
      id,
      { axes, data: Float32Array.from(data) },
    ]),
  );

describe("a difference of equal numbers", () => {
  const builder = new GraphBuilder();
  const [x, third, other, rest] = ["x", "third", "other", "rest"].map((name) => builder.value(name, axes));
  const node = (kind: string, attributes: object, inputs: number[], output: number) =>
    builder.node({ kind, attributes, inputs, outputs: [output], layer, weights: [] });
  node("arithmetic", { kind: "divide", left: null, right: 3 }, [x!], third!);
  node("arithmetic", { kind: "multiply", left: null, right: 1 / 3 }, [x!], other!);
  node("merge", { kind: "subtract" }, [third!, other!], rest!);
  const cancelling = builder.finish("cancelling", [{ name: "x", value: x! }], [{ name: "rest", value: rest! }]);
  const values = (left: number) =>
    new Map(
      [
        [3, 1.5, -3],
        [1, 0.5, -1],
        [1, 0.5, -1],
        [left, 0, 0],
      ].map((data, id) => [id, { axes, data: Float32Array.from(data) }]),
    );

  test("has no digits but those of rounding", () => {
    expect(new RoundingCheck(cancelling, values(6e-8)).explains(3, Float64Array.of(0, 1e-16, 0))).toBe(true);
  });

  test("has no more than those on either side", () => {
    expect(new RoundingCheck(cancelling, values(1e-4)).explains(3, Float64Array.of(0, 0, 0))).toBe(false);
    expect(new RoundingCheck(cancelling, values(0)).explains(3, Float64Array.of(0, 1e-6, 0))).toBe(false);
  });
});

describe("a jump between float32 and float64", () => {
  test("the two sides do differ", () => {
    expect(exact[2]![0]).toBeCloseTo(0, 12);
  });

  test("is explained when each side is right by itself", () => {
    expect(new RoundingCheck(graph, engine([1, 0, 0])).explains(2, exact[2]!)).toBe(true);
  });

  test("is not when the engine's step is wrong", () => {
    expect(new RoundingCheck(graph, engine([1, 0.5, 0])).explains(2, exact[2]!)).toBe(false);
  });

  test("is not when the converted program is wrong", () => {
    expect(new RoundingCheck(graph, engine([1, 0, 0])).explains(2, Float64Array.of(1, 0, 0))).toBe(false);
  });
});
