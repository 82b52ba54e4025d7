/**
 * engine: runs a graph with the WebAssembly kernels
 *
 * Weights are packed once for each form in which a program needs them, those for one sample when the engine is made. A program (calls
 * and arena) is made for the sizes that come in; the latest few are kept, since a server's batches come in few sizes, and making one takes
 * as long as running a small model. Predictions run the folded graph (plan/fold.ts); whoever asks for every value gets the source's own.
 *
 * Large weights are packed when the model is first run. A proof runs a model once: there a large one is run node by node
 * (`runOnce`), in memory that holds the weights of one node, to the bits of all nodes together with `convolution: "direct"`.
 *
 * With a pool, `runAsync` has a machine in the memory that the threads share, and `run` one of its own, made when it is
 * first needed: so it may be called while a run of the pool is under way.
 */
import { type Axes, inOrder, lettersOf, product, rearrangeArray, shapeOf } from "../../axes.ts";
import { disposed } from "../../error.ts";
import { type Graph, layersOf, type ValueId } from "../../graph/graph.ts";
import { foldGraph } from "../../plan/fold.ts";
import type { ConvolutionChoice } from "../../ops/facets.ts";
import { type LayoutPlan, planLayout } from "../../plan/layout.ts";
import { elements, type TensorData } from "../../tensor.ts";
import { KernelMemory } from "./memory.ts";
import type { NodeResults } from "./node-results.ts";
import type { Pool } from "./pool.ts";
import { Program, type ProgramOptions } from "./program.ts";
import type { Split } from "./split.ts";
import { PackedWeights } from "./weights.ts";

/** A value after a run, in the source's order of axes. */
export interface EngineValue {
  readonly data: Float32Array;
  readonly axes: Axes;
}

/** The sizes of each input's axes, the batch first. */
type Shapes = readonly (readonly number[])[];

export class Engine {
  readonly #source: Graph;
  readonly #module: WebAssembly.Module;
  readonly #pool: Pool | null;
  readonly #convolution: ConvolutionChoice;
  #folded: Graph | null;
  /** The machine of this thread, and the one that the pool's threads share. */
  #own: Machine | null = null;
  #shared: Machine | null = null;

  /** @param atOnce whether weights are packed now */
  constructor(
    graph: Graph,
    module: WebAssembly.Module,
    pool: Pool | null = null,
    convolution: ConvolutionChoice = "auto",
    atOnce = !isLarge(graph),
  ) {
    this.#convolution = convolution;
    this.#source = graph;
    this.#module = module;
    this.#pool = pool;
    this.#folded = foldGraph(graph);
    if (pool) this.#shared = new Machine(enginePlan(this.#folded), pool.memory, { split: pool.split, convolution });
    const shapes = graph.inputs.map(({ value }) =>
      shapeOf(graph.values[value]!.axes).map((size, index) => (index === 0 ? 1 : size)),
    );
    if (!atOnce) return;
    const machine = this.#shared ?? this.#ownMachine();
    const known = shapes.every((shape) => !shape.includes(null));
    if (known && sampleBytes(graph) <= mostBytesAtLoad) machine.program(shapes as number[][]);
  }

  /** Threads that `runAsync` computes with. */
  get threads(): number {
    return this.#pool?.split.threads ?? 1;
  }

