/**
 * Keras topologies as graphs: Sequential and Functional configurations, models inside models, shared layers.
 *
 * A model inside a model is walked in place: its layers keep a path (`encoder/conv1d`), its nodes stand among the others.
 * A layer called again gives nodes again, with the same weights.
 *
 * Source  keras:keras/src/models/functional.py, keras:keras/src/models/sequential.py
 */
import { type Axis, positionalLetters } from "../axes.ts";
import { printable } from "../bytes/printable.ts";
import {
  at,
  invalidModel,
  type RefusedLayer,
  subclassedModel,
  unsupportedFeature,
  unsupportedLayers,
  unsupportedOption,
} from "../error.ts";
import type { WeightTree } from "../formats/weight-tree.ts";
import { GraphBuilder } from "../graph/build.ts";
import type { Graph, Layer, Port, ValueId, ValueType } from "../graph/graph.ts";
import { branchByBranch } from "../graph/order.ts";
import type { CallArguments, FromKeras } from "../ops/facets.ts";
import { kerasBuilder, operationBuilder } from "../ops/index.ts";
import { whyNotRead } from "../ops/not-read.ts";
import { policyName } from "../ops/quantization.ts";
import { brief, isObject, type Json } from "./keras-config.ts";
import {
  describeArgument,
  flattenPorts,
  type History,
  isSilent,
  mapArguments,
  parseCall,
  tensorsIn,
  tensorsOf,
} from "./keras-history.ts";
import { callLayer, checkVariables, type KerasLayer } from "./keras-layer.ts";
import { GroupCounter, groupVariables, type LayerVariables } from "./keras-variables.ts";

/** A model file's parts that this dialect reads. */
export interface KerasSource {
  /** The parsed `config.json`. */
  readonly config: unknown;
  readonly weights: WeightTree;
  /** Where messages say the configuration stands. */
  readonly place: readonly string[];
  /** What builds the nodes of classes that are not Keras' own, by registered name or class; of a Lambda by its layer's name too. */
  readonly customLayers?: CustomLayers;
}

/** Builders for layers of other people. */
export type CustomLayers = Readonly<Record<string, FromKeras>>;

/** Models deeper inside models than this are refused. */
const deepestNesting = 32;

/** A layer of a model: one of Keras', or a model. */
interface Member {
  readonly name: string;
  readonly className: string;
  readonly config: Json;
  readonly inboundNodes: readonly unknown[];
  readonly place: readonly string[];
  /** @param index which call of the member this is, where the file numbers them; counted otherwise */
  call(given: CallArguments, index?: number): ValueId[];
}

/** A call on tensors alone. */
function onTensors(tensors: readonly ValueId[]): CallArguments {
  const entries = tensors.map((tensor) => ({ kind: "tensor" as const, tensor }));
  return { positional: [{ kind: "list", entries }], named: new Map() };
}

/** A model or a model inside it, ready to be called on values. */
class KerasModel {
  readonly members: Member[] = [];
  readonly className: "Functional" | "Sequential";
  readonly config: Json;
  readonly place: readonly string[];
  readonly #walk: Walk;
  readonly #path: string;

  constructor(walk: Walk, envelope: Json, path: string, group: string, place: readonly string[], depth: number) {
    if (depth > deepestNesting) throw invalidModel(`models lie more than ${deepestNesting} deep in each other`, place);
    if (!isObject(envelope.config) || !Array.isArray(envelope.config.layers))
      throw invalidModel("expected a model with a list of layers", place);
    this.#walk = walk;
    this.#path = path;
    this.className = envelope.class_name === "Sequential" ? "Sequential" : "Functional";
    this.config = envelope.config;
    this.place = place;
    const groups = new GroupCounter(group);
    const names = new Set<string>();
    for (const entry of envelope.config.layers) {
      const member = this.#member(entry, groups, depth);
      if (names.has(member.name)) throw invalidModel(`two layers are called ${printable(member.name)}`, place);
      names.add(member.name);
      this.members.push(member);
    }
  }

