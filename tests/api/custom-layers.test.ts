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

const fused = (module: string) => {
  const port = (name: string) => ({ class_name: "__keras_tensor__", config: { keras_history: [name, 0, 0] } });
  const fuse = { ...layer("Fuse", "fuse"), module, registered_name: `${module}>Fuse`, name: "fuse" };
  return {
    class_name: "Functional",
    config: {
      name: "two",
      layers: [
        { ...input("a", [2]), name: "a", inbound_nodes: [] },
        { ...input("b", [2]), name: "b", inbound_nodes: [] },
        { ...fuse, inbound_nodes: [{ args: [[port("a"), port("b")]], kwargs: {} }] },
      ],
      input_layers: [
        ["a", 0, 0],
        ["b", 0, 0],
      ],
      output_layers: [["fuse", 0, 0]],
    },
  };
};

test("of a layer of several inputs the line takes them all, and works as it is written", () => {
  const { fix } = refusal(fused("mine"));
  expect(fix).toMatch(
    /customLayers: \{ "mine>Fuse": \(call\) => call\.like\("Add"\) \/\* of 2 inputs: call\.inputs \*\/ \} \}\);/,
  );
  const suggested: FromKeras = (call) => call.like("Add");
  const graph = open(fused("mine"), { "mine>Fuse": suggested });
  const [a, b] = graph.inputs.map(({ value }) =>
    graph.values[value]!.axes.map((axis) => ({ ...axis, size: axis.size ?? 1 })),
  );
  const values = runReference(graph, [
    { axes: a!, data: Float64Array.from([1, 2]) },
    { axes: b!, data: Float64Array.from([30, 40]) },
  ]);
  expect([...values[graph.outputs[0]!.value]!.data]).toEqual([31, 42]);
});

test.each<[string, unknown, RegExp]>([
  [
    "throws",
    () => {
      throw new RangeError("of my own");
    },
    /failed: of my own\n/,
  ],
  ["gives nothing", () => undefined, /failed: it has to return a value that call gave, .* returned undefined\n/],
  ["is asynchronous", async () => 0, /returned \[object Promise\]\n/],
  ["is none", 5, /failed: it is none\n/],
])("a function that %s is told of its layer, with the error as the cause", (_, build, message) => {
  const config = sequential([input("x", [2]), foreign({})]);
  let thrown: unknown;
  try {
    open(config, { Projection: build as FromKeras });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ name: "ChannelwiseError", code: "usage", where: ["m", "config.json", "layer own"] });
  expect(String((thrown as Error).message)).toContain('the function for "Projection" in customLayers failed');
  expect(String((thrown as Error).message)).toMatch(message);
  expect((thrown as Error).cause).toBeInstanceOf(message.source.includes("my own") ? RangeError : TypeError);
});
