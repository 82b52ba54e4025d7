/** Layers of other people: refused by name with a way in, and working through it. */
import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { runReference } from "../../src/backends/reference/reference.ts";
import type { FromKeras } from "../../src/index.ts";
import { input, layer, sequential } from "../support/keras-config.ts";
import { memoryTree, stored } from "../support/memory-tree.ts";
import { refusal, single } from "../support/refusals.ts";

const projection: FromKeras = (call) => {
  const x = call.input();
  const units = call.config.integer("width");
  call.weight("kernel", "IO", [call.known(x, "C"), units]);
  call.weight("bias", "O", [units]);
  return call.activation(call.emit("dense", { units, axis: "C" }, [x], ["kernel", "bias"]), "relu");
};

const foreign = (options: object) => ({
  ...layer("Projection", "own", options),
  module: "my_layers",
  registered_name: "my_layers>Projection",
});

const groups = memoryTree([
  [
    "layers/projection",
    { name: "own", variables: [stored([2, 3], [1, 2, 3, -4, -5, 6]), stored([3], [0.5, 20, -30])] },
  ],
]);

const open = (config: unknown, customLayers: Record<string, FromKeras>) =>
  kerasGraph({ config, weights: groups, place: ["m", "config.json"], customLayers });

test.each(["my_layers>Projection", "Projection"])("a class of one's own by %s", (name) => {
  const graph = open(sequential([input("x", [2]), foreign({ width: 3 })]), { [name]: projection });
  const axes = graph.values[0]!.axes.map((axis) => ({ ...axis, size: axis.size ?? 1 }));
  const values = runReference(graph, [{ axes, data: Float64Array.from([2, 1]) }]);
  expect([...values[graph.outputs[0]!.value]!.data].map(Math.abs)).toEqual([0, 19, 0]);
});

test("an option that the builder does not read is refused", () => {
  const config = sequential([input("x", [2]), foreign({ width: 3, depth: 2 })]);
  expect(() => open(config, { Projection: projection })).toThrow(/Projection: option depth/);
});

test("a Lambda by its layer's name, or all of them", () => {
  const lambda = layer("Lambda", "squash", { function: ["code", null, null], arguments: {} });
  const config = sequential([input("x", [2]), lambda]);
  for (const name of ["squash", "Lambda"]) {
    const tanh: FromKeras = (call) => call.activation(call.input(), "tanh");
    expect(open(config, { [name]: tanh }).nodes.map((node) => node.kind)).toEqual(["activation"]);
  }
});

test("names out of JavaScript's own are no custom layers", () => {
  expect(refusal(single("constructor", {})).code).toBe("unsupported-layer");
});

test("the refusals say which lines to write", () => {
  expect(refusal(sequential([input("x", [2]), foreign({})])).fix).toMatch(
    /load\(file, \{ customLayers: \{ "my_layers>Projection": \(call\) =>/,
  );
  expect(refusal(single("Lambda", {})).fix).toMatch(/customLayers: \{ "Lambda": \(call\) => .*docs\/custom-layers\.md/);
});

test("the page that the refusals name has the same lines", () => {
  const page = readFileSync(new URL("../../docs/custom-layers.md", import.meta.url), "utf8");
  expect(page).toContain('call.weight("kernel", "IO", [call.known(x, "C"), units]);');
});
