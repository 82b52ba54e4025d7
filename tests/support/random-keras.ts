/**
 * Seeded random Keras 3 models: the parsed config.json that Keras 3.15 would write, the variables under the paths where it
 * would put them, inputs, and what every layer gives for them by random-layers.ts.
 *
 * A model grows call by call from its inputs, computing as it goes, so that what is drawn next can be judged by its numbers:
 * a layer whose output is too large, all but zero, or has two axes of one size is drawn again. Then what no output needs is
 * dropped, calls are numbered anew, and layers are put in Keras' order, as Keras does it when a model is made.
 *
 * Source  keras 3.15: keras/src/models/functional.py (get_config, serialize_node), keras/src/ops/function.py (map_graph),
 *         keras/src/models/sequential.py, keras/src/saving/saving_lib.py (_save_container_state)
 */
import type { WeightTree } from "../../src/formats/weight-tree.ts";
import { type Group, memoryTree, stored } from "./memory-tree.ts";
import { Draw } from "./random-draw.ts";
import { concatenated, type Known, merged, merges, recipes, tabulate, type Variable } from "./random-layers.ts";

export interface RandomModel {
  /** The parsed config.json. */
  readonly config: object;
  readonly weights: WeightTree;
  /** In the order of the model's inputs. Sizes include the batch. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }[];
  /** In the order of the model's outputs. */
  readonly outputs: readonly Known[];
  /** What the calls of the outermost model's layers give: `conv1d`, `conv1d@1` for a second call, `cell:1` for a second tensor. */
  readonly layers: ReadonlyMap<string, Known>;
}

// ----------------------------------------------------------------------------------------------------- parts

/** One output of one call. */
interface Tensor extends Known {
  readonly call: Call;
  /** Which output of the call. */
  readonly place: number;
}

interface Call {
  readonly layer: Layer;
  readonly inputs: readonly Tensor[];
  readonly outputs: Tensor[];
  /** Merges take one list as argument; so do models of several inputs. */
  readonly asList: boolean;
  readonly kwargs: object;
}

interface Layer {
  readonly name: string;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly variables: readonly Variable[];
  /** The outputs of a call; null where the layer can't be called on these. */
  readonly run: (inputs: readonly Known[]) => readonly Known[] | null;
  readonly calls: Call[];
  /** Set for a model inside the model. */
  readonly model?: Model;
}

/** A finished model: layers in Keras' order. */
interface Model {
  readonly className: "Functional" | "Sequential";
  readonly layers: readonly Layer[];
  readonly envelope: Readonly<Record<string, unknown>>;
  run(inputs: readonly Known[]): readonly Known[] | null;
}

const policy = { module: "keras", class_name: "DTypePolicy", config: { name: "float32" }, registered_name: null };

/** Sizes as configs show them. */
function configShape(x: Known): (number | null)[] {
  return x.shape.map((size, axis) => (axis === 0 || x.open[axis] !== null ? null : size));
}

/** Names that are words elsewhere, or no words of Python. */
const oddNames = ["forward", "class", "x", "self", "torch", "F", "nn", "block 1.conv", "größe", "weight", "1st", "a:b", "__init__", "training", "len", "load_model", "None", "a b", "a_b", "layers", "constructor"];

/** What a whole file shares: the choices, and numbers for names. */
class Names {
  readonly #draw: Draw;
  #next = 0;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /** A name that `taken` does not have. */
  fresh(className: string, taken: ReadonlySet<string>): string {
    const odd = this.#draw.pick(oddNames);
    if (this.#draw.chance(0.06) && !taken.has(odd)) return odd;
    const stem = snakeCase(className);
    const number = this.#next++;
    return number === 0 ? stem : `${stem}_${number}`;
  }
}

/** keras/src/utils/naming.py, to_snake_case. */
function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

// ---------------------------------------------------------------------------------------------------- growing

/** Large numbers drown float32's last digits, small ones all look alike. */
const [quietest, loudest] = [0.05, 30];
const mostElements = 3000;

class Growing {
  readonly tensors: Tensor[] = [];
  readonly layers: Layer[] = [];
  readonly #draw: Draw;
  readonly #names: Names;
  readonly #depth: number;

