/**
 * Keras topologies as graphs: Sequential and Functional configurations, models inside models, shared layers.
 *
 * A model inside a model is walked in place: its layers keep a path (`encoder/conv1d`), its nodes stand among the others.
 * A layer called again gives nodes again, with the same weights.
 *
 * Source  keras:keras/src/models/functional.py, keras:keras/src/models/sequential.py
 */
import { printable } from "../bytes/printable.ts";
import {
  ChannelwiseError,
  customLayerFails,
  invalidModel,
  type RefusedLayer,
  subclassedModel,
  unsupportedFeature,
  unsupportedLayers,
} from "../error.ts";
import type { WeightLists } from "../formats/weight-lists.ts";
import type { WeightTree } from "../formats/weight-tree.ts";
import { GraphBuilder } from "../graph/build.ts";
import type { Graph, Port, ValueId } from "../graph/graph.ts";
import { branchByBranch } from "../graph/order.ts";
import type { CallArguments, FromKeras } from "../ops/facets.ts";
import { kerasBuilder, operationBuilder } from "../ops/index.ts";
import { whyNotRead } from "../ops/not-read.ts";
import { brief, exportedName, isObject, type Json } from "./keras-config.ts";
import { flattenPorts, type History, mapArguments, parseCall, tensorsIn, tensorsOf } from "./keras-history.ts";
import { groupedVariables } from "./keras-groups.ts";
import { callLayer, checkVariables, maskedInputs, type KerasLayer } from "./keras-layer.ts";
import { inputValue, outputPorts, requirePolicy, takenChannelsFirst } from "./keras-ports.ts";
import { modernModel } from "./keras-legacy.ts";
import { listedVariables } from "./keras-lists.ts";
import { recorded, type VariableRecord } from "./keras-record.ts";
import { type ModelVariables, noVariables, type VariablePlace } from "./keras-variables.ts";

/** A model file's parts that this dialect reads. */
export interface KerasSource {
  /** The parsed configuration, of any version of Keras. */
  readonly config: unknown;
  readonly weights: WeightTree | WeightLists;
  /** Version of Keras that wrote the file, e.g. "2.1.3"; null or left out where nothing says. */
  readonly kerasVersion?: string | null;
  /** The library that computed when the weights were written; null or left out where nothing says. */
  readonly backend?: string | null;
  /** What an old file means: what it meant when it was written (default), or what Keras 3 takes it for. */
  readonly meaning?: Meaning;
  /** Where messages say the configuration stands. */
  readonly place: readonly string[];
  /** What builds the nodes of classes that are not Keras' own, by registered name or class; of a Lambda by its layer's name too. */
  readonly customLayers?: CustomLayers;
}

