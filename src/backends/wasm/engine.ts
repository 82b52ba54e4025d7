/**
 * engine: runs a graph with the WebAssembly kernels
 *
 * Weights are packed once, when the engine is made. A program (calls and arena) is made for the sizes that come in and kept
 * until others come. Predictions run the folded graph (plan/fold.ts); whoever asks for every value gets the source's own.
 *
 * With a pool, `runAsync` has a machine in the memory that the threads share, and `run` one of its own, made when it is
 * first needed: so it may be called while a run of the pool is under way.
 */
import { type Axes, inOrder, lettersOf, product, rearrangeArray, shapeOf } from "../../axes.ts";
import { disposed } from "../../error.ts";
import type { Graph, ValueId } from "../../graph/graph.ts";
import { foldGraph } from "../../plan/fold.ts";
import { type LayoutPlan, planLayout } from "../../plan/layout.ts";
import { elements, type TensorData } from "../../tensor.ts";
import { KernelMemory } from "./memory.ts";
import type { Pool } from "./pool.ts";
import { Program } from "./program.ts";
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
  #folded: Graph | null;
  /** The machine of this thread, and the one that the pool's threads share. */
  #own: Machine | null = null;
  #shared: Machine | null = null;

  constructor(graph: Graph, module: WebAssembly.Module, pool: Pool | null = null) {
    this.#source = graph;
    this.#module = module;
    this.#pool = pool;
    this.#folded = foldGraph(graph);
    if (pool) this.#shared = new Machine(this.#folded, pool.memory, { split: pool.split });
    const shapes = graph.inputs.map(({ value }) =>
      shapeOf(graph.values[value]!.axes).map((size, index) => (index === 0 ? 1 : size)),
    );
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

  /** How the arena is used for inputs of these sizes, for reports. */
  arena(shapes: Shapes): Program["arena"] {
    return this.#ownMachine().program(shapes).arena;
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

  /** Every value of the source graph, by its id there, in the source's order of axes. */
  runAll(inputs: readonly TensorData[], shapes: Shapes): Map<ValueId, EngineValue> {
    if (!this.#folded) throw disposed("the model");
    const machine = new Machine(this.#source, new KernelMemory(this.#module), { keepAll: true });
    const program = machine.prepare(inputs, shapes);
    program.run();
    const values = new Map<ValueId, EngineValue>();
    machine.plan.origins.forEach((origin, value) => {
      if (values.has(origin)) return;
      const { data, axes } = machine.read(program, value);
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
    this.#own ??= new Machine(this.#folded, new KernelMemory(this.#module));
    return this.#own;
  }
}

/** How a graph is to be run. */
interface MachineOptions {
  /** Whether every value is still there after a run, not only the outputs. */
  readonly keepAll?: boolean;
  readonly split?: Split;
}

/** Memory that loading a model may take beside its weights; a model that needs more takes it when it is first run. */
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

const oneThread: Split = { threads: 1, leastWork: Number.POSITIVE_INFINITY };

/** One graph in one memory. */
class Machine {
  readonly plan: LayoutPlan;
  readonly memory: KernelMemory;
  readonly #weights: PackedWeights;
  readonly #keepAll: boolean;
  readonly #split: Split;
  #kept: { shapes: Shapes; program: Program } | null = null;

  constructor(graph: Graph, memory: KernelMemory, { keepAll = false, split = oneThread }: MachineOptions = {}) {
    this.plan = planLayout(graph, { target: "wasm", flatten: "permute", io: "source" });
    this.memory = memory;
    this.#weights = new PackedWeights(this.memory, this.plan);
    this.#keepAll = keepAll;
    this.#split = split;
  }

  /** The program for these sizes; the one at hand where they are the same as before. */
  program(shapes: Shapes): Program {
    if (this.#kept && sameShapes(this.#kept.shapes, shapes)) return this.#kept.program;
    const program = new Program(this.plan.graph, shapes, this.memory, this.#weights, this.#keepAll, this.#split);
    this.#kept = { shapes: shapes.map((shape) => [...shape]), program };
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
