/**
 * program: a planned graph for one set of input sizes, as kernel calls with addresses
 *
 * Given   a graph planned for the engine, and the sizes of its inputs
 * Result  tasks, lists of calls, with every value at its place in the arena
 *
 * One after another the tasks do everything. With several threads, those that differ in rows alone may run at the same time
 * (split.ts): `Task.after` counts the tasks that have to be done before.
 *
 * A value that is a view of another has its place; so has the output of an element-by-element kernel whose input nothing
 * else reads.
 */
import { type Axes, axisIndex, layoutText } from "../../axes.ts";
import type { Graph, Node, ValueId } from "../../graph/graph.ts";
import type { ConvolutionChoice, Operand, OpSpec, Place, StepKernel, ToWasm, WasmWriter } from "../../ops/facets.ts";
import { facet, specs, toWasm } from "../../ops/index.ts";
import type { Kernels } from "../../ops/kernels.ts";
import type { Task } from "../../platform/worker.ts";
import { type MemoryPlan, planMemory } from "../../plan/memory.ts";
import { elements } from "../../tensor.ts";
import { align, type KernelMemory } from "./memory.ts";
import { ranges, type Split, worthThreads } from "./split.ts";
import type { PackedWeights } from "./weights.ts";

/** One kernel call, ready to run. */
interface Call {
  readonly run: (...operands: number[]) => unknown;
  readonly operands: readonly number[];
}

/** Calls that one thread makes, before memory is planned. */
type Part = { readonly kernel: StepKernel; readonly operands: readonly Operand[] }[];

/** Memory that is placed by the plan: a value and its views, or scratch. */
interface Buffer {
  bytes: number;
  from: number;
  to: number;
  address: number;
}

/** Numbers that a kernel reads from memory. */
interface Table {
  readonly values: readonly number[];
  address: number;
}

type Base = Buffer | { readonly address: number };

class Location implements Place {
  readonly base: Base;
  readonly offsetBytes: number;

  constructor(base: Base, offsetBytes = 0) {
    this.base = base;
    this.offsetBytes = offsetBytes;
  }

  at(count: number): Place {
    return new Location(this.base, this.offsetBytes + count * 4);
  }
}

/** The kernels of one node, each named once, toomCook with its form; none where the output is a view. */
export interface NodeKernels {
  /** The path of the layer. */
  readonly layer: string;
  readonly kernels: readonly string[];
}

interface NodeCalls extends NodeKernels {
  /** How many of the program's calls are the node's; a node's follow those of the one before, unless threads divide them. */
  readonly calls: number;
}

/** How a graph is to be run. */
export interface ProgramOptions {
  /** Whether every value is still there after a run, not only the outputs. */
  readonly keepAll: boolean;
  readonly split: Split;
  readonly convolution: ConvolutionChoice;
}

export class Program {
  /** The actual axes of every value. */
  readonly axes: readonly Axes[];
  /** Bytes of the arena, and of what is alive at once in it at the most, for reports. */
  readonly arena: Pick<MemoryPlan, "bytes" | "liveBytes">;
  /** By which kernels each node is computed, in order. */
  readonly kernels: readonly NodeCalls[];
  /** The program for several threads. */
  readonly tasks: readonly Task[];
  /** The first byte of its tables, and of the arena behind them: the end of the weights when it was made. */
  readonly start: number;
  readonly #memory: KernelMemory;
  readonly #tables: readonly Table[];
  readonly #calls: readonly Call[];
  readonly #buffers: readonly Buffer[];

