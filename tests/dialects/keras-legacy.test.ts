/** Configurations of Keras 1 and 2: the same graph as today's spelling gives. */
import { describe, expect, test } from "vitest";
import { type Layer, bare, lists, open, content } from "../support/keras-legacy.ts";
import { refusedBy } from "../support/refusals.ts";

describe("old spellings", () => {
  const cases: Record<
    string,
    { shape: readonly unknown[]; old: Layer; now: Layer; weights?: readonly (readonly number[])[] }
  > = {
    Convolution1D: {
      shape: [null, 9, 4],
      old: [
        "Convolution1D",
        {
          name: "a",
          nb_filter: 3,
          filter_length: 5,
          subsample_length: 2,
          border_mode: "same",
          bias: true,
          init: "he_normal",
          W_regularizer: null,
          b_constraint: null,
          input_dim: 4,
          input_length: 9,
          activation: "relu",
        },
      ],
      now: [
        "Conv1D",
        { name: "a", filters: 3, kernel_size: [5], strides: [2], padding: "same", use_bias: true, activation: "relu" },
      ],
      weights: [[5, 4, 3], [3]],
    },
    AtrousConvolution1D: {
      shape: [null, 9, 4],
      old: [
        "AtrousConvolution1D",
        { name: "a", nb_filter: 3, filter_length: 2, atrous_rate: 3, border_mode: "valid", bias: false },
      ],
      now: [
        "Conv1D",
        { name: "a", filters: 3, kernel_size: [2], dilation_rate: [3], padding: "valid", use_bias: false },
      ],
      weights: [[2, 4, 3]],
    },
    "Dense of Keras 1": {
      shape: [null, 4],
      old: [
        "Dense",
        {
          name: "a",
          output_dim: 3,
          init: "glorot_uniform",
          bias: true,
          input_dim: 4,
          W_regularizer: { l2: 0.1 },
          activation: "tanh",
        },
      ],
      now: ["Dense", { name: "a", units: 3, use_bias: true, activation: "tanh" }],
      weights: [[4, 3], [3]],
    },
    TimeDistributedDense: {
      shape: [null, 9, 4],
      old: ["TimeDistributedDense", { name: "a", output_dim: 3, bias: true, input_length: 9 }],
      now: ["Dense", { name: "a", units: 3 }],
      weights: [[4, 3], [3]],
    },
    "pooling of Keras 1": {
      shape: [null, 9, 4],
      old: ["MaxPooling1D", { name: "a", pool_length: 3, stride: 2, border_mode: "same", input_dim: null }],
      now: ["MaxPooling1D", { name: "a", pool_size: [3], strides: [2], padding: "same" }],
    },
    "LSTM of Keras 1": {
      shape: [null, 9, 4],
      old: [
        "LSTM",
        {
          name: "a",
          output_dim: 3,
          inner_activation: "sigmoid",
          activation: "tanh",
          inner_init: "orthogonal",
          forget_bias_init: "one",
          dropout_W: 0.2,
          dropout_U: 0.1,
          consume_less: "gpu",
          return_sequences: true,
          go_backwards: false,
          stateful: false,
          unroll: false,
          input_dim: 4,
          input_length: null,
        },
      ],
      now: ["LSTM", { name: "a", units: 3, recurrent_activation: "sigmoid", return_sequences: true }],
      weights: [[4, 12], [3, 12], [12]],
    },
    "GRU without reset_after": {
      shape: [null, 9, 4],
      old: ["GRU", { name: "a", units: 3, recurrent_activation: "sigmoid", implementation: 1 }],
      now: ["GRU", { name: "a", units: 3, recurrent_activation: "sigmoid", reset_after: false }],
      weights: [[4, 9], [3, 9], [9]],
    },
    "Dropout of Keras 1": {
      shape: [null, 4],
      old: ["Dropout", { name: "a", p: 0.4 }],
      now: ["Dropout", { name: "a", rate: 0.4 }],
    },
    "GaussianNoise of Keras 1": {
      shape: [null, 4],
      old: ["GaussianNoise", { name: "a", sigma: 0.4 }],
      now: ["GaussianNoise", { name: "a", stddev: 0.4 }],
    },
    "UpSampling1D of Keras 1": {
      shape: [null, 9, 4],
      old: ["UpSampling1D", { name: "a", length: 3 }],
      now: ["UpSampling1D", { name: "a", size: 3 }],
    },
    "BatchNormalization of Keras 1": {
      shape: [null, 9, 4],
      old: [
        "BatchNormalization",
        { name: "a", mode: 0, axis: -1, epsilon: 1e-5, momentum: 0.9, beta_init: "zero", gamma_init: "one" },
      ],
      now: ["BatchNormalization", { name: "a", axis: -1, epsilon: 1e-5, momentum: 0.9 }],
      weights: [[4], [4], [4], [4]],
    },
    "BatchNormalizationV1 with a list of axes": {
      shape: [null, 9, 4],
      old: ["BatchNormalizationV1", { name: "a", axis: [2], epsilon: 0.001, dtype: "float32", fused: null }],
      now: ["BatchNormalization", { name: "a", axis: -1 }],
      weights: [[4], [4], [4], [4]],
    },
    "a number as an array": {
      shape: [null, 4],
      old: ["LeakyReLU", { name: "a", alpha: { type: "ndarray", value: 0.125 } }],
      now: ["LeakyReLU", { name: "a", negative_slope: 0.125 }],
    },
    ThresholdedReLU: {
      shape: [null, 4],
      old: ["ThresholdedReLU", { name: "a", theta: 0.5 }],
      now: ["ReLU", { name: "a", threshold: 0.5 }],
    },
    "Bidirectional without a backward layer": {
      shape: [null, 9, 4],
      old: [
        "Bidirectional",
        {
          name: "a",
          merge_mode: "concat",
          layer: {
            class_name: "LSTM",
            config: { name: "b", units: 3, recurrent_activation: "sigmoid", implementation: 2, time_major: false },
          },
        },
      ],
      now: [
        "Bidirectional",
        {
          name: "a",
          merge_mode: "concat",
          layer: { class_name: "LSTM", config: { name: "b", units: 3 } },
          backward_layer: { class_name: "LSTM", config: { name: "c", units: 3, go_backwards: true } },
        },
      ],
      weights: [[4, 12], [3, 12], [12], [4, 12], [3, 12], [12]],
    },
    "a function as an object": {
      shape: [null, 4],
      old: ["Activation", { name: "a", activation: { module: "builtins", class_name: "function", config: "elu" } }],
      now: ["Activation", { name: "a", activation: "elu" }],
    },
    "a policy as an object": {
      shape: [null, 4],
      old: ["Dense", { name: "a", units: 3, dtype: { class_name: "Policy", config: { name: "mixed_float16" } } }],
      now: ["Dense", { name: "a", units: 3 }],
      weights: [[4, 3], [3]],
    },
  };

  test.each(Object.entries(cases))("%s", (_, { shape, old, now, weights = [] }) => {
    const today = {
      module: "keras",
      class_name: "Sequential",
      config: {
        name: "model",
        layers: [
          { class_name: "InputLayer", config: { name: "x", batch_shape: shape, dtype: "float32" } },
          { class_name: now[0], config: now[1] },
        ],
      },
    };
    const given = lists(weights.length === 0 ? {} : { a: weights });
    const graph = open(bare(shape, old), given).graph;
    expect(content(graph)).toEqual(content(open(today, given, { kerasVersion: "3.15.1" }).graph));
  });

  test("Merge becomes what its mode says", () => {
    const dense = (name: string) => ({
      class_name: "Dense",
      name,
      config: { name, output_dim: 2 },
      inbound_nodes: [[["x", 0, 0]]],
    });
    const merged = (mode: unknown, more: object = {}) => ({
      class_name: "Model",
      config: {
        name: "m",
        layers: [
          {
            class_name: "InputLayer",
            name: "x",
            config: { name: "x", batch_input_shape: [null, 4], input_dtype: "float32" },
            inbound_nodes: [],
          },
          dense("a"),
          dense("b"),
          {
            class_name: "Merge",
            name: "c",
            config: { name: "c", mode, concat_axis: -1, dot_axes: -1, ...more },
            inbound_nodes: [
              [
                ["a", 0, 0],
                ["b", 0, 0],
              ],
            ],
          },
        ],
        input_layers: [["x", 0, 0]],
        output_layers: [["c", 0, 0]],
      },
      keras_version: "1.2.2",
    });
    const weights = lists({ a: [[4, 2], [2]], b: [[4, 2], [2]] });
    const kinds = (mode: string) => open(merged(mode), weights).graph.nodes.map(({ kind }) => kind);
    expect(kinds("concat")).toContain("concatenate");
    for (const mode of ["sum", "mul", "ave", "max"]) expect(kinds(mode)).toContain("merge");
    for (const mode of ["dot", "cos", "lambda"])
      expect(refusedBy(() => open(merged(mode), weights)).message).toMatch(/Merge: option mode: expected one of ave/);
    expect(refusedBy(() => open(merged("sum", { layers: [{}] }), weights)).message).toMatch(/Merge: option layers/);
  });
});