  /** Bytes of WebAssembly memory in use. */
  get memoryBytes(): number {
    return (this.#own?.memory.bytes ?? 0) + (this.#shared?.memory.bytes ?? 0);
  }

  /** What computes inputs of these sizes, for reports. */
  program(shapes: Shapes): Pick<Program, "arena" | "kernels"> {
    return this.#ownMachine().program(shapes);
  }

  /** The model's outputs for inputs in the source's order. */
  run(inputs: readonly TensorData[], shapes: Shapes): EngineValue[] {
    const machine = this.#ownMachine();
    const program = machine.prepare(inputs, shapes);
    program.run();
    return machine.outputs(program);
  }

  /** The same by the pool's threads, where there is a pool. */
  async runAsync(inputs: readonly TensorData[], shapes: Shapes): Promise<EngineValue[]> {
    const pool = this.#pool;
    if (!pool) return this.run(inputs, shapes);
    // The caller may change its arrays while they wait for their turn.
    const kept = inputs.map((input) => input.slice());
    return pool.enqueue(async () => {
      const machine = this.#shared;
      if (!machine) throw disposed("the model");
      const program = machine.prepare(kept, shapes);
      if (program.tasks.length > 1) await pool.run(program.tasks);
      else program.run();
      return machine.outputs(program);
    });
  }

  /**
   * What `run` gives, for those who ask once: convolutions are computed directly, and a large model leaves nothing behind.
   *
   * @param known what `runAll` of the same inputs had to compute
   */
  runOnce(
    inputs: readonly TensorData[],
    shapes: Shapes,
    known?: NodeResults,
    nodeByNode = isLarge(this.#source),
  ): EngineValue[] {
    if (!this.#folded) throw disposed("the model");
    const plan = enginePlan(this.#folded);
    const read = nodeByNode
      ? runNodes(plan, this.#module, inputs, shapes, known)
      : runKeeping(plan, this.#module, inputs, shapes);
    return plan.graph.outputs.map(({ value }) => read(value));
  }

  /** Every value of the source graph, by its id there, in the source's order of axes; convolutions are computed directly. */
  runAll(
    inputs: readonly TensorData[],
    shapes: Shapes,
    known?: NodeResults,
    nodeByNode = isLarge(this.#source),
  ): Map<ValueId, EngineValue> {
    if (!this.#folded) throw disposed("the model");
    const plan = enginePlan(this.#source);
    const read = nodeByNode
      ? runNodes(plan, this.#module, inputs, shapes, known)
      : runKeeping(plan, this.#module, inputs, shapes);
    const values = new Map<ValueId, EngineValue>();
    plan.origins.forEach((origin, value) => {
      if (values.has(origin)) return;
      const { data, axes } = read(value);
      const source = inOrder(axes, lettersOf(this.#source.values[origin]!.axes));
      values.set(origin, { data: rearrangeArray(data, axes, source), axes: source });
    });
    return values;
  }

  dispose(): void {
    this.#folded = null;
    this.#own = null;
    this.#shared = null;
    this.#pool?.close();
  }

  #ownMachine(): Machine {
    if (!this.#folded) throw disposed("the model");
    this.#own ??= new Machine(enginePlan(this.#folded), new KernelMemory(this.#module), {
      convolution: this.#convolution,
    });
    return this.#own;
  }
}

function enginePlan(graph: Graph): LayoutPlan {
  return planLayout(graph, { target: "wasm", flatten: "permute", io: "source" });
}

/** Runs a plan; gives what reads its values afterwards. */
function runKeeping(plan: LayoutPlan, module: WebAssembly.Module, inputs: readonly TensorData[], shapes: Shapes) {
  const machine = new Machine(plan, new KernelMemory(module), { keepAll: true });
  const program = machine.prepare(inputs, shapes);
  program.run();
  return (value: ValueId): EngineValue => machine.read(program, value);
}

/** The same one node after the other: values are kept outside, and each node's weights lie where those of the one before lay. */
function runNodes(
  plan: LayoutPlan,
  module: WebAssembly.Module,
  inputs: readonly TensorData[],
  shapes: Shapes,
  known: NodeResults | undefined,
) {
  const { graph } = plan;
  const memory = new KernelMemory(module);
  const values = new Map<ValueId, EngineValue>();
  graph.inputs.forEach(({ value }, index) => {
    const axes = graph.values[value]!.axes.map((axis, at) => ({ ...axis, size: shapes[index]![at]! }));
    values.set(value, { data: Float32Array.from(inputs[index]!), axes });
  });
  const ports = (ids: readonly ValueId[]) => [...new Set(ids)].map((value) => ({ name: String(value), value }));
  for (const node of graph.nodes) {
    memory.clearWeights();
    const given = ports(node.inputs);
    const own = { ...plan, graph: { ...graph, nodes: [node], inputs: given, outputs: ports(node.outputs) } };
    const machine = new Machine(own, memory, { keepAll: true });
    const read = node.inputs.map((value) => values.get(value)!);
    const before = known?.find(plan, node, read);
    if (before) {
      for (const [index, value] of node.outputs.entries()) values.set(value, before[index]!);
      continue;
    }
    const held = given.map(({ value }) => values.get(value)!);
    const program = machine.prepare(
      held.map(({ data }) => data),
      held.map(({ axes }) => shapeOf(axes) as number[]),
    );
    program.run();
    for (const value of node.outputs) values.set(value, machine.read(program, value));
    known?.add(
      plan,
      node,
      read,
      node.outputs.map((value) => values.get(value)!),
    );
  }
  return (value: ValueId): EngineValue => values.get(value)!;
}

/** Whether a graph's weights take more memory than a model has to take at once. */
function isLarge(graph: Graph): boolean {
  const arrays = layersOf(graph).flatMap(({ weights }) => Object.values(weights));
  return arrays.reduce((sum, { array }) => sum + 4 * elements(array.shape), 0) > mostBytesAtLoad;
}

/** Memory that loading a model may take for its weights, and beside them; a model that needs more takes it when it is first run. */
const mostBytesAtLoad = 2 ** 28;

/** Bytes of all values of a graph together, for one sample. */
function sampleBytes(graph: Graph): number {
  return graph.values.reduce((sum, { axes }) => sum + 4 * (product(axes.slice(1).map((axis) => axis.size)) ?? 0), 0);
}

/** Whether two lists of shapes are the same, without a text made of them: predictions ask this every time. */
function sameShapes(one: Shapes, other: Shapes): boolean {
  return (
    one.length === other.length &&
    one.every((shape, index) => {
      const wanted = other[index]!;
      return shape.length === wanted.length && shape.every((size, axis) => size === wanted[axis]);
    })
  );
}

/** One for each power of two up to 64, and one more. */
const mostPrograms = 8;

const oneThread: Split = { threads: 1, leastWork: Number.POSITIVE_INFINITY };

/** One plan in one memory. */
class Machine {
  readonly plan: LayoutPlan;
  readonly memory: KernelMemory;
  readonly #weights: PackedWeights;
  readonly #options: ProgramOptions;
  /** The latest first, whose tables are in their place. All lie behind the weights, over one another. */
  #kept: { readonly shapes: Shapes; readonly program: Program }[] = [];

  constructor(plan: LayoutPlan, memory: KernelMemory, options: Partial<ProgramOptions>) {
    this.plan = plan;
    this.memory = memory;
    this.#weights = new PackedWeights(this.memory, this.plan);
    this.#options = { keepAll: false, split: oneThread, convolution: "direct", ...options };
  }

  /** The program for these sizes; one at hand where they are the same as before. */
  program(shapes: Shapes): Program {
    const [latest] = this.#kept;
    if (latest && sameShapes(latest.shapes, shapes)) return latest.program;
    const kept = this.#kept.find(
      (one) => sameShapes(one.shapes, shapes) && one.program.start === this.memory.weightsEnd,
    );
    const others = this.#kept.filter((one) => one !== kept);
    // Packing writes over the arenas of those that are kept, also where it fails after that.
    this.#kept = [];
    if (kept) kept.program.placeTables();
    const program = kept?.program ?? new Program(this.plan.graph, shapes, this.memory, this.#weights, this.#options);
    const own = kept ?? { shapes: shapes.map((shape) => [...shape]), program };
    this.#kept = [own, ...others].filter((one) => one.program.start === this.memory.weightsEnd).slice(0, mostPrograms);
    return program;
  }

  /** The program for these sizes, with the inputs in their places. */
  prepare(inputs: readonly TensorData[], shapes: Shapes): Program {
    const program = this.program(shapes);
    this.plan.graph.inputs.forEach(({ value }, index) => {
      this.memory.floats().set(inputs[index]!, program.address(value) / 4);
    });
    return program;
  }

  outputs(program: Program): EngineValue[] {
    return this.plan.graph.outputs.map(({ value }) => this.read(program, value));
  }

  read(program: Program, value: ValueId): EngineValue {
    const axes = program.axes[value]!;
    const start = program.address(value) / 4;
    const count = elements(axes.map((axis) => axis.size!));
    return { data: this.memory.floats().slice(start, start + count), axes };
  }
}
