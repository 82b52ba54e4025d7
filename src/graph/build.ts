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

  finish(name: string, inputs: readonly Port[], outputs: readonly Port[]): Graph {
    return { name, values: this.values, nodes: this.nodes, inputs, outputs, calls: this.calls };
  }
}
