/** What a Keras configuration is refused for: code, sentence and place, one damage at a time. */
import { describe, expect, test } from "vitest";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { ChannelwiseError, type ErrorCode } from "../../src/error.ts";
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

const kernel = stored([3, 4, 2]);
const bias = stored([2]);
const groups: Record<string, Group> = {
  "layers/conv1d": { name: "conv", variables: [kernel, bias] },
  "layers/dense": { name: "dense", variables: [stored([4, 2]), bias] },
};

function open(config: unknown, given: Record<string, Group> = groups): ReturnType<typeof kerasGraph> {
  return kerasGraph({ config, weights: memoryTree(Object.entries(given)), place: ["model.keras", "config.json"] });
}

function refusal(config: unknown, given?: Record<string, Group>): ChannelwiseError {
  try {
    open(config, given);
  } catch (error) {
    if (error instanceof ChannelwiseError) return error;
    throw error;
  }
  throw new Error("not refused");
}

/** One Conv1D over a series of 8 steps and 4 channels, with other options. */
const conv = (options: object = {}) =>
  sequential([input("x", [8, 4]), layer("Conv1D", "conv", { ...conv1d, ...options })]);
/** One layer over such a series. */
const single = (className: string, options: object, sizes: readonly (number | null)[] = [8, 4]) =>
  sequential([input("x", sizes), layer(className, "a", options)]);
/** A graph of one call of one layer on `x` and `y`. */
const called = (entry: Entry, ...more: Entry[]) =>
  functional(
    [input("x", [8, 4]), ...more, entry],
    [["x", 0, 0], ...more.map(({ config }) => [config.name, 0, 0])],
    ["a", 0, 0],
  );

test("what is damaged below is read when it is whole", () => {
  expect(open(conv()).nodes.map((node) => node.kind)).toEqual(["conv1d"]);
  expect(open(called(layer("Add", "a", {}, [call([from("x"), from("x")])]))).nodes.map((node) => node.kind)).toEqual([
    "merge",
  ]);
});

const inLayer = (name: string) => ["model.keras", "config.json", `layer ${name}`];
const inModel = ["model.keras", "config.json"];

type Case = readonly [name: string, config: unknown, code: ErrorCode, message: RegExp, where: readonly string[]];

describe("layers", () => {
  test.each<Case>([
    [
      "a class that is not read",
      single("Lambda", {}),
      "unsupported-layer",
      /^layer class Lambda is not supported/,
      inLayer("a"),
    ],
    [
      "a name out of JavaScript's own",
      single("__proto__", {}),
      "unsupported-layer",
      /^layer class __proto__ is not/,
      inLayer("a"),
    ],
    [
      "a class of one's own",
      sequential([input("x", [4]), { ...layer("Mine", "a"), module: "mine.layers", registered_name: "mine>Mine" }]),
      "unsupported-layer",
      /mine>Mine.*not one of Keras' own.*never run/,
      inLayer("a"),
    ],
    [
      "a registered class that is called like Keras' own",
      sequential([
        input("x", [8, 4]),
        { ...layer("Conv1D", "a", conv1d), module: null, registered_name: "mine>Conv1D" },
      ]),
      "unsupported-layer",
      /mine>Conv1D/,
      inLayer("a"),
    ],
    [
      "an operation of keras.ops",
      called({ ...layer("Add", "a", {}, [call(from("x"))]), module: "keras.src.ops.numpy", registered_name: "Add" }),
      "unsupported-layer",
      /keras\.ops Add/,
      inLayer("a"),
    ],
    [
      "a subclassed model",
      { module: "mine", class_name: "Mine", config: {}, registered_name: "mine>Mine" },
      "unsupported-layer",
      /model class Mine.*Python code/,
      inModel,
    ],
  ])("%s", (_, config, code, message, where) => {
    expect(refusal(config)).toMatchObject({ code, where, summary: expect.stringMatching(message) });
  });

  test("the remedy lists what is read", () => {
    expect(refusal(single("Lambda", {})).fix).toMatch(/Activation, .*Conv1D.*ZeroPadding1D/);
  });
});

