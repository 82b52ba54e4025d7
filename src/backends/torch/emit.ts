/**
 * emit: a planned graph as a PyTorch program that a person could have written
 *
 * Given   a graph planned for PyTorch (plan/layout.ts)
 * Result  the text of `model.py`, the state dict that goes with it, and on which line each value of the graph is made
 *
 * One statement per node; the shape after each step stands in its comment. Variables: `x` for what is read once and at
 * once, the layer's name for what is read again later.
 */
import { type Axes, axisIndex, axisSize, layoutText, lettersOf, shapeOf, shapeText } from "../../axes.ts";
import type { Layer, Node, ValueId } from "../../graph/graph.ts";
import { countReaders } from "../../graph/graph.ts";
import type { OpSpec, ToTorch, TorchWriter, WeightPiece } from "../../ops/facets.ts";
import { facet, specs, toTorch } from "../../ops/index.ts";
import type { LayoutPlan } from "../../plan/layout.ts";
import { className as defaultClassName, Names } from "./names.ts";
import { modelFile, type Statement } from "./page.ts";
import type { StateEntry, StatePiece } from "./state.ts";

export interface TorchOptions {
  /** Name of the class; made out of the model's name by default. */
  readonly name?: string;
  /** Name of the file with the weights, beside model.py. */
  readonly weights: "model.safetensors" | "model.pt";
}

export interface TorchProgram {
  readonly source: string;
  readonly className: string;
  readonly state: readonly StateEntry[];
  /** Where each planned value is made: the line of its statement (1-based) and the variable, or an input's variable. */
  readonly variables: ReadonlyMap<ValueId, { readonly line: number; readonly name: string }>;
  /** The lines of forward's statements (1-based), in their order. */
  readonly lines: readonly number[];
  /** The module's inputs and outputs: name, and layout as `NLC -> NCL` or `NC`. */
  readonly inputs: readonly (readonly [name: string, layout: string])[];
  readonly outputs: readonly (readonly [name: string, layout: string])[];
}

/** A variable of `forward`: how many statements still read it, and which statement assigned it. */
interface Variable {
  readonly name: string;
  readers: number;
  readonly statement: number;
  /** The layer that it was named after. */
  readonly layer: Layer | null;
}

export function emitTorch(plan: LayoutPlan, options: TorchOptions): TorchProgram {
  return new Emitter(plan, options).run();
}

class Emitter {
  readonly #plan: LayoutPlan;
  readonly #options: TorchOptions;
  readonly #variables = Names.forVariables();
  readonly #moduleNames = Names.forModules();
  readonly #modules = new Map<Layer, Map<string, { name: string; construct: string }>>();
  readonly #state = new Map<string, StateEntry>();
  readonly #helpers = new Map<string, string>();
  readonly #imports = new Set<string>();
  readonly #statements: Statement[] = [];
  readonly #held = new Map<ValueId, Variable>();
  readonly #readers: number[];
  /** Variables that the node at hand assigned on its way. */
  #steps: Variable[] = [];
  /** Who holds `x`. */
  #x: Variable | null = null;

  constructor(plan: LayoutPlan, options: TorchOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#readers = countReaders(plan.graph);
  }

