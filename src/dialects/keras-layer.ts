/**
 * One call of one Keras layer, offered to the operator families as `KerasCall`: inputs, options, weights, and the means
 * to add nodes.
 */
import { type Axes, axisSize, lettersOf } from "../axes.ts";
import { at, ChannelwiseError, invalidModel, missingWeight, shapeMismatch, unsupportedLayer } from "../error.ts";
import type { GraphBuilder } from "../graph/build.ts";
import type { Layer, ValueId, Weight } from "../graph/graph.ts";
import { emitActivation } from "../ops/activation.ts";
import type { KerasCall, KerasConfig, OpSpec } from "../ops/facets.ts";
import { facet, kerasBuilder, kerasClasses, specs } from "../ops/index.ts";
import type { Rearrange } from "../ops/reshape.ts";
import type { StoredArray } from "../tensor.ts";
import { brief, isObject, LayerConfig } from "./keras-config.ts";

/** A layer of the file: what it is, where its variables lie, and how often it was called. */
export interface KerasLayer {
  readonly path: string;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly place: readonly string[];
  /** Its variables in Keras' order; read on the first call that needs them. */
  readonly variables: () => StoredArray[];
  readonly layer: Layer & { readonly weights: Record<string, Weight> };
  calls: number;
}

class Call implements KerasCall {
  readonly config: KerasConfig;
  readonly inputs: readonly ValueId[];
  readonly #source: KerasLayer;
  readonly #graph: GraphBuilder;

  constructor(source: KerasLayer, graph: GraphBuilder, config: KerasConfig, inputs: readonly ValueId[]) {
    this.#source = source;
    this.#graph = graph;
    this.config = config;
    this.inputs = inputs;
  }

  axes(value: ValueId): Axes {
    return this.#graph.values[value]!.axes;
  }

  input(): ValueId {
    const [input, ...more] = this.inputs;
    if (input === undefined || more.length > 0)
      return this.config.refuse("inputs", `expected one input, got ${this.inputs.length}`);
    return input;
  }

  known(value: ValueId, letter: string): number {
    const size = axisSize(this.axes(value), letter);
    return (
      size ?? this.config.refuse("input", `the size of axis ${letter} has to be known, and the model leaves it open`)
    );
  }

  weight(role: string, letters: string, shape: readonly number[]): void {
    const { layer, place } = this.#source;
    if (Object.hasOwn(layer.weights, role)) return;
    const variables = this.#source.variables();
    const index = Object.keys(layer.weights).length;
    const array = variables[index];
    if (!array)
      throw missingWeight(
        `${layer.path}/${role}: expected ${letters} = (${shape.join(", ")}), found no variable ${index}`,
        place,
      );
    if (array.shape.length !== shape.length || array.shape.some((size, axis) => size !== shape[axis])) {
      throw shapeMismatch(
        `${layer.path}/${role}: expected ${letters} = (${shape.join(", ")}), got (${array.shape.join(", ")})`,
        place,
      );
    }
    layer.weights[role] = { array, axes: [...letters].map((letter, axis) => ({ letter, size: shape[axis]! })) };
  }

  emit<A extends object>(
    kind: string,
    attributes: A,
    inputs: readonly ValueId[],
    weights: readonly string[] = [],
  ): ValueId {
    const spec = facet<OpSpec<A>>(specs, kind);
    const [axes] = spec.infer(
      attributes,
      inputs.map((input) => this.axes(input)),
    );
    if (axes!.some((axis) => axis.size !== null && axis.size > 2 ** 31)) {
      throw invalidModel(
        `a dimension of ${Math.max(...axes!.map((axis) => axis.size ?? 0))} elements is too large`,
        this.#source.place,
      );
    }
    const output = this.#graph.value(this.#source.path, axes!, this.#graph.values[inputs[0]!]!.type);
    this.#graph.node({ kind, attributes, inputs, outputs: [output], layer: this.#source.layer, weights });
    return output;
  }

  rearrange(value: ValueId, to: string, letters: string): ValueId {
    const own = lettersOf(this.axes(value));
    if (own === to && own === letters) return value;
    const attributes: Rearrange = { to, letters };
    return this.emit("rearrange", attributes, [value]);
  }

  activation(value: ValueId, activation: unknown): ValueId {
    if (activation === null || activation === undefined) return value;
    if (typeof activation === "string") {
      return (
        emitActivation(this, value, activation) ??
        this.config.refuse("activation", `${brief(activation)} is none of Keras' activations`)
      );
    }
    if (isObject(activation) && typeof activation.class_name === "string" && isObject(activation.config)) {
      return this.#layerAsActivation(value, activation.class_name, activation.config);
    }
    return this.config.refuse("activation", `${brief(activation)} is not a name or a layer`);
  }

  /** A layer given as the activation: its options count, weights of its own do not come with this class of layers. */
  #layerAsActivation(value: ValueId, className: string, values: Record<string, unknown>): ValueId {
    const build = kerasBuilder(className);
    if (!build) return this.config.refuse("activation", `layer ${className} is not supported`);
    const config = new LayerConfig(className, values, this.#source.place);
    const output = build(new Call(this.#source, this.#graph, config, [value]));
    config.finish();
    if (Array.isArray(output)) return this.config.refuse("activation", `layer ${className} has several outputs`);
    return output;
  }
}

/** Adds the nodes of one call of a layer; gives its outputs. `index` is the call's number, counted if not given. */
export function callLayer(
  source: KerasLayer,
  graph: GraphBuilder,
  inputs: readonly ValueId[],
  index = source.calls,
): ValueId[] {
  const { className, place } = source;
  const build = kerasBuilder(className);
  if (!build) throw unsupportedLayer(`layer class ${className}`, place, kerasClasses());
  const config = new LayerConfig(className, source.config, place);
  const made = located(place, () => build(new Call(source, graph, config, inputs)));
  config.finish();
  const outputs = Array.isArray(made) ? made : [made];
  graph.call(source.layer, index, outputs);
  source.calls++;
  return outputs;
}

/** Fails when the file holds variables that the layer's options do not account for. */
export function checkVariables(source: KerasLayer): void {
  const taken = Object.keys(source.layer.weights).length;
  const found = source.variables().length;
  if (source.calls > 0 && found > taken) {
    throw shapeMismatch(
      `${source.path}: expected ${taken} variables for this ${source.className}, found ${found}`,
      source.place,
    );
  }
}

/** Shape errors of the operators know no file; this gives them the place. */
function located<T>(place: readonly string[], action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ChannelwiseError) || error.where.length > 0) throw error;
    return at(place, () => {
      throw error;
    });
  }
}
