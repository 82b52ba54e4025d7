/**
 * layout: decides in which order a target holds the axes of every value
 *
 * Given   a graph whose values have the source's order (Keras: channels last)
 * Result  a graph with the same meaning whose values have the order the target's operators take (PyTorch: channels
 *         first), `reorder` nodes where an order changes, and the order of every weight
 *
 * One walk from the inputs: each operator says what it takes (`arrange`), what is held otherwise is reordered once and
 * kept for further readers. Where axes were merged while they were held in another order (`--flatten fold`), the parts
 * of the merged axis keep that order until a layer holds a weight along it; then the weight's rows are reordered instead
 * of the data. A layer that is shared by calls with unlike orders gets the source's order in all of them.
 */
import { type Axes, inOrder, layoutText, lettersOf, withAxis } from "../axes.ts";
import { GraphBuilder } from "../graph/build.ts";
import type { Graph, Layer, LayerCall, Node, ValueId } from "../graph/graph.ts";
import type { Arrange, FlattenMode, Held, OpSpec, Target } from "../ops/facets.ts";
import { arranges, facet, specs } from "../ops/index.ts";
import type { Reorder } from "../ops/reshape.ts";

export interface LayoutOptions {
  readonly target: Target;
  /** What to do where axes are merged; `naive` does nothing, to show what comes of it. */
  readonly flatten: FlattenMode;
  /** Whether series come in and go out as the target has them, or as the source has them. */
  readonly io: Target | "source";
}

/** How the source holds a weight, and how the target does. */
export interface WeightOrder {
  readonly from: Axes;
  readonly to: Axes;
}

/** Something that the plan did about an order, for reports. */
export interface LayoutNote {
  /** `reorder`: data is moved. `fold`: a weight's rows are. `merge`: axes became one. */
  readonly kind: "reorder" | "fold" | "merge";
  readonly layer: Layer;
  readonly from: string;
  readonly to: string;
  /** Why, as the end of a sentence: `as Dense takes it`. Of a merge: its layout in the source. */
  readonly reason: string;
}

export interface LayoutPlan {
  readonly graph: Graph;
  readonly options: LayoutOptions;
  /** Per layer and role. */
  readonly weights: ReadonlyMap<Layer, Readonly<Record<string, WeightOrder>>>;
  /** The source's value that each planned value holds. */
  readonly origins: readonly ValueId[];
  /** Axes of the source's values, by the source's ids. */
  readonly sourceAxes: readonly Axes[];
  readonly notes: readonly LayoutNote[];
}

/** Plans until no shared layer is asked for two orders. */
export function planLayout(graph: Graph, options: LayoutOptions): LayoutPlan {
  const pinned = new Set<Layer>();
  for (;;) {
    const planner = new Planner(graph, options, pinned);
    const plan = planner.run();
    if (planner.conflicts.size === 0) return plan;
    const before = pinned.size;
    for (const layer of planner.conflicts) pinned.add(layer);
    if (pinned.size === before) throw new Error("a layer's weights are wanted in two orders, whatever the data's");
  }
}

/** The order in which a target takes a whole model's series, in the letters of one of its inputs or outputs. */
export function portOrder(axes: Axes, io: LayoutOptions["io"]): Axes {
  return io === "torch" && layoutText(axes) === "NLC" ? inOrder(axes, "NCL") : axes;
}

class Planner {
  readonly conflicts = new Set<Layer>();
  readonly #source: Graph;
  readonly #options: LayoutOptions;
  readonly #pinned: ReadonlySet<Layer>;
  readonly #graph = new GraphBuilder();
  readonly #origins: ValueId[] = [];
  readonly #notes: LayoutNote[] = [];
  readonly #weights = new Map<Layer, Record<string, WeightOrder>>();
  /** Per value of the source its planned versions; the first is the one that its node gave. */
  readonly #versions = new Map<ValueId, ValueId[]>();

  constructor(source: Graph, options: LayoutOptions, pinned: ReadonlySet<Layer>) {
    this.#source = source;
    this.#options = options;
    this.#pinned = pinned;
  }

