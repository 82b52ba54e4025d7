/** What options of Keras layers are refused for, and which precisions are read. */
import { describe, expect, test } from "vitest";
import { layer } from "../support/keras-config.ts";
import { type Case, conv, inLayer, open, refusal, single } from "../support/refusals.ts";

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
      [...inLayer("conv"), "activation"],
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
      "three paddings",
      single("ZeroPadding1D", { padding: [4, 4, 4] }),
      "invalid-model",
      /padding: expected two integers from 0, got \[4,4,4\]/,
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

describe("precision", () => {
  const policy = (name: string) => ({
    module: "keras",
    class_name: "DTypePolicy",
    config: { name },
    registered_name: null,
  });
  test.each([["int8"], [policy("int4_from_float32")], [policy("complex64")], [{ config: { mode: {} } }], [7]])(
    "refused: %j",
    (dtype) => {
      expect(refusal(conv({ dtype }))).toMatchObject({
        code: "unsupported-feature",
        where: inLayer("conv"),
        summary: expect.stringMatching(/^Conv1D has the dtype policy .*expected one of float32/),
      });
    },
  );

  test.each(["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"])("read: %s", (name) => {
    expect(open(conv({ dtype: name })).nodes.length).toBe(1);
    expect(open(conv({ dtype: policy(name) })).nodes.length).toBe(1);
  });
});
