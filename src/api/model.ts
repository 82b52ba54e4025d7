/**
 * model: a loaded model, ready to predict
 */
import {
  type Axes,
  describeAxes,
  inOrder,
  layoutText,
  lettersOf,
  namedAxes,
  rearrangeArray,
  shapeOf,
} from "../axes.ts";
import { Engine, type EngineValue } from "../backends/wasm/engine.ts";
import type { NodeResults } from "../backends/wasm/node-results.ts";
import type { Program } from "../backends/wasm/program.ts";
import { Pool } from "../backends/wasm/pool.ts";
import { invalidInput, wrongOption } from "../error.ts";
import type { Graph, Port, ValueId, ValueType } from "../graph/graph.ts";
import type { ConvolutionChoice } from "../ops/facets.ts";
import { vocabularyOf } from "../ops/embedding.ts";
import { type KernelSource, loadKernels } from "../platform/kernels.ts";
import { type OptionNames, requireChoice } from "../options.ts";
import { elements, type Tensor, type TensorData } from "../tensor.ts";

/** An input or an output of a model. */
export interface ModelPort {
  readonly name: string;
  /** Its axes as the source has them: `NLC` for a series out of Keras. */
  readonly layout: string;
  /** Sizes by axis; null for the batch and for what is known only when the model runs. */
  readonly shape: readonly (number | null)[];
  readonly type: ValueType;
  /** Of an input: what the output of this name gave for the batch before; left out, it is zeros, as at the start. */
  readonly state?: true;
}

/** One input: numbers in the order of the model's layout, or a tensor that says its own order. */
export type Input = TensorData | Tensor;

/**
 * A model in memory. Made by `load`; `dispose` gives its memory back.
 */
export class Model {
  /** The file's name, or "model". */
  readonly name: string;
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  /** What the file holds, e.g. `Keras 3.15.1`. */
  readonly origin: string;
  /**
   * What a reader of the file should know: where it means something else than Keras 3 takes it for, what it does not say and
   * what was taken for it, what was not read.
   */
  readonly notes: readonly string[];
  /** @internal */
  readonly graph: Graph;
  /** @internal */
  readonly kernels: WebAssembly.Module;
  readonly #engine: Engine;

  /** @internal */
  constructor(
    graph: Graph,
    name: string,
    origin: string,
    kernels: WebAssembly.Module,
    pool: Pool | null = null,
    notes: readonly string[] = [],
    convolution: ConvolutionChoice = "auto",
  ) {
    this.graph = graph;
    this.kernels = kernels;
    this.name = name;
    this.origin = origin;
    this.notes = notes;
    this.inputs = graph.inputs.map((port) => describePort(graph, port));
    this.outputs = graph.outputs.map((port) => describePort(graph, port));
    this.#engine = new Engine(graph, kernels, pool, convolution);
  }

  /**
   * Runs the model.
   *
   * @param input numbers of the only input that is no state, row-major in the model's layout (`NLC` for a series out of Keras; the batch
   *   follows from the length), or a Tensor in any order of the same axes, or a record of those by input name
   * @returns the output in its own layout and shape, or a record by output name where there are several
   * @throws {ChannelwiseError} `invalid-input` when names, layouts or sizes do not fit; `disposed` after `dispose`
   */
  predict(input: Input | Readonly<Record<string, Input>>): Tensor | Record<string, Tensor> {
    return this.#named(this.predictAll(input));
  }

