/** Configurations and weights of Keras 1 and 2: the same graph as today's spelling gives, with the meaning that they had. */
import { describe, expect, test } from "vitest";
import { type KerasSource, readKeras } from "../../src/dialects/keras.ts";
import { ChannelwiseError } from "../../src/error.ts";
import type { WeightLists } from "../../src/formats/weight-lists.ts";
import { type Graph, layersOf } from "../../src/graph/graph.ts";
import type { StoredArray } from "../../src/tensor.ts";
import { stored } from "../support/memory-tree.ts";

type Layer = readonly [className: string, config: Record<string, unknown>, ...inputs: unknown[]];

/** A Sequential as Keras 2 wrote it before 2.2.3: a list, whose first layer has the input's shape. */
const bare = (first: readonly unknown[], ...layers: Layer[]) => ({
  class_name: "Sequential",
  config: layers.map(([class_name, config], index) => ({
    class_name,
    config: index === 0 ? { batch_input_shape: first, ...config } : config,
  })),
  keras_version: "2.1.2",
});

/** Weights by layer: shapes, or arrays. */
function lists(layers: Record<string, readonly (StoredArray | readonly number[])[]>): WeightLists {
  return {
    kind: "layers",
    place: ["model.h5", "model_weights"],
    layers: Object.entries(layers).map(([name, arrays]) => ({
      name,
      arrays: arrays.map((array, index) => ({
        name: `${name}/${index}:0`,
        array: "read" in array ? array : stored(array),
      })),
    })),
  };
}

const open = (config: unknown, weights: WeightLists, more: Partial<KerasSource> = {}) =>
  readKeras({
    config,
    weights,
    place: ["model.h5", "model_config"],
    kerasVersion: "2.1.2",
    backend: "tensorflow",
    ...more,
  });

/** Nodes and numbers of a graph, without names of inputs. */
function content({ nodes, values, outputs, ...graph }: Graph): object {
  return {
    values: values.map(({ axes, type }) => ({ axes, type })),
    nodes: nodes.map(({ layer, ...node }) => ({ ...node, layer: layer.path })),
    outputs,
    weights: weightsOf({ nodes, values, outputs, ...graph }),
  };
}

function weightsOf(graph: Graph): Record<string, number[]> {
  return Object.fromEntries(
    layersOf(graph).flatMap(({ path, weights }) =>
      Object.entries(weights).map(([role, { array }]) => [`${path} ${role}`, Array.from(array.read(), Number)]),
    ),
  );
}

function refusal(action: () => unknown): ChannelwiseError {
  try {
    action();
  } catch (error) {
    if (error instanceof ChannelwiseError) return error;
    throw error;
  }
  throw new Error("not refused");
}

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
      expect(refusal(() => open(merged(mode), weights)).message).toMatch(/Merge: option mode: expected one of ave/);
    expect(refusal(() => open(merged("sum", { layers: [{}] }), weights)).message).toMatch(/Merge: option layers/);
  });
});