/** Whose reading of an old file. */
export type Meaning = "original" | "keras3";

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

  constructor(
    walk: Walk,
    envelope: Json,
    path: string,
    variables: VariablePlace,
    place: readonly string[],
    depth: number,
  ) {
    if (depth > deepestNesting) throw invalidModel(`models lie more than ${deepestNesting} deep in each other`, place);
    if (!isObject(envelope.config) || !Array.isArray(envelope.config.layers))
      throw invalidModel("expected a model with a list of layers", place);
    this.#walk = walk;
    this.#path = path;
    this.className = envelope.class_name === "Sequential" ? "Sequential" : "Functional";
    this.config = envelope.config;
    this.place = place;
    const next = variables.members();
    const names = new Set<string>();
    for (const entry of envelope.config.layers) {
      const member = this.#member(entry, next, depth);
      if (names.has(member.name)) throw invalidModel(`two layers are called ${printable(member.name)}`, place);
      names.add(member.name);
      this.members.push(member);
    }
  }

  #member(given: unknown, next: ReturnType<VariablePlace["members"]>, depth: number): Member {
    const { entry, name, className, config } = readEntry(given, this.place);
    const path = this.#path === "" ? name : `${this.#path}/${name}`;
    const place = [...this.place, `layer ${printable(name)}`];
    const inboundNodes = Array.isArray(entry.inbound_nodes) ? entry.inbound_nodes : [];
    // Sequential.layers leaves its InputLayer out, so that it does not count there; operations are no layers.
    const counted = (className !== "InputLayer" || this.className === "Functional") && !isOperation(entry);
    const variables = counted ? next({ name, className, config }) : null;
    const call =
      className === "InputLayer"
        ? () => {
            throw invalidModel("an InputLayer is called on something", place);
          }
        : this.#walk.open(entry, path, variables, place, depth);
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
  const { class_name: written, config } = entry;
  const className = exportedName(written);
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
    inputs: own === undefined ? undefined : inputCount(entry, place),
  });
  if (isOperation(entry)) {
    return operationBuilder(className) ?? refused("operation", `keras.ops ${printable(className)}`);
  }
  const names = [registered, className, className === "Lambda" ? name : undefined];
  const own = names.find((candidate) => typeof candidate === "string" && Object.hasOwn(custom, candidate));
  if (own !== undefined) return callersBuilder(own as string, custom[own as string]!, place);
  if (className === "Lambda") return refused("layer class", className, whyNotRead(className), className);
  const foreign = typeof module === "string" && !/^(keras|tf_keras|tensorflow\.keras)(\.|$)/.test(module);
  if (foreign || (typeof registered === "string" && registered.includes(">"))) {
    const label = String(registered ?? className);
    const why = "not one of Keras' own, and code in files is never run";
    const of = typeof module === "string" ? ` of module ${brief(module)}` : "";
    return refused("layer class", `${brief(label)}${of}`, why, label);
  }
  const builder = kerasBuilder(className);
  if (builder) return builder;
  const why = whyNotRead(className);
  if (module !== undefined || why !== undefined) return refused("layer class", printable(className), why);
  // Before Keras 2.13 a file did not say whose class it is.
  return refused("layer class", printable(className), "not one of Keras' own that are known here", className);
}

/** A Lambda's code, in the words of Keras 3 and of Keras 2. */
const codeOptions = ["function", "output_shape", "mask", "arguments", "function_type", "output_shape_type", "module"];

/** A builder of the caller's: what it throws, or gives that is no value, is told of the layer. It stands for a Lambda's code. */
function callersBuilder(name: string, build: FromKeras, place: readonly string[]): FromKeras {
  return (call) => {
    if (call.config.className === "Lambda") call.config.ignore(...codeOptions);
    try {
      if (typeof build !== "function") throw new TypeError("it is none");
      const made = build(call);
      if ([made].flat().every((value) => Number.isInteger(value))) return made;
      throw new TypeError(`it has to return a value that call gave, or a list of them, and returned ${String(made)}`);
    } catch (error) {
      throw error instanceof ChannelwiseError ? error : customLayerFails(name, error, place);
    }
  };
}

/** On how many tensors a layer is called first; undefined where the file does not say. */
function inputCount({ inbound_nodes: nodes }: Json, place: readonly string[]): number | undefined {
  if (!Array.isArray(nodes) || nodes.length === 0) return undefined;
  const { positional, named } = parseCall(nodes[0], place);
  return tensorsIn(positional[0] ?? named.get("inputs")).length;
}

/** What the walk over a whole file shares. */
class Walk {
  readonly graph = new GraphBuilder();
  readonly layers: KerasLayer[] = [];
  /** Those of the whole model that nothing here reads. */
  readonly refused: RefusedLayer[] = [];
  readonly #weights: ModelVariables;
  readonly #custom: CustomLayers;

  constructor(weights: ModelVariables, custom: CustomLayers) {
    this.#weights = weights;
    this.#custom = custom;
  }

