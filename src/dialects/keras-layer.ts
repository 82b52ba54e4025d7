/**
 * One call of one Keras layer, offered to the operator families as `KerasCall`: inputs, options, weights, and the means
 * to add nodes.
 */
import { type Axes, axisIndex, axisSize, lettersOf, namedAxes } from "../axes.ts";
import { toFloat32 } from "../bytes/numbers.ts";
import { at, ChannelwiseError, invalidModel, missingWeight, shapeMismatch, unsupportedOption } from "../error.ts";
import type { GraphBuilder } from "../graph/build.ts";
import type { Layer, ValueId, Weight } from "../graph/graph.ts";
import { emitActivation } from "../ops/activation.ts";
import type { Argument, CallArguments, FromKeras, KerasCall, KerasConfig, OpSpec, ValueType } from "../ops/facets.ts";
import { facet, kerasBuilder, specs } from "../ops/index.ts";
import type { Rearrange } from "../ops/reshape.ts";
import { elements, type StoredArray } from "../tensor.ts";
import { brief, isObject, type Json, LayerConfig } from "./keras-config.ts";
import { describeArgument, isSilent, tensorsIn } from "./keras-history.ts";
import { carriesMask } from "./keras-masks.ts";
import type { LayerVariables } from "./keras-variables.ts";

/** A layer of the file: what it is, where its variables lie, and how often it was called. */
export interface KerasLayer {
  readonly path: string;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly place: readonly string[];
  /** What makes its nodes. */
  readonly build: FromKeras;
  readonly variables: LayerVariables;
  readonly layer: Layer & { readonly weights: Record<string, Weight> };
  /** Layers that belong to it, by their place: the parts of `KerasCall.part`, what `KerasCall.apply` calls. */
  readonly parts: Map<string, KerasLayer>;
  readonly inner: Map<string, (inputs: readonly ValueId[]) => ValueId[]>;
  /** Opens a layer or a model in one of its options. */
  readonly open: (object: Json, scope: string) => (inputs: readonly ValueId[]) => ValueId[];
  calls: number;
}

/** The same numbers under another shape. Which array they are may only be known later, so nothing is read of it now. */
function reshaped(array: StoredArray | undefined, shape: readonly number[]): StoredArray {
  return {
    shape,
    get dtype() {
      return array?.dtype ?? "float32";
    },
    read: () => array!.read(),
    contents: () => array!.contents?.() ?? null,
  };
}

class Call implements KerasCall {
  readonly config: LayerConfig;
  readonly inputs: readonly ValueId[];
  readonly #source: KerasLayer;
  readonly #graph: GraphBuilder;
  readonly #arguments: CallArguments;
  readonly #asked = new Set<string | number>([0, "inputs"]);
  readonly #carried = new Set<ValueId>();
  readonly #configs: LayerConfig[];
  readonly #parts: Call[] = [];
  /** What the file's variables lack for this layer, told once its options are known to be understood. */
  #lacking: ChannelwiseError | undefined;

  constructor(source: KerasLayer, graph: GraphBuilder, given: CallArguments) {
    this.#source = source;
    this.#graph = graph;
    this.#arguments = given;
    this.config = new LayerConfig(source.className, source.config, source.place);
    this.#configs = [this.config];
    this.inputs = tensorsIn(given.positional[0] ?? given.named.get("inputs"));
  }