  constructor(draw: Draw, names: Names, depth: number) {
    this.#draw = draw;
    this.#names = names;
    this.#depth = depth;
  }

  input(known: Known, batch: number | null = null): Tensor {
    const config = { batch_shape: [batch, ...configShape(known).slice(1)], dtype: "float32", sparse: false, ragged: false, optional: false };
    const layer = this.#layer("InputLayer", config, [], () => null);
    this.layers.push(layer);
    return this.#record(layer, [], [known], false)[0]!;
  }

  #layer(className: string, config: Layer["config"], variables: Layer["variables"], run: Layer["run"], model?: Model): Layer {
    const name = this.#names.fresh(className, new Set(this.layers.map((layer) => layer.name)));
    return { name, className, config, variables, run, calls: [], ...(model ? { model } : {}) };
  }

  #record(layer: Layer, inputs: readonly Tensor[], outputs: readonly Known[], asList: boolean): Tensor[] {
    const call: Call = { layer, inputs, outputs: [], asList, kwargs: this.#kwargs(layer, inputs.length) };
    call.outputs.push(...outputs.map((output, place): Tensor => ({ ...output, call, place })));
    layer.calls.push(call);
    this.tensors.push(...call.outputs);
    return call.outputs;
  }

  #kwargs({ className, model }: Layer, inputs: number): object {
    if (model) return { mask: inputs > 1 ? new Array<null>(inputs).fill(null) : null };
    return className.endsWith("Dropout") && this.#draw.chance(0.2) ? { training: false } : {};
  }

  /** Calls a layer if its outputs are worth it. */
  #call(layer: Layer, inputs: readonly Tensor[], asList = false): Tensor[] | null {
    const outputs = layer.run(inputs);
    if (!outputs?.every((output) => this.#worth(output))) return null;
    if (!this.layers.includes(layer)) this.layers.push(layer);
    return this.#record(layer, inputs, outputs, asList);
  }

  #worth({ shape, data, open }: Known): boolean {
    const top = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!data.every(Number.isFinite) || top > loudest || top < quietest || data.length > mostElements) return false;
    const sizes = shape.slice(1);
    const large = [...shape.slice(0, 1), ...sizes.filter((size) => size !== 1)];
    const plain = new Set(large).size === large.length;
    if (open.filter((axis) => axis !== null).length > 1) return false;
    return (plain || this.#draw.chance(0.1)) && (!sizes.includes(1) || this.#draw.chance(0.4));
  }

  #recent(): Tensor {
    return this.#draw.chance(0.65) ? this.tensors[this.tensors.length - 1 - Math.floor(this.#draw.next() ** 2 * Math.min(3, this.tensors.length))]! : this.#draw.pick(this.tensors);
  }

  /** Tries one more call; most tries succeed. */
  step(): void {
    const kind = this.#draw.next();
    if (kind < 0.62) this.single(this.#recent());
    else if (kind < 0.75) this.#merge();
    else if (kind < 0.84) this.#concatenate();
    else if (kind < 0.94) this.#again();
    else if (this.#depth < 2) this.#nested();
  }

  single(input: Tensor): Tensor | null {
    const common = ["Conv1D", "Dense", "Flatten", "BatchNormalization"];
    const className = this.#draw.pick(this.#draw.chance(0.45) ? common : Object.keys(recipes));
    const made = recipes[className]!(this.#draw, input);
    if (!made) return null;
    const run: Layer["run"] = ([x]) => {
      const y = made.run(x!);
      return y && [y];
    };
    return this.#call(this.#layer(className, made.config, made.variables, run), [input])?.[0] ?? null;
  }

  #merge(): void {
    const className = this.#draw.pick(Object.keys(merges));
    const first = this.#recent();
    const count = className === "Subtract" || this.#draw.chance(0.7) ? 2 : 3;
    const fitting = this.tensors.filter((other) => merged("Add", [first, other]));
    const others = Array.from({ length: count - 1 }, () => this.#draw.pick(fitting));
    const run: Layer["run"] = (inputs) => {
      const y = merged(className, inputs);
      return y && [y];
    };
    this.#call(this.#layer(className, {}, [], run), this.#draw.shuffled([first, ...others]), true);
  }

  #concatenate(): void {
    const first = this.#recent();
    const rank = first.shape.length;
    if (rank < 2) return;
    const axis = this.#draw.chance(0.6) ? rank - 1 : this.#draw.integer(1, rank - 1);
    const fitting = this.tensors.filter((other) => other.shape.length === rank && concatenated(axis, [first, other]));
    const others = Array.from({ length: this.#draw.integer(1, 2) }, () => this.#draw.pick(fitting));
    const said = axis === rank - 1 || this.#draw.chance(0.5) ? axis - rank : axis;
    const run: Layer["run"] = (inputs) => {
      const y = concatenated(axis, inputs);
      return y && [y];
    };
    this.#call(this.#layer("Concatenate", { axis: said }, [], run), this.#draw.shuffled([first, ...others]), true);
  }

  /** Calls a layer that was called before on something else that it takes. */
  #again(): void {
    const layers = this.layers.filter(({ className, calls }) => className !== "InputLayer" && calls[0]!.inputs.length === 1);
    if (layers.length === 0) return;
    const heavy = layers.filter((layer) => layer.variables.length > 0 || layer.model);
    const layer = this.#draw.pick(heavy.length > 0 && this.#draw.chance(0.8) ? heavy : layers);
    const [{ inputs: before }] = layer.calls as [Call];
    const others = this.tensors.filter((tensor) => !layer.calls.some((call) => call.inputs.includes(tensor)) && takes(layer, before[0]!, tensor));
    if (others.length > 0) this.#call(layer, [this.#draw.pick(others)]);
  }

  /** A model inside the model, called once or twice. */
  #nested(): void {
    const inputs = Array.from({ length: this.#draw.chance(0.7) ? 1 : 2 }, () => this.#recent());
    const sequential = inputs.length === 1 && this.#draw.chance(0.4);
    const inner = new Growing(this.#draw, this.#names, this.#depth + 1);
    const name = this.#names.fresh(sequential ? "Sequential" : "Functional", new Set(this.layers.map((own) => own.name)));
    const model = sequential ? inner.sequential(name, inputs[0]!, 1) : inner.functional(name, inputs, 1);
    if (!model) return;
    // Pruning drops inputs that no output needs.
    const used = model.inputs.map((place) => inputs[place]!);
    const layer: Layer = { name, className: model.className, config: {}, variables: [], run: model.run, calls: [], model };
    if (!this.#call(layer, used, used.length > 1) || used.length === 1 || this.#draw.chance(0.5)) return;
    this.#call(layer, [...used].reverse(), true);
  }

  // -------------------------------------------------------------------------------------------------- finishing

  /** A chain of layers from one input. */
  sequential(name: string, given: Known, least: number, batch: number | null = null): (Model & { inputs: readonly number[]; made: readonly Tensor[] }) | null {
    const start = this.input(given, batch);
    let end = start;
    const wanted = least + this.#draw.integer(1, 5);
    for (let tries = 0; tries < 40 && this.layers.length < 1 + wanted; tries++) end = this.single(end) ?? end;
    if (end === start) return null;
    const layers = [...this.layers];
    const config = {
      name,
      trainable: true,
      dtype: policy,
      layers: layers.map((layer) => layerEntry(layer)),
      build_input_shape: [batch, ...configShape(given).slice(1)],
    };
    return {
      className: "Sequential",
      layers,
      envelope: { module: "keras", class_name: "Sequential", config, registered_name: null, build_config: { input_shape: configShape(given) }, compile_config: {} },
      run: replay([start], layers.slice(1).map((layer) => layer.calls[0]!), [end], [given]),
      inputs: [0],
      made: [end],
    };
  }

  /** A graph from several inputs to several outputs; `inputs` of the result are those that some output needs. */
  functional(name: string, given: readonly Known[], least: number, asDictionary = false): (Model & { inputs: readonly number[]; made: readonly Tensor[]; calls: readonly Call[] }) | null {
    const starts = given.map((known) => this.input(known));
    const wanted = least + this.#draw.integer(1, this.#depth === 0 ? 13 : 4);
    for (let tries = 0; tries < 60 && this.tensors.length < starts.length + wanted; tries++) this.step();
    const outputs = this.#outputs(starts);
    if (outputs.length === 0) return null;
    const calls = neededCalls(outputs);
    const order = kerasOrder(outputs, calls);
    const index = (call: Call) => call.layer.calls.filter((other) => calls.has(other)).indexOf(call);
    const history = (tensor: Tensor, from = 0) => [tensor.call.layer.name, index(tensor.call) + from, tensor.place];
    const layers = order.map((layer) => ({ ...layerEntry(layer), name: layer.name, inbound_nodes: inboundNodes(layer, calls, history) }));
    const used = starts.filter((start) => calls.has(start.call));
    // A Functional model's first call is its own making, which output_layers counts.
    const ends = outputs.map((tensor) => history(tensor, tensor.call.layer.className === "Functional" ? 1 : 0));
    const keyed = (refs: unknown[], keys: string[]) => Object.fromEntries(refs.map((ref, place) => [keys[place]!, ref]));
    const config = {
      name,
      trainable: true,
      layers,
      input_layers: asDictionary ? keyed(used.map((start) => history(start)), used.map((start) => start.call.layer.name)) : structure(used.map((start) => history(start)), this.#draw),
      output_layers: asDictionary ? keyed(ends, ends.map((_, place) => `out ${(place * 7) % 5}`)) : structure(ends, this.#draw),
    };
    const sorted = <T>(list: readonly T[], keys: readonly string[]) => (asDictionary ? list.map((entry, i) => ({ entry, key: keys[i]! })).sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ entry }) => entry) : [...list]);
    const inputs = sorted(used, used.map((start) => start.call.layer.name));
    const made = sorted(outputs, outputs.map((_, place) => `out ${(place * 7) % 5}`));
    return {
      className: "Functional",
      layers: order,
      envelope: { module: "keras.src.models.functional", class_name: "Functional", config, registered_name: "Functional", build_config: { input_shape: null }, compile_config: {} },
      run: replay(inputs, [...calls].filter((call) => call.inputs.length > 0), made, inputs),
      inputs: inputs.map((start) => starts.indexOf(start)),
      made,
      calls: [...calls],
    };
  }

  /** One to three tensors, mostly ones that nothing takes. */
  #outputs(starts: readonly Tensor[]): Tensor[] {
    const made = this.tensors.filter((tensor) => !starts.includes(tensor));
    if (made.length === 0) return [];
    const taken = new Set(this.layers.flatMap((layer) => layer.calls).flatMap((call) => call.inputs));
    const ends = made.filter((tensor) => !taken.has(tensor));
    const chosen = new Set([ends.at(-1)!]);
    for (const end of ends.slice(0, -1)) if (this.#draw.chance(0.3) && chosen.size < 3) chosen.add(end);
    if (this.#draw.chance(0.15) && chosen.size < 3) chosen.add(this.#draw.pick(made));
    return this.#draw.shuffled([...chosen]);
  }
}

/** Whether a layer may be called on `tensor` as it was on `before`: models only where the sizes that they know agree. */
function takes(layer: Layer, before: Known, tensor: Known): boolean {
  if (tensor.shape.length < 2) return false;
  if (!layer.model) return true;
  return before.shape.length === tensor.shape.length && before.shape.every((size, axis) => axis === 0 || (before.open[axis] === null ? tensor.open[axis] === null && tensor.shape[axis] === size : true));
}

/** Runs the calls of a finished model on other inputs. */
function replay(starts: readonly Tensor[], calls: readonly Call[], ends: readonly Tensor[], like: readonly Known[]): Model["run"] {
  return (inputs) => {
    if (inputs.length !== starts.length || inputs.some((input, place) => input.shape.length !== like[place]!.shape.length)) return null;
    const fits = inputs.every((input, place) => input.shape.every((size, axis) => axis === 0 || like[place]!.open[axis] !== null || (input.open[axis] === null && size === like[place]!.shape[axis])));
    if (!fits) return null;
    const known = new Map<Tensor, Known>(starts.map((start, place) => [start, inputs[place]!]));
    for (const call of calls) {
      const outputs = call.layer.run(call.inputs.map((tensor) => known.get(tensor)!));
      if (!outputs?.every(({ data }) => data.every((value) => Math.abs(value) < 10 * loudest))) return null;
      call.outputs.forEach((tensor, place) => known.set(tensor, outputs[place]!));
    }
    return ends.map((end) => known.get(end)!);
  };
}

/** The calls that some output needs, in the order in which they were made. */
function neededCalls(outputs: readonly Tensor[]): Set<Call> {
  const found = new Set<Call>();
  const sorted: Call[] = [];
  const visit = (call: Call) => {
    if (found.has(call)) return;
    found.add(call);
    for (const input of call.inputs) visit(input.call);
    sorted.push(call);
  };
  for (const output of outputs) visit(output.call);
  return new Set(sorted);
}

/** Layers by their distance from the outputs, farthest first; equal ones as a walk from the outputs meets them. */
function kerasOrder(outputs: readonly Tensor[], calls: ReadonlySet<Call>): Layer[] {
  const met: Layer[] = [];
  const seen = new Set<Call>();
  const walk = (call: Call) => {
    if (seen.has(call)) return;
    seen.add(call);
    if (!met.includes(call.layer)) met.push(call.layer);
    for (const input of call.inputs) walk(input.call);
  };
  for (const output of outputs) walk(output.call);
  const depths = new Map<Call, number>();
  const layerDepths = new Map<Layer, number>();
  for (const call of [...calls].reverse()) {
    const depth = Math.max(depths.get(call) ?? 0, layerDepths.get(call.layer) ?? 0);
    layerDepths.set(call.layer, depth);
    for (const { call: before } of call.inputs) depths.set(before, Math.max(depths.get(before) ?? 0, depth + 1));
  }
  return met.map((layer, place) => ({ layer, place })).sort((a, b) => layerDepths.get(b.layer)! - layerDepths.get(a.layer)! || a.place - b.place).map(({ layer }) => layer);
}

/** A layer's entry in `layers`, as far as Sequential models have it. */
function layerEntry(layer: Layer): Record<string, unknown> {
  if (layer.model) return { ...layer.model.envelope };
  const config = layer.className === "InputLayer" ? { ...layer.config, name: layer.name } : { name: layer.name, trainable: true, dtype: policy, ...layer.config };
  const [call] = layer.calls;
  const shapes = call?.inputs.map(configShape) ?? [];
  const built = layer.className === "InputLayer" ? {} : { build_config: { input_shape: call?.asList ? shapes : shapes[0] } };
  return { module: "keras.layers", class_name: layer.className, config, registered_name: null, ...built };
}

function inboundNodes(layer: Layer, calls: ReadonlySet<Call>, history: (tensor: Tensor) => unknown[]): object[] {
  if (layer.className === "InputLayer") return [];
  const written = (tensor: Tensor) => ({ class_name: "__keras_tensor__", config: { shape: configShape(tensor), dtype: "float32", keras_history: history(tensor) } });
  return layer.calls
    .filter((call) => calls.has(call))
    .map(({ inputs, asList, kwargs }) => ({ args: [asList ? inputs.map(written) : written(inputs[0]!)], kwargs }));
}

/** References as `inputs=` and `outputs=` were given: one bare or in a list, several in a list. */
function structure(references: readonly unknown[], draw: Draw): unknown {
  return references.length === 1 && draw.chance(0.6) ? references[0] : references;
}

// ---------------------------------------------------------------------------------------------------- weights

/** A group per layer, numbered per class in the order of `Model.layers`; a Sequential leaves its InputLayer out there. */
function groupsOf(model: Model, base = ""): [string, Group][] {
  const counts = new Map<string, number>();
  return model.layers.flatMap((layer): [string, Group][] => {
    if (model.className === "Sequential" && layer.className === "InputLayer") return [];
    const stem = snakeCase(layer.className);
    const number = counts.get(stem) ?? 0;
    counts.set(stem, number + 1);
    const path = `${base}layers/${stem}${number === 0 ? "" : `_${number}`}`;
    const variables = layer.variables.map(({ shape, data }) => stored(shape, data));
    return [[path, { name: layer.name, variables }], ...(layer.model ? groupsOf(layer.model, `${path}/`) : [])];
  });
}

// ----------------------------------------------------------------------------------------------------- models

const batch = 2;

/** Random numbers for an input: mostly a series, else a vector or something of four axes; a length is unknown now and then. */
function randomInput(draw: Draw, place: number): Known {
  const rank = draw.chance(0.78) ? 3 : draw.pick([2, 4]);
  const pool = draw.shuffled([3, 4, 5, 6, 7, 8, 9]);
  const shape = rank === 3 ? [batch, draw.integer(10, 19), pool[0]!] : [batch, ...pool.slice(0, rank - 1)];
  const open = shape.map((_, axis) => (rank === 3 && axis === 1 && draw.chance(0.2) ? `length ${place}` : null));
  const x = tabulate(shape, open, () => Math.fround(draw.normal()));
  return x;
}

/** The model of a seed. */
export function randomKerasModel(seed: number): RandomModel {
  const draw = new Draw(seed);
  const names = new Names(draw);
  for (;;) {
    const growing = new Growing(draw, names, 0);
    const inputs = Array.from({ length: draw.chance(0.6) ? 1 : draw.integer(2, 3) }, (_, place) => randomInput(draw, place));
    if (draw.chance(0.2)) {
      const built = growing.sequential("sequential", inputs[0]!, 3, draw.chance(0.2) ? 1 : null);
      if (built) return finished(built, growing, inputs, built.layers.slice(1).map((layer) => layer.calls[0]!));
    } else {
      const built = growing.functional("functional", inputs, 2, draw.chance(0.1));
      if (built) return finished(built, growing, inputs, built.calls);
    }
  }
}

function finished(model: Model & { inputs: readonly number[]; made: readonly Tensor[] }, growing: Growing, inputs: readonly Known[], calls: readonly Call[]): RandomModel {
  const starts = growing.layers.filter((layer) => layer.className === "InputLayer");
  const layers = new Map<string, Known>();
  for (const call of calls) {
    if (call.inputs.length === 0) continue;
    const number = call.layer.calls.filter((other) => calls.includes(other)).indexOf(call);
    const name = number === 0 ? call.layer.name : `${call.layer.name}@${number}`;
    call.outputs.forEach((tensor) => layers.set(tensor.place === 0 ? name : `${name}:${tensor.place}`, tensor));
  }
  return {
    config: model.envelope,
    weights: memoryTree(groupsOf(model)),
    inputs: model.inputs.map((place) => ({ name: starts[place]!.name, shape: inputs[place]!.shape, data: Float32Array.from(inputs[place]!.data) })),
    outputs: model.made,
    layers,
  };
}