describe("options", () => {
  test.each<Case>([
    [
      "one that is not known",
      conv({ novelty: 3 }),
      "unsupported-option",
      /^Conv1D: option novelty: got 3, which is not known/,
      inLayer("conv"),
    ],
    [
      "a choice that is none",
      conv({ padding: "full" }),
      "unsupported-option",
      /padding: expected one of valid, same, causal, got "full"/,
      inLayer("conv"),
    ],
    [
      "a data format",
      conv({ data_format: "sideways" }),
      "unsupported-option",
      /data_format: expected one of channels_last, channels_first/,
      inLayer("conv"),
    ],
    [
      "an activation that is none",
      conv({ activation: "wiggle" }),
      "unsupported-option",
      /activation: "wiggle" is none of Keras' activations/,
      inLayer("conv"),
    ],
    [
      "an activation called like a method",
      conv({ activation: "toString" }),
      "unsupported-option",
      /"toString" is none/,
      inLayer("conv"),
    ],
    [
      "a function of keras.ops as activation",
      conv({ activation: { module: "builtins", class_name: "function", config: "sin" } }),
      "unsupported-option",
      /activation: .*"sin".* is not a name or a layer/,
      inLayer("conv"),
    ],
    [
      "a layer as activation that is not read",
      conv({ activation: layer("Lambda", "l") }),
      "unsupported-option",
      /activation: layer Lambda is not supported/,
      inLayer("conv"),
    ],
    [
      "an unknown option of a layer as activation",
      conv({ activation: layer("ReLU", "r", { novelty: 1 }) }),
      "unsupported-option",
      /ReLU: option novelty/,
      inLayer("conv"),
    ],
    [
      "no filters",
      conv({ filters: 0 }),
      "invalid-model",
      /filters: expected a positive integer, got 0/,
      inLayer("conv"),
    ],
    [
      "a number as text",
      conv({ filters: "2" }),
      "invalid-model",
      /filters: expected a positive integer, got "2"/,
      inLayer("conv"),
    ],
    [
      "a broken number",
      conv({ filters: 1.5 }),
      "invalid-model",
      /filters: expected a positive integer, got 1\.5/,
      inLayer("conv"),
    ],
    [
      "a number that no file needs",
      conv({ filters: 2 ** 40 }),
      "invalid-model",
      /filters: expected a positive integer, got 1099511627776/,
      inLayer("conv"),
    ],
    [
      "a kernel of two dimensions",
      conv({ kernel_size: [3, 3] }),
      "invalid-model",
      /kernel_size: expected one positive integer, got \[3,3\]/,
      inLayer("conv"),
    ],
    [
      "a text where a truth value stands",
      conv({ use_bias: "yes" }),
      "invalid-model",
      /use_bias: expected true or false, got "yes"/,
      inLayer("conv"),
    ],
    [
      "groups that do not divide",
      conv({ groups: 3 }),
      "unsupported-option",
      /groups: 3 groups .*4 channels.*2 filters/,
      inLayer("conv"),
    ],
    [
      "low-rank additions",
      sequential([input("x", [4]), layer("Dense", "dense", { ...dense, lora_rank: 4 })]),
      "unsupported-option",
      /lora_rank/,
      inLayer("dense"),
    ],
    [
      "a quantized kernel",
      sequential([input("x", [4]), layer("Dense", "dense", { ...dense, quantization_config: {} })]),
      "unsupported-option",
      /quantization_config/,
      inLayer("dense"),
    ],
    [
      "several axes to normalize",
      single("BatchNormalization", { axis: [1, 2] }),
      "unsupported-option",
      /axis: one axis is normalized/,
      inLayer("a"),
    ],
    [
      "the batch to normalize",
      single("BatchNormalization", { axis: 0 }),
      "unsupported-option",
      /axis: the batch axis/,
      inLayer("a"),
    ],
    [
      "batch renormalization",
      single("BatchNormalization", { axis: -1, renorm: true }),
      "unsupported-option",
      /renorm/,
      inLayer("a"),
    ],
    [
      "an axis that is not there",
      single("Softmax", { axis: 3 }),
      "unsupported-option",
      /axis: axis 3 of a value with 3 axes/,
      inLayer("a"),
    ],
    [
      "axes that lie apart",
      single("Softmax", { axis: [1, 3] }, [8, 5, 3]),
      "unsupported-option",
      /axes 1, 3 do not lie side by side/,
      inLayer("a"),
    ],
    [
      "softmax over the batch",
      single("Softmax", { axis: 0 }),
      "unsupported-option",
      /axis: the batch axis/,
      inLayer("a"),
    ],
    [
      "half of an odd number of channels",
      single("Activation", { activation: "glu" }, [8, 5]),
      "unsupported-option",
      /glu needs an even number of channels, got 5/,
      inLayer("a"),
    ],
    [
      "a threshold below zero",
      single("ReLU", { threshold: -1 }),
      "unsupported-option",
      /threshold: Keras allows none below 0/,
      inLayer("a"),
    ],
    [
      "a permutation that is none",
      single("Permute", { dims: [1, 3] }),
      "unsupported-option",
      /dims: expected each of 1 to 2 once, got \(1, 3\)/,
      inLayer("a"),
    ],
    [
      "three paddings",
      single("ZeroPadding1D", { padding: [4, 4, 4] }),
      "invalid-model",
      /padding: expected two integers from 0, got \[4,4,4\]/,
      inLayer("a"),
    ],
    [
      "a shape with two unknowns",
      single("Reshape", { target_shape: [-1, -1] }),
      "unsupported-option",
      /target_shape: \(-1, -1\) is no shape/,
      inLayer("a"),
    ],
  ])("%s", (_, config, code, message, where) => {
    expect(refusal(config)).toMatchObject({ code, where, summary: expect.stringMatching(message) });
  });

  test("a length of text is cut", () => {
    const { summary } = refusal(conv({ novelty: "x".repeat(5000) }));
    expect(summary.length).toBeLessThan(200);
  });
});

