/** Keras configurations as graphs: groups of variables, calls and their numbers, inputs and outputs in Keras' order. */
import { describe, expect, test } from "vitest";
import { layoutText, shapeOf } from "../../src/axes.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { snakeCase } from "../../src/dialects/keras-groups.ts";
import type { Graph } from "../../src/graph/graph.ts";
import {
  call,
  conv1d,
  dense,
  type Entry,
  from,
  functional,
  input,
  layer,
  nested,
  sequential,
} from "../support/keras-config.ts";
import { type Group, memoryTree, stored } from "../support/memory-tree.ts";

function open(config: unknown, groups: Record<string, Group> = {}): Graph {
  return kerasGraph({ config, weights: memoryTree(Object.entries(groups)), place: ["model.keras", "config.json"] });
}

/** A Dense of 4 features to 4, whose kernel holds `mark` everywhere, so that it can be told. */
const marked = (mark: number): Group => ({
  variables: [stored([4, 4], new Array<number>(16).fill(mark)), stored([4])],
});
const dense4 = { ...dense, units: 4 };

/** The mark of each layer's kernel. */
function marks(graph: Graph): Record<string, number> {
  const layers = new Set(graph.nodes.map((node) => node.layer));
  return Object.fromEntries(
    [...layers].flatMap(({ path, weights }) =>
      weights.kernel ? [[path, Number(weights.kernel.array.read()[0])]] : [],
    ),
  );
}

describe("groups of variables", () => {
  // As in files of Keras 3.15.
  test.each([
    ["Conv1D", "conv1d"],
    ["Conv1DTranspose", "conv1d_transpose"],
    ["SeparableConv1D", "separable_conv1d"],
    ["PReLU", "p_re_lu"],
    ["ReLU", "re_lu"],
    ["LeakyReLU", "leaky_re_lu"],
    ["ELU", "elu"],
    ["BatchNormalization", "batch_normalization"],
    ["RMSNormalization", "rms_normalization"],
    ["LSTM", "lstm"],
    ["GRU", "gru"],
    ["SimpleRNN", "simple_rnn"],
    ["MaxPooling1D", "max_pooling1d"],
    ["UpSampling1D", "up_sampling1d"],
    ["GlobalAveragePooling1D", "global_average_pooling1d"],
    ["Functional", "functional"],
    ["TimeDistributed", "time_distributed"],
  ])("%s lies in %s", (className, group) => {
    expect(snakeCase(className)).toBe(group);
  });

  test("are counted per class and model", () => {
    const config = sequential([
      input("x", [4]),
      layer("Dense", "first", dense4),
      sequential([layer("Dense", "inner", dense4)], "model"),
      layer("Dense", "second", dense4),
    ]);
    const graph = open(config, {
      "layers/dense": marked(1),
      "layers/sequential/layers/dense": marked(2),
      "layers/dense_1": marked(3),
    });
    expect(marks(graph)).toEqual({ first: 1, "model/inner": 2, second: 3 });
  });

  test("go by the order of the list, not by name or by order of calls", () => {
    const config = functional(
      [
        input("x", [4]),
        layer("Dense", "late", dense4, [call(from("early"))]),
        layer("Dense", "early", dense4, [call(from("x"))]),
      ],
      ["x", 0, 0],
      ["late", 0, 0],
    );
    const graph = open(config, { "layers/dense": marked(1), "layers/dense_1": marked(2) });
    expect(marks(graph)).toEqual({ early: 2, late: 1 });
    expect(graph.nodes.map((node) => node.layer.path)).toEqual(["early", "late"]);
  });

  test("of models inside start anew; an InputLayer does not count in a Sequential", () => {
    const inner = functional(
      [input("i", [4]), layer("Dense", "d", dense4, [call(from("i"))])],
      ["i", 0, 0],
      ["d", 0, 0],
      "inner",
    );
    const chain = sequential([input("s", [4]), layer("Dense", "d", dense4), layer("Dense", "e", dense4)], "chain");
    const config = functional(
      [
        input("x", [4]),
        nested(inner, [call(from("x"))]),
        nested(chain, [call(from("inner"))]),
        layer("Dense", "d", dense4, [call(from("chain"))]),
      ],
      ["x", 0, 0],
      ["d", 0, 0],
    );
    const graph = open(config, {
      "layers/functional/layers/dense": marked(1),
      "layers/sequential/layers/dense": marked(2),
      "layers/sequential/layers/dense_1": marked(3),
      "layers/dense": marked(4),
    });
    expect(marks(graph)).toEqual({ "inner/d": 1, "chain/d": 2, "chain/e": 3, d: 4 });
  });
});

