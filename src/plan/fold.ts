/**
 * fold: fewer passes over memory, for inference only
 *
 * Given   a graph of the source
 * Result  a graph with the same outputs in which
 *           - layers that do nothing at inference are gone;
 *           - a batch norm behind a convolution or Dense that only it reads is part of that layer's weights, computed in
 *             float64: kernel * scale and (bias - mean) * scale + beta, scale = gamma / sqrt(variance + epsilon);
 *           - a ReLU with slope 0 and threshold 0 behind one is a clamp of its result, done as it is stored.
 *
 * Never part of what is converted: a conversion keeps the layers of its source.
 */
import { toFloat32 } from "../bytes/numbers.ts";
import { countReaders, type Graph, type Layer, type Node, type ValueId, type Weight } from "../graph/graph.ts";
import type { Activation } from "../ops/activation.ts";
import type { BatchNorm } from "../ops/batch-norm.ts";
import type { Dense } from "../ops/dense.ts";

export function foldGraph(graph: Graph): Graph {
  return new Folder(graph).run();
}

class Folder {
  readonly #graph: Graph;
  readonly #readers: number[];
  /** The value that stands for another one. */
  readonly #same = new Map<ValueId, ValueId>();
  /** The node that gives a value, where it may still take something in. */
  readonly #makers = new Map<ValueId, number>();
  readonly #nodes: Node[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#readers = countReaders(graph);
  }

  run(): Graph {
    for (const node of this.#graph.nodes) this.#add({ ...node, inputs: node.inputs.map((id) => this.#resolve(id)) });
    const outputs = this.#graph.outputs.map((port) => ({ ...port, value: this.#resolve(port.value) }));
    const made = new Set([
      ...this.#nodes.flatMap((node) => node.outputs),
      ...this.#graph.inputs.map((port) => port.value),
    ]);
    const calls = this.#graph.calls.filter((call) => call.outputs.every((id) => made.has(id)));
    return { ...this.#graph, nodes: this.#nodes, outputs, calls };
  }

  #resolve(value: ValueId): ValueId {
    return this.#same.get(value) ?? value;
  }

  #add(node: Node): void {
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    if (node.kind === "dropout") {
      this.#same.set(output, input);
      // Whoever reads the output reads the input now.
      this.#readers[input]! += this.#readers[output]! - 1;
      return;
    }
    const at = this.#makers.get(input);
    const maker = at === undefined || this.#readers[input] !== 1 ? null : this.#nodes[at]!;
    const taken = maker && takeIn(maker, node);
    if (taken) {
      this.#nodes[at!] = taken;
      this.#makers.set(output, at!);
      return;
    }
    this.#nodes.push(node);
    if (node.kind === "conv1d" || node.kind === "dense") this.#makers.set(output, this.#nodes.length - 1);
  }
}

/** The convolution or Dense `maker` with the node behind it made part of it; null where that can't be. */
function takeIn(maker: Node, node: Node): Node | null {
  if (maker.clamp) return null;
  if (node.kind === "activation") {
    const { kind, parameters } = node.attributes as Activation;
    const [slope, maximum, threshold] = parameters;
    if (kind !== "relu" || slope !== 0 || threshold !== 0 || (maximum ?? 0) < 0) return null;
    return { ...maker, outputs: node.outputs, clamp: [0, maximum ?? null] };
  }
  if (node.kind !== "batchNorm") return null;
  const { axis, epsilon } = node.attributes as BatchNorm;
  const channels = maker.kind === "dense" ? (maker.attributes as Dense).axis : "C";
  return axis === channels ? { ...maker, outputs: node.outputs, ...normalized(maker, node.layer, epsilon) } : null;
}

/** The maker's layer with the batch norm's scale and shift in its weights. */
function normalized(maker: Node, norm: Layer, epsilon: number): { layer: Layer; weights: readonly string[] } {
  const { kernel, bias } = maker.layer.weights as { kernel: Weight; bias?: Weight };
  const channels = kernel.array.shape.at(-1)!;
  const vector = (weight: Weight | undefined, otherwise: number) =>
    weight ? Float64Array.from(toFloat32(weight.array)) : new Float64Array(channels).fill(otherwise);
  const statistics = () => {
    const { gamma, beta, mean, variance } = norm.weights;
    const [factor, shift, means] = [vector(gamma, 1), vector(beta, 0), vector(mean, 0)];
    const scale = vector(variance, 1).map((value, c) => factor[c]! / Math.sqrt(value + epsilon));
    return {
      scale,
      shift: vector(maker.weights.includes("bias") ? bias : undefined, 0).map(
        (value, c) => (value - means[c]!) * scale[c]! + shift[c]!,
      ),
    };
  };
  const stored = (shape: readonly number[], read: () => Float32Array) => ({ dtype: "float32" as const, shape, read });
  // The output channels run fastest in Keras' kernels.
  const scaled = () => {
    const { scale } = statistics();
    return toFloat32(kernel.array).map((value, index) => value * scale[index % channels]!);
  };
  const weights = {
    kernel: { ...kernel, array: stored(kernel.array.shape, scaled) },
    bias: {
      array: stored([channels], () => Float32Array.from(statistics().shift)),
      axes: [{ letter: "O", size: channels }],
    },
  };
  return { layer: { ...maker.layer, weights }, weights: ["kernel", "bias"] };
}