describe("sizes", () => {
  test.each<Case>([
    [
      "a series that is too short",
      conv({ kernel_size: [9] }),
      "shape-mismatch",
      /conv\/kernel: expected KIO = \(9, 4, 2\), got \(3, 4, 2\)/,
      inLayer("conv"),
    ],
    [
      "a vector where a series is taken",
      sequential([input("x", [8]), layer("Conv1D", "a", conv1d)]),
      "unsupported-option",
      /expected a series of three axes, got 2/,
      inLayer("a"),
    ],
    [
      "channels that nobody knows",
      single("Conv1D", conv1d, [8, null]),
      "unsupported-option",
      /the size of axis C has to be known/,
      inLayer("a"),
    ],
    [
      "features of a series of open length",
      sequential([input("x", [null, 4]), layer("Flatten", "f"), layer("Dense", "dense", dense)]),
      "unsupported-option",
      /the size of axis C has to be known/,
      inLayer("dense"),
    ],
    [
      "another number of elements",
      single("Reshape", { target_shape: [5, 5] }),
      "shape-mismatch",
      /expected 32 elements, got \(5, 5\)/,
      inLayer("a"),
    ],
    [
      "no elements",
      single("Reshape", { target_shape: [0, 4] }),
      "shape-mismatch",
      /expected 32 elements, got \(0, 4\)/,
      inLayer("a"),
    ],
    [
      "all cut off",
      single("Cropping1D", { cropping: [4, 4] }),
      "shape-mismatch",
      /above 8 to crop, got 8/,
      inLayer("a"),
    ],
    [
      "more than there can be",
      single("UpSampling1D", { size: 1_000_000 }, [2_000_000_000, 4]),
      "invalid-model",
      /dimension of 2000000000000000 elements is too large/,
      inLayer("a"),
    ],
  ])("%s", (_, config, code, message, where) => {
    expect(refusal(config)).toMatchObject({ code, where, summary: expect.stringMatching(message) });
  });

  test.each([[[-1, 5]], [[5, -1]], [[-1, 0]], [[7, -1, 2]]])("a shape %j that does not divide 32 elements", (shape) => {
    expect(["shape-mismatch", "unsupported-option"]).toContain(
      refusal(single("Reshape", { target_shape: shape })).code,
    );
  });

  test("a window that does not fit, where the weights do", () => {
    const given = { "layers/conv1d": { variables: [stored([9, 4, 2]), bias] } };
    expect(refusal(conv({ kernel_size: [9] }), given)).toMatchObject({
      code: "shape-mismatch",
      where: inLayer("conv"),
      summary: expect.stringMatching(/at least 9 .*got 8/),
    });
  });
});

