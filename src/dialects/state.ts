/**
 * state: a graph in the metadata of a safetensors file, beside a PyTorch state dict
 *
 * The tensors are in PyTorch's layouts, so that `safetensors.torch.load_file` gives a state dict; the metadata says what
 * they mean: under `channelwise`, JSON with inputs, operators, and for every weight its tensor and its layout on both
 * sides. Shapes of all values follow from those of the inputs.
 *
 *     {"version": 1, "name": "net",
 *      "inputs":  [{"name": "signal", "layout": "NLC", "shape": [null, 128, 9], "type": "float32"}],
 *      "layers":  [{"path": "conv1d", "class": "Conv1D",
 *                   "weights": {"kernel": {"tensor": "conv1d.weight", "torch": "OIK", "keras": "KIO"}}}],
 *      "nodes":   [{"op": "conv1d", "layer": 0, "inputs": [0], "outputs": [1], "weights": ["kernel"], "layouts": ["NLC"],
 *                   "attributes": {"taps": 3, …}}],
 *      "calls":   [{"name": "conv1d", "layer": 0, "outputs": [1]}],
 *      "outputs": [{"name": "conv1d", "value": 1}]}
 *
 * A merged axis of a weight has `parts`: the pieces, in each side's order, with their sizes. A weight that PyTorch holds in
 * several tensors, or beside others in one, has `shape` and `pieces` instead of a tensor:
 *
 *     {"keras": "IO", "shape": [5, 24], "pieces": [{"tensor": "gru.weight_ih_l0", "torch": "OI", "row": 0,
 *                                                   "start": [0, 8], "size": [5, 8]}, …]}
 */
import {
  type Axes,
  type Axis,
  describeAxes,
  layoutText,
  lettersOf,
  namedAxes,
  parseLayout,
  type Part,
  rearrangeArray,
  shapeOf,
} from "../axes.ts";
import { putBox } from "../strided.ts";
import { reordered, toFloat32 } from "../bytes/numbers.ts";
import { ChannelwiseError, corruptFile, invalidModel, missingWeight, unsupportedFeature } from "../error.ts";
import { isRecord, parseJson } from "../formats/json.ts";
import type { SafetensorsFile } from "../formats/safetensors.ts";
import { GraphBuilder } from "../graph/build.ts";
import { type Graph, type Layer, layersOf, type Port, type ValueId, type Weight } from "../graph/graph.ts";
import type { OpSpec } from "../ops/facets.ts";
import { facet, type OpKind, specs } from "../ops/index.ts";
import type { StoredArray } from "../tensor.ts";
import { count, natural, type Schema, wrongAttribute } from "../ops/schema.ts";

/** The metadata key. */
export const graphKey = "channelwise";
const version = 1;

/** Where a weight, or a part of one, lies in the state dict: `from` as Keras has it, `to` as the tensor does. */
export interface TensorPlace {
  readonly tensor: string;
  readonly from: Axes;
  readonly to: Axes;
  /** Where the part begins along Keras' axes; null for the whole weight. */
  readonly start: readonly number[] | null;
  /** The first of the tensor's rows that hold it; null where it is the whole tensor. */
  readonly row: number | null;
}

/** The metadata that makes a state dict a model. */
export function describeGraph(graph: Graph, places: (layer: Layer, role: string) => readonly TensorPlace[]): string {
  const layers = layersOf(graph);
  // Values are numbered as they come about: the inputs, then the outputs of each node.
  const made = [...graph.inputs.map((port) => port.value), ...graph.nodes.flatMap((node) => node.outputs)];
  const numbers = new Map(made.map((value, index) => [value, index]));
  const number = (value: ValueId) => numbers.get(value)!;
  return JSON.stringify({
    version,
    name: graph.name,
    inputs: graph.inputs.map(({ name, value, state }) => {
      const { axes, type } = graph.values[value]!;
      return { name, layout: layoutText(axes), shape: shapeOf(axes), type, ...(state && { state }) };
    }),
    layers: layers.map((layer) => ({
      path: layer.path,
      class: layer.className,
      weights: Object.fromEntries(
        Object.entries(layer.weights).map(([role, weight]) => [role, describeWeight(weight, places(layer, role))]),
      ),
    })),
    nodes: graph.nodes.map((node) => ({
      op: node.kind,
      layer: layers.indexOf(node.layer),
      inputs: node.inputs.map(number),
      outputs: node.outputs.map(number),
      weights: node.weights,
      layouts: node.outputs.map((value) => layoutText(graph.values[value]!.axes)),
      attributes: node.attributes,
    })),
    calls: graph.calls.map((call) => ({
      name: call.name,
      layer: layers.indexOf(call.layer),
      outputs: call.outputs.map(number),
    })),
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: number(value) })),
  });
}

