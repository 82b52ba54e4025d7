/**
 * tfjs-spelling: a configuration as TensorFlow.js reads it, which is Keras 2's spelling, and what it calls the weights
 *
 *     {"class_name": "Conv1D", "config": {…}, "name": "conv", "inbound_nodes": [[["x", 0, 0, {}]]]}
 *
 *     of a layer         conv/kernel                          also deep in models, whose own names do not count
 *     Bidirectional      both/forward_lstm/kernel, …, both/backward_lstm/kernel, …
 *     TimeDistributed    each/kernel
 *     RNN                walk/kernel; of stacked cells walk/RNNCell_0/kernel
 *
 * Calls of a model inside count from 1, since its own inputs are its first. What TensorFlow.js has not, or computes otherwise than
 * Keras, is refused by name.
 *
 * Source  @tensorflow/tfjs-layers 4.22.0: src/engine/container.ts (fromConfig, loadWeights), src/layers/{wrappers,recurrent}.ts
 */
import { shapeOf } from "../axes.ts";
import { printable } from "../bytes/printable.ts";
import { notInTfjs } from "../error.ts";
import type { Graph } from "../graph/graph.ts";
import { policyName } from "../ops/quantization.ts";
import type { StoredArray } from "../tensor.ts";
import { exportedName, isObject, type Json } from "./keras-config.ts";
import { memberGroups, scopeGroup } from "./keras-groups.ts";
import { flattenPorts, type History, isSilent, parseCall, tensorsIn } from "./keras-history.ts";
import { type Shape, type TfjsCall, type TfjsLayer, tfjsLayers, tfjsOptions } from "./tfjs-layers.ts";
import { isOperation, requireSameMasks, withoutMasks } from "./tfjs-masks.ts";
import { misnumbered } from "./tfjs-order.ts";
import { type Constrained, keepsConstraint, tfjsTraining } from "./tfjs-training.ts";

/** A model in the spelling of TensorFlow.js. */
export interface TfjsModel {
  /** Class and configuration. */
  readonly config: Json;
  /** The names of a layer's weights, in the order of its variables, by the layer's group in the tree of Keras 3. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** The names of layers that are left out: they compute masks, which TensorFlow.js has of its own. */
  readonly omitted: ReadonlySet<string>;
  /**
   * Adds the constraints that the weights keep to the configuration.
   *
   * @param arrays by the names of the weights
   */
  readonly addConstraints: (arrays: ReadonlyMap<string, StoredArray>) => void;
}

/**
 * A model as TensorFlow.js reads it.
 *
 * @param config in the spelling of Keras 3, as `readKeras` leaves it
 * @param graph the same model
 * @throws {ChannelwiseError} `unsupported-feature` for what TensorFlow.js has not, or computes otherwise
 */
export function tfjsModel({ config, graph }: { readonly config: Json; readonly graph: Graph }): TfjsModel {
  const speller = new Speller(graph);
  const model = speller.model(config, "", "");
  requireSameMasks(model, graph);
  const { names, omitted } = speller;
  return { config: model, names, omitted, addConstraints: (arrays) => speller.addConstraints(arrays) };
}

const recurrentClasses = ["LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"];
const cellClasses = ["LSTMCell", "GRUCell", "SimpleRNNCell"];

/** A layer as an entry of a configuration. */
interface Entry {
  readonly className: string;
  readonly name: string;
  readonly config: Json;
  readonly entry: Json;
}

function isModel({ config }: Pick<Entry, "config">): boolean {
  return Array.isArray(config.layers);
}

/** Where a layer is: what messages call it, its variables, what TensorFlow.js puts before its weights' names, shapes of its calls. */
interface Spot {
  readonly path: string;
  readonly group: string;
  readonly scope: string;
  readonly calls: readonly TfjsCall[];
}

class Speller {
  readonly names = new Map<string, readonly string[]>();
  readonly omitted = new Set<string>();
  readonly #taken = new Set<string>();
  /** Constraints of weights, by their whole names, and the options of the layer that they would stand in. */
  readonly #constrained: (Constrained & { readonly options: Json; readonly names: readonly string[] })[] = [];
  readonly #graph: Graph;
  readonly #shapes = new Map<string, Shape>();
  /** Tensors of integers and bools, by the same keys as shapes. */
  readonly #integers = new Set<string>();

