/** What calls, and the models that they make, are refused for: code, sentence and place. */
import { describe, expect, test } from "vitest";
import { call, type Entry, from, functional, input, layer, nested, sequential } from "../support/keras-config.ts";
import { called, type Case, inLayer, inModel, open, refusal } from "../support/refusals.ts";

describe("calls", () => {
  const dropout = (node: object) => called(layer("Dropout", "a", { rate: 0.1, seed: null, noise_shape: null }, [node]));

  test.each<Case>([
    [
      "training=true",
      dropout(call(from("x"), { training: true })),
      "unsupported-option",
      /^Dropout: call argument training: got true/,
      inLayer("a"),
    ],
    [
      "a mask",
      dropout(call(from("x"), { mask: from("x") })),
      "unsupported-option",
      /call argument mask: got a tensor/,
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
      "arguments nested without end",
      dropout({ args: [from("x"), [[[[[[[[[[3]]]]]]]]]]], kwargs: {} }),
      "invalid-model",
      /arguments are nested too deeply/,
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
    [
      "references nested without end",
      functional([input("x", [4]), relu], ["x", 0, 0], [[[[[[[[[["a", 0, 0]]]]]]]]]]),
      "invalid-model",
      /inputs or outputs are nested too deeply/,
      [...inModel, "output_layers"],
    ],
    [
      "no reference",
      functional([input("x", [4]), relu], ["x", 0, 0], 3),
      "invalid-model",
      /expected references to layers, got 3/,
      [...inModel, "output_layers"],
    ],
    [
      "no inputs",
      functional([input("x", [4]), relu], [], ["a", 0, 0]),
      "invalid-model",
      /a model without inputs/,
      [...inModel, "input_layers"],
    ],
    [
      "no outputs",
      functional([input("x", [4]), relu], ["x", 0, 0], []),
      "invalid-model",
      /a model without outputs/,
      [...inModel, "output_layers"],
    ],
    [
      "an argument of a model inside",
      functional(
        [
          input("x", [4]),
          nested(sequential([input("p", [4]), layer("ReLU", "r")], "inner"), [call(from("x"), { training: true })]),
        ],
        ["x", 0, 0],
        ["inner", 0, 0],
      ),
      "unsupported-option",
      /^Sequential: call argument training: got true$/,
      inLayer("inner"),
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