function describeWeight({ axes }: Weight, places: readonly TensorPlace[]): object {
  const [first] = places as [TensorPlace, ...TensorPlace[]];
  if (places.length === 1 && first.start === null && first.row === null) return describeTensor(first);
  return {
    keras: lettersOf(axes),
    shape: shapeOf(axes),
    pieces: places.map(({ tensor, from, to, start, row }) => ({
      tensor,
      torch: lettersOf(to),
      row: row ?? 0,
      start: start ?? from.map(() => 0),
      size: shapeOf(from),
    })),
  };
}

function describeTensor({ tensor, from, to }: TensorPlace): object {
  const parts = (axes: Axes) => axes.find((axis) => axis.segments)?.segments;
  const merged = parts(from);
  const letter = from.find((axis) => axis.segments)?.letter;
  return {
    tensor,
    torch: lettersOf(to),
    keras: lettersOf(from),
    ...(merged
      ? { parts: { letter, torch: parts(to), keras: merged, layouts: `${layoutText(from)} -> ${layoutText(to)}` } }
      : {}),
  };
}

/**
 * The graph of a file that `describeGraph` described.
 *
 * @throws {ChannelwiseError} `unsupported-feature` for a bare state dict, `invalid-model`, `missing-weight` or
 *   `corrupt-file` for metadata that does not hold together
 */
export function graphFromState(file: SafetensorsFile, place: readonly string[]): Graph {
  const where = [...place, "__metadata__", graphKey];
  const text = Object.hasOwn(file.metadata, graphKey) ? file.metadata[graphKey] : undefined;
  if (text === undefined) {
    throw unsupportedFeature(
      "the file holds weights and no model",
      place,
      "convert the Keras model with channelwise, which writes the model beside the weights",
    );
  }
  const json = parseJson(new TextEncoder().encode(text), where);
  if (!isRecord(json) || json.version !== version) {
    throw unsupportedFeature(
      `expected version ${version} of the graph, got ${isRecord(json) ? JSON.stringify(json.version) : "none"}`,
      where,
      "update channelwise",
    );
  }
  try {
    return new Reader(file, json, where).graph();
  } catch (error) {
    // Shape rules fail with plain errors for letters that are not there.
    if (error instanceof ChannelwiseError)
      throw error.where.length > 0 ? error : where.reduceRight((inner, outer) => inner.within(outer), error);
    throw invalidModel(error instanceof Error ? error.message : String(error), where);
  }
}

class Reader {
  readonly #file: SafetensorsFile;
  readonly #json: Record<string, unknown>;
  readonly #where: readonly string[];
  readonly #graph = new GraphBuilder();

  constructor(file: SafetensorsFile, json: Record<string, unknown>, where: readonly string[]) {
    this.#file = file;
    this.#json = json;
    this.#where = where;
  }