describe("calls", () => {
  test("of a shared layer share its weights and bear numbers", () => {
    const config = functional(
      [
        input("x", [4]),
        input("y", [4]),
        layer("Dense", "d", dense4, [call(from("x")), call(from("y"))]),
        layer("Add", "a", {}, [call([from("d", 0), from("d", 1)])]),
      ],
      [
        ["x", 0, 0],
        ["y", 0, 0],
      ],
      ["a", 0, 0],
    );
    const graph = open(config, { "layers/dense": marked(1) });
    expect(graph.calls.map(({ name }) => name)).toEqual(["d", "d@1", "a"]);
    const [first, second] = graph.nodes.filter((node) => node.kind === "dense");
    expect(first!.layer).toBe(second!.layer);
    expect([first!.inputs, second!.inputs]).toEqual([[0], [1]]);
  });

  test("may stand in another order than they are computed", () => {
    const config = functional(
      [
        input("x", [4]),
        layer("Dense", "d", dense4, [call(from("r")), call(from("x"))]),
        layer("ReLU", "r", {}, [call(from("d", 1))]),
      ],
      ["x", 0, 0],
      ["d", 0, 0],
    );
    const graph = open(config, { "layers/dense": marked(1) });
    expect(graph.calls.map(({ name }) => name)).toEqual(["d@1", "r", "d"]);
  });

  test("of one layer with an activation give one output and two nodes", () => {
    const graph = open(sequential([input("x", [4]), layer("Dense", "d", { ...dense4, activation: "relu" })]), {
      "layers/dense": marked(1),
    });
    expect(graph.nodes.map(({ kind }) => kind)).toEqual(["dense", "activation"]);
    expect(graph.calls).toMatchObject([{ name: "d", outputs: [2] }]);
  });
});

describe("outputs of models inside", () => {
  /** A model that gives relu(x), tanh(x), called on x and on what the first call gave. */
  const inner = functional(
    [
      input("i", [4]),
      layer("ReLU", "r", {}, [call(from("i"))]),
      layer("Activation", "t", { activation: "tanh" }, [call(from("i"))]),
    ],
    ["i", 0, 0],
    [
      ["r", 0, 0],
      ["t", 0, 0],
    ],
    "inner",
  );
  const twice = (outputs: unknown): Entry =>
    functional([input("x", [4]), nested(inner, [call(from("x")), call(from("inner", 0, 1))])], ["x", 0, 0], outputs);

  test("output_layers counts a Functional's calls from 1, inbound_nodes from 0", () => {
    const graph = open(
      twice([
        ["inner", 2, 0],
        ["inner", 1, 1],
      ]),
    );
    const nodes = graph.nodes.map(({ layer: own, inputs, outputs }) => [own.path, inputs[0], outputs[0]] as const);
    expect(nodes.toSorted((a, b) => a[2]! - b[2]!)).toEqual([
      ["inner/r", 0, 1],
      ["inner/t", 0, 2],
      ["inner/r", 2, 3],
      ["inner/t", 2, 4],
    ]);
    expect(graph.outputs.map(({ value }) => value)).toEqual([3, 2]);
  });

  test("a Sequential's calls count from 0 in both", () => {
    const chain = sequential([input("s", [4]), layer("ReLU", "r")], "chain");
    const config = functional(
      [input("x", [4]), nested(chain, [call(from("x")), call(from("chain"))])],
      ["x", 0, 0],
      [
        ["chain", 0, 0],
        ["chain", 1, 0],
      ],
    );
    const graph = open(config);
    expect(graph.outputs.map(({ value }) => value)).toEqual([1, 2]);
    expect(graph.calls.map(({ name }) => name)).toEqual(["chain/r", "chain", "chain/r@1", "chain@1"]);
  });
});

