/**
 * Collects the values, nodes and layer calls of a graph while a dialect walks a topology.
 */
import type { Axes } from "../axes.ts";
import { invalidModel } from "../error.ts";
import type { Graph, Layer, LayerCall, Node, Port, Value, ValueId, ValueType } from "./graph.ts";

/** More nodes or calls than any real model has; a small file could claim any number by nesting. */
const mostNodes = 10_000;

export class GraphBuilder {
  readonly values: Value[] = [];
  readonly nodes: Node[] = [];
  readonly calls: LayerCall[] = [];
  /** What makes the mask that goes along with a value; called when a layer asks. */
  readonly masks = new Map<ValueId, () => ValueId>();
  readonly #states = new Map<string, { readonly before: ValueId; after: ValueId }>();

  value(name: string, axes: Axes, type: ValueType = "float32"): ValueId {
    this.values.push({ name, axes, type });
    return this.values.length - 1;
  }

  node(node: Node): void {
    if (this.nodes.length >= mostNodes) throw invalidModel(`the model has more than ${mostNodes} operations`);
    this.nodes.push(node);
  }

  /** Records what a call of a layer gave; its values take the layer's name where they have none of their own yet. */
  call(layer: Layer, index: number, outputs: readonly ValueId[]): void {
    if (this.calls.length >= mostNodes) throw invalidModel(`the model has more than ${mostNodes} calls of layers`);
    this.calls.push({ name: index === 0 ? layer.path : `${layer.path}@${index}`, layer, outputs });
  }

  /** A state by its name: what was kept last, before that a new input of the model. */
  state(name: string, axes: Axes): ValueId {
    const known = this.#states.get(name);
    if (known) return known.after;
    const before = this.value(name, axes);
    this.#states.set(name, { before, after: before });
    return before;
  }

  /** The state from here on; at the end an output of the model. */
  keep(name: string, after: ValueId): void {
    this.#states.get(name)!.after = after;
  }

  /** The graph; states are inputs and outputs behind the model's own. */
  finish(name: string, inputs: readonly Port[], outputs: readonly Port[]): Graph {
    const states = [...this.#states];
    return {
      name,
      values: this.values,
      nodes: this.nodes,
      inputs: [...inputs, ...states.map(([own, { before }]): Port => ({ name: own, value: before, state: true }))],
      outputs: [...outputs, ...states.map(([own, { after }]): Port => ({ name: own, value: after }))],
      calls: this.calls,
    };
  }
}