describe("meanings that differ from Keras 3", () => {
  const gates = bare([null, 9, 4], ["LSTM", { name: "a", units: 3, recurrent_activation: "hard_sigmoid" }]);
  const weights = lists({ a: [[4, 12], [3, 12], [12]] });
  const gate = (graph: Graph) => (graph.nodes[0]!.attributes as { gate: { kind: string; parameters: number[] } }).gate;

  test("hard_sigmoid is steeper, and a note says so", () => {
    const { graph, notes } = open(gates, weights);
    expect(gate(graph)).toEqual({ kind: "hardSigmoid", parameters: [2.5] });
    expect(notes.join("\n")).toMatch(/^a: hard_sigmoid is clip\(0\.2 x \+ 0\.5, 0, 1\)/m);
  });
  test("with --meaning keras3 it is that of Keras 3", () => {
    const { graph, notes } = open(gates, weights, { meaning: "keras3" });
    expect(gate(graph)).toEqual({ kind: "hardSigmoid", parameters: [3] });
    expect(notes.join("\n")).not.toMatch(/hard_sigmoid/);
  });
  test("Keras 3's own files keep theirs", () => {
    const modern = {
      module: "keras",
      class_name: "Sequential",
      config: {
        name: "m",
        layers: [
          { class_name: "InputLayer", config: { name: "x", batch_shape: [null, 9, 4] } },
          { class_name: "LSTM", config: { name: "a", units: 3, recurrent_activation: "hard_sigmoid" } },
        ],
      },
    };
    expect(gate(open(modern, weights, { kerasVersion: null }).graph).parameters).toEqual([3]);
    expect(gate(open(modern, weights, { kerasVersion: "3.0.0" }).graph).parameters).toEqual([3]);
    expect(gate(open(modern, weights, { kerasVersion: "2.15.0" }).graph).parameters).toEqual([2.5]);
  });

  const conv = (more: object = {}) =>
    bare([null, 9, 2], ["Conv1D", { name: "a", filters: 2, kernel_size: [3], ...more }]);
  const kernel = lists({ a: [[3, 2, 2], [2]] });
  test("kernels of Theano are flipped along the taps", () => {
    const { graph, notes } = open(conv(), kernel, { backend: "theano" });
    const flipped = weightsOf(graph);
    expect(notes.join("\n")).toMatch(/^a: the kernel is turned round along its taps, since Theano/m);
    expect(flipped["a kernel"]).toEqual([9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4]);
    const kept = weightsOf(open(conv(), kernel, { backend: "theano", meaning: "keras3" }).graph);
    expect(kept["a kernel"]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
  test.each([
    ["2.3.1", "original", false],
    ["1.2.2", "original", false],
    ["2.3.1", "keras3", true],
    ["2.4.0", "original", true],
    ["2.2.4-tf", "original", true],
    ["2.15.0", "original", true],
  ] as const)("masked steps of Bidirectional in Keras %s, %s: zeros is %s", (version, meaning, zeros) => {
    const half = {
      class_name: "LSTM",
      config: { name: "b", units: 3, return_sequences: true, recurrent_activation: "sigmoid" },
    };
    const config = {
      ...bare([null, 9, 4], ["Masking", { name: "m", mask_value: 0 }], ["Bidirectional", { name: "a", layer: half }]),
      keras_version: version,
    };
    const given = lists({ a: [[4, 12], [3, 12], [12], [4, 12], [3, 12], [12]] });
    const { graph, notes } = open(config, given, { meaning });
    const { attributes } = graph.nodes.find(({ kind }) => kind === "recurrent")!;
    expect(attributes).toMatchObject({ zeroMasked: zeros, masked: true });
    expect(/masked step/.test(notes.join())).toBe(!zeros);
  });

  test.each([
    ["a list of layers", bare([null, 9, 4], ["Flatten", { name: "a" }]), /a Sequential that is a list/],
    ["no InputLayer", bare([null, 9, 4], ["Flatten", { name: "a" }]), /a first layer that has the input's shape/],
    ["Keras 1", bare([null, 9, 4], ["MaxPooling1D", { name: "a", pool_length: 2 }]), /layers of Keras 1/],
  ])("what Keras 3 does not open is noted: %s", (_, config, message) => {
    expect(open(config, lists({})).notes.join("\n")).toMatch(message);
  });

  test.each([
    ["an even kernel", { kernel_size: [4], padding: "same" }],
    ["strides", { strides: [2], padding: "same" }],
  ])("Theano's own padding is refused: %s", (_, options) => {
    expect(refusal(() => open(conv(options), kernel, { backend: "theano" })).message).toMatch(/Theano pads "same"/);
  });
  test("an unknown backend is refused", () => {
    expect(refusal(() => open(conv(), kernel, { backend: "cntk" })).message).toMatch(/the backend "cntk"/);
  });
  test("a backend that is not said is noted", () => {
    expect(open(conv(), kernel, { backend: null }).notes.join()).toMatch(/which backend wrote it/);
  });
  test.each([1, 2])("BatchNormalization of mode %d is refused", (mode) => {
    const model = bare([null, 4], ["BatchNormalization", { name: "a", mode }]);
    expect(refusal(() => open(model, lists({ a: [[4], [4], [4], [4]] }))).message).toMatch(
      /BatchNormalization: option mode: got/,
    );
  });
});

describe("old arrays", () => {
  test.each([
    ["Keras 1.2", [3, 1, 2, 4], Array.from({ length: 24 }, (_, index) => index + 1)],
    // (O, I, K, 1): element (o, i, k) is 1 + 6 o + 3 i + k.
    [
      "Keras 1.1",
      [4, 2, 3, 1],
      [0, 1, 2].flatMap((k) => [0, 1].flatMap((i) => [0, 1, 2, 3].map((o) => 1 + 6 * o + 3 * i + k))),
    ],
  ] as const)("a kernel of rank 4: %s", (_, shape, expected) => {
    const model = bare([null, 9, 2], ["Convolution1D", { name: "a", nb_filter: 4, filter_length: 3, bias: false }]);
    expect(weightsOf(open(model, lists({ a: [shape] })).graph)["a kernel"]).toEqual(expected);
  });

  /** An array full of one number per gate. */
  const full = (shape: readonly number[], value: number) =>
    stored(shape, new Array(shape.reduce((all, size) => all * size, 1)).fill(value));
  test.each([
    // W, U, b of i, c, f, o; today i, f, c, o.
    ["LSTM", [1, 2, 3, 4], [1, 3, 2, 4]],
    ["GRU", [1, 2, 3], [1, 2, 3]],
  ] as const)("the gates of an %s of Keras 1 apart", (className, order, today) => {
    const arrays = order.flatMap((gate) => [full([4, 2], gate), full([2, 2], 10 * gate), full([2], 100 * gate)]);
    const model = bare([null, 9, 4], [className, { name: "a", output_dim: 2, inner_activation: "sigmoid" }]);
    const found = weightsOf(open(model, lists({ a: arrays })).graph);
    const row = today.flatMap((gate) => [gate, gate]);
    expect(found["a kernel"]).toEqual([0, 1, 2, 3].flatMap(() => row));
    expect(found["a recurrent"]).toEqual([0, 1].flatMap(() => row.map((value) => 10 * value)));
    expect(found["a bias"]).toEqual(row.map((value) => 100 * value));
    const twice = bare(
      [null, 9, 4],
      [
        "Bidirectional",
        {
          name: "a",
          layer: { class_name: className, config: { name: "b", output_dim: 2, inner_activation: "sigmoid" } },
        },
      ],
    );
    const both = weightsOf(open(twice, lists({ a: [...arrays, ...arrays] })).graph);
    expect(Object.values(both)).toEqual([...Object.values(found), ...Object.values(found)]);
  });

  test("CuDNNLSTM: transposed gates, two biases that add up", () => {
    const [inputs, units] = [3, 2];
    const kernel = stored([inputs, 4 * units]);
    const recurrent = stored([units, 4 * units]);
    const bias = stored([8 * units]);
    const model = bare([null, 9, inputs], ["CuDNNLSTM", { name: "a", units, return_sequences: false }]);
    const { graph } = open(model, lists({ a: [kernel, recurrent, bias] }));
    const found = weightsOf(graph);
    const at = (array: StoredArray, row: number, column: number) => Number(array.read()[row * 4 * units + column]);
    for (let gate = 0; gate < 4; gate++) {
      for (let unit = 0; unit < units; unit++) {
        for (let input = 0; input < inputs; input++) {
          // The gate's numbers, read on, are (units, inputs).
          const flat = unit * inputs + input;
          const [row, column] = [Math.floor(flat / units), flat % units];
          expect(found["a kernel"]![input * 4 * units + gate * units + unit]).toBe(
            at(kernel, row, gate * units + column),
          );
        }
        for (let other = 0; other < units; other++)
          expect(found["a recurrent"]![other * 4 * units + gate * units + unit]).toBe(
            at(recurrent, unit, gate * units + other),
          );
      }
    }
    expect(found["a bias"]).toEqual(Array.from({ length: 8 }, (_, index) => index + 1 + (index + 9)));
    expect(graph.nodes[0]!.attributes).toMatchObject({
      cell: "lstm",
      activation: { kind: "tanh" },
      gate: { kind: "sigmoid" },
    });
  });

  test("CuDNNGRU: two rows of biases", () => {
    const model = bare([null, 9, 3], ["CuDNNGRU", { name: "a", units: 2 }]);
    const { graph } = open(model, lists({ a: [[3, 6], [2, 6], [12]] }));
    expect(graph.nodes[0]!.attributes).toMatchObject({ cell: "gru" });
    expect(weightsOf(graph)["a bias"]).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });
});

describe("lists of weights", () => {
  const inner = (frozen: boolean) => ({
    class_name: "Sequential",
    config: {
      name: "inner",
      layers: [
        { class_name: "Dense", config: { name: "first", units: 4, trainable: !frozen, batch_input_shape: [null, 4] } },
        { class_name: "BatchNormalization", config: { name: "norm", trainable: !frozen } },
        { class_name: "Dense", config: { name: "second", units: 4, use_bias: false } },
      ],
    },
  });
  const model = (frozen: boolean) => ({
    class_name: "Sequential",
    config: { name: "outer", layers: [inner(frozen), { class_name: "Dense", config: { name: "head", units: 1 } }] },
  });
  const marks = (graph: Graph) =>
    Object.fromEntries(Object.entries(weightsOf(graph)).map(([key, values]) => [key, values[0]]));
  const full = (shape: readonly number[], value: number) =>
    stored(shape, new Array(shape.reduce((all, size) => all * size, 1)).fill(value));

  test("of a model inside: what trains first", () => {
    const arrays = [
      full([4, 4], 1),
      full([4], 2),
      full([4], 3),
      full([4], 4),
      full([4, 4], 5),
      full([4], 6),
      full([4], 7),
    ];
    expect(marks(open(model(false), lists({ inner: arrays, head: [[4, 1], [1]] })).graph)).toMatchObject({
      "inner/first kernel": 1,
      "inner/first bias": 2,
      "inner/norm gamma": 3,
      "inner/norm beta": 4,
      "inner/second kernel": 5,
      "inner/norm mean": 6,
      "inner/norm variance": 7,
    });
  });
  test("of frozen layers inside: behind the others", () => {
    const arrays = [
      full([4, 4], 5),
      full([4, 4], 1),
      full([4], 2),
      full([4], 3),
      full([4], 4),
      full([4], 6),
      full([4], 7),
    ];
    expect(marks(open(model(true), lists({ inner: arrays, head: [[4, 1], [1]] })).graph)).toMatchObject({
      "inner/first kernel": 1,
      "inner/first bias": 2,
      "inner/norm gamma": 3,
      "inner/norm beta": 4,
      "inner/second kernel": 5,
      "inner/norm mean": 6,
      "inner/norm variance": 7,
    });
  });

  const two = bare([null, 4], ["Dense", { name: "a", units: 3 }], ["Dense", { name: "b", units: 2 }]);
  test("go by the layers' names", () => {
    const { graph, notes } = open(two, lists({ b: [[3, 2], [2]], a: [[4, 3], [3]] }));
    expect(weightsOf(graph)["a kernel"]).toHaveLength(12);
    expect(notes.join()).not.toMatch(/order of the layers/);
  });
  test("and by their order where names differ, which is noted", () => {
    const { graph, notes } = open(two, lists({ dense_1: [[4, 3], [3]], dense_2: [[3, 2], [2]] }));
    expect(weightsOf(graph)["b kernel"]).toHaveLength(6);
    expect(notes.join()).toMatch(/order of the layers.*a has those of dense_1/);
  });
  test.each<[string, WeightLists, RegExp]>([
    ["a layer too few", lists({ a: [[4, 3], [3]] }), /missing-weight.*b has none/],
    [
      "a layer too many",
      lists({ a: [[4, 3], [3]], b: [[3, 2], [2]], c: [[1]] }),
      /missing-weight.*c is not in the model/,
    ],
    ["an array too few", lists({ a: [[4, 3]], b: [[3, 2], [2]] }), /missing-weight.*a: expected 2 variables.*found 1/],
    [
      "an array too many",
      lists({ a: [[4, 3], [3], [3]], b: [[3, 2], [2]] }),
      /a: expected 2 variables.*found 3|a\/kernel: expected IO/,
    ],
    [
      "another shape",
      lists({ a: [[3, 4], [3]], b: [[3, 2], [2]] }),
      /shape-mismatch.*a\/kernel: expected IO = \(4, 3\), got \(3, 4\)/,
    ],
  ])("%s is refused", (_, weights, message) => {
    expect(refusal(() => open(two, weights)).message.replaceAll("\n", " ")).toMatch(message);
  });

  test("the input's shape follows from a kernel where nothing says it", () => {
    const config = {
      class_name: "Sequential",
      config: { name: "m", layers: [{ class_name: "Dense", config: { name: "a", units: 3 } }] },
    };
    const { graph, notes } = open(config, lists({ a: [[4, 3], [3]] }));
    expect(graph.values[graph.inputs[0]!.value]!.axes.map(({ size }) => size)).toEqual([null, 4]);
    expect(notes.join()).toMatch(/first layer's kernel/);
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
    expect(refusal(() => open(config, lists({ d: [[4, 4], [4]] }))).code).toBe("invalid-model");
  });
});
