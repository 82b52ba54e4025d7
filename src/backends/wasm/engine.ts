/**
 * engine: runs a graph with the WebAssembly kernels
 *
 * Weights are packed once. A program (calls and arena) is made for the sizes that come in and kept until others come.
 */
import { type Axes, inOrder, lettersOf, rearrangeArray, shapeOf } from "../../axes.ts";
import { disposed } from "../../error.ts";
import type { Graph, ValueId } from "../../graph/graph.ts";
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

export class Engine {
  readonly #source: Graph;
  readonly #plan: LayoutPlan;
  #live: { memory: KernelMemory; weights: PackedWeights } | null;
  #program: { key: string; program: Program } | null = null;

  constructor(graph: Graph, module: WebAssembly.Module) {
    this.#source = graph;
    this.#plan = planLayout(graph, { target: "wasm", flatten: "permute", io: "source" });
    const memory = new KernelMemory(module);
    this.#live = { memory, weights: new PackedWeights(memory, this.#plan) };
    const shapes = graph.inputs.map(({ value }) =>
      shapeOf(graph.values[value]!.axes).map((size, index) => (index === 0 ? 1 : size)),
    );
    if (shapes.every((shape) => !shape.includes(null))) this.#prepare(shapes as number[][], false);
  }

  /** Bytes of WebAssembly memory in use. */
  get memoryBytes(): number {
    return this.#live?.memory.bytes ?? 0;
  }

  /**
   * The model's outputs for inputs in the source's order.
   *
   * @param shapes sizes of each input's axes, the batch first
   */
  run(inputs: readonly TensorData[], shapes: readonly (readonly number[])[]): EngineValue[] {
    const program = this.#execute(inputs, shapes, false);
    return this.#plan.graph.outputs.map(({ value }) => this.#read(program, value));
  }

  /** Every value of the source graph that the engine computes, by its id there. */
  runAll(inputs: readonly TensorData[], shapes: readonly (readonly number[])[]): Map<ValueId, EngineValue> {
    const program = this.#execute(inputs, shapes, true);
    const values = new Map<ValueId, EngineValue>();
    this.#plan.origins.forEach((origin, value) => {
      if (values.has(origin)) return;
      const { data, axes } = this.#read(program, value);
      const source = inOrder(axes, lettersOf(this.#source.values[origin]!.axes));
      values.set(origin, { data: rearrangeArray(data, axes, source), axes: source });
    });
    return values;
  }

  dispose(): void {
    this.#live = null;
    this.#program = null;
  }

  #execute(inputs: readonly TensorData[], shapes: readonly (readonly number[])[], keepAll: boolean): Program {
    const program = this.#prepare(shapes, keepAll);
    const { memory } = this.#live!;
    this.#plan.graph.inputs.forEach(({ value }, index) => {
      memory.floats().set(inputs[index]!, program.address(value) / 4);
    });
    program.run();
    return program;
  }

  #prepare(shapes: readonly (readonly number[])[], keepAll: boolean): Program {
    if (!this.#live) throw disposed("the model");
    const key = JSON.stringify([shapes, keepAll]);
    if (this.#program?.key === key) return this.#program.program;
    const program = new Program(this.#plan.graph, shapes, this.#live.memory, this.#live.weights, keepAll);
    this.#program = { key, program };
    return program;
  }

  #read(program: Program, value: ValueId): EngineValue {
    const axes = program.axes[value]!;
    const start = program.address(value) / 4;
    const count = elements(axes.map((axis) => axis.size!));
    return { data: this.#live!.memory.floats().slice(start, start + count), axes };
  }
}
