/**
 * A model that grows call by call from its inputs, computing as it goes, so that what is drawn next can be judged by its
 * numbers: a layer whose output is too large, all but zero, or has two axes of one size is drawn again. Then what no output
 * needs is dropped, calls are numbered anew, and layers are put in Keras' order, as Keras does it when a model is made.
 *
 * Source  keras 3.15: keras/src/models/functional.py, keras/src/models/sequential.py
 */
import type { Draw } from "../random-draw.ts";
import type { Known } from "./arrays.ts";
import { type Call, kerasOrder, type Layer, type Model, neededCalls, replay, takes, type Tensor } from "./graph.ts";
import { recipes } from "./layers.ts";
import { concatenated, merged, merges } from "./merges.ts";
import { configShape, inboundNodes, layerEntry, policy, snakeCase, structure } from "./written.ts";

/** Names that are words elsewhere, or no words of Python. */
const oddNames = [
  "forward",
  "class",
  "x",
  "self",
  "torch",
  "F",
  "nn",
  "block 1.conv",
  "größe",
  "weight",
  "1st",
  "a:b",
  "__init__",
  "training",
  "len",
  "load_model",
  "None",
  "a b",
  "a_b",
  "layers",
  "constructor",
];

/** What a whole file shares: the choices, and numbers for names. */
export class Names {
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

/** Large numbers drown float32's last digits, small ones all look alike. */
const [quietest, loudest] = [0.05, 30];
const mostElements = 3000;

export class Growing {
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
    const config = {
      batch_shape: [batch, ...configShape(known).slice(1)],
      dtype: "float32",
      sparse: false,
      ragged: false,
      optional: false,
    };
    const layer = this.#layer("InputLayer", config, [], () => null);
    this.layers.push(layer);
    return this.#record(layer, [], [known], false)[0]!;
  }

  #layer(
    className: string,
    config: Layer["config"],
    variables: Layer["variables"],
    run: Layer["run"],
    model?: Model,
  ): Layer {
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
    return this.#draw.chance(0.65)
      ? this.tensors[this.tensors.length - 1 - Math.floor(this.#draw.next() ** 2 * Math.min(3, this.tensors.length))]!
      : this.#draw.pick(this.tensors);
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
    const className = this.#draw.pick(this.#draw.chance(0.45) ? common : [...recipes.keys()]);
    const made = recipes.get(className)!(this.#draw, input);
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
    const layers = this.layers.filter(
      ({ className, calls }) => className !== "InputLayer" && calls[0]!.inputs.length === 1,
    );
    if (layers.length === 0) return;
    const heavy = layers.filter((layer) => layer.variables.length > 0 || layer.model);
    const layer = this.#draw.pick(heavy.length > 0 && this.#draw.chance(0.8) ? heavy : layers);
    const [{ inputs: before }] = layer.calls as [Call];
    const others = this.tensors.filter(
      (tensor) => !layer.calls.some((call) => call.inputs.includes(tensor)) && takes(layer, before[0]!, tensor),
    );
    if (others.length > 0) this.#call(layer, [this.#draw.pick(others)]);
  }

  /** A model inside the model, called once or twice. */
  #nested(): void {
    const inputs = Array.from({ length: this.#draw.chance(0.7) ? 1 : 2 }, () => this.#recent());
    const sequential = inputs.length === 1 && this.#draw.chance(0.4);
    const inner = new Growing(this.#draw, this.#names, this.#depth + 1);
    const name = this.#names.fresh(
      sequential ? "Sequential" : "Functional",
      new Set(this.layers.map((own) => own.name)),
    );
    const model = sequential ? inner.sequential(name, inputs[0]!, 1) : inner.functional(name, inputs, 1);
    if (!model) return;
    // Pruning drops inputs that no output needs.
    const used = model.inputs.map((place) => inputs[place]!);
    const layer: Layer = {
      name,
      className: model.className,
      config: {},
      variables: [],
      run: model.run,
      calls: [],
      model,
    };
    if (!this.#call(layer, used, used.length > 1) || used.length === 1 || this.#draw.chance(0.5)) return;
    this.#call(layer, [...used].reverse(), true);
  }

  // -------------------------------------------------------------------------------------------------- finishing

  /** A chain of layers from one input. */
  sequential(
    name: string,
    given: Known,
    least: number,
    batch: number | null = null,
  ): (Model & { inputs: readonly number[]; made: readonly Tensor[] }) | null {
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
      envelope: {
        module: "keras",
        class_name: "Sequential",
        config,
        registered_name: null,
        build_config: { input_shape: configShape(given) },
        compile_config: {},
      },
      run: replay(
        [start],
        layers.slice(1).map((layer) => layer.calls[0]!),
        [end],
        [given],
      ),
      inputs: [0],
      made: [end],
    };
  }

  /** A graph from several inputs to several outputs; `inputs` of the result are those that some output needs. */
  functional(
    name: string,
    given: readonly Known[],
    least: number,
    asDictionary = false,
  ): (Model & { inputs: readonly number[]; made: readonly Tensor[]; calls: readonly Call[] }) | null {
    const starts = given.map((known) => this.input(known));
    const wanted = least + this.#draw.integer(1, this.#depth === 0 ? 13 : 4);
    for (let tries = 0; tries < 60 && this.tensors.length < starts.length + wanted; tries++) this.step();
    const outputs = this.#outputs(starts);
    if (outputs.length === 0) return null;
    const calls = neededCalls(outputs);
    const order = kerasOrder(outputs, calls);
    const index = (call: Call) => call.layer.calls.filter((other) => calls.has(other)).indexOf(call);
    const history = (tensor: Tensor, from = 0) => [tensor.call.layer.name, index(tensor.call) + from, tensor.place];
    const layers = order.map((layer) => ({
      ...layerEntry(layer),
      name: layer.name,
      inbound_nodes: inboundNodes(layer, calls, history),
    }));
    const used = starts.filter((start) => calls.has(start.call));
    // A Functional model's first call is its own making, which output_layers counts.
    const ends = outputs.map((tensor) => history(tensor, tensor.call.layer.className === "Functional" ? 1 : 0));
    const keyed = (refs: unknown[], keys: string[]) =>
      Object.fromEntries(refs.map((ref, place) => [keys[place]!, ref]));
    const config = {
      name,
      trainable: true,
      layers,
      input_layers: asDictionary
        ? keyed(
            used.map((start) => history(start)),
            used.map((start) => start.call.layer.name),
          )
        : structure(
            used.map((start) => history(start)),
            this.#draw,
          ),
      output_layers: asDictionary
        ? keyed(
            ends,
            ends.map((_, place) => `out ${(place * 7) % 5}`),
          )
        : structure(ends, this.#draw),
    };
    const sorted = <T>(list: readonly T[], keys: readonly string[]) =>
      asDictionary
        ? list
            .map((entry, i) => ({ entry, key: keys[i]! }))
            .sort((a, b) => (a.key < b.key ? -1 : 1))
            .map(({ entry }) => entry)
        : [...list];
    const inputs = sorted(
      used,
      used.map((start) => start.call.layer.name),
    );
    const made = sorted(
      outputs,
      outputs.map((_, place) => `out ${(place * 7) % 5}`),
    );
    return {
      className: "Functional",
      layers: order,
      envelope: {
        module: "keras.src.models.functional",
        class_name: "Functional",
        config,
        registered_name: "Functional",
        build_config: { input_shape: null },
        compile_config: {},
      },
      run: replay(
        inputs,
        [...calls].filter((call) => call.inputs.length > 0),
        made,
        inputs,
      ),
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