  /**
   * Like `predict`, on the model's threads if it was loaded with several: the same numbers, bit for bit. The caller's own
   * thread stays free meanwhile. Predictions run one after another, in the order of the calls, each with the numbers that its
   * input held at the call. `predict` may be called in between; it computes in the caller's thread, in memory of its own.
   *
   * @throws {ChannelwiseError} as a rejection: what `predict` throws; `disposed` also when the model is disposed of before the
   *   prediction is done; `thread-broken` when a thread was lost, for this call and all later ones
   */
  async predictAsync(input: Input | Readonly<Record<string, Input>>): Promise<Tensor | Record<string, Tensor>> {
    const given = this.read(input);
    const values = await this.#engine.runAsync(
      given.map(({ data }) => data),
      given.map(({ shape }) => shape),
    );
    return this.#named(tensorsOf(values));
  }

  #named(tensors: Tensor[]): Tensor | Record<string, Tensor> {
    if (tensors.length === 1) return tensors[0]!;
    return Object.fromEntries(tensors.map((tensor, index) => [this.outputs[index]!.name, tensor]));
  }

  /** Like `predict`, with the outputs as a list in the order of `outputs`, also where there is one. */
  predictAll(input: Input | Readonly<Record<string, Input>>): Tensor[] {
    const given = this.read(input);
    const values = this.#engine.run(
      given.map(({ data }) => data),
      given.map(({ shape }) => shape),
    );
    return tensorsOf(values);
  }

  /**
   * Runs the model and gives the output of every layer by its name: `conv1d`, `conv1d@1` for a shared layer's second call,
   * `lstm:1` for a layer's second tensor. Convolutions are computed directly (`EngineOptions.convolution`).
   */
  layers(input: Input | Readonly<Record<string, Input>>): Map<string, Tensor> {
    const values = this.values(input);
    const result = new Map<string, Tensor>();
    for (const call of this.graph.calls) {
      call.outputs.forEach((id, index) => {
        const { data, axes } = values.get(id)!;
        const name = index === 0 ? call.name : `${call.name}:${index}`;
        result.set(name, { data, layout: layoutText(axes), shape: shapeOf(axes) as number[] });
      });
    }
    return result;
  }

  /**
   * @internal What `predictAll` gives with `convolution: "direct"`, for those who ask once.
   * @param known what `values` computed of the same inputs
   */
  predictOnce(input: Input | Readonly<Record<string, Input>>, known?: NodeResults): Tensor[] {
    const given = this.read(input);
    const values = this.#engine.runOnce(
      given.map(({ data }) => data),
      given.map(({ shape }) => shape),
      known,
    );
    return tensorsOf(values);
  }

  /** @internal Every value of the graph, in the source's order of axes. Where the model is large, `known` takes what is computed. */
  values(input: Input | Readonly<Record<string, Input>>, known?: NodeResults): Map<ValueId, EngineValue> {
    const given = this.read(input);
    return this.#engine.runAll(
      given.map(({ data }) => data),
      given.map(({ shape }) => shape),
      known,
    );
  }

  /** How many threads `predictAsync` computes with: as many as asked for, or 1 where the runtime has none to share memory with. */
  get threads(): number {
    return this.#engine.threads;
  }

  /** @internal What computes inputs of these sizes: the memory that is planned, and the kernels. */
  program(shapes: readonly (readonly number[])[]): Pick<Program, "arena" | "kernels"> {
    return this.#engine.program(shapes);
  }

  /** Bytes of WebAssembly memory that the model holds; 0 after `dispose`. */
  get memoryBytes(): number {
    return this.#engine.memoryBytes;
  }

  /** Gives the model's memory back, and ends its threads. Any later use throws `disposed`; predictions under way are rejected. */
  dispose(): void {
    this.#engine.dispose();
  }

  /** @internal Inputs in the graph's order, as numbers in the graph's layout with their sizes. */
  read(input: Input | Readonly<Record<string, Input>>): { data: TensorData; shape: number[] }[] {
    const ports = this.graph.inputs;
    if (
      typeof input !== "object" ||
      input === null ||
      Array.isArray(input) ||
      (ArrayBuffer.isView(input) && !isNumbers(input))
    ) {
      throw invalidInput(`expected numbers, got ${typeName(input)}`, inputKinds);
    }
    const single = isNumbers(input) || isTensor(input);
    const [first, ...others] = ports.filter((port) => !port.state);
    if (single && others.length > 0) {
      throw invalidInput(`expected a record with ${ports.map((port) => port.name).join(", ")}, got one array`);
    }
    const record = single ? { [first!.name]: input } : input;
    const spare = Object.keys(record).find((name) => !ports.some((port) => port.name === name));
    if (spare !== undefined)
      throw invalidInput(`expected inputs ${ports.map((port) => port.name).join(", ")}, got ${spare}`);
    const numbers = ports.map(({ name, value, state }) => {
      const own = Object.hasOwn(record, name) ? record[name] : undefined;
      if (own === undefined) return state ? null : missing(name);
      const numbers = readInput(name, own, this.graph.values[value]!.axes);
      requireIds(name, numbers.data, vocabularyOf(this.graph, value));
      return numbers;
    });
    const batch = numbers.find((entry) => entry !== null)?.shape[0] ?? 1;
    const given = numbers.map((entry, index) => {
      if (entry) return entry;
      const shape = this.graph.values[ports[index]!.value]!.axes.map(({ size }, axis) => (axis === 0 ? batch : size!));
      return { data: new Float32Array(elements(shape)), shape };
    });
    const batches = new Set(given.map(({ shape }) => shape[0]));
    if (batches.size > 1)
      throw invalidInput(`expected one batch size in all inputs, got ${[...batches].join(" and ")}`);
    return given;
  }
}