  #member(given: unknown, groups: GroupCounter, depth: number): Member {
    const { entry, name, className, config } = readEntry(given, this.place);
    const path = this.#path === "" ? name : `${this.#path}/${name}`;
    const place = [...this.place, `layer ${printable(name)}`];
    const inboundNodes = Array.isArray(entry.inbound_nodes) ? entry.inbound_nodes : [];
    // Sequential.layers leaves its InputLayer out, so that it does not count there; operations are no layers.
    const counted = (className !== "InputLayer" || this.className === "Functional") && !isOperation(entry);
    const group = counted ? groups.next(className) : "";
    const call =
      className === "InputLayer"
        ? () => {
            throw invalidModel("an InputLayer is called on something", place);
          }
        : this.#walk.open(entry, path, group, place, depth);
    return { name, className, config, inboundNodes, place, call };
  }

  /** The InputLayers, as they stand in the list. */
  inputMembers(): Member[] {
    return this.members.filter((member) => member.className === "InputLayer");
  }

  /** The inputs' references in Keras' order. */
  inputHistories(): History[] {
    if (this.className === "Functional") return flattenPorts(this.config.input_layers, [...this.place, "input_layers"]);
    return this.inputMembers().map((member) => ({ layer: member.name, call: 0, tensor: 0 }));
  }

  call(inputs: readonly ValueId[]): ValueId[] {
    return this.className === "Sequential" ? this.#callSequential(inputs) : this.#callFunctional(inputs);
  }

  #callSequential(inputs: readonly ValueId[]): ValueId[] {
    if (inputs.length !== 1) throw invalidModel(`a Sequential model takes one input, got ${inputs.length}`, this.place);
    return this.members
      .filter((member) => member.className !== "InputLayer")
      .reduce<ValueId[]>((values, member) => member.call(onTensors(values)), [...inputs]);
  }

  #callFunctional(inputs: readonly ValueId[]): ValueId[] {
    const ports = this.inputHistories();
    if (ports.length !== inputs.length)
      throw invalidModel(`expected ${ports.length} inputs, got ${inputs.length}`, this.place);
    const made = new Map<string, (ValueId[] | undefined)[]>(this.members.map((member) => [member.name, []]));
    ports.forEach(({ layer }, index) => {
      made.get(layer)?.push([inputs[index]!]);
    });
    const pending = this.members.flatMap((member) =>
      member.inboundNodes.map((node, call) => ({ member, call, given: parseCall(node, member.place) })),
    );
    const value = ({ layer, call, tensor }: History) => made.get(layer)?.[call]?.[tensor];
    // The list is mostly in an order that can be computed; calls of shared layers may stand further on.
    for (let waiting = pending; waiting.length > 0; ) {
      const left = waiting.filter(({ member, call, given }) => {
        if (tensorsOf(given).some((history) => value(history) === undefined)) return true;
        const known = mapArguments(given, (history) => value(history)!);
        made.get(member.name)![call] = member.call(known, this.#path === "" ? call : undefined);
        return false;
      });
      if (left.length === waiting.length) {
        const [{ member, given }] = left as [(typeof left)[number]];
        const missing = tensorsOf(given).find((history) => value(history) === undefined)!;
        throw invalidModel(
          `the input [${missing.layer}, ${missing.call}, ${missing.tensor}] is never computed`,
          member.place,
        );
      }
      waiting = left;
    }
    return flattenPorts(this.config.output_layers, [...this.place, "output_layers"]).map((history) => {
      const member = this.members.find((candidate) => candidate.name === history.layer);
      // output_layers counts the calls of a Functional model from 1, unlike inbound_nodes.
      const call =
        member && isModel(member.className) && member.className !== "Sequential" && history.call > 0
          ? history.call - 1
          : history.call;
      const output = value({ ...history, call });
      if (output === undefined)
        throw invalidModel(
          `the output [${history.layer}, ${history.call}, ${history.tensor}] is never computed`,
          this.place,
        );
      return output;
    });
  }
}

function isModel(className: string): boolean {
  return className === "Functional" || className === "Sequential" || className === "Model";
}

/** Whether an entry of a model's layers is an operation of `keras.ops` in the graph. */
function isOperation({ module }: Json): boolean {
  return typeof module === "string" && /^keras\.(src\.)?ops\b/.test(module);
}

/** The name, class and configuration of a layer. */
function readEntry(
  entry: unknown,
  place: readonly string[],
): { entry: Json; name: string; className: string; config: Json } {
  if (!isObject(entry) || typeof entry.class_name !== "string" || !isObject(entry.config))
    throw invalidModel(`expected a layer, got ${brief(entry)}`, place);
  const { class_name: className, config } = entry;
  const name = typeof entry.name === "string" ? entry.name : config.name;
  if (typeof name !== "string" || name === "") throw invalidModel(`a layer of class ${className} has no name`, place);
  return { entry, name, className, config };
}

/**
 * What builds the nodes of a layer: the caller's own builder, or that of the operator family. None for what they don't know
 * and what only looks like a Keras layer; that is told instead.
 */