  graph(): Graph {
    const inputs = this.#list("inputs").map((entry): Port => {
      const name = this.#text(entry, "name");
      const value = this.#input(entry);
      if (entry.state === undefined) return { name, value };
      const { axes, type } = this.#graph.values[value]!;
      if (entry.state !== true || type !== "float32" || axes.slice(1).some(({ size }) => size === null))
        this.#refuse(`input ${name} as a state`);
      return { name, value, state: true };
    });
    const layers = this.#list("layers").map((entry) => this.#layer(entry));
    const layer = (entry: Record<string, unknown>) => {
      const found = layers[Number(entry.layer)];
      return found && natural(entry.layer) ? found : this.#refuse(`layer ${JSON.stringify(entry.layer)}`);
    };
    for (const entry of this.#list("nodes")) this.#node(entry, layer(entry));
    this.#list("calls").forEach((entry) => {
      if (!Array.isArray(entry.outputs) || entry.outputs.length === 0) this.#refuse("a call without outputs");
      this.#graph.calls.push({
        name: this.#text(entry, "name"),
        layer: layer(entry),
        outputs: this.#values(entry.outputs),
      });
    });
    const outputs = this.#list("outputs").map((entry) => ({
      name: this.#text(entry, "name"),
      value: this.#values([entry.value])[0]!,
    }));
    if (inputs.length === 0 || outputs.length === 0) this.#refuse("a model without inputs or outputs");
    for (const ports of [inputs, outputs]) {
      if (new Set(ports.map((port) => port.name)).size !== ports.length) this.#refuse("two ports of one name");
    }
    return this.#graph.finish(this.#text(this.#json, "name"), inputs, outputs);
  }

  #refuse(what: string): never {
    throw corruptFile(`unexpected ${what}`, this.#where);
  }

  #list(key: string): Record<string, unknown>[] {
    const list = this.#json[key];
    if (!Array.isArray(list) || !list.every(isRecord)) return this.#refuse(`${key}, which is not a list of objects`);
    return list;
  }

  #text(entry: Record<string, unknown>, key: string): string {
    const text = entry[key];
    return typeof text === "string" ? text : this.#refuse(`${key} ${JSON.stringify(text)}`);
  }

  #values(ids: unknown): number[] {
    if (!Array.isArray(ids) || !ids.every((id) => natural(id) && id < this.#graph.values.length))
      return this.#refuse(`values ${JSON.stringify(ids)}`);
    return ids;
  }

  #input(entry: Record<string, unknown>): number {
    const { shape, type } = entry;
    const layout = parseLayout(this.#text(entry, "layout"));
    const letters = layout.map(([group]) => group!.join(""));
    if (letters.some((letter) => letter.length !== 1) || new Set(letters).size !== letters.length)
      this.#refuse(`layout ${entry.layout}`);
    if (
      !Array.isArray(shape) ||
      shape.length !== letters.length ||
      !shape.every((size) => size === null || natural(size))
    )
      return this.#refuse("shape");
    if (type !== "float32" && type !== "int32" && type !== "bool") return this.#refuse(`type ${JSON.stringify(type)}`);
    // The batch comes first and is open; engine and shape rules rely on it.
    if (letters[0] !== "N" || shape[0] !== null) return this.#refuse(`batch in ${entry.layout}`);
    const axes = letters.map((letter, index): Axis => ({ letter, size: shape[index] }));
    return this.#graph.value(this.#text(entry, "name"), axes, type);
  }

  #layer(entry: Record<string, unknown>): Layer {
    const { weights } = entry;
    if (!isRecord(weights)) return this.#refuse("weights");
    return {
      path: this.#text(entry, "path"),
      className: this.#text(entry, "class"),
      weights: Object.fromEntries(Object.entries(weights).map(([role, weight]) => [role, this.#weight(role, weight)])),
    };
  }

  #weight(role: string, entry: unknown): Weight {
    if (!isRecord(entry)) return this.#refuse(`weight ${role}`);
    if (entry.pieces !== undefined) return this.#stacked(role, entry);
    const name = this.#text(entry, "tensor");
    const tensor = this.#tensor(name);
    const torch = this.#text(entry, "torch");
    const keras = this.#text(entry, "keras");
    if (
      torch.length !== tensor.shape.length ||
      [...torch].sort().join("") !== [...keras].sort().join("") ||
      new Set(torch).size !== torch.length
    ) {
      return this.#refuse(`layouts ${torch} and ${keras} of ${name} with ${tensor.shape.length} dimensions`);
    }
    const sizes = new Map([...torch].map((letter, index) => [letter, tensor.shape[index]!]));
    const plain = (letters: string) => [...letters].map((letter): Axis => ({ letter, size: sizes.get(letter)! }));
    const merged = this.#merged(entry.parts, sizes);
    const withParts = (axes: Axis[], side: "torch" | "keras") =>
      axes.map((axis) => (axis.letter === merged?.letter ? { ...axis, segments: merged[side] } : axis));
    const [from, to] = [withParts(plain(torch), "torch"), withParts(plain(keras), "keras")];
    return { array: reordered(tensor, from, to), axes: plain(keras) };
  }

  #tensor(name: string): StoredArray {
    const tensor = this.#file.tensors.get(name);
    if (!tensor) throw missingWeight(`expected a tensor ${name}, found none`, this.#where);
    return tensor;
  }

  /** A weight in pieces, which fill it without overlapping. */
  #stacked(role: string, entry: Record<string, unknown>): Weight {
    const keras = this.#text(entry, "keras");
    const { shape, pieces } = entry;
    const sizes = (list: unknown, check: (value: unknown) => boolean): number[] =>
      Array.isArray(list) && list.length === keras.length && list.every(check)
        ? list
        : this.#refuse(`sizes ${JSON.stringify(list)} in weight ${role}`);
    const whole = sizes(shape, count);
    if (new Set(keras).size !== keras.length || !Array.isArray(pieces) || pieces.length > 64)
      return this.#refuse(`weight ${role}`);
    const read = pieces.map((piece: unknown) => {
      if (!isRecord(piece)) return this.#refuse(`piece of weight ${role}`);
      const tensor = this.#tensor(this.#text(piece, "tensor"));
      const [start, size] = [sizes(piece.start, natural), sizes(piece.size, count)];
      const torch = this.#text(piece, "torch");
      const inner = [...torch].map((letter) => size[keras.indexOf(letter)] ?? this.#refuse(`layout ${torch}`));
      const { row } = piece;
      const fits =
        natural(row) &&
        new Set(torch).size === torch.length &&
        torch.length === tensor.shape.length &&
        inner.every((own, axis) => (axis === 0 ? row + own <= tensor.shape[0]! : own === tensor.shape[axis])) &&
        size.every((own, axis) => start[axis]! + own <= whole[axis]! && (own === 1 || torch.includes(keras[axis]!)));
      if (!fits) return this.#refuse(`piece of weight ${role}: ${JSON.stringify(piece)}`);
      return { tensor, torch, start, size, row: row as number, inner };
    });
    const volume = (list: readonly number[]) => list.reduce((all, size) => all * size, 1);
    const apart = read.every((one, index) =>
      read
        .slice(index + 1)
        .every((other) =>
          one.start.some(
            (first, axis) =>
              first + one.size[axis]! <= other.start[axis]! || other.start[axis]! + other.size[axis]! <= first,
          ),
        ),
    );
    if (!apart || read.reduce((sum, { size }) => sum + volume(size), 0) !== volume(whole))
      return this.#refuse(`pieces of weight ${role}, which do not fill it`);
    const assemble = () => {
      const data = new Float32Array(volume(whole));
      for (const { tensor, torch, start, size, row, inner } of read) {
        const values = toFloat32(tensor).subarray(row * volume(inner.slice(1)));
        const part = rearrangeArray(values.slice(0, volume(inner)), namedAxes(torch, inner), namedAxes(keras, size));
        putBox(data, whole, size, start, part);
      }
      return data;
    };
    return { array: { dtype: "float32", shape: whole, read: assemble }, axes: namedAxes(keras, whole) };
  }

  /** The pieces of a weight's merged axis in both orders: the same pieces, which fill the axis. */
  #merged(
    entry: unknown,
    sizes: ReadonlyMap<string, number>,
  ): { letter: string; torch: Part[][]; keras: Part[][] } | null {
    if (entry === undefined) return null;
    if (!isRecord(entry)) return this.#refuse("parts");
    const letter = this.#text(entry, "letter");
    const isPart = (part: unknown): part is Part =>
      isRecord(part) && typeof part.letter === "string" && natural(part.size);
    const isSegments = (list: unknown): list is Part[][] =>
      Array.isArray(list) && list.every((parts) => Array.isArray(parts) && parts.every(isPart));
    const { torch, keras } = entry;
    if (!isSegments(torch) || !isSegments(keras)) return this.#refuse("parts");
    const total = (segments: Part[][]) =>
      segments.reduce((sum, parts) => sum + parts.reduce((all, part) => all * part.size!, 1), 0);
    const pieces = (segments: Part[][]) =>
      JSON.stringify(segments.map((parts) => parts.map((part) => `${part.letter}${part.size}`).sort()));
    const distinct = torch.every((parts) => new Set(parts.map((part) => part.letter)).size === parts.length);
    if (!distinct || total(torch) !== sizes.get(letter) || pieces(torch) !== pieces(keras))
      return this.#refuse(`parts of axis ${letter}`);
    return { letter, torch, keras };
  }

  #node(entry: Record<string, unknown>, layer: Layer): void {
    const kind = this.#text(entry, "op");
    const { attributes, weights } = entry;
    if (!Object.hasOwn(specs, kind) || !isRecord(attributes)) return this.#refuse(`operator ${kind}`);
    const spec = facet<OpSpec<object>>(specs, kind as OpKind);
    const wrong = wrongAttribute(spec.attributes as Schema<Record<string, unknown>>, attributes);
    if (wrong !== null) return this.#refuse(`attribute ${wrong} of ${kind}: ${JSON.stringify(attributes[wrong])}`);
    const { axis, axes: several } = attributes as { axis?: unknown; axes?: unknown };
    if ([axis, several].some((text) => typeof text === "string" && text.includes("N")))
      return this.#refuse(`batch axis in ${kind}`);
    if (
      !Array.isArray(weights) ||
      !weights.every(
        (role) => typeof role === "string" && Object.hasOwn(layer.weights, role) && Object.hasOwn(spec.weights, role),
      )
    ) {
      return this.#refuse(`weights ${JSON.stringify(weights)} of ${kind}`);
    }
    const inputs = this.#values(entry.inputs);
    if (inputs.length === 0) return this.#refuse(`${kind} without inputs`);
    const given = inputs.map((id) => this.#graph.values[id]!.axes);
    this.#checkWeights(kind, spec, spec.shapes?.(attributes, given) ?? {}, layer, weights);
    const results = spec.infer(attributes, given);
    for (const axes of results) {
      if (!axes.every(({ letter, size }) => /^[A-Z]$/.test(letter) && (size === null || count(size))))
        return this.#refuse(`sizes ${layoutText(axes)} of ${kind}`);
    }
    const types = inputs.map((id) => this.#graph.values[id]!.type);
    const own = spec.types?.(attributes, types);
    const outputs = results.map((axes, index) => this.#graph.value(layer.path, axes, own?.[index] ?? types[0]!));
    const same = (list: unknown, wanted: unknown) => JSON.stringify(list) === JSON.stringify(wanted);
    if (!same(entry.outputs, outputs) || !same(entry.layouts, results.map(layoutText)))
      return this.#refuse(`outputs ${JSON.stringify(entry.outputs)} of ${kind}`);
    this.#graph.node({ kind, attributes, inputs, outputs, layer, weights });
  }

  #checkWeights(
    kind: string,
    spec: OpSpec<object>,
    shapes: Readonly<Record<string, readonly (number | null)[]>>,
    layer: Layer,
    roles: readonly string[],
  ): void {
    for (const [role, { keras, optional, type = "float32" }] of Object.entries(spec.weights)) {
      if (!roles.includes(role)) {
        if (!optional) this.#refuse(`${kind} without ${role}`);
        continue;
      }
      const { axes, array } = layer.weights[role]!;
      if (array.dtype !== type) this.#refuse(`${role} of ${layer.path}: expected ${type}, got ${array.dtype}`);
      const expected = shapes[role]!;
      if (
        axes.map((axis) => axis.letter).join("") !== keras ||
        axes.some((axis, index) => axis.size !== expected[index])
      ) {
        this.#refuse(
          `${role} of ${layer.path}: expected ${keras} = (${expected.join(", ")}), got ${describeAxes(axes)}`,
        );
      }
    }
  }
}