function missing(name: string): never {
  throw invalidInput(`input ${name} is missing`);
}

/** Refuses an id that is no row of the table that an Embedding looks it up in. */
function requireIds(name: string, data: TensorData, vocabulary: number | null): void {
  if (vocabulary === null) return;
  const wrong = data.findIndex((id) => !(Math.trunc(id) >= 0 && Math.trunc(id) < vocabulary));
  if (wrong < 0) return;
  throw invalidInput(
    `input ${name}: expected ids from 0 to ${vocabulary - 1}, got ${data[wrong]} at place ${wrong}`,
    "an Embedding looks them up in a table of that many rows; check the vocabulary that made them",
  );
}

/** What models are made with, beside their graph. */
export interface EngineOptions {
  /**
   * The kernels, for whoever wants to deliver or compile them apart: `channelwise/kernels.wasm` or `channelwise/kernels.relaxed.wasm` of
   * the same version, as a module, bytes, a Response or a URL. By default they are in the package.
   */
  readonly kernels?: KernelSource;
  /**
   * Threads that `predictAsync` computes with; default 1. More need shared memory and workers: Node, Deno, Bun, and pages that
   * are cross-origin isolated and whose policy allows `worker-src blob:`. Anywhere else, and together with `kernels`, there is
   * one; and a prediction of a millisecond or less is left to the caller's. Threads don't keep a process alive, except while
   * they compute; `dispose` ends them.
   */
  readonly threads?: number;
  /**
   * `direct`: convolutions sum all their products. `auto`, the default: those that gain a quarter or more by it are computed with
   * a half to a third of the multiplications (Toom-Cook, as cuDNN's and oneDNN's Winograd), by weights of 1.7 to 2.7 times the size. Over a
   * thousand random shapes they were at most 3.8e-6 of the largest output from float64, direct ones 4.9e-6
   * (bench/results/errors.node-24.md). The error is of the size of the sums around an output, not of each output; and an infinity or NaN in
   * the input reaches outputs beside those that see it.
   */
  readonly convolution?: ConvolutionChoice;
}

/** Their names. */
export const engineOptions: OptionNames<EngineOptions> = { kernels: true, threads: true, convolution: true };