describe("precision", () => {
  const policy = (name: string) => ({
    module: "keras",
    class_name: "DTypePolicy",
    config: { name },
    registered_name: null,
  });
  const int8 = {
    module: "keras.dtype_policies",
    class_name: "QuantizedDTypePolicy",
    config: { mode: "int8", source_name: "float32" },
  };

  test.each([["int8"], [policy("int8_from_float32")], [int8], [policy("complex64")]])("refused: %j", (dtype) => {
    expect(refusal(conv({ dtype }))).toMatchObject({
      code: "unsupported-feature",
      where: inLayer("conv"),
      summary: expect.stringMatching(/^Conv1D has the dtype policy .*expected one of float32/),
    });
  });

  test.each(["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"])("read: %s", (name) => {
    expect(open(conv({ dtype: name })).nodes.length).toBe(1);
    expect(open(conv({ dtype: policy(name) })).nodes.length).toBe(1);
  });
});

describe("calls", () => {
  const dropout = (node: object) => called(layer("Dropout", "a", { rate: 0.1, seed: null, noise_shape: null }, [node]));

  test.each<Case>([
    [
      "training=true",
      dropout(call(from("x"), { training: true })),
      "unsupported-option",
      /^Dropout: option call argument training: got true/,
      inLayer("a"),
    ],
    [
      "a mask",
      dropout(call(from("x"), { mask: from("x") })),
      "unsupported-option",
      /call argument mask: got .*__keras_tensor__/,
      inLayer("a"),
    ],
    [
      "an argument that is not known",
      dropout(call(from("x"), { novelty: 1 })),
      "unsupported-option",
      /call argument novelty: got 1/,
      inLayer("a"),
    ],
    [
      "a second argument",
      dropout({ args: [from("x"), 3], kwargs: {} }),
      "unsupported-option",
      /call argument 2: got 3/,
      inLayer("a"),
    ],
    [
      "a number as input",
      dropout({ args: [3], kwargs: {} }),
      "invalid-model",
      /expected tensors as the first argument, got 3/,
      inLayer("a"),
    ],
    [
      "nothing as input",
      dropout({ args: [], kwargs: {} }),
      "invalid-model",
      /expected tensors as the first argument, got nothing/,
      inLayer("a"),
    ],
    [
      "the nodes of Keras 2",
      dropout([["x", 0, 0, {}]]),
      "invalid-model",
      /expected inbound_nodes of Keras 3/,
      inLayer("a"),
    ],
    [
      "two tensors for a layer of one input",
      dropout(call([from("x"), from("x")])),
      "unsupported-option",
      /expected one input, got 2/,
      inLayer("a"),
    ],
    [
      "one tensor for a merge",
      called(layer("Add", "a", {}, [call([from("x")])])),
      "unsupported-option",
      /at least two inputs, got 1/,
      inLayer("a"),
    ],
    [
      "three tensors for a difference",
      called(layer("Subtract", "a", {}, [call([from("x"), from("x"), from("x")])])),
      "unsupported-option",
      /takes two inputs, got 3/,
      inLayer("a"),
    ],
    [
      "a merge of unlike lengths",
      called(layer("Add", "a", {}, [call([from("x"), from("y")])]), input("y", [7, 4])),
      "shape-mismatch",
      /agree or are 1, got \(\?, 8, 4\) and \(\?, 7, 4\)/,
      inLayer("a"),
    ],
    [
      "unlike lengths side by side",
      called(layer("Concatenate", "a", { axis: -1 }, [call([from("x"), from("y")])]), input("y", [7, 4])),
      "shape-mismatch",
      /equal sizes but along C, got L = 8 and 7/,
      inLayer("a"),
    ],
    [
      "a series beside a vector",
      called(layer("Concatenate", "a", { axis: -1 }, [call([from("x"), from("y")])]), input("y", [4])),
      "unsupported-option",
      /inputs of 3 and of 2 axes/,
      inLayer("a"),
    ],
    [
      "batches end to end",
      called(layer("Concatenate", "a", { axis: 0 }, [call([from("x"), from("x")])])),
      "unsupported-option",
      /the batch axis/,
      inLayer("a"),
    ],
    [
      "a layer that waits for itself",
      called(layer("Add", "a", {}, [call([from("x"), from("a")])])),
      "invalid-model",
      /input \[a, 0, 0\] is never computed/,
      inLayer("a"),
    ],
    [
      "an input layer on something",
      functional([input("x", [4]), { ...input("a", [4]), inbound_nodes: [call(from("x"))] }], ["x", 0, 0], ["a", 0, 0]),
      "invalid-model",
      /an InputLayer is called/,
      inLayer("a"),
    ],
  ])("%s", (_, config, code, message, where) => {
    expect(refusal(config)).toMatchObject({ code, where, summary: expect.stringMatching(message) });
  });

  test.each([{ training: false }, { mask: null }, { mask: [null, null] }, { training: null }])(
    "%j says nothing",
    (kwargs) => {
      expect(open(dropout(call(from("x"), kwargs))).nodes.length).toBe(1);
    },
  );
});

