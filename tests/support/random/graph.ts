/**
 * What a random model is made of while it grows, and the questions that Keras asks when a model is made of it: which calls
 * are needed, and in which order layers stand.
 *
 * Source  keras 3.15: keras/src/ops/function.py (map_graph)
 */
import type { Known } from "./arrays.ts";
import type { Variable } from "./recipe.ts";

/** One output of one call. */
export interface Tensor extends Known {
  readonly call: Call;
  /** Which output of the call. */
  readonly place: number;
}

export interface Call {
  readonly layer: Layer;
  readonly inputs: readonly Tensor[];
  readonly outputs: Tensor[];
  /** Merges take one list as argument; so do models of several inputs. */
  readonly asList: boolean;
  readonly kwargs: object;
}

export interface Layer {
  readonly name: string;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly variables: readonly Variable[];
  /** The outputs of a call; null where the layer can't be called on these. */
  readonly run: (inputs: readonly Known[]) => readonly Known[] | null;
  readonly calls: Call[];
  /** Set for a model inside the model. */
  readonly model?: Model;
}

/** A finished model: layers in Keras' order. */
export interface Model {
  readonly className: "Functional" | "Sequential";
  readonly layers: readonly Layer[];
  readonly envelope: Readonly<Record<string, unknown>>;
  run(inputs: readonly Known[]): readonly Known[] | null;
}

/** More than a model inside another may give when it is called again. */
const loudest = 300;

/** Whether a layer may be called on `tensor` as it was on `before`: models only where the sizes that they know agree. */
export function takes(layer: Layer, before: Known, tensor: Known): boolean {
  if (tensor.shape.length < 2) return false;
  if (!layer.model) return true;
  return (
    before.shape.length === tensor.shape.length &&
    before.shape.every(
      (size, axis) =>
        axis === 0 || (before.open[axis] === null ? tensor.open[axis] === null && tensor.shape[axis] === size : true),
    )
  );
}

/** Runs the calls of a finished model on other inputs. */
export function replay(
  starts: readonly Tensor[],
  calls: readonly Call[],
  ends: readonly Tensor[],
  like: readonly Known[],
): Model["run"] {
  return (inputs) => {
    if (
      inputs.length !== starts.length ||
      inputs.some((input, place) => input.shape.length !== like[place]!.shape.length)
    )
      return null;
    const fits = inputs.every((input, place) =>
      input.shape.every(
        (size, axis) =>
          axis === 0 ||
          like[place]!.open[axis] !== null ||
          (input.open[axis] === null && size === like[place]!.shape[axis]),
      ),
    );
    if (!fits) return null;
    const known = new Map<Tensor, Known>(starts.map((start, place) => [start, inputs[place]!]));
    for (const call of calls) {
      const outputs = call.layer.run(call.inputs.map((tensor) => known.get(tensor)!));
      if (!outputs?.every(({ data }) => data.every((value) => Math.abs(value) < loudest))) return null;
      for (const tensor of call.outputs) known.set(tensor, outputs[tensor.place]!);
    }
    return ends.map((end) => known.get(end)!);
  };
}

/** The calls that some output needs, in the order in which they were made. */
export function neededCalls(outputs: readonly Tensor[]): Set<Call> {
  const found = new Set<Call>();
  const sorted: Call[] = [];
  const visit = (call: Call) => {
    if (found.has(call)) return;
    found.add(call);
    for (const input of call.inputs) visit(input.call);
    sorted.push(call);
  };
  for (const output of outputs) visit(output.call);
  return new Set(sorted);
}

/** Layers by their distance from the outputs, farthest first; equal ones as a walk from the outputs meets them. */
export function kerasOrder(outputs: readonly Tensor[], calls: ReadonlySet<Call>): Layer[] {
  const met: Layer[] = [];
  const seen = new Set<Call>();
  const walk = (call: Call) => {
    if (seen.has(call)) return;
    seen.add(call);
    if (!met.includes(call.layer)) met.push(call.layer);
    for (const input of call.inputs) walk(input.call);
  };
  for (const output of outputs) walk(output.call);
  const depths = new Map<Call, number>();
  const layerDepths = new Map<Layer, number>();
  for (const call of [...calls].reverse()) {
    const depth = Math.max(depths.get(call) ?? 0, layerDepths.get(call.layer) ?? 0);
    layerDepths.set(call.layer, depth);
    for (const { call: before } of call.inputs) depths.set(before, Math.max(depths.get(before) ?? 0, depth + 1));
  }
  return met
    .map((layer, place) => ({ layer, place }))
    .sort((a, b) => layerDepths.get(b.layer)! - layerDepths.get(a.layer)! || a.place - b.place)
    .map(({ layer }) => layer);
}
