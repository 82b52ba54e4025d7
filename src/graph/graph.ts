/**
 * A model as frozen data: values with named axes, and nodes that compute them.
 *
 * A graph means what its letters say. Attributes name axes by letter, never by position, so that the same node is right
 * whatever order its values are held in: the planner reorders the axes of values and inserts `rearrange` nodes, and the
 * graph that comes out is again a graph.
 *
 * A Keras layer may give several nodes (`activation="relu"` is one of its own) or none that computes (`Dropout`); a layer
 * called twice gives nodes twice, which share the layer and so its weights.
 */
import type { Axes } from "../axes.ts";
import type { StoredArray } from "../tensor.ts";

/** Index into `Graph.values`. */
export type ValueId = number;

/**
 * What a value holds. The engine computes in float32 whatever the model's policy and holds everything as float32: int32 are
 * indices, exact up to 2^24; bool are masks, 0 and 1.
 */
export type ValueType = "float32" | "int32" | "bool";

/** An edge of the graph. */
export interface Value {
  readonly name: string;
  readonly axes: Axes;
  readonly type: ValueType;
}

/** A weight as the source format holds it: `array` lies in the order `axes`. */
export interface Weight {
  readonly array: StoredArray;
  readonly axes: Axes;
  /** The variable of the source's file that has the same numbers in the same order; none where they were computed from several. */
  readonly variable?: StoredArray;
}

/** A layer of the source model, the owner of weights. */
export interface Layer {
  /** Unique in the graph: the layer's name behind those of the models it lies in, by `/`. */
  readonly path: string;
  /** Keras' class. */
  readonly className: string;
  readonly weights: Readonly<Record<string, Weight>>;
}

/** Lower and upper limit. */
export type Clamp = readonly [low: number, high: number | null];

/** One operation. `kind` says which family of `ops/` it belongs to and so what `attributes` are. */
export interface Node<Attributes extends object = object> {
  readonly kind: string;
  readonly attributes: Attributes;
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  readonly layer: Layer;
  /** The roles of the layer's weights that this node reads, e.g. `["kernel", "bias"]`. */
  readonly weights: readonly string[];
  /** Limits of a convolution's or Dense's result, null for none: a ReLU that a plan made part of it. Never in a source. */
  readonly clamp?: Clamp;
}

/** One call of one layer, and what it gave: what a person means by "the output of conv1d". */
export interface LayerCall {
  /** The layer's path; `@1` behind it for the second call of a shared layer. */
  readonly name: string;
  readonly layer: Layer;
  readonly outputs: readonly ValueId[];
}

/** An input or an output of the model under its own name. */
export interface Port {
  readonly name: string;
  readonly value: ValueId;
  /** Of an input: what the output of this name gave for the batch before; zeros at the start. */
  readonly state?: true;
}

/** A whole model. Nodes stand in an order in which they can be computed. */
export interface Graph {
  readonly name: string;
  readonly values: readonly Value[];
  readonly nodes: readonly Node[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly calls: readonly LayerCall[];
}

/** All layers of a graph once, in the order of their first node or call. */
export function layersOf(graph: Graph): Layer[] {
  return [...new Set([...graph.calls.map((call) => call.layer), ...graph.nodes.map((node) => node.layer)])];
}

/** How many nodes read each value; an output of the model counts as one reader. */
export function countReaders(graph: Pick<Graph, "nodes" | "outputs" | "values">): number[] {
  const readers = new Array<number>(graph.values.length).fill(0);
  for (const node of graph.nodes) for (const input of node.inputs) readers[input]!++;
  for (const port of graph.outputs) readers[port.value]!++;
  return readers;
}

/** The same graph with other arrays as some of its weights, by layer and role. */
export function withWeights(graph: Graph, arrays: ReadonlyMap<Layer, Readonly<Record<string, StoredArray>>>): Graph {
  const changed = layersOf(graph).map((layer): [Layer, Layer] => {
    const own = arrays.get(layer) ?? {};
    const weights = Object.entries(layer.weights).map(([role, weight]): [string, Weight] => [
      role,
      { ...weight, array: own[role] ?? weight.array },
    ]);
    return [layer, { ...layer, weights: Object.fromEntries(weights) }];
  });
  return withLayers(graph, new Map(changed));
}

/** The same graph with other layers in place of its own. */
export function withLayers(graph: Graph, layers: ReadonlyMap<Layer, Layer>): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, layer: layers.get(node.layer)! })),
    calls: graph.calls.map((call) => ({ ...call, layer: layers.get(call.layer)! })),
  };
}
