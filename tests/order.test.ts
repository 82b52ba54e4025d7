/**
 * branchByBranch: every node stands behind what it reads, nothing is lost, and a branch is not mixed with another.
 */
import { expect, test } from "vitest";
import { GraphBuilder } from "../src/graph/build.ts";
import type { Graph } from "../src/graph/graph.ts";
import { branchByBranch } from "../src/graph/order.ts";
import { caseNames, loadCase } from "./support/fixtures.ts";

test("two branches listed step by step are put one after the other", () => {
  const builder = new GraphBuilder();
  const [x, a1, b1, a2, b2, sum, spare] = ["x", "a1", "b1", "a2", "b2", "sum", "spare"].map((name) =>
    builder.value(name, []),
  );
  const add = (inputs: number[], output: number) => {
    const layer = { path: builder.values[output]!.name, className: "Test", weights: {} };
    builder.node({ kind: "merge", attributes: {}, inputs, outputs: [output], layer, weights: [] });
    builder.call(layer, 0, [output]);
  };
  add([x!], a1!);
  add([x!], b1!);
  add([a1!], a2!);
  add([b1!], b2!);
  add([x!], spare!);
  add([a2!, b2!], sum!);
  const ordered = branchByBranch(builder.finish("net", [{ name: "x", value: x! }], [{ name: "sum", value: sum! }]));
  expect(ordered.nodes.map((node) => node.layer.path)).toEqual(["a1", "a2", "b1", "b2", "sum", "spare"]);
  expect(ordered.calls.map((call) => call.name)).toEqual(["a1", "a2", "b1", "b2", "sum", "spare"]);
});

function inOrder({ inputs, nodes }: Graph): boolean {
  const known = new Set(inputs.map((port) => port.value));
  return nodes.every((node) => {
    const ready = node.inputs.every((input) => known.has(input));
    for (const output of node.outputs) known.add(output);
    return ready;
  });
}

test.each(caseNames)("%s can be computed in order", (name) => {
  expect(inOrder(loadCase(name).graph())).toBe(true);
});

test("a chain of many thousand layers does not exhaust the stack", () => {
  const builder = new GraphBuilder();
  const layer = { path: "layer", className: "Test", weights: {} };
  const values = Array.from({ length: 50_000 }, (_, index) => builder.value(`v${index}`, []));
  for (const value of values.slice(1).reverse()) {
    builder.nodes.push({ kind: "merge", attributes: {}, inputs: [value - 1], outputs: [value], layer, weights: [] });
  }
  const graph = builder.finish("chain", [{ name: "x", value: values[0]! }], [{ name: "y", value: values.at(-1)! }]);
  expect(inOrder(branchByBranch(graph))).toBe(true);
});