  constructor(
    graph: Graph,
    shapes: readonly (readonly number[])[],
    memory: KernelMemory,
    weights: PackedWeights,
    options: ProgramOptions,
  ) {
    const { split } = options;
    const compiler = new Compiler(graph, shapes, weights, memory.kernels, options);
    compiler.run();
    this.axes = compiler.axes;
    this.kernels = compiler.kernels;
    this.#memory = memory;
    this.#tables = compiler.tables;
    this.start = memory.weightsEnd;
    let arena = this.start;
    for (const table of this.#tables) {
      table.address = arena;
      arena += align(table.values.length * 4);
    }
    const plan = planMemory(compiler.placed);
    this.arena = { bytes: plan.bytes, liveBytes: plan.liveBytes };
    memory.reserve(arena + plan.bytes);
    compiler.placed.forEach((buffer, index) => {
      buffer.address = arena + plan.offsets[index]!;
    });
    this.placeTables();
    const operand = (value: Operand) =>
      typeof value === "number" ? value : (value as Location).base.address + value.offsetBytes;
    const tasks: Task[] = [];
    const worth = compiler.divided >= worthThreads * split.leastWork;
    for (const parts of worth ? compiler.steps : [[compiler.steps.flat(2)]]) {
      const after = tasks.length;
      for (const part of parts)
        tasks.push({ after, calls: part.map(({ kernel, operands }) => [kernel, ...operands.map(operand)] as const) });
    }
    this.tasks = tasks;
    this.#calls = tasks.flatMap(({ calls }) =>
      calls.map(([kernel, ...operands]) => ({ run: memory.kernels[kernel as StepKernel] as Call["run"], operands })),
    );
    this.#buffers = compiler.buffers;
  }

  /** Writes the tables to their place: when the program is made, and when another has run in the same memory. */
  placeTables(): void {
    for (const { values, address } of this.#tables) this.#memory.integers().set(values, address / 4);
  }

  /** The address of a value. */
  address(value: ValueId): number {
    return this.#buffers[value]!.address;
  }

  /** Runs all of it in this thread. */
  run(): void {
    for (const { run, operands } of this.#calls) run(...operands);
  }
}

class Compiler {
  readonly axes: Axes[] = [];
  /** Per value its buffer; views share one. */
  readonly buffers: Buffer[] = [];
  readonly placed: Buffer[] = [];
  /** What runs one after another; the parts of one step may run at the same time. */
  readonly steps: Part[][] = [];
  /** The work of all that was divided. */
  divided = 0;
  readonly kernels: { layer: string; kernels: string[]; calls: number }[] = [];
  readonly tables: Table[] = [];
  readonly #graph: Graph;
  readonly #weights: PackedWeights;
  readonly #kernels: Kernels;
  readonly #keepAll: boolean;
  readonly #split: Split;
  readonly #convolution: ConvolutionChoice;
  readonly #lastReader: number[];
  /** Where calls go. */
  #part: Part | null = null;

  constructor(
    graph: Graph,
    shapes: readonly (readonly number[])[],
    weights: PackedWeights,
    kernels: Kernels,
    { keepAll, split, convolution }: ProgramOptions,
  ) {
    this.#graph = graph;
    this.#weights = weights;
    this.#kernels = kernels;
    this.#keepAll = keepAll;
    this.#split = split;
    this.#convolution = convolution;
    this.#lastReader = lastReaders(graph, keepAll);
    graph.inputs.forEach(({ value }, index) => {
      this.axes[value] = graph.values[value]!.axes.map((axis, position) => ({
        ...axis,
        size: shapes[index]![position]!,
      }));
      this.#place(value, -1);
    });
  }

  run(): void {
    this.#graph.nodes.forEach((node, step) => {
      this.kernels.push({ layer: node.layer.path, kernels: [], calls: 0 });
      const spec = facet<OpSpec<object>>(specs, node.kind);
      const inputs = node.inputs.map((value) => this.axes[value]!);
      spec.infer(node.attributes, inputs).forEach((axes, index) => {
        this.axes[node.outputs[index]!] = this.#inHeldOrder(axes, node.outputs[index]!);
      });
      const outputs = node.outputs.map((value) => this.axes[value]!);
      facet<ToWasm<object>>(toWasm, node.kind)(
        { attributes: node.attributes, inputs, outputs, weights: node.weights },
        this.#writer(node, step),
      );
      // Nothing was written where a batch is empty; the output has a place all the same.
      for (const value of node.outputs) if (!this.buffers[value]) this.#place(value, step);
    });
  }

  /** Shape rules give axes in their input's order; a plan may hold the output in another. */
  #inHeldOrder(axes: Axes, value: ValueId): Axes {
    const held = this.#graph.values[value]!.axes;
    return held.map((axis) => ({ ...axis, size: axes[axisIndex(axes, axis.letter)]!.size }));
  }

  #place(value: ValueId, from: number): Buffer {
    const shape = this.#shape(value);
    const buffer: Buffer = {
      bytes: elements(shape) * 4,
      from,
      to: Math.max(this.#lastReader[value]!, from),
      address: 0,
    };
    this.buffers[value] = buffer;
    this.placed.push(buffer);
    return buffer;
  }

  #shape(value: ValueId): number[] {
    const axes = this.axes[value]!;
    if (axes.some((axis) => axis.size === null)) throw new Error(`sizes of ${layoutText(axes)} are not known`);
    return axes.map((axis) => axis.size!);
  }

  #writer(node: Node, step: number): WasmWriter {
    const share = (output: ValueId, buffer: Buffer) => {
      buffer.to = Math.max(buffer.to, this.#lastReader[output]!);
      this.buffers[output] = buffer;
    };
    return {
      inputShape: (index) => this.#shape(node.inputs[index]!),
      outputShape: (index = 0) => this.#shape(node.outputs[index]!),
      input: (index) => new Location(this.buffers[node.inputs[index]!]!),
      output: (index = 0) =>
        new Location(this.buffers[node.outputs[index]!] ?? this.#place(node.outputs[index]!, step)),
      call: (kernel, ...operands) => {
        if (!this.#part) this.steps.push([(this.#part = [])]);
        this.#part!.push({ kernel, operands });
        const own = this.kernels[step]!;
        own.calls++;
        const name = kernel === "toomCook" ? `${kernel} ${operands[0]}` : kernel;
        if (!own.kernels.includes(name)) own.kernels.push(name);
      },
      split: (rows, work, rowsFrom) => {
        const cuts = ranges(rows, work, this.#split);
        if (cuts.length === 1) {
          rowsFrom(0, rows);
          return;
        }
        this.divided += work;
        this.steps.push(
          cuts.map(([from, to]) => {
            const part: Part = (this.#part = []);
            rowsFrom(from, to);
            return part;
          }),
        );
        this.#part = null;
      },
      alias: () => {
        const [input, output] = [node.inputs[0]!, node.outputs[0]!];
        if (elements(this.#shape(output)) !== elements(this.#shape(input))) throw new Error(`${node.kind} is no view`);
        share(output, this.buffers[input]!);
      },
      overwrite: (index) => {
        const buffer = this.buffers[node.inputs[index]!]!;
        const [output] = node.outputs as [ValueId];
        const others = node.inputs.some((value, other) => other !== index && this.buffers[value] === buffer);
        if (!this.#keepAll && !others && buffer.to === step && elements(this.#shape(output)) * 4 === buffer.bytes)
          share(output, buffer);
      },
      clamp: () => {
        const [low, high] = node.clamp ?? [Number.NEGATIVE_INFINITY, null];
        return [low, high ?? Number.POSITIVE_INFINITY];
      },
      table: (values) => {
        const table: Table = { values, address: 0 };
        this.tables.push(table);
        return new Location(table);
      },
      scratch: (count) => {
        const buffer: Buffer = { bytes: count * 4, from: step, to: step, address: 0 };
        this.placed.push(buffer);
        return new Location(buffer);
      },
      // What is packed may depend on the attributes and on which of the layer's weights this node reads.
      weight: (form, prepare) => {
        const key = JSON.stringify([form, node.weights, node.attributes]);
        return new Location({ address: this.#weights.address(node.layer, node.weights, key, prepare) });
      },
      convolution: this.#convolution,
      finite: (role) => this.#weights.finite(node.layer, role),
      kernels: this.#kernels,
    };
  }
}

/** The last step that reads each value; past the end for what has to be there afterwards. */
function lastReaders(graph: Graph, keepAll: boolean): number[] {
  const end = graph.nodes.length;
  const last = new Array<number>(graph.values.length).fill(keepAll ? end : -1);
  graph.nodes.forEach((node, step) => {
    for (const input of node.inputs) last[input] = Math.max(last[input]!, step);
  });
  for (const { value } of graph.outputs) last[value] = end;
  return last;
}
