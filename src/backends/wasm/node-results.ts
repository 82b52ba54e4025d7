/**
 * node-results: what nodes gave, for another plan of the same model and inputs
 *
 * A proof asks the source's graph for every value and the folded one for the outputs. Most of their nodes are the same, and the weights
 * of a large model are so read once for both.
 */
import { lettersOf } from "../../axes.ts";
import type { Layer, Node } from "../../graph/graph.ts";
import type { LayoutPlan } from "../../plan/layout.ts";
import type { EngineValue } from "./engine.ts";

export class NodeResults {
  readonly #inputs: EngineValue[] = [];
  readonly #results = new Map<Layer, NodeResult[]>();

  /** An input of the graph, that of the first plan for the second one, too. */
  input(index: number, value: EngineValue): EngineValue {
    return (this.#inputs[index] ??= value);
  }

  add(plan: LayoutPlan, node: Node, inputs: readonly EngineValue[], outputs: readonly EngineValue[]): void {
    const result = { node, orders: ordersOf(plan, node), inputs, outputs };
    this.#results.set(node.layer, [...(this.#results.get(node.layer) ?? []), result]);
  }

  /** The outputs of a node that does the same with the same numbers. */
  find(plan: LayoutPlan, node: Node, inputs: readonly EngineValue[]): readonly EngineValue[] | undefined {
    const orders = ordersOf(plan, node);
    return this.#results
      .get(node.layer)
      ?.find(
        (one) =>
          one.node.kind === node.kind &&
          one.node.attributes === node.attributes &&
          one.orders === orders &&
          one.inputs.every((value, index) => value === inputs[index]),
      )?.outputs;
  }
}

interface NodeResult {
  readonly node: Node;
  readonly orders: string;
  readonly inputs: readonly EngineValue[];
  readonly outputs: readonly EngineValue[];
}

/** What a plan and a clamp make of a node besides its attributes: the order of its weights, inputs and outputs. */
function ordersOf({ weights, graph }: LayoutPlan, { layer, weights: roles, inputs, outputs, clamp }: Node): string {
  const letters = [...inputs, ...outputs].map((value) => lettersOf(graph.values[value]!.axes));
  return JSON.stringify([roles, weights.get(layer), letters, clamp]);
}
