/**
 * explain: what a conversion that only transposes the weights would have answered, beside the right answer
 */
import { inOrder, layoutText, lettersOf, rearrangeArray, shapeOf, sizedAxes } from "../axes.ts";
import { emitTorch } from "../backends/torch/emit.ts";
import { TorchProgram } from "../backends/torch/interpret.ts";
import type { Graph } from "../graph/graph.ts";
import { planLayout } from "../plan/layout.ts";
import type { Tensor } from "../tensor.ts";
import { compareArrays, type Difference } from "./compare.ts";
import type { Input, Model } from "./model.ts";
import { inputRecord, randomInputs } from "./random.ts";
import { ownState, programInputs } from "./verify.ts";

/** A place where the order of axes decides what a position means. */
export interface OrderPlace {
  /** The layer that merges axes. */
  readonly layer: string;
  readonly className: string;
  /** The axes before, and the merge as the source makes it: `NLC`, `N(LC)`. */
  readonly before: string;
  readonly source: string;
  /** The merge that channels-first memory gives: `N(CL)`. */
  readonly naive: string;
  /** Whether they differ: not where one of the axes has size one, nor where PyTorch has the value in Keras' order anyway. */
  readonly matters: boolean;
  /** Whether one of the axes has size one. */
  readonly single: boolean;
}

/** The right and the naive answer of one output. */
export interface Explained extends Difference {
  readonly name: string;
  readonly right: Tensor;
  readonly naive: Tensor;
}

/** What `explain` found: where axes are merged, and both answers per output. */
export interface Explanation {
  readonly places: readonly OrderPlace[];
  readonly outputs: readonly Explained[];
}

/**
 * Runs the model, and a PyTorch program with transposed weights that flattens channels-first memory as it lies.
 *
 * @param input as for `predict`; one random sample by default
 */
export function explain(model: Model, input?: Input | Readonly<Record<string, Input>>): Explanation {
  const { graph } = model;
  const given = model.read(input ?? inputRecord(graph, randomInputs(graph, 1, 0)));
  const rights = model.predictOnce(inputRecord(graph, given));
  const plan = planLayout(graph, { target: "torch", flatten: "naive", io: "torch" });
  const program = emitTorch(plan, { weights: "model.safetensors" });
  const torch = new TorchProgram(program.source);
  torch.loadState(ownState(program));
  const results = torch.run(programInputs({ plan, program }, model, given));
  const outputs = graph.outputs.map(({ name, value }, index): Explained => {
    const right = rights[index]!;
    const result = results[index]!;
    const held = sizedAxes(plan.graph.values[plan.graph.outputs[index]!.value]!.axes, result.shape);
    const order = inOrder(held, lettersOf(graph.values[value]!.axes));
    const data = rearrangeArray(Float32Array.from(result.data as ArrayLike<number>), held, order);
    const naive = { data, layout: right.layout, shape: shapeOf(order) as number[] };
    return { name, right, naive, ...compareArrays(naive.data, right.data) };
  });
  return { places: orderPlaces(graph), outputs };
}

/** Every place of the model where axes are merged. */
export function orderPlaces(graph: Graph): OrderPlace[] {
  const folded = planLayout(graph, { target: "torch", flatten: "fold", io: "torch" });
  return folded.graph.nodes.flatMap((node): OrderPlace[] => {
    if (node.kind !== "rearrange") return [];
    const [before, after] = [node.inputs[0]!, node.outputs[0]!].map(
      (value) => graph.values[folded.origins[value]!]!.axes,
    ) as [(typeof folded.sourceAxes)[number], (typeof folded.sourceAxes)[number]];
    const merged = after.find((axis) => axis.segments);
    if (!merged || before.some((axis) => axis.segments)) return [];
    const naive = layoutText(inOrder(folded.graph.values[node.outputs[0]!]!.axes, lettersOf(after)));
    const held = folded.graph.values[node.inputs[0]!]!.axes;
    const source = layoutText(after);
    return [
      {
        layer: node.layer.path,
        className: node.layer.className,
        before: layoutText(before),
        source,
        naive: naive === source ? mergeAsHeld(held, source) : naive,
        matters: naive !== source,
        single: merged.segments!.some((parts) => parts.some(({ size }) => size === 1)),
      },
    ];
  });
}

/** What the merge would be called if sizes of one counted. */
function mergeAsHeld(held: readonly { letter: string }[], source: string): string {
  const [, letters = ""] = /\(([A-Z]+)\)/.exec(source) ?? [];
  const order = held.map((axis) => axis.letter).filter((letter) => letters.includes(letter));
  return source.replace(letters, order.join(""));
}
