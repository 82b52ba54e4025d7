/**
 * engine: runs a graph with the WebAssembly kernels
 *
 * Weights are packed once, when the engine is made. A program (calls and arena) is made for the sizes that come in and kept
 * until others come. Predictions run the folded graph (plan/fold.ts); whoever asks for every value gets the source's own.
 */
import { type Axes, inOrder, lettersOf, rearrangeArray, shapeOf } from "../../axes.ts";
import { disposed } from "../../error.ts";
import type { Graph, ValueId } from "../../graph/graph.ts";
import { foldGraph } from "../../plan/fold.ts";
import { type LayoutPlan, planLayout } from "../../plan/layout.ts";
import { elements, type TensorData } from "../../tensor.ts";
import { KernelMemory } from "./memory.ts";
import { Program } from "./program.ts";
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
  #machine: Machine | null;

  constructor(graph: Graph, module: WebAssembly.Module) {
    this.#source = graph;
    this.#module = module;
    this.#machine = new Machine(foldGraph(graph), module, false);
    const shapes = graph.inputs.map(({ value }) =>
      shapeOf(graph.values[value]!.axes).map((size, index) => (index === 0 ? 1 : size)),
    );
    if (shapes.every((shape) => !shape.includes(null))) this.#machine.program(shapes as number[][]);
  }

  /** Bytes of WebAssembly memory in use. */
  get memoryBytes(): number {
    return this.#machine?.memory.bytes ?? 0;
  }

  /** The model's outputs for inputs in the source's order. */
  run(inputs: readonly TensorData[], shapes: Shapes): EngineValue[] {
    if (!this.#machine) throw disposed("the model");
    const { plan } = this.#machine;
    const program = this.#machine.run(inputs, shapes);
    return plan.graph.outputs.map(({ value }) => this.#machine!.read(program, value));
  }

  /** Every value of the source graph, by its id there, in the source's order of axes. */
  runAll(inputs: readonly TensorData[], shapes: Shapes): Map<ValueId, EngineValue> {
    if (!this.#machine) throw disposed("the model");
    const machine = new Machine(this.#source, this.#module, true);
    const program = machine.run(inputs, shapes);
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
    this.#machine = null;
  }
}

/** One graph in one instance of the kernels. */
class Machine {
  readonly plan: LayoutPlan;
  readonly memory: KernelMemory;
  readonly #weights: PackedWeights;
  readonly #keepAll: boolean;
  #kept: { key: string; program: Program } | null = null;

  /** @param keepAll whether every value is still there after a run, not only the outputs */
  constructor(graph: Graph, module: WebAssembly.Module, keepAll: boolean) {
    this.plan = planLayout(graph, { target: "wasm", flatten: "permute", io: "source" });
    this.memory = new KernelMemory(module);
    this.#weights = new PackedWeights(this.memory, this.plan);
    this.#keepAll = keepAll;
  }

  /** The program for these sizes; the one at hand where they are the same as before. */
  program(shapes: Shapes): Program {
    const key = JSON.stringify(shapes);
    if (this.#kept?.key === key) return this.#kept.program;
    const program = new Program(this.plan.graph, shapes, this.memory, this.#weights, this.#keepAll);
    this.#kept = { key, program };
    return program;
  }

  run(inputs: readonly TensorData[], shapes: Shapes): Program {
    const program = this.program(shapes);
    this.plan.graph.inputs.forEach(({ value }, index) => {
      this.memory.floats().set(inputs[index]!, program.address(value) / 4);
    });
    program.run();
    return program;
  }

  read(program: Program, value: ValueId): EngineValue {
    const axes = program.axes[value]!;
    const start = program.address(value) / 4;
    const count = elements(axes.map((axis) => axis.size!));
    return { data: this.memory.floats().slice(start, start + count), axes };
  }
}