  /** Builds the nodes, refuses what was not understood, and passes masks on. */
  run(): ValueId[] {
    const { className, build } = this.#source;
    const made = build(this);
    const outputs = [made].flat();
    this.#finish();
    const [input] = this.inputs;
    return outputs.map((output) => {
      if (this.#carried.has(output) || input === undefined) return output;
      const mask = this.argument("mask")?.kind === "tensor" ? () => this.mask(input)! : this.#graph.masks.get(input);
      if (output !== input) {
        if (mask && carriesMask(className)) this.#graph.masks.set(output, mask);
        return output;
      }
      if (!mask || carriesMask(className)) return output;
      // The layer does nothing to the values and loses the mask: a value of its own has none.
      const letters = lettersOf(this.axes(output));
      const attributes: Rearrange = { to: letters, letters };
      return this.emit("rearrange", attributes, [output]);
    });
  }

  #finish(): void {
    for (const config of this.#configs) config.finish();
    for (const part of this.#parts) part.#finish();
    this.#finishArguments();
    if (this.#lacking) throw this.#lacking;
  }

  #finishArguments(): void {
    const given: [string | number, Argument][] = [...this.#arguments.positional.entries(), ...this.#arguments.named];
    const spare = given.find(([key, argument]) => !this.#asked.has(key) && !isSilent(String(key), argument));
    if (!spare) return;
    const [key, argument] = spare;
    const name = typeof key === "number" ? `${key + 1}` : key;
    throw unsupportedOption(
      this.config.className,
      `call argument ${name}`,
      `got ${describeArgument(argument)}`,
      this.#source.place,
    );
  }

  like(className: string): ValueId | ValueId[] {
    const builder = kerasBuilder(className);
    if (!builder) return this.config.refuse("class", `${brief(className)} is none of Keras' own that are known here`);
    return builder(this);
  }

  type(value: ValueId): ValueType {
    return this.#graph.values[value]!.type;
  }

  argument(name: string, place?: number): Argument | undefined {
    this.#asked.add(name);
    if (place !== undefined) this.#asked.add(place);
    const { positional, named } = this.#arguments;
    const found = named.get(name) ?? (place === undefined ? undefined : positional[place]);
    return found && isSilent(name, found) ? undefined : found;
  }

  tensor(name: string, place?: number): ValueId | null {
    const found = this.argument(name, place);
    if (!found) return null;
    return found.kind === "tensor"
      ? found.tensor
      : this.config.refuse(`call argument ${name}`, `expected a tensor, got ${describeArgument(found)}`);
  }

  mask(input: ValueId = this.input()): ValueId | null {
    const given = this.tensor("mask");
    if (given !== null) {
      // One that the model computes bears the letters of its own history; here it masks the input's leading axes.
      const own = lettersOf(this.axes(given));
      return this.rearrange(given, own, lettersOf(this.axes(input)).slice(0, own.length));
    }
    const make = this.#graph.masks.get(input);
    return make ? make() : null;
  }

  masked(input: ValueId = this.input()): boolean {
    return this.tensor("mask") !== null || this.#graph.masks.has(input);
  }

  carry(output: ValueId, make: (() => ValueId) | null): void {
    this.#carried.add(output);
    let made: ValueId | undefined;
    if (make) this.#graph.masks.set(output, () => (made ??= make()));
    else this.#graph.masks.delete(output);
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

  weight(
    role: string,
    letters: string,
    shape: readonly number[],
    { scope = "", stored = shape, type }: Parameters<KerasCall["weight"]>[3] & object = {},
  ): void {
    const { layer, place } = this.#source;
    if (Object.hasOwn(layer.weights, role)) return;
    const array = this.#take(role, letters, stored, scope, type);
    if (type && array && array.dtype !== type)
      this.#lacking ??= invalidModel(`${layer.path}/${role}: expected numbers of ${type}, got ${array.dtype}`, place);
    // Of a layer that lacks something no graph comes, so nobody reads it.
    const variable = array ? { variable: array } : {};
    layer.weights[role] = { array: reshaped(array, shape), axes: namedAxes(letters, shape), ...variable };
  }

  /** The next variable, which has to have this shape. */
  #take(
    role: string,
    letters: string,
    stored: readonly number[],
    scope: string,
    type?: "int8",
  ): StoredArray | undefined {
    const { layer, place, variables } = this.#source;
    const expected = `${layer.path}/${role}: expected ${letters} = (${stored.join(", ")})`;
    const array = variables.take(scope, { text: expected, shape: stored, type, place });
    if (!array)
      this.#lacking ??= missingWeight(`${expected}, found no variable ${Object.keys(layer.weights).length}`, place);
    else if (array.shape.length !== stored.length || array.shape.some((size, axis) => size !== stored[axis]))
      this.#lacking ??= shapeMismatch(`${expected}, got (${array.shape.join(", ")})`, place);
    return array;
  }

  dequantize(role: string, letter: string, { stored }: { readonly stored?: readonly number[] } = {}): void {
    const { layer } = this.#source;
    const { array, axes } = layer.weights[role]!;
    // A shared layer's first call did it.
    if (array.dtype !== "int8") return;
    const { shape } = array;
    const along = axisIndex(axes, letter);
    const [count, inner] = [shape[along]!, elements(shape.slice(along + 1))];
    const scales = this.#take(`${role}_scale`, letter, stored ?? [count], "");
    const read = () => {
      const divisors = toFloat32(scales!);
      return toFloat32(array).map((integer, index) => integer / divisors[Math.floor(index / inner) % count]!);
    };
    layer.weights[role] = { array: { dtype: "float32", shape, read }, axes };
  }

  state(name: string, letters: string, sizes: readonly number[]): ValueId {
    const axes = [...letters].map((letter, index) => ({ letter, size: index === 0 ? null : sizes[index - 1]! }));
    return this.#graph.state(this.#stateName(name), axes);
  }

  keep(name: string, value: ValueId): void {
    this.#graph.keep(this.#stateName(name), value);
  }

  #stateName(name: string): string {
    return `${this.#source.path.replaceAll("/", ".")}.${name}`;
  }

  discard(count: number, again?: "again"): void {
    // A shared layer's variables are passed over once.
    if (this.#source.calls > 0) return;
    for (let index = 0; index < count; index++) this.#source.variables.pass(again === "again");
  }

  constant(role: string, letters: string, shape: readonly number[], numbers: ArrayLike<number>): void {
    const data = Float32Array.from(numbers);
    this.#source.layer.weights[role] = {
      array: { dtype: "float32", shape, read: () => data },
      axes: namedAxes(letters, shape),
    };
  }

  emit<A extends object>(
    kind: string,
    attributes: A,
    inputs: readonly ValueId[],
    weights: readonly string[] = [],
  ): ValueId {
    return this.emitAll(kind, attributes, inputs, weights)[0]!;
  }

  emitAll<A extends object>(
    kind: string,
    attributes: A,
    inputs: readonly ValueId[],
    weights: readonly string[] = [],
  ): ValueId[] {
    const spec = facet<OpSpec<A>>(specs, kind);
    const given = inputs.map((input) => this.#graph.values[input]!);
    const results = spec.infer(
      attributes,
      given.map(({ axes }) => axes),
    );
    const largest = Math.max(...results.flat().map((axis) => axis.size ?? 0));
    if (largest > 2 ** 31) throw invalidModel(`a dimension of ${largest} elements is too large`, this.#source.place);
    const types = spec.types?.(
      attributes,
      given.map(({ type }) => type),
    );
    const { path, layer } = this.#source;
    const outputs = results.map((axes, index) => this.#graph.value(path, axes, types?.[index] ?? given[0]!.type));
    this.#graph.node({ kind, attributes, inputs, outputs, layer, weights });
    return outputs;
  }

  nested(key: string, object: unknown): KerasConfig {
    const { className, config } = this.#object(key, object);
    const nested = new LayerConfig(className, config, this.#source.place);
    this.#configs.push(nested);
    return nested;
  }

  #object(key: string, object: unknown): { className: string; config: Json } {
    if (isObject(object) && typeof object.class_name === "string" && isObject(object.config))
      return { className: object.class_name, config: object.config };
    return this.config.refuse(key, `${brief(object)} is not an object of Keras`);
  }

  part(name: string, object: unknown, scope: string, inputs: readonly ValueId[]): Call {
    const { className, config } = this.#object(name, object);
    const { parts, path, place, variables, open } = this.#source;
    const build = kerasBuilder(className) ?? (() => this.config.refuse(name, `layer ${className} is not supported`));
    const source: KerasLayer = parts.get(name) ?? {
      path: `${path}/${name}`,
      className,
      config,
      place: [...place, name],
      build,
      variables: variables.part(scope, { name, className, config }),
      layer: { path: `${path}/${name}`, className, weights: {} },
      parts: new Map(),
      inner: new Map(),
      open: (inner, under) => open(inner, `${scope}/${under}`),
      calls: 0,
    };
    parts.set(name, source);
    const part = new Call(source, this.#graph, {
      positional: [{ kind: "list", entries: inputs.map((tensor) => ({ kind: "tensor", tensor })) }],
      named: new Map(),
    });
    this.#parts.push(part);
    return part;
  }

  apply(object: unknown, scope: string, inputs: readonly ValueId[]): ValueId[] {
    const { inner, open } = this.#source;
    if (!isObject(object)) return this.config.refuse(scope, `${brief(object)} is not a layer`);
    const call = inner.get(scope) ?? open(object, scope);
    inner.set(scope, call);
    return call(inputs);
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
      const part = this.part("activation", activation, "activation", [value]);
      const [output, ...more] = [part.#source.build(part)].flat();
      if (output === undefined || more.length > 0)
        return this.config.refuse("activation", `layer ${part.config.className} has several outputs`);
      return output;
    }
    return this.config.refuse("activation", `${brief(activation)} is not a name or a layer`);
  }
}

/** Adds the nodes of one call of a layer; gives its outputs. `index` is the call's number, counted if not given. */
export function callLayer(
  source: KerasLayer,
  graph: GraphBuilder,
  given: CallArguments,
  index = source.calls,
): ValueId[] {
  const outputs = located(source.place, () => new Call(source, graph, given).run());
  graph.call(source.layer, index, outputs);
  source.calls++;
  return outputs;
}

/** The inputs of a model's call, under the masks that the call names. */
export function maskedInputs(source: Omit<KerasLayer, "build">, graph: GraphBuilder, given: CallArguments): ValueId[] {
  return located(source.place, () => new Call({ ...source, build: underMasks }, graph, given).run());
}

/** The values themselves, or values of their own where the call masks them. */
function underMasks(call: KerasCall): ValueId[] {
  const masks = call.argument("mask");
  const listed = masks?.kind === "list" ? masks.entries : [masks];
  return call.inputs.map((input, index) => {
    const mask = listed[index];
    if (mask === undefined || (mask.kind === "constant" && mask.value === null)) return input;
    if (mask.kind !== "tensor")
      return call.config.refuse("call argument mask", `expected tensors, got ${describeArgument(mask)}`);
    const own = lettersOf(call.axes(mask.tensor));
    const letters = lettersOf(call.axes(input));
    const value = call.emit<Rearrange>("rearrange", { to: letters, letters }, [input]);
    call.carry(value, () => call.rearrange(mask.tensor, own, letters.slice(0, own.length)));
    return value;
  });
}

/** Fails when the file holds variables that the layer's options do not account for. */
export function checkVariables({ path, className, layer, variables, calls, place }: KerasLayer): void {
  const spare = calls > 0 ? variables.left() : 0;
  if (spare > 0) {
    const taken = Object.keys(layer.weights).length;
    throw shapeMismatch(`${path}: expected ${taken} variables for this ${className}, found ${taken + spare}`, place);
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
