/**
 * References between layers as Keras writes them: `__keras_tensor__` objects in `inbound_nodes`, `[layer, call, tensor]`
 * triples in `input_layers` and `output_layers`, each in lists or dictionaries of any nesting.
 *
 * Source  keras:keras/src/models/functional.py (serialize_node, functional_from_config)
 */
import { invalidModel } from "../error.ts";
import type { Argument, CallArguments } from "../ops/facets.ts";
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

/** An argument of a call: tensors stand as `T`, dictionaries as lists in the order of their keys. */
export function parseArgument(value: unknown, where: readonly string[], depth = 0): Argument<History> {
  if (depth > 8) throw invalidModel("arguments are nested too deeply", where);
  const inner = (entry: unknown) => parseArgument(entry, where, depth + 1);
  if (Array.isArray(value)) return { kind: "list", entries: value.map(inner) };
  if (!isObject(value)) return { kind: "constant", value };
  const config = isObject(value.config) ? value.config : {};
  switch (value.class_name) {
    case "__keras_tensor__":
      return { kind: "tensor", tensor: history(config.keras_history, where) };
    case "__slice__":
      return { kind: "slice", start: inner(config.start), stop: inner(config.stop), step: inner(config.step) };
    case "__ellipsis__":
      return { kind: "ellipsis" };
    case "__numpy__":
    case "__tensor__":
      return { kind: "constant", value: config.value };
    default:
      return "class_name" in value
        ? { kind: "constant", value }
        : { kind: "list", entries: sortedValues(value).map(inner) };
  }
}

/** One entry of `inbound_nodes`: the arguments of one call. */
export function parseCall(node: unknown, where: readonly string[]): CallArguments<History> {
  if (!isObject(node) || !Array.isArray(node.args) || !isObject(node.kwargs ?? {})) {
    throw invalidModel(`expected inbound_nodes of Keras 3 with args and kwargs, got ${brief(node)}`, where);
  }
  const named = Object.entries((node.kwargs ?? {}) as Record<string, unknown>);
  const given: CallArguments<History> = {
    positional: node.args.map((value) => parseArgument(value, where)),
    named: new Map(named.map(([key, value]) => [key, parseArgument(value, where)])),
  };
  if (tensorsOf(given).length === 0)
    throw invalidModel(`expected tensors as the first argument, got ${brief(node.args[0])}`, where);
  return given;
}

/** The tensors in an argument, in order. */
export function tensorsIn<T>(argument: Argument<T> | undefined): T[] {
  switch (argument?.kind) {
    case "tensor":
      return [argument.tensor];
    case "list":
      return argument.entries.flatMap(tensorsIn);
    case "slice":
      return [argument.start, argument.stop, argument.step].flatMap(tensorsIn);
    default:
      return [];
  }
}

/** The tensors of all arguments of a call. */
export function tensorsOf<T>({ positional, named }: CallArguments<T>): T[] {
  return [...positional, ...named.values()].flatMap(tensorsIn);
}

/** The same arguments with other tensors. */
export function mapArguments<T, U>(given: CallArguments<T>, map: (tensor: T) => U): CallArguments<U> {
  return {
    positional: given.positional.map((argument) => mapArgument(argument, map)),
    named: new Map([...given.named].map(([key, argument]) => [key, mapArgument(argument, map)])),
  };
}

function mapArgument<T, U>(argument: Argument<T>, map: (tensor: T) => U): Argument<U> {
  const inner = (entry: Argument<T>) => mapArgument(entry, map);
  switch (argument.kind) {
    case "tensor":
      return { kind: "tensor", tensor: map(argument.tensor) };
    case "list":
      return { kind: "list", entries: argument.entries.map(inner) };
    case "slice":
      return { kind: "slice", start: inner(argument.start), stop: inner(argument.stop), step: inner(argument.step) };
    default:
      return argument;
  }
}

/** Whether an argument says nothing at inference: `training: false`, `mask: null`, lists of such. */
export function isSilent<T>(name: string, argument: Argument<T>): boolean {
  if (argument.kind === "list") return argument.entries.every((entry) => isSilent(name, entry));
  if (argument.kind !== "constant") return false;
  return argument.value === null || (name === "training" && argument.value === false);
}

/** An argument as a message shows it. */
export function describeArgument<T>(argument: Argument<T>): string {
  switch (argument.kind) {
    case "constant":
      return brief(argument.value);
    case "tensor":
      return "a tensor";
    case "list":
      return argument.entries.some((entry) => tensorsIn(entry).length > 0) ? "tensors" : "a list";
    default:
      return `a ${argument.kind}`;
  }
}