describe("inputs and outputs", () => {
  const pass = (name: string, of: string) => layer("Identity", name, {}, [call(from(of))]);

  test("one bare, one in a list, several in a list", () => {
    for (const [inputs, outputs] of [
      [
        ["x", 0, 0],
        ["a", 0, 0],
      ],
      [[["x", 0, 0]], [["a", 0, 0]]],
    ]) {
      const graph = open(functional([input("x", [4]), pass("a", "x")], inputs, outputs));
      expect([graph.inputs.map(({ name }) => name), graph.outputs.map(({ name }) => name)]).toEqual([["x"], ["a"]]);
    }
  });

  test("dictionaries go by sorted key, whatever the order of the file", () => {
    const layers = [input("x", [4]), input("y", [5]), pass("a", "x"), pass("b", "y")];
    const graph = open(
      functional(layers, { z: ["x", 0, 0], k: ["y", 0, 0] }, { second: ["b", 0, 0], first: ["a", 0, 0] }),
    );
    expect(graph.inputs.map(({ name }) => name)).toEqual(["y", "x"]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("nested lists are flattened", () => {
    const graph = open(
      functional(
        [input("x", [4]), pass("a", "x"), pass("b", "a")],
        ["x", 0, 0],
        [
          ["a", 0, 0],
          [
            ["b", 0, 0],
            ["a", 0, 0],
          ],
        ],
      ),
    );
    expect(graph.outputs.map(({ name }) => name)).toEqual(["a", "b", "a@2"]);
  });

  test("an input is NLC, and NCL where only channels_first layers take it", () => {
    const first = { ...conv1d, data_format: "channels_first" };
    const variables = [stored([3, 4, 2]), stored([2])];
    const layoutOf = (...configs: object[]) => {
      const layers = configs.map((config, index) => layer("Conv1D", `c${index}`, config, [call(from("x"))]));
      const groups = Object.fromEntries(
        configs.map((_, index) => [`layers/conv1d${index ? `_${index}` : ""}`, { variables }]),
      );
      const graph = open(
        functional(
          [input("x", [4, 4]), ...layers],
          ["x", 0, 0],
          configs.map((_, index) => [`c${index}`, 0, 0]),
        ),
        groups,
      );
      return layoutText(graph.values[graph.inputs[0]!.value]!.axes);
    };
    expect([layoutOf(conv1d), layoutOf(first), layoutOf(first, first), layoutOf(first, conv1d)]).toEqual([
      "NLC",
      "NCL",
      "NCL",
      "NLC",
    ]);
  });

  test("a batch size in the file is not binding", () => {
    const config = sequential([input("x", [], { batch_shape: [1, 8, 4] }), layer("ReLU", "r")]);
    expect(shapeOf(open(config).values[0]!.axes)).toEqual([null, 8, 4]);
  });

  test("types: floats of any precision, integers of any size", () => {
    const typeOf = (dtype: unknown) =>
      open(sequential([input("x", [4], { dtype }), layer("Identity", "r")])).values[0]!.type;
    expect(["float32", "float16", "bfloat16", "float64", "int32", "int64", "uint8"].map(typeOf)).toEqual([
      "float32",
      "float32",
      "float32",
      "float32",
      "int32",
      "int32",
      "int32",
    ]);
  });
});

describe("layouts", () => {
  const layouts = (graph: Graph) => graph.values.map(({ axes }) => layoutText(axes));
  const flat = { data_format: "channels_last" };

  test("Flatten merges, what works by element keeps the merge, Dense ends it", () => {
    const config = sequential([
      input("x", [2, 2]),
      layer("Flatten", "f", flat),
      layer("ReLU", "r"),
      layer("Dense", "d", dense4),
    ]);
    const graph = open(config, { "layers/dense": marked(1) });
    expect(layouts(graph)).toEqual(["NLC", "N(LC)", "N(LC)", "NC"]);
  });

  test("channels_first merges in the same order, from the other axes", () => {
    const graph = open(
      functional(
        [input("x", [3, 5]), layer("Flatten", "f", { data_format: "channels_first" }, [call(from("x"))])],
        ["x", 0, 0],
        ["f", 0, 0],
      ),
    );
    // The input counts as NCL: only a channels_first layer takes it.
    expect(layouts(graph)).toEqual(["NCL", "N(LC)"]);
  });

  test("Concatenate joins merged pieces with a bar", () => {
    const config = functional(
      [
        input("x", [3, 5]),
        input("v", [2]),
        layer("Flatten", "f", flat, [call(from("x"))]),
        layer("Concatenate", "c", { axis: -1 }, [call([from("f"), from("v"), from("f")])]),
      ],
      [
        ["x", 0, 0],
        ["v", 0, 0],
      ],
      ["c", 0, 0],
    );
    const graph = open(config);
    expect(layouts(graph).at(-1)).toBe("N(LC|C|LC)");
    expect(shapeOf(graph.values.at(-1)!.axes)).toEqual([null, 32]);
  });

  test("Reshape to a vector is a Flatten; Permute renames", () => {
    const shaped = (name: string, options: object) =>
      layouts(open(sequential([input("x", [3, 5]), layer(name, "a", options)])));
    expect(shaped("Reshape", { target_shape: [15] })).toEqual(["NLC", "N(LC)"]);
    expect(shaped("Reshape", { target_shape: [-1] })).toEqual(["NLC", "N(LC)"]);
    expect(shaped("Reshape", { target_shape: [5, 3] })).toEqual(["NLC", "NLC"]);
    expect(shaped("Reshape", { target_shape: [5, 3, 1] })).toEqual(["NLC", "NTLC"]);
    expect(shaped("Reshape", { target_shape: [3, 5] })).toEqual(["NLC"]);
    expect(shaped("Permute", { dims: [2, 1] })).toEqual(["NLC", "NLC"]);
  });

  test("Flatten of two merged series beside each other still has an order", () => {
    const config = functional(
      [
        input("x", [16, 1]),
        input("y", [16, 4]),
        layer("Flatten", "f", flat, [call(from("y"))]),
        layer("Add", "s", {}, [call([from("x"), from("f")])]),
        layer("Flatten", "g", flat, [call(from("s"))]),
      ],
      [
        ["x", 0, 0],
        ["y", 0, 0],
      ],
      ["g", 0, 0],
    );
    const axes = open(config).values.at(-1)!.axes;
    expect(shapeOf(axes)).toEqual([null, 1024]);
    for (const parts of axes[1]!.segments ?? []) {
      expect(new Set(parts.map((part) => part.letter)).size, "parts of one name can't be told apart").toBe(
        parts.length,
      );
    }
  });
});
