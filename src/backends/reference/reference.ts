/**
 * reference: runs a graph by the plain-loop definitions of its operators, in float64
 *
 * The oracle of this project: slow, obvious, and without a line in common with the kernels.
 */
import { rearrangeArray } from "../../axes.ts";
import { toFloat32 } from "../../bytes/numbers.ts";
import type { Clamp, Graph, Layer, ValueId } from "../../graph/graph.ts";
import type { Array64, Evaluate, OpSpec } from "../../ops/facets.ts";
import { evaluates, facet, specs } from "../../ops/index.ts";
import type { LayoutPlan } from "../../plan/layout.ts";

/**
 * Every value of the graph, by id.
 *
 * @param inputs one array per input of the graph, in the order of axes that the graph gives the input
 * @param plan   the plan that the graph came from, whose order the weights then have
 * @param given  what a node reads in place of what the node before it computed
 */
export function runReference(
  graph: Graph,
  inputs: readonly Array64[],
  plan?: LayoutPlan,
  given?: (value: ValueId, computed: Array64) => Array64,
): Array64[] {
  const values: Array64[] = [];
  graph.inputs.forEach((port, index) => {
    values[port.value] = inputs[index]!;
  });
  const weights = new Map<Layer, Record<string, Array64>>();
  const weightsOf = (layer: Layer) => {
    const known = weights.get(layer) ?? readWeights(layer, plan);
    weights.set(layer, known);
    return known;
  };
  for (const node of graph.nodes) {
    const taken = node.inputs.map((id: ValueId) => given?.(id, values[id]!) ?? values[id]!);
    const outputs = facet<OpSpec<object>>(specs, node.kind).infer(
      node.attributes,
      taken.map((value) => value.axes),
    );
    const own = Object.fromEntries(
      Object.entries(weightsOf(node.layer)).filter(([role]) => node.weights.includes(role)),
    );
    const results = facet<Evaluate<object>>(evaluates, node.kind)(node.attributes, taken, own, outputs);
    node.outputs.forEach((id, index) => {
      values[id] = { axes: outputs[index]!, data: clamped(results[index]!, node.clamp) };
    });
  }
  return values;
}

function clamped(data: Float64Array, clamp: Clamp | undefined): Float64Array {
  if (!clamp) return data;
  const [low, high] = clamp;
  return data.map((value) => Math.min(Math.max(value, low), high ?? Number.POSITIVE_INFINITY));
}

function readWeights(layer: Layer, plan: LayoutPlan | undefined): Record<string, Array64> {
  return Object.fromEntries(
    Object.entries(layer.weights).map(([role, { array, axes }]) => {
      const data = Float64Array.from(toFloat32(array));
      const order = plan?.weights.get(layer)?.[role];
      if (!order) return [role, { axes, data }];
      // Only the order of merged parts concerns the definitions; their weights lie as Keras has them.
      // An axis that the target's layout does not have (WeightPiece) is the source's.
      const to = axes.map((axis) => order.to.find((candidate) => candidate.letter === axis.letter) ?? axis);
      return [role, { axes: to, data: rearrangeArray(data, order.from, to) }];
    }),
  );
}
