/** Functions of TensorFlow in graphs of tf.keras: the graph that the operation of Keras 3 gives. */
import { describe, expect, test } from "vitest";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { ChannelwiseError } from "../../src/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { memoryTree } from "../support/memory-tree.ts";

const input = (name: string) => ({
  class_name: "InputLayer",
  name,
  config: { name, batch_input_shape: [null, 6, 4], dtype: "float32" },
  inbound_nodes: [],
});
const tensor = (name: string) => ({ class_name: "__keras_tensor__", config: { keras_history: [name, 0, 0] } });

/** `a` after two inputs, of which it may take the second by name. */
const model = (entry: object) => ({
  class_name: "Functional",
  config: {
    name: "m",
    layers: [input("x"), input("y"), { name: "a", ...entry }],
    input_layers: [
      ["x", 0, 0],
      ["y", 0, 0],
    ],
    output_layers: [["a", 0, 0]],
  },
});
const open = (entry: object, kerasVersion: string): Graph =>
  kerasGraph({ config: model(entry), weights: memoryTree([]), kerasVersion, place: ["m.keras", "config.json"] });

const old = (name: string, kwargs: object, inbound: unknown[] = [["x", 0, 0, kwargs]], className = "TFOpLambda") =>
  open(
    {
      class_name: className,
      config: { name: "a", trainable: true, dtype: "float32", function: name },
      inbound_nodes: inbound,
    },
    "2.15.0",
  );
const now = (className: string, config: object, args: unknown[]) =>
  open(
    {
      module: className === "Concatenate" ? "keras.layers" : "keras.src.ops.numpy",
      class_name: className,
      registered_name: className,
      config: { name: "a", ...config },
      inbound_nodes: [{ args, kwargs: {} }],
    },
    "3.15.1",
  );
const content = ({ nodes, values }: Graph) => ({
  values,
  nodes: nodes.map(({ layer, ...node }) => ({ ...node, layer: layer.path })),
});
const slice = (start: unknown, stop: unknown, step: unknown = null) => ({ start, stop, step });
const newSlice = (start: unknown, stop: unknown, step: unknown = null) => ({
  class_name: "__slice__",
  config: { start, stop, step },
});

describe("a function is an operation", () => {
  const x = tensor("x");
  const y = tensor("y");
  const constant = (value: number, kwargs: object) => [["_CONSTANT_VALUE", -1, value, kwargs]];
  const all = slice(null, null);
  const newAll = newSlice(null, null);
  test.each<[string, () => Graph, () => Graph]>([
    ["x + y", () => old("__operators__.add", { y: ["y", 0, 0], name: null }), () => now("Add", {}, [x, y])],
    ["x * 2", () => old("math.multiply", { y: 2, name: null }), () => now("Multiply", {}, [x, 2])],
    [
      "2 - x",
      () => old("math.subtract", {}, constant(2, { y: ["x", 0, 0], name: null })),
      () => now("Subtract", {}, [2, x]),
    ],
    ["x / y", () => old("math.truediv", { y: ["y", 0, 0] }), () => now("TrueDivide", {}, [x, y])],
    ["x ** 2", () => old("math.pow", { y: 2 }), () => now("Power", {}, [x, 2])],
    ["maximum", () => old("math.maximum", { y: 0.5 }), () => now("Maximum", {}, [x, 0.5])],
    ["-x", () => old("math.negative", {}), () => now("Negative", {}, [x])],
    ["relu", () => old("nn.relu", { name: null }), () => now("Relu", {}, [x])],
    ["gelu is exact", () => old("nn.gelu", {}), () => now("Gelu", { approximate: false }, [x])],
    ["softmax", () => old("nn.softmax", { axis: 1 }), () => now("Softmax", { axis: 1 }, [x])],
    [
      "reduce_mean",
      () => old("math.reduce_mean", { axis: 1, keepdims: true }),
      () => now("Mean", { axis: 1, keepdims: true }, [x]),
    ],
    [
      "reduce_sum",
      () => old("math.reduce_sum", { axis: [1, 2], keepdims: false }),
      () => now("Sum", { axis: [1, 2], keepdims: false }, [x]),
    ],
    ["expand_dims", () => old("expand_dims", { axis: 2, name: null }), () => now("ExpandDims", { axis: 2 }, [x])],
    ["reshape", () => old("reshape", { shape: [-1, 24] }), () => now("Reshape", { newshape: [-1, 24] }, [x])],
    [
      "transpose",
      () => old("transpose", { perm: [0, 2, 1], conjugate: false }),
      () => now("Transpose", { axes: [0, 2, 1] }, [x]),
    ],
    [
      "concat",
      () =>
        old("concat", {}, [
          [
            ["x", 0, 0, { axis: -1 }],
            ["y", 0, 0, { axis: -1 }],
          ],
        ]),
      () => now("Concatenate", { axis: -1 }, [[x, y]]),
    ],
    [
      "x[:, 1:5:2]",
      () => old("__operators__.getitem", { slice_spec: [all, slice(1, 5, 2)] }, undefined, "SlicingOpLambda"),
      () => now("GetItem", {}, [x, [newAll, newSlice(1, 5, 2)]]),
    ],
    [
      "x[:, 0]",
      () => old("__operators__.getitem", { slice_spec: [all, 0], var: null }, undefined, "SlicingOpLambda"),
      () => now("GetItem", {}, [x, [newAll, 0]]),
    ],
    [
      "x[..., -1]",
      () =>
        old(
          "__operators__.getitem",
          { slice_spec: [{ class_name: "__ellipsis__" }, -1] },
          undefined,
          "SlicingOpLambda",
        ),
      () => now("GetItem", {}, [x, [{ class_name: "__ellipsis__", config: {} }, -1]]),
    ],
  ])("%s", (_, before, after) => {
    expect(content(before())).toEqual(content(after()));
  });
});

describe("refused by name", () => {
  test.each<[string, () => Graph, RegExp]>([
    [
      "a function that is not known",
      () => old("image.resize", {}),
      /unsupported-layer: operation TensorFlow's "image\.resize"/,
    ],
    ["no function", () => old(undefined as unknown as string, {}), /unsupported-layer: operation TensorFlow's nothing/],
    [
      "an option that is not known",
      () => old("math.reduce_mean", { axis: 1, weights: 3 }),
      /TensorFlow's math\.reduce_mean: option weights: got 3/,
    ],
    ["a transposed product", () => old("linalg.matmul", { b: ["y", 0, 0], transpose_b: true }), /option transpose_b/],
  ])("%s", (_, action, message) => {
    expect(action).toThrow(ChannelwiseError);
    expect(action).toThrow(message);
  });
});
