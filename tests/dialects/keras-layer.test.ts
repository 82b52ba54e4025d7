/** What layers, their sizes and their weights are refused for: code, sentence and place. */
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/error.ts";
import { call, conv1d, dense, type Entry, from, input, layer, sequential } from "../support/keras-config.ts";
import { type Group, stored } from "../support/memory-tree.ts";
import {
  bias,
  called,
  type Case,
  conv,
  groups,
  inLayer,
  inModel,
  kernel,
  open,
  refusal,
  single,
} from "../support/refusals.ts";

test("what is damaged below is read when it is whole", () => {
  expect(open(conv()).nodes.map((node) => node.kind)).toEqual(["conv1d"]);
  expect(open(called(layer("Add", "a", {}, [call([from("x"), from("x")])]))).nodes.map((node) => node.kind)).toEqual([
    "merge",
  ]);
});

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
      called({ ...layer("Fft", "a", {}, [call(from("x"))]), module: "keras.src.ops.numpy", registered_name: "Fft" }),
      "unsupported-layer",
      /keras\.ops Fft/,
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

  test("the remedy points to the list of what is read", () => {
    expect(refusal(single("Conv9D", {})).message).toBe(
      [
        "channelwise: unsupported-layer: layer class Conv9D is not supported",
        "  where  model.keras > config.json > layer a",
        "  fix    rebuild that part of the model out of what docs/layers.md lists, or report the layer",
      ].join("\n"),
    );
  });

  test("all of a model's are named at once, each class once, also in models and wrappers", () => {
    const own = (name: string) => ({
      ...layer("Squash", name),
      ...{ module: "mine.layers", registered_name: "mine>Squash" },
    });
    const config = sequential([
      input("x", [8, 4]),
      ...["c1", "c2", "c3", "c4", "c5"].map((name) => layer("Conv2D", name)),
      layer("ReLU", "r"),
      layer("MaxPooling2D", "p"),
      own("s1"),
      sequential([layer("Lambda", "half"), own("s2")], "inner"),
      layer("TimeDistributed", "t", { layer: layer("Conv9D", "c9") }),
    ]);
    expect(refusal(config).message).toBe(
      [
        "channelwise: unsupported-layer: layer classes Conv2D (c1, c2, c3 and 2 more), MaxPooling2D (p) are not supported:" +
          " made for images or volumes, and channelwise reads models of series, sequences and vectors;" +
          ' layer class "mine>Squash" of module "mine.layers" (s1, inner/s2) is not supported:' +
          " not one of Keras' own, and code in files is never run;" +
          " layer class Lambda (inner/half) is not supported: it keeps Python code, and code in files is never run;" +
          " layer class Conv9D (t/c9) is not supported",
        "  where  model.keras > config.json",
        "  fix    rebuild that part of the model out of what docs/layers.md lists, or report the layer;" +
          ' say what it computes: load(file, { customLayers: { "mine>Squash": (call) => call.activation(call.input(), "relu"),' +
          ' "Lambda": (call) => call.activation(call.input(), "relu") } }); docs/custom-layers.md has examples',
      ].join("\n"),
    );
  });

  test("a class deep inside wrappers is named where it is", () => {
    const inner = layer("TimeDistributed", "inner", { layer: layer("Conv2D", "c") });
    const error = refusal(single("TimeDistributed", { layer: inner }, [8, 4, 5, 6]));
    expect(error.summary).toMatch(/^layer class Conv2D is not supported: made for images/);
    expect(error.where).toEqual([...inLayer("a"), "inner", "c"]);
  });

  test("wrappers without end", () => {
    const deep = Array.from({ length: 40 }).reduce<Entry>(
      (inside, _, depth) => layer("SpectralNormalization", `w${depth}`, { layer: inside, power_iterations: 1 }),
      layer("ReLU", "r"),
    );
    expect(refusal(sequential([input("x", [4]), deep])).summary).toBe("layers lie more than 32 deep in each other");
  });

  test("operations of keras.ops are named with them", () => {
    const operation = (name: string, from_: string) => ({
      ...layer("Fft", name, {}, [call(from(from_))]),
      ...{ module: "keras.src.ops.math", registered_name: "Fft" },
    });
    const { summary, where } = refusal(called(operation("a", "b"), operation("b", "x") as never));
    expect(summary).toBe("operation keras.ops Fft (b, a) is not supported");
    expect(where).toEqual(inModel);
  });

  test("a model of a thousand makes no message of a thousand names", () => {
    const layers = Array.from({ length: 1000 }, (_, index) => layer(`Class${index}`, `layer${index}`));
    expect(refusal(sequential([input("x", [4]), ...layers])).message.length).toBeLessThan(600);
  });
});

describe("sizes", () => {
  test.each<Case>([
    [
      "a series that is too short",
      conv({ kernel_size: [9] }),
      "shape-mismatch",
      /^conv1d: expected a length of at least 9 taps after padding, got 8$/,
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
