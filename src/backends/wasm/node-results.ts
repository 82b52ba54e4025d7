/**
 * node-results: what nodes gave, for another plan of the same model and inputs
 *
 * A proof asks the source's graph for every value and the folded one for the outputs. A node of the second plan that does the same with the
 * same numbers as one of the first is not computed again: of a large model, weights that nothing was folded into are read once for both.
 */
import { lettersOf } from "../../axes.ts";
import type { Layer, Node } from "../../graph/graph.ts";
import type { LayoutPlan } from "../../plan/layout.ts";
import type { EngineValue } from "./engine.ts";

interface NodeResult {
  readonly node: Node;
  readonly orders: string;
  readonly inputs: readonly EngineValue[];
  readonly outputs: readonly EngineValue[];
}

export class NodeResults {
  readonly #results = new Map<Layer, NodeResult[]>();
  #found = 0;

  /** How many nodes were not computed again. */
  get found(): number {
    return this.#found;
  }

  add(plan: LayoutPlan, node: Node, inputs: readonly EngineValue[], outputs: readonly EngineValue[]): void {
    const result = { node, orders: ordersOf(plan, node), inputs, outputs };
    this.#results.set(node.layer, [...(this.#results.get(node.layer) ?? []), result]);
  }

  /** The outputs of a node that does the same with the same numbers. */
  find(plan: LayoutPlan, node: Node, inputs: readonly EngineValue[]): readonly EngineValue[] | undefined {
    const orders = ordersOf(plan, node);
    const result = this.#results
      .get(node.layer)
      ?.find(
        (one) =>
          one.node.kind === node.kind &&
          one.orders === orders &&
          same(one.node.attributes, node.attributes) &&
          one.inputs.every((value, index) => sameValue(value, inputs[index]!)),
      );
    if (result) this.#found++;
    return result?.outputs;
  }
}

/** What a plan and a clamp make of a node besides its attributes: the order of its weights, inputs and outputs. */
function ordersOf({ weights, graph }: LayoutPlan, { layer, weights: roles, inputs, outputs, clamp }: Node): string {
  const letters = [...inputs, ...outputs].map((value) => lettersOf(graph.values[value]!.axes));
  const limits = clamp?.map(String);
  return JSON.stringify([roles, weights.get(layer), letters, limits]);
}

/** Whether two values are the same bits in the same order of axes. */
function sameValue(one: EngineValue, other: EngineValue): boolean {
  if (!same(one.axes, other.axes)) return false;
  const [a, b] = [words(one.data), words(other.data)];
  return one.data === other.data || (a.length === b.length && a.every((word, index) => word === b[index]));
}

const words = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

/** Whether two objects are the same, part by part: lists and plain objects. */
function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isPlain(one) || !isPlain(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const [mine, theirs] = [Object.entries(one), Object.entries(other)];
  return mine.length === theirs.length && mine.every(([key, value]) => same(value, (other as never)[key]));
}

function isPlain(value: unknown): value is object {
  return (
    Array.isArray(value) ||
    (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype)
  );
}