describe("models", () => {
  const relu = layer("ReLU", "a", {}, [call(from("x"))]);
  const deep = Array.from({ length: 40 }).reduce<Entry>(
    (model, _, depth) => sequential([input("x", [3]), model], `m${depth}`),
    sequential([input("x", [3]), layer("ReLU", "r")]),
  );

  test.each<Case>([
    ["no object", 3, "invalid-model", /expected a model, got 3/, inModel],
    ["null", null, "invalid-model", /expected a model, got null/, inModel],
    ["no list of layers", { class_name: "Sequential", config: {} }, "invalid-model", /list of layers/, inModel],
    [
      "a layer that is no object",
      sequential([input("x", [4]), 7 as unknown as Entry]),
      "invalid-model",
      /expected a layer, got 7/,
      inModel,
    ],
    [
      "a layer without a name",
      sequential([input("x", [4]), layer("ReLU", "")]),
      "invalid-model",
      /class ReLU has no name/,
      inModel,
    ],
    [
      "one name twice",
      sequential([input("x", [4]), layer("ReLU", "a"), layer("ReLU", "a")]),
      "invalid-model",
      /two layers are called a/,
      inModel,
    ],
    [
      "an output that is not there",
      functional([input("x", [4]), relu], ["x", 0, 0], ["b", 0, 0]),
      "invalid-model",
      /output \[b, 0, 0\] is never computed/,
      inModel,
    ],
    [
      "a call that was not made",
      functional([input("x", [4]), relu], ["x", 0, 0], ["a", 1, 0]),
      "invalid-model",
      /output \[a, 1, 0\] is never computed/,
      inModel,
    ],
    [
      "an output that the layer has not",
      functional([input("x", [4]), relu], ["x", 0, 0], ["a", 0, 1]),
      "invalid-model",
      /output \[a, 0, 1\] is never computed/,
      inModel,
    ],
    [
      "a reference that is none",
      functional([input("x", [4]), relu], ["x", 0, 0], ["a", 0]),
      "invalid-model",
      /expected \[layer, call, tensor\], got \["a",0\]/,
      [...inModel, "output_layers"],
    ],
    [
      "an input that is a layer",
      functional([input("x", [4]), relu], ["a", 0, 0], ["a", 0, 0]),
      "invalid-model",
      /input a is not an InputLayer/,
      inModel,
    ],
    ["models in models without end", deep, "invalid-model", /more than 32 deep/, ["model.keras"]],
    [
      "too few inputs for a model inside",
      functional(
        [
          input("x", [4]),
          nested(
            functional(
              [input("p", [4]), input("q", [4]), layer("Add", "s", {}, [call([from("p"), from("q")])])],
              [
                ["p", 0, 0],
                ["q", 0, 0],
              ],
              ["s", 0, 0],
              "inner",
            ),
            [call(from("x"))],
          ),
        ],
        ["x", 0, 0],
        ["inner", 1, 0],
      ),
      "invalid-model",
      /expected 2 inputs, got 1/,
      inLayer("inner"),
    ],
    [
      "two inputs for a Sequential inside",
      functional(
        [
          input("x", [4]),
          nested(sequential([input("p", [4]), layer("ReLU", "r")], "inner"), [call([from("x"), from("x")])]),
        ],
        ["x", 0, 0],
        ["inner", 0, 0],
      ),
      "invalid-model",
      /takes one input, got 2/,
      inLayer("inner"),
    ],
  ])("%s", (_, config, code, message, where) => {
    const error = refusal(config);
    expect(error).toMatchObject({ code, summary: expect.stringMatching(message) });
    expect(error.where.slice(0, where.length)).toEqual(where);
  });

  test.each<Case>([
    [
      "sparse",
      sequential([input("x", [4], { sparse: true }), layer("ReLU", "a")]),
      "unsupported-feature",
      /the input is sparse/,
      inLayer("x"),
    ],
    [
      "ragged",
      sequential([input("x", [4], { ragged: true }), layer("ReLU", "a")]),
      "unsupported-feature",
      /the input is ragged/,
      inLayer("x"),
    ],
    [
      "optional",
      sequential([input("x", [4], { optional: true }), layer("ReLU", "a")]),
      "unsupported-feature",
      /the input is optional/,
      inLayer("x"),
    ],
    [
      "of texts",
      sequential([input("x", [4], { dtype: "string" }), layer("ReLU", "a")]),
      "unsupported-feature",
      /dtype "string"/,
      inLayer("x"),
    ],
    [
      "of size zero",
      sequential([input("x", [8, 0]), layer("ReLU", "a")]),
      "invalid-model",
      /batch_shape to be a list of sizes, got \[null,8,0\]/,
      inLayer("x"),
    ],
    ["unsaid", sequential([layer("ReLU", "a")]), "unsupported-feature", /does not say its input's shape/, inModel],
  ])("an input that is %s", (_, config, code, message, where) => {
    expect(refusal(config)).toMatchObject({ code, where, summary: expect.stringMatching(message) });
  });
});

describe("weights", () => {
  test.each<readonly [string, object, Record<string, Group>, ErrorCode, RegExp, readonly string[]]>([
    [
      "a kernel in another order",
      {},
      { "layers/conv1d": { variables: [stored([2, 4, 3]), bias] } },
      "shape-mismatch",
      /^conv\/kernel: expected KIO = \(3, 4, 2\), got \(2, 4, 3\)$/,
      inLayer("conv"),
    ],
    [
      "a kernel of another rank",
      {},
      { "layers/conv1d": { variables: [stored([12, 2]), bias] } },
      "shape-mismatch",
      /^conv\/kernel: expected KIO = \(3, 4, 2\), got \(12, 2\)$/,
      inLayer("conv"),
    ],
    [
      "a kernel of other groups",
      { groups: 2 },
      groups,
      "shape-mismatch",
      /^conv\/kernel: expected KIO = \(3, 2, 2\), got \(3, 4, 2\)$/,
      inLayer("conv"),
    ],
    [
      "no bias",
      {},
      { "layers/conv1d": { variables: [kernel] } },
      "missing-weight",
      /^conv\/bias: expected O = \(2\), found no variable 1$/,
      inLayer("conv"),
    ],
    [
      "no group",
      {},
      {},
      "missing-weight",
      /^conv\/kernel: expected KIO = \(3, 4, 2\), found no variable 0$/,
      inLayer("conv"),
    ],
    [
      "a spare variable",
      { use_bias: false },
      groups,
      "shape-mismatch",
      /^conv: expected 1 variables? for this Conv1D, found 2$/,
      inLayer("conv"),
    ],
    [
      "the group of another layer",
      {},
      { "layers/conv1d": { name: "other", variables: [kernel, bias] } },
      "missing-weight",
      /layer conv in group layers\/conv1d, found those of other/,
      ["model.keras", "model.weights.h5", "layers/conv1d"],
    ],
  ])("%s", (_, options, given, code, message, where) => {
    expect(refusal(conv(options), given)).toMatchObject({ code, where, summary: expect.stringMatching(message) });
  });
});