function findBuilder(
  entry: Json,
  path: string,
  place: readonly string[],
  custom: CustomLayers,
): FromKeras | RefusedLayer {
  const { module, registered_name: registered } = entry;
  const { name, className } = readEntry(entry, place);
  const refused = (kind: RefusedLayer["kind"], label: string, why?: string, own?: string): RefusedLayer => ({
    ...{ kind, className: label, name: printable(path), place, why, custom: own },
  });
  if (isOperation(entry)) {
    return operationBuilder(className) ?? refused("operation", `keras.ops ${printable(className)}`);
  }
  const names = [registered, className, className === "Lambda" ? name : undefined];
  const own = names.find((candidate) => typeof candidate === "string" && Object.hasOwn(custom, candidate));
  if (own !== undefined) return withoutCode(custom[own as string]!);
  if (className === "Lambda") return refused("layer class", className, whyNotRead(className), className);
  const foreign = typeof module === "string" && !/^(keras|tf_keras|tensorflow\.keras)(\.|$)/.test(module);
  if (foreign || (typeof registered === "string" && registered.includes(">"))) {
    const label = String(registered ?? className);
    const why = "not one of Keras' own, and code in files is never run";
    const of = typeof module === "string" ? ` of module ${brief(module)}` : "";
    return refused("layer class", `${brief(label)}${of}`, why, label);
  }
  return kerasBuilder(className) ?? refused("layer class", printable(className), whyNotRead(className));
}

/** A builder that stands for a Lambda's code, so that its options need no answer. */
function withoutCode(build: FromKeras): FromKeras {
  return (call) => {
    if (call.config.className === "Lambda") call.config.ignore("function", "output_shape", "mask", "arguments");
    return build(call);
  };
}

/** Those of an operation, which has no group: the root's belong to the model. */
const noVariables: LayerVariables = { take: () => undefined, left: () => 0 };

/** What the walk over a whole file shares. */
class Walk {
  readonly graph = new GraphBuilder();
  readonly layers: KerasLayer[] = [];
  /** Those of the whole model that nothing here reads. */
  readonly refused: RefusedLayer[] = [];
  readonly #weights: WeightTree;
  readonly #custom: CustomLayers;

  constructor(weights: WeightTree, custom: CustomLayers) {
    this.#weights = weights;
    this.#custom = custom;
  }

