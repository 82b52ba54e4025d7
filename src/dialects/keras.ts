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
import { at, invalidModel, unsupportedFeature, unsupportedLayer } from "../error.ts";
import type { WeightTree } from "../formats/weight-tree.ts";
import { GraphBuilder } from "../graph/build.ts";
import type { Graph, Layer, Port, ValueId, ValueType } from "../graph/graph.ts";
import { branchByBranch } from "../graph/order.ts";
import { kerasBuilder, kerasClasses } from "../ops/index.ts";
import type { StoredArray } from "../tensor.ts";
import { brief, isObject, type Json } from "./keras-config.ts";
import { callInputs, flattenPorts, type History } from "./keras-history.ts";
import { callLayer, checkVariables, type KerasLayer } from "./keras-layer.ts";
import { GroupCounter, layerVariables } from "./keras-variables.ts";

/** A model file's parts that this dialect reads. */
export interface KerasSource {
  /** The parsed `config.json`. */
  readonly config: unknown;
  readonly weights: WeightTree;
  /** Where messages say the configuration stands. */
  readonly place: readonly string[];
}

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
  call(inputs: readonly ValueId[], index?: number): ValueId[];
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

  #member(entry: unknown, groups: GroupCounter, depth: number): Member {
    if (!isObject(entry) || typeof entry.class_name !== "string" || !isObject(entry.config)) {
      throw invalidModel(`expected a layer, got ${brief(entry)}`, this.place);
    }
    const { class_name: className, config } = entry;
    const name = typeof entry.name === "string" ? entry.name : config.name;
    if (typeof name !== "string" || name === "")
      throw invalidModel(`a layer of class ${className} has no name`, this.place);
    const path = this.#path === "" ? name : `${this.#path}/${name}`;
    const place = [...this.place, `layer ${printable(name)}`];
    requireKeras(entry, className, place);
    const inboundNodes = Array.isArray(entry.inbound_nodes) ? entry.inbound_nodes : [];
    // Sequential.layers leaves its InputLayer out, so that it does not count there.
    const counted = className !== "InputLayer" || this.className === "Functional";
    const group = counted ? groups.next(className) : "";
    const member = { name, className, config, inboundNodes, place };
    if (className === "InputLayer") {
      return {
        ...member,
        call: () => {
          throw invalidModel("an InputLayer is called on something", place);
        },
      };
    }
    if (isModel(className)) {
      const model = new KerasModel(this.#walk, entry, path, group, place, depth + 1);
      const layer: Layer = { path, className, weights: {} };
      let calls = 0;
      return {
        ...member,
        call: (inputs, index) => {
          const outputs = model.call(inputs);
          this.#walk.graph.call(layer, index ?? calls++, outputs);
          return outputs;
        },
      };
    }
    const layer = this.#walk.layer(path, name, className, config, group, place);
    return { ...member, call: (inputs, index) => callLayer(layer, this.#walk.graph, inputs, index) };
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
      .reduce<ValueId[]>((values, member) => member.call(values), [...inputs]);
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
      member.inboundNodes.map((node, call) => ({
        member,
        call,
        inputs: callInputs(node, member.className, member.place),
      })),
    );
    const value = ({ layer, call, tensor }: History) => made.get(layer)?.[call]?.[tensor];
    // The list is mostly in an order that can be computed; calls of shared layers may stand further on.
    for (let waiting = pending; waiting.length > 0; ) {
      const left = waiting.filter(({ member, call, inputs: histories }) => {
        const values = histories.map(value);
        if (values.includes(undefined)) return true;
        made.get(member.name)![call] = member.call(
          values.map((id) => id!),
          this.#path === "" ? call : undefined,
        );
        return false;
      });
      if (left.length === waiting.length) {
        const [{ member, inputs: histories }] = left as [(typeof left)[number]];
        const missing = histories.find((history) => value(history) === undefined)!;
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

/** Fails for what only looks like a Keras layer: operations of `keras.ops`, classes of other packages. */
function requireKeras(entry: Json, className: string, place: readonly string[]): void {
  const { module, registered_name: registered } = entry;
  if (typeof module === "string" && /^keras\.(src\.)?ops\b/.test(module)) {
    throw unsupportedLayer(
      `operation keras.ops ${className}`,
      place,
      kerasClasses(),
      "operations in the graph are not read yet",
    );
  }
  const foreign = typeof module === "string" && !/^(keras|tf_keras|tensorflow\.keras)(\.|$)/.test(module);
  if (foreign || (typeof registered === "string" && registered.includes(">"))) {
    throw unsupportedLayer(
      `layer class ${brief(registered ?? className)} of module ${brief(module)}`,
      place,
      kerasClasses(),
      "it is not one of Keras' own, and code in files is never run",
    );
  }
  if (!isModel(className) && className !== "InputLayer" && !kerasBuilder(className)) {
    throw unsupportedLayer(`layer class ${printable(className)}`, place, kerasClasses());
  }
}

/** What the walk over a whole file shares. */
class Walk {
  readonly graph = new GraphBuilder();
  readonly layers: KerasLayer[] = [];
  readonly #weights: WeightTree;

  constructor(weights: WeightTree) {
    this.#weights = weights;
  }

  layer(
    path: string,
    name: string,
    className: string,
    config: Json,
    group: string,
    place: readonly string[],
  ): KerasLayer {
    requirePolicy(className, config.dtype, place);
    let variables: StoredArray[] | undefined;
    const layer: KerasLayer = {
      path,
      className,
      config,
      place: [...this.#weights.place.slice(0, 1), ...place.slice(1)],
      variables: () => (variables ??= layerVariables(this.#weights, group, name)),
      layer: { path, className, weights: {} },
      calls: 0,
    };
    this.layers.push(layer);
    return layer;
  }
}

/** Precisions that are computed in float32 here. */
const policies = ["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"];

function requirePolicy(className: string, dtype: unknown, place: readonly string[]): void {
  if (dtype === undefined || dtype === null) return;
  const name = isObject(dtype) && isObject(dtype.config) ? (dtype.config.name ?? dtype.class_name) : dtype;
  if (typeof name !== "string" || !policies.includes(name)) {
    throw unsupportedFeature(
      `${className} has the dtype policy ${brief(isObject(dtype) ? (dtype.config ?? dtype) : dtype)}; expected one of ${policies.join(", ")}`,
      place,
      "save the model before quantizing it",
    );
  }
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
  throw unsupportedFeature(`the input has dtype ${brief(dtype)}; expected floats or integers`, place);
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
export function kerasGraph({ config, weights, place }: KerasSource): Graph {
  if (!isObject(config) || typeof config.class_name !== "string")
    throw invalidModel(`expected a model, got ${brief(config)}`, place);
  if (!isModel(config.class_name)) {
    throw unsupportedLayer(
      `model class ${config.class_name}`,
      place,
      ["Sequential", "Functional"],
      "a subclassed model keeps its computation in Python code, not in the file",
    );
  }
  requireKeras(config, config.class_name, place);
  const walk = new Walk(weights);
  const model = new KerasModel(walk, config, "", "", place, 0);
  const inputs = modelInputs(model, walk.graph);
  const outputs = model.call(inputs.map((port) => port.value));
  if (outputs.length === 0) throw invalidModel("a model without outputs", [...place, "output_layers"]);
  for (const layer of walk.layers) checkVariables(layer);
  const name = typeof model.config.name === "string" ? model.config.name : "model";
  return branchByBranch(walk.graph.finish(name, inputs, outputPorts(walk.graph, outputs, inputs)));
}
