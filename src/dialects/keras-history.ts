/**
 * References between layers as Keras writes them: `__keras_tensor__` objects in `inbound_nodes`, `[layer, call, tensor]`
 * triples in `input_layers` and `output_layers`, each in lists or dictionaries of any nesting.
 *
 * Source  keras:keras/src/models/functional.py (serialize_node, functional_from_config)
 */
import { invalidModel, unsupportedOption } from "../error.ts";
import { brief, isObject } from "./keras-config.ts";

/** One tensor: output `tensor` of the `call`-th call of `layer`. */
export interface History {
  readonly layer: string;
  readonly call: number;
  readonly tensor: number;
}

function history(value: unknown, where: readonly string[]): History {
  const [layer, call, tensor] = Array.isArray(value) ? value : [];
  if (typeof layer !== "string" || !Number.isInteger(call) || !Number.isInteger(tensor) || call < 0 || tensor < 0) {
    throw invalidModel(`expected [layer, call, tensor], got ${brief(value)}`, where);
  }
  return { layer, call, tensor };
}

/** Keys in the order in which Keras flattens a dictionary. */
function sortedValues(value: Record<string, unknown>): unknown[] {
  return Object.keys(value)
    .sort()
    .map((key) => value[key]);
}

/** `input_layers` or `output_layers`, flattened as Keras flattens them: lists in order, dictionaries by sorted key. */
export function flattenPorts(value: unknown, where: readonly string[], depth = 0): History[] {
  if (depth > 8) throw invalidModel("inputs or outputs are nested too deeply", where);
  if (Array.isArray(value) && typeof value[0] === "string") return [history(value, where)];
  const entries = Array.isArray(value) ? value : isObject(value) ? sortedValues(value) : null;
  if (!entries) throw invalidModel(`expected references to layers, got ${brief(value)}`, where);
  return entries.flatMap((entry) => flattenPorts(entry, where, depth + 1));
}

/** The tensors of a call's argument, flattened; null where there is anything but tensors. */
function flattenTensors(value: unknown, where: readonly string[], depth = 0): History[] | null {
  if (depth > 8) throw invalidModel("arguments are nested too deeply", where);
  if (isObject(value) && value.class_name === "__keras_tensor__") {
    return [history(isObject(value.config) ? value.config.keras_history : undefined, where)];
  }
  const entries = Array.isArray(value)
    ? value
    : isObject(value) && !("class_name" in value)
      ? sortedValues(value)
      : null;
  if (!entries) return null;
  const all = entries.map((entry) => flattenTensors(entry, where, depth + 1));
  return all.includes(null) ? null : all.flatMap((list) => list!);
}

/** Whether an argument says nothing at inference: `training: false`, `mask: null`, lists of such. */
function isSilent(key: string, value: unknown): boolean {
  if (value === null || (key === "training" && value === false)) return true;
  return Array.isArray(value) && value.every((entry) => isSilent(key, entry));
}

/** The tensors that one entry of `inbound_nodes` calls a layer on. Arguments that would change what it computes are refused. */
export function callInputs(node: unknown, className: string, where: readonly string[]): History[] {
  if (!isObject(node) || !Array.isArray(node.args) || !isObject(node.kwargs ?? {})) {
    throw invalidModel(`expected inbound_nodes of Keras 3 with args and kwargs, got ${brief(node)}`, where);
  }
  const kwargs = { ...((node.kwargs ?? {}) as Record<string, unknown>) };
  const args = [...node.args];
  if (args.length === 0 && "inputs" in kwargs) {
    args.push(kwargs.inputs);
    delete kwargs.inputs;
  }
  const inputs = flattenTensors(args[0], where);
  if (!inputs || inputs.length === 0)
    throw invalidModel(`expected tensors as the first argument, got ${brief(args[0])}`, where);
  const extra = args.slice(1).findIndex((value) => value !== null);
  if (extra >= 0)
    throw unsupportedOption(className, `call argument ${extra + 2}`, `got ${brief(args[extra + 1])}`, where);
  const said = Object.keys(kwargs).find((key) => !isSilent(key, kwargs[key]));
  if (said !== undefined)
    throw unsupportedOption(className, `call argument ${said}`, `got ${brief(kwargs[said])}`, where);
  return inputs;
}