describe("old connections", () => {
  const input = {
    class_name: "InputLayer",
    name: "x",
    config: { name: "x", batch_input_shape: [null, 4] },
    inbound_nodes: [],
  };
  const dense = { class_name: "Dense", config: { name: "d", units: 4 } };
  const shared = (className: string, config: object, references: readonly number[]) => ({
    class_name: "Model",
    config: {
      name: "m",
      layers: [
        input,
        {
          class_name: className,
          name: "inside",
          config,
          inbound_nodes: [[["x", 0, 0, {}]], [["inside", references[0]!, 0, {}]]],
        },
      ],
      input_layers: [["x", 0, 0]],
      output_layers: [["inside", references[1]!, 0]],
    },
  });
  const sequential = {
    name: "inside",
    layers: [{ ...dense, config: { ...dense.config, batch_input_shape: [null, 4] } }],
  };
  const functional = {
    name: "inside",
    layers: [
      { ...input, name: "y", config: { ...input.config, name: "y" } },
      { ...dense, name: "d", inbound_nodes: [[["y", 0, 0, {}]]] },
    ],
    input_layers: [["y", 0, 0]],
    output_layers: [["d", 0, 0]],
  };
  test.each<[string, string, object, readonly number[]]>([
    ["Model, from 1", "Model", functional, [1, 2]],
    ["Model, from 0", "Model", functional, [0, 1]],
    ["Sequential, from 1", "Sequential", sequential, [1, 2]],
    ["Sequential, from 0", "Sequential", sequential, [0, 1]],
    ["a bare Sequential", "Sequential", sequential.layers, [1, 2]],
  ])("count the calls of a model inside: %s", (_, className, config, references) => {
    const { graph } = open(shared(className, config, references), lists({ inside: [[4, 4], [4]] }));
    expect(graph.nodes.filter(({ kind }) => kind === "dense")).toHaveLength(2);
    expect(graph.nodes.at(-1)!.inputs).toEqual(graph.nodes[0]!.outputs);
    expect(graph.outputs[0]!.value).toBe(graph.nodes.at(-1)!.outputs[0]);
  });

  test("have tensors among the named arguments", () => {
    const config = {
      class_name: "Functional",
      config: {
        name: "m",
        layers: [
          { ...input, config: { ...input.config, batch_input_shape: [null, 5, 4] } },
          {
            class_name: "MultiHeadAttention",
            name: "a",
            config: {
              name: "a",
              num_heads: 2,
              key_dim: 3,
              query_shape: [null, 5, 4],
              value_shape: [null, 5, 4],
              key_shape: null,
            },
            inbound_nodes: [[["x", 0, 0, { value: ["x", 0, 0] }]]],
          },
        ],
        input_layers: [["x", 0, 0]],
        output_layers: [["a", 0, 0]],
      },
    };
    const heads = [
      [4, 2, 3],
      [2, 3],
    ];
    const weights = lists({ a: [...heads, ...heads, ...heads, [2, 3, 4], [4]] });
    expect(open(config, weights, { kerasVersion: "2.15.0" }).graph.nodes.length).toBeGreaterThan(0);
  });

  test.each([
    ["a text", "x"],
    ["an empty list", []],
    ["numbers", [[1, 2]]],
  ])("%s is refused", (_, node) => {
    const config = {
      class_name: "Model",
      config: {
        name: "m",
        layers: [input, { ...dense, name: "d", inbound_nodes: [node] }],
        input_layers: [["x", 0, 0]],
        output_layers: [["d", 0, 0]],
      },
    };
    expect(refusedBy(() => open(config, lists({ d: [[4, 4], [4]] }))).code).toBe("invalid-model");
  });
});
