/** A model run node by node, as large ones are for a proof, gives the bits that it gives in one piece. */
import { describe, expect, test } from "vitest";
import { randomInputs } from "../../src/api/random.ts";
import { Engine, type EngineValue } from "../../src/backends/wasm/engine.ts";
import { NodeResults } from "../../src/backends/wasm/node-results.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import type { Node } from "../../src/graph/graph.ts";
import { type LayoutPlan, planLayout } from "../../src/plan/layout.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import { caseNames, loadCase } from "../support/fixtures.ts";
import { input, layer, sequential } from "../support/keras-config.ts";
import { memoryTree, stored } from "../support/memory-tree.ts";

let reused = 0;

test.each(caseNames)("%s", (name) => {
  const graph = loadCase(name).graph();
  const engine = new Engine(graph, kernelModule(), null, "direct");
  const inputs = randomInputs(graph, 3, 5);
  const given = [inputs.map(({ data }) => data), inputs.map(({ shape }) => shape)] as const;
  const known = new NodeResults();
  const whole = engine.runAll(...given, undefined, false);
  const pieces = engine.runAll(...given, known, true);
  expect([...pieces.keys()]).toEqual([...whole.keys()]);
  const fresh = new Engine(graph, kernelModule(), null, "direct", false);
  const answers = (outputs: EngineValue[]) => outputs.map(({ data, axes }) => [Buffer.from(data.buffer), axes]);
  const wanted = answers(engine.run(...given));
  expect(answers(fresh.runOnce(...given, undefined, true))).toEqual(wanted);
  expect(answers(fresh.runOnce(...given, known, true))).toEqual(wanted);
  reused += known.found;
  expect(fresh.memoryBytes).toBe(0);
  for (const [value, { data, axes }] of whole) {
    const other = pieces.get(value)!;
    expect(other.axes).toEqual(axes);
    expect(Buffer.compare(Buffer.from(other.data.buffer), Buffer.from(data.buffer)), String(value)).toBe(0);
  }
});

test("most nodes of the folded graphs are not computed again", () => {
  expect(reused).toBeGreaterThan(700);
});

describe("a node's result is another's where", () => {
  const graph = kerasGraph({
    config: sequential([input("x", [6, 4]), layer("Dense", "dense", { units: 5 })]),
    weights: memoryTree([["layers/dense", { name: "dense", variables: [stored([4, 5]), stored([5])] }]]),
    place: [],
  });
  const plan = planLayout(graph, { target: "wasm", flatten: "permute", io: "source" });
  const [node] = plan.graph.nodes as [Node];
  const axes = plan.graph.values[node.inputs[0]!]!.axes.map((axis, index) => ({ ...axis, size: [2, 6, 4][index]! }));
  const value = (...numbers: number[]): EngineValue => ({ data: Float32Array.from(numbers), axes });
  const output = value(7);
  const known = new NodeResults();
  known.add(plan, node, [value(1, -0, Number.NaN)], [output]);
  const orders = plan.weights.get(node.layer)!;
  const turned = { ...orders, kernel: { from: orders.kernel!.from, to: orders.kernel!.to.toReversed() } };

  test.each<[string, LayoutPlan, Node, EngineValue, boolean]>([
    ["all is the same", plan, { ...node, attributes: { ...node.attributes } }, value(1, -0, Number.NaN), true],
    ["a number differs", plan, node, value(1, 0, Number.NaN), false],
    ["there are fewer", plan, node, value(1, -0), false],
    ["a size differs", plan, node, { ...value(1, -0, Number.NaN), axes: axes.slice(1) }, false],
    ["an attribute differs", plan, { ...node, attributes: { ...node.attributes, units: 6 } }, value(1, -0, NaN), false],
    ["there is a clamp", plan, { ...node, clamp: [0, null] }, value(1, -0, NaN), false],
    ["other weights are read", plan, { ...node, weights: ["kernel"] }, value(1, -0, NaN), false],
    ["a weight is turned", { ...plan, weights: new Map([[node.layer, turned]]) }, node, value(1, -0, NaN), false],
    ["the layer is another", plan, { ...node, layer: { ...node.layer } }, value(1, -0, NaN), false],
  ])("%s", (_, own, other, given, found) => {
    expect(known.find(own, other, [given])).toEqual(found ? [output] : undefined);
  });
});
