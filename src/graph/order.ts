/**
 * order: the nodes of a graph so that a branch is finished before the next one begins
 *
 * Keras lists layers by their distance from the outputs, which mixes parallel branches step by step. A reader, and memory,
 * are better off when each branch is computed to its end.
 */
import type { Graph, Node, ValueId } from "./graph.ts";

/** The same graph with its nodes, and the calls of its layers, in depth-first order from the outputs. */
export function branchByBranch(graph: Graph): Graph {
  const maker = new Map<ValueId, number>();
  graph.nodes.forEach((node, index) => {
    for (const output of node.outputs) maker.set(output, index);
  });
  const order: Node[] = [];
  const state = new Array<"new" | "open" | "done">(graph.nodes.length).fill("new");
  // Nodes that no output needs come last, in the order they have.
  const roots = [...graph.outputs.map((port) => maker.get(port.value)), ...graph.nodes.keys()];
  for (const root of roots) {
    const stack = root === undefined ? [] : [root];
    while (stack.length > 0) {
      const index = stack.at(-1)!;
      const node = graph.nodes[index]!;
      if (state[index] === "new") {
        state[index] = "open";
        const before = node.inputs.map((input) => maker.get(input)).filter((input) => input !== undefined);
        for (const input of before.reverse()) if (state[input] === "new") stack.push(input);
        continue;
      }
      stack.pop();
      if (state[index] === "done") continue;
      state[index] = "done";
      order.push(node);
    }
  }
  const place = new Map(order.flatMap((node, index) => node.outputs.map((output) => [output, index] as const)));
  const last = (outputs: readonly ValueId[]) => Math.max(-1, ...outputs.map((output) => place.get(output) ?? -1));
  const calls = graph.calls
    .map((call, index) => ({ call, index, at: last(call.outputs) }))
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ call }) => call);
  return { ...graph, nodes: order, calls };
}
