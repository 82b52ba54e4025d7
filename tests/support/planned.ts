/**
 * Runs planned graphs by the operators' definitions, to see that a plan means what its source means.
 */
import { inOrder, rearrangeArray, sizedAxes } from "../../src/axes.ts";
import { runReference } from "../../src/backends/reference/reference.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { Array64 } from "../../src/ops/facets.ts";
import type { LayoutPlan } from "../../src/plan/layout.ts";

/** The inputs of a plan, from inputs in the source's order. */
export function plannedInputs(
  plan: LayoutPlan,
  source: Graph,
  inputs: readonly { readonly shape: readonly number[]; readonly data: Float64Array }[],
): Array64[] {
  return source.inputs.map((port, index) => {
    const axes = sizedAxes(source.values[port.value]!.axes, inputs[index]!.shape);
    const held = plan.graph.values[plan.graph.inputs[index]!.value]!.axes;
    const to = held.map((axis) => axes.find((own) => own.letter === axis.letter)!);
    return { axes: to, data: rearrangeArray(inputs[index]!.data, axes, to) };
  });
}

/** An output of a plan in the source's order. */
export function sourceOutput(plan: LayoutPlan, source: Graph, values: readonly Array64[], index: number): Float64Array {
  const got = values[plan.graph.outputs[index]!.value]!;
  const letters = source.values[source.outputs[index]!.value]!.axes.map((axis) => axis.letter).join("");
  const sizes = inOrder(got.axes, letters).map((axis) => axis.size!);
  return rearrangeArray(got.data, got.axes, sizedAxes(source.values[source.outputs[index]!.value]!.axes, sizes));
}

/** Every value of a planned graph. The definitions take axes in the source's order: each node's values are brought there and back. */
export function runReferencePlanned(plan: LayoutPlan, source: Graph, inputs: readonly Array64[]): Array64[] {
  const inSourceOrder = (value: Array64, id: number): Array64 => {
    const letters = source.values[plan.origins[id]!]!.axes.map((axis) => axis.letter).join("");
    const axes = inOrder(value.axes, letters);
    return { axes, data: rearrangeArray(value.data, value.axes, axes) };
  };
  const values: Array64[] = [];
  plan.graph.inputs.forEach((port, index) => {
    values[port.value] = inputs[index]!;
  });
  for (const node of plan.graph.nodes) {
    const moves = node.kind === "rearrange" || node.kind === "reorder";
    const taken = node.inputs.map((id) => (moves ? values[id]! : inSourceOrder(values[id]!, id)));
    const ports = taken.map((_, index) => ({ name: "", value: index }));
    const local: Graph = {
      ...plan.graph,
      inputs: ports,
      nodes: [
        {
          ...node,
          inputs: taken.map((_, index) => index),
          outputs: node.outputs.map((_, index) => taken.length + index),
        },
      ],
    };
    const results = runReference(local, taken, plan);
    node.outputs.forEach((id, index) => {
      const result = results[taken.length + index]!;
      const held = plan.graph.values[id]!.axes;
      const to = inOrder(result.axes, held.map((axis) => axis.letter).join(""));
      values[id] = {
        axes: to.map((axis, place) => ({ ...held[place]!, size: axis.size })),
        data: rearrangeArray(result.data, result.axes, to),
      };
    });
  }
  return values;
}