  run(): LayoutPlan {
    const source = this.#source;
    const inputs = source.inputs.map(({ name, value }) => ({
      name,
      value: this.#add(value, portOrder(source.values[value]!.axes, this.#options.io)),
    }));
    for (const node of source.nodes) this.#plan(node);
    const outputs = source.outputs.map(({ name, value }) => {
      const maker = source.nodes.findLast((node) => node.outputs.includes(value));
      const want = portOrder(source.values[value]!.axes, this.#options.io);
      return {
        name,
        value: maker ? this.#held(value, want, maker.layer, "as it goes out") : this.#versions.get(value)![0]!,
      };
    });
    const calls: LayerCall[] = source.calls.map((call) => ({
      ...call,
      outputs: call.outputs.map((value) => this.#versions.get(value)![0]!),
    }));
    const graph: Graph = { ...this.#graph.finish(source.name, inputs, outputs), calls };
    return {
      graph,
      options: this.#options,
      weights: this.#weights,
      origins: this.#origins,
      sourceAxes: source.values.map((value) => value.axes),
      notes: this.#notes,
    };
  }

  #add(origin: ValueId, axes: Axes): ValueId {
    const { name, type } = this.#source.values[origin]!;
    const id = this.#graph.value(name, axes, type);
    this.#origins.push(origin);
    const versions = this.#versions.get(origin);
    if (versions) versions.push(id);
    else this.#versions.set(origin, [id]);
    return id;
  }

  #plan(node: Node): void {
    const spec = facet<OpSpec<object>>(specs, node.kind);
    const arrange = facet<Arrange<object>>(arranges, node.kind);
    const axes = node.inputs.map((value) => this.#source.values[value]!.axes);
    const feature = spec.featureAxis?.(node.attributes, axes);
    const inputs = node.inputs.map((value, index): Held => {
      const held = this.#graph.values[this.#versions.get(value)![0]!]!.axes;
      const pin = feature !== undefined && index === 0 && this.#pinned.has(node.layer);
      return { source: axes[index]!, held: pin ? inOrder(axes[index]!, lettersOf(held)) : held };
    });
    const outputs = node.outputs.map((value) => this.#source.values[value]!.axes);
    const arranged = arrange(node.attributes, inputs, outputs, this.#options);
    const reason =
      node.kind === "rearrange" ? `as Keras' ${node.layer.className} merges it` : `as ${node.layer.className} takes it`;
    const taken = node.inputs.map((value, index) => this.#held(value, arranged.inputs[index]!, node.layer, reason));
    const given = node.outputs.map((value, index) => this.#add(value, arranged.outputs[index]!));
    const attributes = arranged.attributes ?? node.attributes;
    this.#graph.node({ ...node, attributes, inputs: taken, outputs: given });
    if (
      node.kind === "rearrange" &&
      outputs[0]!.some((axis) => axis.segments) &&
      !axes[0]!.some((axis) => axis.segments)
    ) {
      this.#notes.push({
        kind: "merge",
        layer: node.layer,
        from: layoutText(arranged.inputs[0]!),
        to: layoutText(arranged.outputs[0]!),
        reason: layoutText(outputs[0]!),
      });
    }
    this.#orderWeights(node, spec, feature, inputs[0]!.source, arranged.inputs[0]!);
  }

  /** The version of a value that is held in the order `want`, made now if there is none. */
  #held(value: ValueId, want: Axes, layer: Layer, reason: string): ValueId {
    const versions = this.#versions.get(value)!;
    const found = versions.find((id) => sameOrder(this.#graph.values[id]!.axes, want));
    if (found !== undefined) return found;
    const from = versions[0]!;
    const attributes: Reorder = { axes: want };
    const id = this.#add(value, want);
    this.#graph.node({ kind: "reorder", attributes, inputs: [from], outputs: [id], layer, weights: [] });
    this.#notes.push({
      kind: "reorder",
      layer,
      from: layoutText(this.#graph.values[from]!.axes),
      to: layoutText(want),
      reason,
    });
    return id;
  }

  #orderWeights(node: Node, spec: OpSpec<object>, feature: string | undefined, source: Axes, held: Axes): void {
    if (node.weights.length === 0) return;
    const orders = { ...this.#weights.get(node.layer) };
    const merged = (axes: Axes) => axes.find((axis) => axis.letter === feature)?.segments;
    for (const role of node.weights) {
      const { torch, keras, along } = spec.weights[role]!;
      const { axes } = node.layer.weights[role]!;
      const segments = along && merged(source);
      const from = segments ? withAxis(axes, along, { segments }) : axes;
      const reordered = segments ? withAxis(axes, along, { segments: merged(held)! }) : axes;
      const order = { from, to: inOrder(reordered, this.#options.target === "torch" ? torch : keras) };
      const before = orders[role];
      if (before && along && !sameWeight(before, order)) this.conflicts.add(node.layer);
      orders[role] = before ?? order;
      if (!before && segments && layoutText(order.to) !== layoutText(inOrder(from, lettersOf(order.to)))) {
        this.#notes.push({
          kind: "fold",
          layer: node.layer,
          from: layoutText(from),
          to: layoutText(order.to),
          reason: `the rows of ${role} take the order of the data`,
        });
      }
    }
    this.#weights.set(node.layer, orders);
  }
}

/** Whether two orders of one value are the same bytes under the same shape. */
function sameOrder(held: Axes, want: Axes): boolean {
  return (
    lettersOf(held) === lettersOf(want) &&
    held.every(
      (axis, index) =>
        JSON.stringify(significant(axis.segments)) === JSON.stringify(significant(want[index]!.segments)),
    )
  );
}

function significant(segments: Axes[number]["segments"]): unknown {
  return segments?.map((parts) => parts.filter((part) => part.size !== 1).map((part) => part.letter));
}

/** Whether a weight comes out in the same order; unlike parts in the source's own order move nothing and agree. */
function sameWeight(one: WeightOrder, other: WeightOrder): boolean {
  const moved = ({ from, to }: WeightOrder) => {
    const text = JSON.stringify(to.map((axis) => axis.segments));
    return text === JSON.stringify(inOrder(from, lettersOf(to)).map((axis) => axis.segments)) ? "" : text;
  };
  return moved(one) === moved(other);
}
