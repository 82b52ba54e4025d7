/** Layers of int8: which policies and quantizers are read, what becomes of their variables, and what is refused. */
import { describe, expect, test } from "vitest";
import { toFloat32 } from "../../src/bytes/numbers.ts";
import { dense, input, layer, sequential } from "../support/keras-config.ts";
import { type Group, stored, storedInt8 } from "../support/memory-tree.ts";
import { inLayer, open, refusal } from "../support/refusals.ts";

const policyOf = (mode: string, source = "float32", className = "QuantizedDTypePolicy") => ({
  module: "keras.dtype_policies",
  class_name: className,
  config: { mode, source_name: source },
  registered_name: null,
});
const dtype = policyOf("int8");
const absMax = (config: object = {}) => ({
  class_name: "AbsMaxQuantizer",
  config: { value_range: [-127, 127], epsilon: 1e-7, output_dtype: "int8", ...config },
});
const quantizer = (activation: unknown, className = "Int8QuantizationConfig") => ({
  quantization_config: {
    class_name: className,
    config: { weight_quantizer: null, activation_quantizer: activation },
  },
});
const one = (options: object = {}) =>
  sequential([input("x", [4]), layer("Dense", "dense", { ...dense, dtype, ...options })]);
const variables = [storedInt8([4, 2]), stored([2], [5, 7]), stored([2], [2, 4])];
const groups = (own: Group["variables"] = variables): Record<string, Group> => ({
  "layers/dense": { name: "dense", variables: own },
});

/** The only layer's node: its kind, and its weights as numbers. */
function opened(config: unknown, own?: Group["variables"], path?: string) {
  const given = groups(own);
  const [node] = open(config, path ? { [path]: given["layers/dense"]! } : given).nodes;
  const weights = Object.entries(node!.layer.weights);
  return {
    kind: node!.kind,
    roles: node!.weights,
    weights: Object.fromEntries(weights.map(([role, { array }]) => [role, [...toFloat32(array)]])),
    types: weights.map(([, { array }]) => array.dtype),
  };
}

describe("a Dense of int8", () => {
  const asItLies = { kernel: [1, 2, 3, 4, 5, 6, 7, 8], bias: [5, 7], scale: [2, 4] };

  test.each([
    ["without a quantization_config, as in older files", {}],
    ["as quantize() writes it", quantizer(absMax())],
    ["with an axis, which Keras gives by itself", quantizer(absMax({ axis: [0] }))],
    ["of another precision", { dtype: policyOf("int8", "mixed_bfloat16") }],
    ["whose policy is a name", { dtype: "int8_from_float32" }],
  ])("%s, rounds its inputs and keeps its integers", (_name, options) => {
    const { kind, roles, weights, types } = opened(one(options));
    expect({ kind, roles, weights }).toEqual({
      kind: "denseInt8",
      roles: ["kernel", "bias", "scale"],
      weights: asItLies,
    });
    expect(types).toEqual(["int8", "float32", "float32"]);
  });

  test("without an activation_quantizer is a Dense of integer / scale", () => {
    expect(opened(one(quantizer(null)))).toEqual({
      kind: "dense",
      roles: ["kernel", "bias"],
      weights: { kernel: [0.5, 0.5, 1.5, 1, 2.5, 1.5, 3.5, 2], bias: [5, 7] },
      types: ["float32", "float32"],
    });
  });

  test("is a Dense of floats where only quantization_config says so, as Keras reads it", () => {
    const floats = [stored([4, 2]), stored([2])];
    expect(opened(one({ dtype: "float32", ...quantizer(absMax()) }), floats).kind).toBe("dense");
  });
});

test("a table of int8 has a scale per row", () => {
  const own = [storedInt8([3, 2]), stored([3], [1, 2, 4])];
  const config = sequential([
    input("x", [4], { dtype: "int32" }),
    layer("Embedding", "dense", { input_dim: 3, output_dim: 2, dtype }),
  ]);
  const { weights, types } = opened(config, own, "layers/embedding");
  expect(weights).toEqual({ embeddings: [1, 2, 1.5, 2, 1.25, 1.5] });
  expect(types).toEqual(["float32"]);
});

describe("refused", () => {
  test.each([
    ["int4", policyOf("int4"), "int4_from_float32"],
    ["int4 in blocks", policyOf("int4", "float32", "Int4DTypePolicy"), '["Int4DTypePolicy",{"mode":"int4",'],
    ["float8", policyOf("float8", "float32", "QuantizedFloat8DTypePolicy"), '["QuantizedFloat8DTypePolicy",'],
    ["GPTQ", policyOf("gptq", "float32", "GPTQDTypePolicy"), '["GPTQDTypePolicy",'],
    ["int8 of an unknown precision", policyOf("int8", "float4"), "int8_from_float4"],
  ])("%s", (_name, policy, shown) => {
    const { code, summary, where, fix } = refusal(one({ dtype: policy }), groups());
    expect(code).toBe("unsupported-feature");
    expect(summary.startsWith(`Dense has the dtype policy ${shown}`)).toBe(true);
    expect(where).toEqual(inLayer("dense"));
    expect(fix).toBe('quantize the model with quantize("int8"), or save it before quantizing it');
  });

  test("floats where integers have to be", () => {
    const error = refusal(one(), groups([stored([4, 2]), ...variables.slice(1)]));
    expect(error.code).toBe("shape-mismatch");
    expect(error.summary).toBe("the weights are floats, and the architecture was quantized to int8");
    expect(error.fix).toMatch(/saved before quantize\("int8"\)/);
  });

  test("integers where floats have to be", () => {
    const error = refusal(one({ dtype: "float32" }), groups(variables));
    expect(error.code).toBe("shape-mismatch");
    expect(error.summary).toBe("the weights were quantized to int8, and the architecture is one of floats");
    expect(error.where).toEqual(inLayer("dense"));
    expect(error.fix).toMatch(/saved after quantize\("int8"\)/);
  });

  test.each([
    ["dynamic", {}],
    ["of the weights alone", quantizer(null)],
  ])("no scales, %s", (_name, options) => {
    const error = refusal(one(options), groups(variables.slice(0, 2)));
    expect(error.code).toBe("missing-weight");
    expect(error.message).toMatch(/scale: expected O = \(2\)/);
  });
});
