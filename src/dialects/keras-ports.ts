/**
 * What goes in and out of a Keras model: axes, types and names of its inputs, names of its outputs, and in which precisions layers
 * may say that they compute.
 */
import { type Axis, positionalLetters } from "../axes.ts";
import { printable } from "../bytes/printable.ts";
import { at, invalidModel, unsupportedFeature } from "../error.ts";
import type { GraphBuilder } from "../graph/build.ts";
import type { Port, ValueId, ValueType } from "../graph/graph.ts";
import { policyName } from "../ops/quantization.ts";
import { brief, isObject, type Json } from "./keras-config.ts";

/** Precisions that are computed in float32 here. */
const policies = ["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"];

/** Refuses a layer that computes in another precision, or with quantized weights. */
export function requirePolicy(className: string, dtype: unknown, place: readonly string[]): void {
  const name = policyName(dtype);
  if (policies.includes(name.replace(/^int8_from_/, ""))) return;
  throw unsupportedFeature(
    `${className} has the dtype policy ${printable(name)}; expected one of ${policies.join(", ")}, or int8_from_ one of them`,
    place,
    'quantize the model with quantize("int8"), or save it before quantizing it',
  );
}

/** An input's axes and type out of its InputLayer. */
export function inputValue(
  config: Json,
  channelsFirst: boolean,
  place: readonly string[],
): { axes: Axis[]; type: ValueType } {
  for (const key of ["sparse", "ragged", "optional"]) {
    if (config[key] === true) throw unsupportedFeature(`the input is ${key}`, place, "give the model a dense input");
  }
  const shape = config.batch_shape ?? config.batch_input_shape;
  if (
    !Array.isArray(shape) ||
    shape.length === 0 ||
    !shape.every((size) => size === null || (Number.isInteger(size) && size > 0 && size < 2 ** 31))
  ) {
    throw invalidModel(`expected batch_shape to be a list of sizes, got ${brief(shape)}`, place);
  }
  const type = inputType(config.dtype, place);
  const letters = channelsFirst && shape.length === 3 ? "NCL" : at(place, () => positionalLetters(shape.length));
  // A batch size in the file is that of the call that built the model; any other works.
  return { axes: [...letters].map((letter, index) => ({ letter, size: index === 0 ? null : shape[index] })), type };
}

function inputType(dtype: unknown, place: readonly string[]): ValueType {
  const name = isObject(dtype) && isObject(dtype.config) ? dtype.config.name : (dtype ?? "float32");
  if (typeof name === "string" && /^(mixed_)?b?float\d+$/.test(name)) return "float32";
  if (typeof name === "string" && /^u?int\d+$/.test(name)) return "int32";
  if (name === "bool") return "bool";
  throw unsupportedFeature(`the input has dtype ${brief(dtype)}; expected floats, integers or bool`, place);
}

/** Whether only channels_first layers take this input, so that its second axis is the channels. */
export function takenChannelsFirst(config: Json, name: string): boolean {
  const layers = (config.layers as Json[]).filter((entry) => entry.class_name !== "InputLayer");
  const takes = (entry: Json) =>
    JSON.stringify(entry.inbound_nodes ?? []).includes(`"keras_history":[${JSON.stringify(name)},`);
  const consumers = !("input_layers" in config) ? layers.slice(0, 1) : layers.filter(takes);
  return (
    consumers.length > 0 &&
    consumers.every((entry) => isObject(entry.config) && entry.config.data_format === "channels_first")
  );
}

/** Names of the outputs: that of the layer, with `@2`, `@3`… where several outputs come from layers of one name. */
export function outputPorts(graph: GraphBuilder, values: readonly ValueId[], inputs: readonly Port[]): Port[] {
  const used = new Map<string, number>();
  return values.map((value) => {
    const call = graph.calls.findLast((candidate) => candidate.outputs.includes(value));
    const input = inputs.find((port) => port.value === value);
    const stem = (call?.layer.path ?? input?.name ?? "output").replaceAll("/", ".");
    const count = (used.get(stem) ?? 0) + 1;
    used.set(stem, count);
    return { name: count === 1 ? stem : `${stem}@${count}`, value };
  });
}
