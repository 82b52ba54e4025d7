/** What files of Keras 1 and 2 meant otherwise, and their weights: old arrays, and lists of them. */
import { describe, expect, test } from "vitest";
import type { WeightLists } from "../../src/formats/weight-lists.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { StoredArray } from "../../src/tensor.ts";
import { stored } from "../support/memory-tree.ts";
import { bare, lists, open, weightsOf } from "../support/keras-legacy.ts";
import { refusedBy } from "../support/refusals.ts";

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
    expect(refusedBy(() => open(conv(options), kernel, { backend: "theano" })).message).toMatch(/Theano pads "same"/);
  });
  test("an unknown backend is refused", () => {
    expect(refusedBy(() => open(conv(), kernel, { backend: "cntk" })).message).toMatch(/the backend "cntk"/);
  });
  test("a backend that is not said is noted", () => {
    expect(open(conv(), kernel, { backend: null }).notes.join()).toMatch(/which backend wrote it/);
  });
  test.each([1, 2])("BatchNormalization of mode %d is refused", (mode) => {
    const model = bare([null, 4], ["BatchNormalization", { name: "a", mode }]);
    expect(refusedBy(() => open(model, lists({ a: [[4], [4], [4], [4]] }))).message).toMatch(
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

  const places = {
    "inner/first kernel": 1,
    "inner/first bias": 2,
    "inner/norm gamma": 3,
    "inner/norm beta": 4,
    "inner/second kernel": 5,
    "inner/norm mean": 6,
    "inner/norm variance": 7,
  };

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
    expect(marks(open(model(false), lists({ inner: arrays, head: [[4, 1], [1]] })).graph)).toMatchObject(places);
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
    expect(marks(open(model(true), lists({ inner: arrays, head: [[4, 1], [1]] })).graph)).toMatchObject(places);
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
    expect(refusedBy(() => open(two, weights)).message.replaceAll("\n", " ")).toMatch(message);
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