  /** A layer or a model, ready to be called. `group` is where its variables lie. */
  open(entry: Json, path: string, group: string, place: readonly string[], depth: number): Member["call"] {
    const { name, className, config } = readEntry(entry, place);
    if (isModel(className)) {
      const model = new KerasModel(this, entry, path, group, place, depth + 1);
      const layer: Layer = { path, className, weights: {} };
      let calls = 0;
      return (given, index) => {
        const outputs = model.call(modelInputsOf(given, className, place));
        this.graph.call(layer, index ?? calls++, outputs);
        return outputs;
      };
    }
    const build = findBuilder(entry, path, place, this.#custom);
    if (typeof build !== "function") {
      this.refused.push(build);
      return () => {
        throw unsupportedLayers([build]);
      };
    }
    // What a wrapper wraps is opened as it is called, when it would be too late to name it with the others.
    if (isObject(config.layer) && typeof config.layer.class_name === "string" && !isModel(config.layer.class_name)) {
      const inner = readEntry(config.layer, place);
      const found = findBuilder(inner.entry, `${path}/${inner.name}`, [...place, inner.name], this.#custom);
      if (typeof found !== "function") this.refused.push(found);
    }
    // The dtype of an operation is what it casts to.
    if (!isOperation(entry)) requirePolicy(className, config.dtype, place);
    const layer: KerasLayer = {
      path,
      className,
      config,
      build,
      place: [...this.#weights.place.slice(0, 1), ...place.slice(1)],
      variables: isOperation(entry) ? noVariables : groupVariables(this.#weights, group, name),
      layer: { path, className, weights: {} },
      parts: new Map(),
      inner: new Map(),
      open: (object, scope) => {
        if (depth > deepestNesting)
          throw invalidModel(`layers lie more than ${deepestNesting} deep in each other`, place);
        const inner = readEntry(object, place);
        const call = this.open(object, `${path}/${inner.name}`, `${group}/${scope}`, [...place, inner.name], depth + 1);
        return (inputs) => call(onTensors(inputs));
      },
      calls: 0,
    };
    this.layers.push(layer);
    return (given, index) => callLayer(layer, this.graph, given, index);
  }
}

/** The tensors that a model is called on; it takes no other arguments that mean anything. */
function modelInputsOf({ positional, named }: CallArguments, className: string, place: readonly string[]): ValueId[] {
  const inputs = positional[0] ?? named.get("inputs");
  const others = [...positional.slice(1).entries(), ...named].filter(([key]) => key !== "inputs");
  const spare = others.find(([key, argument]) => !isSilent(String(key), argument));
  if (spare) {
    const name = typeof spare[0] === "number" ? `${spare[0] + 2}` : spare[0];
    throw unsupportedOption(className, `call argument ${name}`, `got ${describeArgument(spare[1])}`, place);
  }
  return tensorsIn(inputs);
}

/** Precisions that are computed in float32 here. */
const policies = ["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"];

function requirePolicy(className: string, dtype: unknown, place: readonly string[]): void {
  const name = policyName(dtype);
  if (policies.includes(name.replace(/^int8_from_/, ""))) return;
  throw unsupportedFeature(
    `${className} has the dtype policy ${printable(name)}; expected one of ${policies.join(", ")}, or int8_from_ one of them`,
    place,
    'quantize the model with quantize("int8"), or save it before quantizing it',
  );
}

/** An input's axes and type out of its InputLayer. */
function inputValue(config: Json, channelsFirst: boolean, place: readonly string[]): { axes: Axis[]; type: ValueType } {
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
function takenChannelsFirst(model: KerasModel, name: string): boolean {
  const layers = (model.config.layers as Json[]).filter((entry) => entry.class_name !== "InputLayer");
  const takes = (entry: Json) =>
    JSON.stringify(entry.inbound_nodes ?? []).includes(`"keras_history":[${JSON.stringify(name)},`);
  const consumers = model.className === "Sequential" ? layers.slice(0, 1) : layers.filter(takes);
  return (
    consumers.length > 0 &&
    consumers.every((entry) => isObject(entry.config) && entry.config.data_format === "channels_first")
  );
}

/** The inputs of the whole model as values; a Sequential that was built by a call has the shape of that call. */
function modelInputs(model: KerasModel, graph: GraphBuilder): Port[] {
  const entries = model.config.layers as Json[];
  const histories = model.inputHistories();
  if (histories.length === 0) {
    if (model.className === "Functional")
      throw invalidModel("a model without inputs", [...model.place, "input_layers"]);
    const shape =
      model.config.build_input_shape ??
      (isObject(entries[0]?.config) ? entries[0].config.batch_input_shape : undefined);
    if (!Array.isArray(shape)) {
      throw unsupportedFeature(
        "the model does not say its input's shape",
        model.place,
        "call the model once on data, or add keras.Input, and save it again",
      );
    }
    const { axes, type } = inputValue({ batch_shape: shape }, takenChannelsFirst(model, ""), model.place);
    return [{ name: "input", value: graph.value("input", axes, type) }];
  }
  return histories.map(({ layer }) => {
    const place = [...model.place, `layer ${layer}`];
    const member = model.inputMembers().find((candidate) => candidate.name === layer);
    if (!member) throw invalidModel(`input ${layer} is not an InputLayer`, model.place);
    const { axes, type } = inputValue(member.config, takenChannelsFirst(model, layer), place);
    return { name: layer, value: graph.value(layer, axes, type) };
  });
}

/** Names of the outputs: that of the layer, with `@2`, `@3`… where several outputs come from layers of one name. */
function outputPorts(graph: GraphBuilder, values: readonly ValueId[], inputs: readonly Port[]): Port[] {
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

/**
 * Builds the graph of a Keras 3 model.
 *
 * @throws {ChannelwiseError} `unsupported-layer`, `unsupported-option`, `unsupported-feature` for what is not understood;
 *   `invalid-model`, `missing-weight`, `shape-mismatch` for files that contradict themselves
 */
export function kerasGraph({ config, weights, place, customLayers = {} }: KerasSource): Graph {
  if (!isObject(config) || typeof config.class_name !== "string")
    throw invalidModel(`expected a model, got ${brief(config)}`, place);
  if (!isModel(config.class_name)) {
    throw subclassedModel(printable(config.class_name), place);
  }
  const walk = new Walk(weights, customLayers);
  const model = new KerasModel(walk, config, "", "", place, 0);
  if (walk.refused.length > 0) throw unsupportedLayers(walk.refused);
  const inputs = modelInputs(model, walk.graph);
  const outputs = model.call(inputs.map((port) => port.value));
  if (outputs.length === 0) throw invalidModel("a model without outputs", [...place, "output_layers"]);
  for (const layer of walk.layers) checkVariables(layer);
  const name = typeof model.config.name === "string" ? model.config.name : "model";
  return branchByBranch(walk.graph.finish(name, inputs, outputPorts(walk.graph, outputs, inputs)));
}