/** A model with its threads started. */
export async function openModel(
  graph: Graph,
  name: string,
  origin: string,
  options: EngineOptions,
  notes: readonly string[] = [],
): Promise<Model> {
  const { kernels, threads = 1, convolution = "auto" } = options;
  requireChoice("convolution", ["auto", "direct"], convolution);
  if (!Number.isInteger(threads) || threads < 1) throw wrongOption("threads", ["an integer from 1 up"], threads);
  const module = await loadKernels(kernels);
  const pool = threads > 1 && kernels === undefined ? await Pool.open(threads) : null;
  try {
    return new Model(graph, name, origin, module, pool, notes, convolution);
  } catch (error) {
    pool?.close();
    throw error;
  }
}

function tensorsOf(values: readonly EngineValue[]): Tensor[] {
  return values.map(({ data, axes }) => ({ data, layout: layoutText(axes), shape: shapeOf(axes) as number[] }));
}

/** A port as those see it who use the model. */
export function describePort(graph: Graph, { name, value, state }: Port): ModelPort {
  const { axes, type } = graph.values[value]!;
  return { name, layout: layoutText(axes), shape: shapeOf(axes), type, ...(state && { state }) };
}

function isNumbers(input: unknown): input is TensorData {
  return input instanceof Float32Array || input instanceof Int32Array;
}

function isTensor(input: unknown): input is Tensor {
  return (
    typeof input === "object" &&
    input !== null &&
    "data" in input &&
    "layout" in input &&
    typeof input.layout === "string"
  );
}

/** What a message calls a value that is no input. */
function typeName(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return ArrayBuffer.isView(value) ? value.constructor.name : value === null ? "null" : typeof value;
}

const inputKinds = "give a Float32Array, an Int32Array, a Tensor, or a record of those by input name";

/** One input as numbers in the order of `axes`, with its sizes. */
function readInput(name: string, input: Input, axes: Axes): { data: TensorData; shape: number[] } {
  const expected = `input ${name}: expected ${describeAxes(axes)}`;
  if (isNumbers(input)) return { data: input, shape: flatShape(input, axes, expected) };
  if (!isTensor(input) || !isNumbers(input.data) || !Array.isArray(input.shape)) {
    throw invalidInput(`${expected}, got ${typeName(input)}`, inputKinds);
  }
  const letters = [...lettersOf(axes)];
  const same = input.layout === layoutText(axes);
  if (!same && (input.layout.length !== letters.length || letters.some((letter) => !input.layout.includes(letter)))) {
    throw invalidInput(
      `${expected}, got ${input.layout}`,
      `name the axes as the model does; any order of ${letters.join(", ")} will do`,
    );
  }
  const sized =
    input.shape.length === axes.length && input.shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!sized || elements(input.shape) !== input.data.length) {
    throw invalidInput(
      `${expected}, got ${input.layout} = (${input.shape.join(", ")}) with ${input.data.length} numbers`,
    );
  }
  const held = same
    ? axes.map((axis, index) => ({ ...axis, size: input.shape[index]! }))
    : namedAxes(input.layout, input.shape);
  const wanted = inOrder(held, lettersOf(axes));
  const shape = wanted.map((axis) => axis.size!);
  if (axes.some((axis, index) => axis.size !== null && axis.size !== shape[index])) {
    throw invalidInput(`${expected}, got ${input.layout} = (${input.shape.join(", ")})`);
  }
  return { data: rearrangeArray(input.data, held, wanted), shape };
}

/** The sizes of a flat array: the batch follows from the length; where a size is open, the array is one sample. */
function flatShape(data: TensorData, axes: Axes, expected: string): number[] {
  const [, ...rest] = axes;
  const open = rest.filter((axis) => axis.size === null);
  const known = rest.reduce((all, axis) => all * (axis.size ?? 1), 1);
  const count = data.length / known;
  if (open.length > 1)
    throw invalidInput(
      `${expected}, got ${data.length} numbers without a shape`,
      "give a Tensor, which says its sizes",
    );
  if (!Number.isInteger(count))
    throw invalidInput(`${expected}, got ${data.length} numbers, not a multiple of ${known}`);
  return axes.map((axis, index) => (index === 0 ? (open.length === 0 ? count : 1) : (axis.size ?? count)));
}
