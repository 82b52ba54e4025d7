/**
 * quantization: layers that Keras' `quantize("int8")` left, which hold integers of -128 to 127 and scales
 *
 *     number = integer / scale        one scale per row of an embedding's table, or per output of a kernel
 *
 * A product's inputs are rounded to integers as well, unless `activation_quantizer` is null: then the integers are only
 * how the kernel is stored, and the layer is an ordinary one. Precisions are computed in float32 as elsewhere.
 *
 * Source  keras:keras/src/quantizers/quantization_config.py, _int8_build and _int8_call of Dense, EinsumDense and Embedding
 */
import type { ValueId } from "../graph/graph.ts";
import type { Dense } from "./dense.ts";
import type { KerasCall, KerasConfig } from "./facets.ts";
import { isObject } from "./schema.ts";

/** The name of a dtype policy, such as `float32` or `int8_from_float32`; of a class that has none, the class and its options. */
export function policyName(dtype: unknown): string {
  if (dtype === undefined || dtype === null) return "float32";
  if (typeof dtype === "string") return dtype;
  if (!isObject(dtype) || !isObject(dtype.config)) return JSON.stringify(dtype);
  const { name, mode, source_name: source } = dtype.config;
  if (dtype.class_name === "QuantizedDTypePolicy" && typeof mode === "string" && typeof source === "string")
    return `${mode}_from_${source}`;
  return typeof name === "string" ? name : JSON.stringify([dtype.class_name, dtype.config]);
}

/** Whether a dtype policy makes a layer's numbers int8. */
export function isInt8(policy: string): boolean {
  return policy.startsWith("int8_from_");
}

/** Whether the layer's numbers are int8. */
export function holdsInt8(config: KerasConfig): boolean {
  config.ignore("quantization_config");
  return isInt8(policyName(config.raw("dtype")));
}

/** Whether a product of int8 rounds its inputs. Keras' own way to do so is the only one that is read. */
function roundsInputs(config: KerasConfig): boolean {
  const given = config.raw("quantization_config");
  if (given === null || given === undefined) return true;
  const options = optionsOf(given, "Int8QuantizationConfig");
  if (!options) return config.refuse("quantization_config", "expected an Int8QuantizationConfig or null");
  // How the kernel was rounded does not matter any more: its integers and scales are in the file.
  if (options.activation_quantizer == null) return false;
  const { value_range: range = [-127, 127], epsilon = 1e-7 } =
    optionsOf(options.activation_quantizer, "AbsMaxQuantizer") ?? notUsual;
  if (JSON.stringify(range) === "[-127,127]" && epsilon === 1e-7) return true;
  const expected = "expected an AbsMaxQuantizer of value_range (-127, 127) and epsilon 1e-7, or null";
  return config.refuse("quantization_config", `activation_quantizer: ${expected}`);
}

/** Stands for a quantizer of another class. */
const notUsual = { value_range: null, epsilon: null };

/** The configuration of a serialized object of a class; null where it is of another. */
function optionsOf(value: unknown, className: string): Readonly<Record<string, unknown>> | null {
  if (!isObject(value) || value.class_name !== className || !isObject(value.config)) return null;
  return value.config;
}

/** The variables of a product under the sizes that the file has them in. */
export interface StoredProduct {
  readonly kernel: readonly number[];
  /** Null for none. */
  readonly bias: readonly number[] | null;
  /** Of the scales that int8 has. */
  readonly scale: readonly number[];
}

/** Takes the variables of a product over the input's last axis, and adds it: one of floats or of int8. */
export function emitProduct(call: KerasCall, input: ValueId, attributes: Dense, stored: StoredProduct): ValueId {
  const { config } = call;
  const { axis, units } = attributes;
  const int8 = holdsInt8(config);
  const kernel = { stored: stored.kernel, ...(int8 ? { type: "int8" as const } : {}) };
  call.weight("kernel", "IO", [call.known(input, axis), units], kernel);
  if (stored.bias) call.weight("bias", "O", [units], { stored: stored.bias });
  const roles = stored.bias ? ["kernel", "bias"] : ["kernel"];
  if (int8 && roundsInputs(config)) {
    call.weight("scale", "O", [units], { stored: stored.scale });
    return call.emit("denseInt8", attributes, [input], [...roles, "scale"]);
  }
  if (int8) call.dequantize("kernel", "O", { stored: stored.scale });
  return call.emit("dense", attributes, [input], roles);
}