  run(): TorchProgram {
    const { graph } = this.#plan;
    const parameters = graph.inputs.map(({ name, value }) => {
      const variable: Variable = {
        name: this.#variables.next(name),
        readers: this.#readers[value]!,
        statement: -1,
        layer: null,
      };
      this.#held.set(value, variable);
      return variable.name;
    });
    for (const node of graph.nodes) this.#node(node);
    const returned = graph.outputs.map((port) => this.#held.get(port.value)!.name);
    const className = this.#options.name ?? defaultClassName(graph.name);
    const inputs = graph.inputs.map(({ name, value }) => [name, this.#portText(value)] as const);
    const outputs = graph.outputs.map(({ name, value }) => [name, this.#portText(value)] as const);
    const page = modelFile({
      className,
      weights: this.#options.weights,
      inputs,
      outputs,
      parameters,
      inputShapes: graph.inputs.map(({ value }) => shapeText(graph.values[value]!.axes)),
      inputTypes: graph.inputs.map(({ value }) => graph.values[value]!.type),
      modules: [...this.#modules.values()].flatMap((entries) => [...entries.values()]),
      helpers: [...this.#helpers.values()],
      imports: [...this.#imports],
      statements: this.#statements,
      returned,
    });
    const variables = new Map(
      [...this.#held].map(([id, { name, statement }]) => [id, { name, line: page.lines[statement] ?? 0 }]),
    );
    const state = [...this.#state.values()];
    return { source: page.text, className, state, variables, lines: page.lines, inputs, outputs };
  }

  /** How a value of the model enters or leaves the module: `NLC -> NCL`, or `NC` where both agree. */
  #portText(value: ValueId): string {
    const held = layoutText(this.#plan.graph.values[value]!.axes);
    const source = layoutText(this.#plan.sourceAxes[this.#plan.origins[value]!]!);
    return source === held ? held : `${source} -> ${held}`;
  }

  #node(node: Node): void {
    const { graph } = this.#plan;
    const inputs = node.inputs.map((id) => this.#held.get(id)!);
    const axes = node.inputs.map((id) => graph.values[id]!.axes);
    const outputs = node.outputs.map((id) => graph.values[id]!.axes);
    // From here on the node's own reading no longer counts, so that its result may take over the variable.
    for (const input of inputs) input.readers--;
    const writer = this.#writer(node, inputs, axes);
    const planned = { attributes: node.attributes, inputs: axes, outputs, weights: node.weights };
    this.#steps = [];
    const expression = facet<ToTorch<object>>(toTorch, node.kind)(planned, writer);
    for (const step of this.#steps) step.readers--;
    if (typeof expression !== "string") {
      this.#assignSeveral(node, expression);
      return;
    }
    const [output] = node.outputs as [ValueId];
    const readers = this.#readers[output]!;
    // A node that does nothing here, such as a noise layer, gives its input on; one may end with a step of its own.
    const same = [...this.#steps]
      .reverse()
      .concat(inputs)
      .find((variable) => variable.name === expression);
    if (same) {
      same.readers += readers;
      this.#held.set(output, same);
      return;
    }
    const note = this.#note(node, axes);
    this.#held.set(output, this.#assign(expression, readers, node, `(${shapeText(outputs[0]!)})${note}`));
  }

  /** Several outputs are variables that the node assigned, one each, in the order of its outputs. */
  #assignSeveral(node: Node, names: readonly string[]): void {
    node.outputs.forEach((id, index) => {
      const variable = this.#steps.findLast((step) => step.name === names[index]);
      if (!variable) throw new Error(`${node.kind} gives no variable for output ${index}`);
      variable.readers += this.#readers[id]!;
      this.#held.set(id, variable);
    });
  }

  /** Says why data is moved, and in which order a merge is held that is not the source's. */
  #note(node: Node, [axes]: readonly Axes[]): string {
    if (node.kind === "rearrange") {
      const [output] = node.outputs as [ValueId];
      const held = layoutText(this.#plan.graph.values[output]!.axes);
      const source = layoutText(this.#plan.sourceAxes[this.#plan.origins[output]!]!);
      return held === source || !held.includes("(") ? "" : `  ${held}, as the rows of the weights behind it`;
    }
    if (node.kind !== "reorder") return "";
    const [output] = node.outputs as [ValueId];
    const to = layoutText(this.#plan.graph.values[output]!.axes);
    const note = this.#plan.notes.find(
      (candidate) =>
        candidate.to === to &&
        candidate.kind === "reorder" &&
        candidate.layer === node.layer &&
        candidate.from === layoutText(axes!),
    );
    return note ? `  ${note.to}, ${note.reason}` : "";
  }

  #assign(expression: string, readers: number, node: Node, comment: string, wanted?: string): Variable {
    const name = wanted ?? this.#variable(readers, node);
    const variable: Variable = { name, readers, statement: this.#statements.length, layer: node.layer };
    this.#statements.push({ target: name, expression, comment });
    if (name === "x") this.#x = variable;
    return variable;
  }

  /** `x` where it is free and the value is read at once; a name that the same layer is done with; else a new name. */
  #variable(readers: number, node: Node): string {
    const { outputs } = this.#plan.graph;
    const returned = outputs.length > 1 && outputs.some((port) => node.outputs.includes(port.value));
    if (readers <= 1 && !returned && (this.#x === null || this.#x.readers === 0)) return "x";
    const candidates = [...this.#steps, ...node.inputs.map((id) => this.#held.get(id)!)];
    const done = candidates.find(
      (variable) => variable.layer === node.layer && variable.readers === 0 && variable.name !== "x",
    );
    return done?.name ?? this.#variables.next(node.layer.path);
  }

  #writer(node: Node, inputs: readonly Variable[], axes: readonly Axes[]): TorchWriter {
    const { layer } = node;
    const path = (suffix = "") => {
      const module = this.#modules.get(layer)?.get(suffix);
      if (!module) throw new Error(`${layer.path} has no module`);
      return module.name;
    };
    const position = (letter: string, index = 0) => axisIndex(axes[index]!, letter);
    return {
      input: (index) => inputs[index]!.name,
      dim: position,
      varies: () => {
        const own = JSON.stringify(node.attributes);
        const calls = this.#plan.graph.nodes.filter((other) => other.layer === layer && other.kind === node.kind);
        return calls.some((other) => JSON.stringify(other.attributes) !== own);
      },
      module: (construct, suffix = "") => {
        const modules = this.#modules.get(layer) ?? new Map<string, { name: string; construct: string }>();
        this.#modules.set(layer, modules);
        const known = modules.get(suffix);
        if (known && known.construct !== construct)
          throw new Error(`${layer.path} is two modules: ${known.construct} and ${construct}`);
        const module = known ?? {
          name: this.#moduleNames.next(suffix === "" ? layer.path : `${layer.path}_${suffix}`),
          construct,
        };
        modules.set(suffix, module);
        return `self.${module.name}`;
      },
      state: (name, role, suffix) => this.#stack(`${path(suffix)}.${name}`, node, [{ role }]),
      stack: (name, pieces, suffix) => this.#stack(`${path(suffix)}.${name}`, node, pieces),
      constantState: (name, shape, value, { suffix, addedTo } = {}) => {
        const full = `${path(suffix)}.${name}`;
        const pieces = addedTo && this.#pieces(node, addedTo);
        this.#state.set(full, {
          name: full,
          dtype: name === "num_batches_tracked" ? "int64" : "float32",
          shape,
          source: { constant: value, ...(pieces ? { addedTo: pieces } : {}) },
        });
      },
      size: (letter, index = 0) =>
        String(axisSize(axes[index]!, letter) ?? `${inputs[index]!.name}.shape[${position(letter, index)}]`),
      step: (expression, comment, name) => {
        const own = name === undefined ? undefined : this.#variables.next(name);
        const step = this.#assign(expression, 1, node, comment, own);
        this.#steps.push(step);
        return step.name;
      },
      steps: (expression, comment, names) => {
        const own = names.map((name) => this.#variables.next(name));
        const statement = this.#statements.length;
        this.#statements.push({ target: own.join(", "), expression, comment });
        this.#steps.push(...own.map((name): Variable => ({ name, readers: 1, statement, layer })));
        return own;
      },
      helper: (name, source) => this.#helpers.set(name, source),
      import: (name) => this.#imports.add(name),
    };
  }

  #pieces({ layer }: Node, parts: readonly WeightPiece[]): StatePiece[] {
    return parts.map(({ role, box }): StatePiece => {
      const weight = layer.weights[role]!;
      const { from, to } = this.#plan.weights.get(layer)![role]!;
      if (!box) return { layer, role, weight, from, to, start: null };
      const cut = (axes: Axes) =>
        axes.map((axis) => (box[axis.letter] ? { letter: axis.letter, size: box[axis.letter]![1] } : axis));
      const start = [...lettersOf(from)].map((letter) => box[letter]?.[0] ?? 0);
      return { layer, role, weight, from: cut(from), to: cut(to), start };
    });
  }

  #stack(name: string, node: Node, parts: readonly WeightPiece[]): void {
    const pieces = this.#pieces(node, parts);
    const shapes = pieces.map(({ to }) => shapeOf(to) as number[]);
    const rows = shapes.reduce((sum, [own]) => sum + (own ?? 1), 0);
    const shape = shapes[0]!.length === 0 ? [] : [rows, ...shapes[0]!.slice(1)];
    const dtype = facet<OpSpec<object>>(specs, node.kind).weights[parts[0]!.role]!.type ?? "float32";
    this.#state.set(name, { name, dtype, shape, source: { pieces } });
  }
}