  constructor(graph: Graph) {
    this.#graph = graph;
    for (const { name, outputs } of graph.calls) {
      for (const [index, value] of outputs.entries()) {
        const { axes, type } = graph.values[value]!;
        this.#shapes.set(`${name}:${index}`, shapeOf(axes));
        if (type !== "float32") this.#integers.add(`${name}:${index}`);
      }
    }
  }

  /** @param path the names of the models around it and its own, each with a slash; none for the outermost */
  model(entry: Json, path: string, group: string): Json {
    const config = entry.config as Json;
    const sequential = entry.class_name === "Sequential";
    const entries = config.layers as Json[];
    const kept = path === "" && !sequential ? withoutMasks(entries, config.output_layers) : entries;
    for (const entry of entries) if (!kept.includes(entry)) this.omitted.add(String(entry.name));
    const members = kept.map((layer) => this.#entry(layer, path));
    const groups = memberGroups(group);
    const models = new Set(members.filter(isModel).map(({ name }) => name));
    // Inside, the sizes are those of the model's own inputs, and not of what it is called on.
    const open =
      path !== "" &&
      members.some((member) => member.className === "InputLayer" && inputShape(member.config).slice(1).includes(null));
    const shapeAt = (key: string) => {
      const shape = this.#shapes.get(`${path}${key}`);
      return open ? shape?.map(() => null) : shape;
    };
    const nodes = new Map(members.map((member) => [member, sequential ? [] : this.#calls(member, path)]));
    let before: History[] = [];
    const layers = members.map((member): Json => {
      const { name, className } = member;
      const counted = className !== "InputLayer" || !sequential;
      if (className === "InputLayer") {
        this.#shapes.set(`${path}${name}:0`, inputShape(member.config));
        if (inputType(member.config) !== "float32") this.#integers.add(`${path}${name}:0`);
      }
      const own = sequential ? [before] : nodes.get(member)!;
      const calls = own.map((call, index) => ({
        inputs: call.map((history) => shapeAt(keyOf(history))),
        output: shapeAt(keyOf({ layer: name, call: index, tensor: 0 })),
        integers: call.some((history) => this.#integers.has(`${path}${keyOf(history)}`)),
      }));
      before = [{ layer: name, call: 0, tensor: 0 }];
      if (sequential && this.#shapes.has(`${path}${name}:1`))
        throw notInTfjs(`${path}${name}`, `${className} of several outputs in a Sequential`);
      const spelled = this.#layer(member, {
        path: `${path}${name}`,
        group: counted ? groups(className) : "",
        scope: name,
        calls,
      });
      if (sequential) return spelled;
      return {
        ...spelled,
        name,
        inbound_nodes: own.map((call) => call.map((history) => [...reference(history, models), {}])),
      };
    });
    const name = typeof config.name === "string" ? config.name : this.#graph.name;
    const shuffled = sequential ? null : misnumbered(layers, models);
    if (shuffled !== null)
      throw notInTfjs(
        `${path}${shuffled}`,
        "calls of a shared layer in this order",
        "call it on what is computed first first",
      );
    const fed = members.filter(({ className }) => className === "InputLayer").map(({ name }) => name);
    requireOneUse([...nodes.values()].flat(), fed, path);
    if (sequential)
      return { class_name: "Sequential", config: { name, layers: this.#withInput(layers, config, path) } };
    const ports = (key: string) =>
      flattenPorts(config[key], [key]).map((history) => {
        const inner = members.find((member) => member.name === history.layer);
        const fromOne = inner !== undefined && isModel(inner) && inner.className !== "Sequential" && history.call > 0;
        return reference({ ...history, call: fromOne ? history.call - 1 : history.call }, models);
      });
    const outputs = ports("output_layers").map((port) => port.join());
    if (new Set(outputs).size < outputs.length)
      throw notInTfjs(`${path}${name}`, "models that give one tensor twice", "give it once");
    const connections = { input_layers: ports("input_layers"), output_layers: ports("output_layers") };
    return { class_name: "Functional", config: { name, layers, ...connections } };
  }

  /** A Sequential that was built by a call says its shape otherwise; its input is called so in the graph. */
  #withInput(layers: Json[], config: Json, path: string): Json[] {
    if (layers[0]?.class_name === "InputLayer") return layers;
    const shape = config.build_input_shape;
    if (!Array.isArray(shape))
      throw notInTfjs(
        `${path}${String(config.name)}`,
        "Sequential without an input",
        "add keras.Input, and save it again",
      );
    const input = { batch_input_shape: [null, ...shape.slice(1)], dtype: "float32", sparse: false, name: "input" };
    return [{ class_name: "InputLayer", config: input }, ...layers];
  }

  #entry(entry: Json, path: string): Entry {
    const config = entry.config as Json;
    const className = exportedName(String(entry.class_name));
    const name = String(typeof entry.name === "string" ? entry.name : config.name);
    if (isOperation(entry))
      throw notInTfjs(
        `${path}${name}`,
        `operations such as keras.ops ${className}`,
        "say it in layers that it has, or convert to PyTorch",
      );
    if (!Array.isArray(config.layers) && !Object.hasOwn(tfjsLayers, className) && className !== "InputLayer")
      throw notInTfjs(`${path}${name}`, `layer ${className}`);
    // It looks layers up in plain objects, and makes tensors' names of theirs.
    if (!/^[A-Za-z0-9][-\w.]*$/.test(name) || name in {})
      throw notInTfjs(
        `${path}${name}`,
        `layers of the name ${printable(name)}`,
        "rename the layer: letters, digits, - _ .",
      );
    return { className, name, config, entry };
  }

  #layer(member: Entry, spot: Spot): Json {
    const { className, config, entry, name } = member;
    if (isModel(member)) {
      const model = this.model(entry, `${spot.path}/`, spot.group);
      return { ...model, config: { ...(model.config as Json), name } };
    }
    if (className === "InputLayer") return this.#input(config, spot);
    if (className === "TimeDistributed") return this.#timeDistributed(config, spot);
    if (className === "Bidirectional") return this.#bidirectional(config, spot);
    if (className === "RNN") return this.#cells(config, spot);
    // A Flatten of vectors, which TensorFlow.js does not take, does nothing.
    const vectors = spot.calls.length > 0 && spot.calls.every(({ inputs: [input] }) => input?.length === 2);
    if (tfjsLayers[className]!.nothing || (className === "Flatten" && vectors)) {
      const { trainable = true, dtype } = config;
      return this.#plain({ ...member, className: "Activation", config: { trainable, dtype } }, spot, spot.group);
    }
    return this.#plain(member, spot, spot.group);
  }

  /** A layer, or a cell, that holds no other. */
  #plain({ className, config, name }: Entry, spot: Spot, group: string): Json {
    this.#name(group, spot, tfjsLayers[className]!, config);
    const options = { name, ...this.#options(className, config, spot) };
    return { class_name: className, config: this.#trained(className, config, [spot.scope], options) };
  }

  /** Adds how the weights start and what is asked of them in training. `scopes`: what stands before the names of its weights. */
  #trained(className: string, config: Json, scopes: readonly string[], options: Json): Json {
    const training = tfjsTraining(className, config);
    for (const constrained of training.constraints) {
      const names = scopes.map((scope) => `${scope}/${constrained.weight}`);
      this.#constrained.push({ ...constrained, options, names });
    }
    return Object.assign(options, training.options);
  }

  addConstraints(arrays: ReadonlyMap<string, StoredArray>): void {
    for (const { key, constraint, options, names } of this.#constrained) {
      const own = names.flatMap((name) => arrays.get(name) ?? []);
      if (own.length > 0 && own.every((array) => keepsConstraint(constraint, array))) options[key] = constraint;
    }
  }

  #options(className: string, config: Json, { path, calls }: Spot): Json {
    const refuse = (what: string, fix?: string): never => {
      throw notInTfjs(path, `${className} with ${what}`, fix);
    };
    const unknown = { inputs: [], output: undefined, integers: false };
    const [spelled, ...others] = [calls[0] ?? unknown, ...calls.slice(1)].map((call) =>
      tfjsOptions(tfjsLayers[className]!, config, { ...call, refuse }),
    );
    if (others.some((other) => JSON.stringify(other) !== JSON.stringify(spelled)))
      refuse("calls on tensors of other sizes", "take a layer of its own for each call");
    return spelled!;
  }

  /** Notes what a layer's weights are called. */
  #name(group: string, spot: Spot, { weights }: TfjsLayer, config: Json): void {
    const own = weights?.(config).map((name) => `${spot.scope}/${name}`) ?? [];
    for (const name of own) {
      if (this.#taken.has(name))
        throw notInTfjs(spot.path, `two layers of one name, in other models too: ${name} twice`, "rename one of them");
      this.#taken.add(name);
    }
    if (own.length > 0) this.names.set(group, [...(this.names.get(group) ?? []), ...own]);
  }

  #input(config: Json, spot: Spot): Json {
    const type = inputType(config);
    if (type === null)
      throw notInTfjs(
        spot.path,
        "inputs of other precisions than float32",
        "save the model with the dtype policy float32, or convert to PyTorch",
      );
    const input = { batch_input_shape: inputShape(config), dtype: type, sparse: false, name: config.name };
    return { class_name: "InputLayer", config: input };
  }

  #timeDistributed(config: Json, spot: Spot): Json {
    const options = this.#options("TimeDistributed", config, spot);
    const member = this.#entry(config.layer as Json, `${spot.path}/`);
    const step = (shape: Shape | undefined) => shape?.filter((_, axis) => axis !== 1);
    const inner = {
      path: `${spot.path}/${member.name}`,
      group: `${spot.group}/layer`,
      scope: spot.scope,
      calls: spot.calls.map(({ inputs, output, ...more }) => ({
        ...more,
        inputs: inputs.map(step),
        output: step(output),
      })),
    };
    return wrapper("TimeDistributed", spot, { ...options, layer: this.#layer(member, inner) });
  }

  #bidirectional(config: Json, spot: Spot): Json {
    const { layer, backward_layer: backward } = config;
    const options = this.#options("Bidirectional", config, spot);
    const { className, config: own, name } = this.#entry(layer as Json, `${spot.path}/`);
    if (className === "RNN" || !recurrentClasses.includes(className))
      throw notInTfjs(spot.path, `Bidirectional of a ${className}`);
    if (!mirrors(layer as Json, backward as Json))
      throw notInTfjs(spot.path, "Bidirectional whose backward_layer is another than the forward one turned round");
    // It puts the direction before the name, which Keras 3 has there already.
    const stem = name.replace(/^forward_/, "");
    const halves = ["forward", "backward"].map((half) => `${spot.scope}/${half}_${stem}`);
    for (const scope of halves) this.#name(spot.group, { ...spot, scope }, tfjsLayers[className]!, own);
    const inner = this.#trained(className, own, halves, { name: stem, ...this.#options(className, own, spot) });
    return wrapper("Bidirectional", spot, { ...options, layer: { class_name: className, config: inner } });
  }

  #cells(config: Json, spot: Spot): Json {
    const options = this.#options("RNN", config, spot);
    const entry = this.#entry(config.cell as Json, `${spot.path}/`);
    if (entry.className !== "StackedRNNCells")
      return wrapper("RNN", spot, { ...options, cell: this.#cell(entry, spot, spot.group) });
    // The states of the last cell come first there.
    if (config.return_state === true)
      throw notInTfjs(spot.path, "StackedRNNCells with return_state=true in Keras' order");
    const seen = memberGroups("");
    const cells = (entry.config.cells as Json[]).map((each, index) => {
      const part = this.#entry(each, `${spot.path}/`);
      const scope = `cell/cells/${seen(part.className).replace(/^layers\//, "")}`;
      const inner = { ...spot, scope: `${spot.scope}/RNNCell_${index}` };
      return this.#cell(part, inner, scopeGroup("RNN", spot.group, scope));
    });
    const own = { name: entry.name, ...this.#options("StackedRNNCells", entry.config, spot), cells };
    const stacked = { class_name: "StackedRNNCells", config: own };
    return wrapper("RNN", spot, { ...options, cell: stacked });
  }

  #cell(cell: Entry, spot: Spot, group: string): Json {
    if (!cellClasses.includes(cell.className)) throw notInTfjs(spot.path, `RNN of a ${cell.className}`);
    return this.#plain(cell, spot, group);
  }

  /** The tensors of every call of a layer. */
  #calls({ className, entry, name }: Entry, around: string): History[][] {
    const path = `${around}${name}`;
    const nodes = Array.isArray(entry.inbound_nodes) ? entry.inbound_nodes : [];
    return nodes.map((node) => {
      const { positional, named } = parseCall(node, [path]);
      const states = recurrentClasses.includes(className);
      const spare = [...positional.entries(), ...named].find(
        ([key, argument]) =>
          key !== 0 &&
          key !== "inputs" &&
          !(states && (key === 1 || key === "initial_state")) &&
          // The masks that TensorFlow.js has are compared with those of the graph.
          !(states && key === "mask") &&
          !isSilent(String(key), argument),
      );
      if (spare)
        throw notInTfjs(
          path,
          `${className} with the call argument ${typeof spare[0] === "number" ? spare[0] + 1 : spare[0]}`,
        );
      const before = states ? tensorsIn(named.get("initial_state") ?? positional[1]) : [];
      // What it is given there stays with the models around for the recurrent layers behind.
      if (before.length > 0 && around !== "")
        throw notInTfjs(path, "initial states in a model inside another", "put its layers into the model around it");
      return [...tensorsIn(positional[0] ?? named.get("inputs")), ...before];
    });
  }
}

function inputShape(config: Json): Shape {
  const shape = (config.batch_shape ?? config.batch_input_shape) as Shape;
  // A batch size in the file is that of the call that built the model; any other works, and there it would not.
  return [null, ...shape.slice(1)];
}

/** The type of an input; null for floats of another precision than float32. */
function inputType({ dtype = "float32" }: Json): "float32" | "int32" | "bool" | null {
  const name = policyName(dtype);
  if (name === "float32" || name === "bool") return name;
  return /float/.test(name) ? null : "int32";
}

function keyOf({ layer, call, tensor }: History): string {
  return `${layer}${call === 0 ? "" : `@${call}`}:${tensor}`;
}

/**
 * Refuses a tensor that one call takes twice and another takes too: TensorFlow.js counts that call as one user, and frees the tensor
 * before the last one had it. What the model is fed with it never frees.
 */
function requireOneUse(calls: readonly (readonly History[])[], fed: readonly string[], path: string): void {
  const users = new Map<string, number>();
  for (const call of calls) for (const key of new Set(call.map(keyOf))) users.set(key, (users.get(key) ?? 0) + 1);
  for (const call of calls) {
    const keys = call.filter(({ layer }) => !fed.includes(layer)).map(keyOf);
    const twice = keys.find((key, index) => keys.indexOf(key) < index && users.get(key)! > 1);
    if (twice !== undefined)
      throw notInTfjs(
        `${path}${twice.slice(0, twice.lastIndexOf(":"))}`,
        "tensors that one call takes twice and another takes too",
        "give the layer the tensor once",
      );
  }
}

function wrapper(className: string, { path }: Spot, options: Json): Json {
  return { class_name: className, config: { name: path.slice(path.lastIndexOf("/") + 1), ...options } };
}

/** Layer, call and output; calls of models count from 1. */
function reference({ layer, call, tensor }: History, models: ReadonlySet<string>): [string, number, number] {
  return [layer, models.has(layer) ? call + 1 : call, tensor];
}

/** Whether a layer is another one that walks the other way. */
function mirrors(forward: Json, backward: Json): boolean {
  const text = ({ class_name: className, config }: Json, backwards: boolean) => {
    const { name: _, go_backwards: way = false, trainable: __, dtype: ___, ...own } = config as Json;
    const options = Object.entries(own).filter(
      ([key]) => !/_(initializer|regularizer|constraint)$|^(seed|build_config)$/.test(key),
    );
    return JSON.stringify([className, way !== backwards, options.sort(([a], [b]) => (a < b ? -1 : 1))]);
  };
  return isObject(backward) && isObject(backward.config) && text(forward, false) === text(backward, true);
}
