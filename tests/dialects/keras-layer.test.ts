/** What layers, their sizes and their weights are refused for: code, sentence and place. */
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/error.ts";
import { call, conv1d, dense, from, input, layer, sequential } from "../support/keras-config.ts";
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

  test("the remedy lists what is read", () => {
    expect(refusal(single("Conv9D", {})).fix).toMatch(/Activation, .*Conv1D.*ZeroPadding1D/);
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