  /** A layer or a model, ready to be called. `variables` is their place; null for an operation, which has none. */
  open(
    entry: Json,
    path: string,
    variables: VariablePlace | null,
    place: readonly string[],
    depth: number,
  ): Member["call"] {
    const { name, className, config } = readEntry(entry, place);
    const common = {
      path,
      className,
      place: [...this.#weights.place.slice(0, 1), ...place.slice(1)],
      layer: { path, className, weights: {} },
      parts: new Map(),
      inner: new Map(),
      open: (object: Json, scope: string) => {
        if (depth > deepestNesting)
          throw invalidModel(`layers lie more than ${deepestNesting} deep in each other`, place);
        const inner = readEntry(object, place);
        const below = variables?.below(scope) ?? null;
        const call = this.open(object, `${path}/${inner.name}`, below, [...place, inner.name], depth + 1);
        return (inputs: readonly ValueId[]) => call(onTensors(inputs));
      },
      calls: 0,
    };
    if (isModel(className)) {
      if (!variables) throw invalidModel("an operation is a model", place);
      const model = new KerasModel(this, entry, path, variables, place, depth + 1);
      const source = { ...common, config: {}, variables: noVariables };
      return (given, index) => {
        const outputs = model.call(maskedInputs(source, this.graph, given));
        this.graph.call(source.layer, index ?? source.calls++, outputs);
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
    // The dtype of an operation is that of its result.
    if (!isOperation(entry)) requirePolicy(className, config.dtype, place);
    const layer: KerasLayer = {
      ...common,
      config,
      build,
      variables: variables?.variables({ name, className, config }) ?? noVariables,
    };
    this.layers.push(layer);
    return (given, index) => callLayer(layer, this.graph, given, index);
  }
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
    const { axes, type } = inputValue({ batch_shape: shape }, takenChannelsFirst(model.config, ""), model.place);
    return [{ name: "input", value: graph.value("input", axes, type) }];
  }
  return histories.map(({ layer }) => {
    const place = [...model.place, `layer ${layer}`];
    const member = model.inputMembers().find((candidate) => candidate.name === layer);
    if (!member) throw invalidModel(`input ${layer} is not an InputLayer`, model.place);
    const { axes, type } = inputValue(member.config, takenChannelsFirst(model.config, layer), place);
    return { name: layer, value: graph.value(layer, axes, type) };
  });
}

/** A model's graph, and what its reader should know. */
export interface ReadModel {
  readonly graph: Graph;
  /** Where the file means something else than Keras 3 takes it for, what was supplied, what was not read. */
  readonly notes: readonly string[];
  /** The configuration as one of Keras 3, and the variables: what the model is written from. */
  readonly keras: KerasOrigin;
}

/** What a model was built from, for those who write it again. */
export interface KerasOrigin extends VariableRecord {
  readonly config: Json;
  /** Whether it was one of Keras 1 or 2 before. */
  readonly legacy: boolean;
  /** The graph with the weights of the file. */
  readonly graph: Graph;
}

/** The graph of a Keras model; see `readKeras`. */
export function kerasGraph(source: KerasSource): Graph {
  return readKeras(source).graph;
}

/**
 * Reads a Keras model of any version.
 *
 * @throws {ChannelwiseError} `unsupported-layer`, `unsupported-option`, `unsupported-feature` for what is not understood;
 *   `invalid-model`, `missing-weight`, `shape-mismatch` for files that contradict themselves
 */
export function readKeras(source: KerasSource): ReadModel {
  const { weights, place, customLayers = {} } = source;
  if (!isObject(source.config) || typeof source.config.class_name !== "string")
    throw invalidModel(`expected a model, got ${brief(source.config)}`, place);
  const { config, stored, notes } = modernModel(source.config, source);
  if (typeof config.class_name !== "string" || !isModel(config.class_name)) {
    throw subclassedModel(printable(String(config.class_name)), place);
  }
  const { variables, record } = recorded(
    "kind" in weights ? listedVariables(weights, stored) : groupedVariables(weights),
  );
  const walk = new Walk(variables, customLayers);
  const model = new KerasModel(walk, config, "", variables.root, place, 0);
  if (walk.refused.length > 0) throw unsupportedLayers(walk.refused);
  const inputs = modelInputs(model, walk.graph);
  const outputs = model.call(inputs.map((port) => port.value));
  if (outputs.length === 0) throw invalidModel("a model without outputs", [...place, "output_layers"]);
  const found = variables.settle();
  for (const layer of walk.layers) checkVariables(layer);
  const name = typeof model.config.name === "string" ? model.config.name : "model";
  const graph = branchByBranch(walk.graph.finish(name, inputs, outputPorts(walk.graph, outputs, inputs)));
  return { graph, notes: [...notes, ...found], keras: { ...record, config, legacy: config !== source.config, graph } };
}
