/**
 * convert: a model as files of another framework
 */
import { rearrangeArray, shapeOf, sizedAxes } from "../axes.ts";
import { emitTorch, type TorchProgram } from "../backends/torch/emit.ts";
import { isClassName } from "../backends/torch/names.ts";
import { stateData } from "../backends/torch/state.ts";
import type { DenseArray } from "../bytes/numbers.ts";
import { writeNpz } from "../bytes/npz.ts";
import { describeGraph, graphKey, type TensorPlace } from "../dialects/state.ts";
import { ChannelwiseError, outputsDiffer, wrongOption } from "../error.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import type { Graph } from "../graph/graph.ts";
import { type LayoutPlan, planLayout, portOrder } from "../plan/layout.ts";
import type { TensorData } from "../tensor.ts";
import type { Model } from "./model.ts";
import { inputRecord, randomInputs } from "./random.ts";
import { type Report, verifyProgram } from "./verify.ts";

/** How a model is written as PyTorch. */
export interface TorchConversion {
  /**
   * What happens where Keras merges axes (Flatten): `permute` brings the data into Keras' order first, `fold` reorders the
   * rows of the weights that follow, which costs nothing at run time. Default `permute`.
   */
  readonly flatten?: "permute" | "fold";
  /** Whether series come in and go out channels first (`torch`, the default) or as Keras has them (`keras`). */
  readonly io?: "torch" | "keras";
  /** The class's name; made out of the model's name by default. */
  readonly name?: string;
}

export interface ConvertOptions extends TorchConversion {
  /** `pytorch`: model.py, model.safetensors and check.npz. `safetensors`: one file, a state dict with the model in it. */
  readonly to: "pytorch" | "safetensors";
  /** The report of the verification is given here. */
  readonly onVerified?: (report: Report) => void;
}

/** A planned conversion: the plan and the program that was written from it. */
export interface Conversion {
  readonly plan: LayoutPlan;
  readonly program: TorchProgram;
}

/** Plans and writes a model as a PyTorch program. */
export function torchConversion(graph: Graph, options: TorchConversion = {}): Conversion {
  const { flatten = "permute", io = "torch", name } = options;
  if (!["permute", "fold"].includes(flatten)) throw wrongOption("flatten", ["permute", "fold"], flatten);
  if (!["torch", "keras"].includes(io)) throw wrongOption("io", ["torch", "keras"], io);
  if (name !== undefined && !isClassName(name)) throw wrongOption("name", ["the name of a Python class"], name);
  const plan = planLayout(graph, { target: "torch", flatten, io: io === "torch" ? "torch" : "source" });
  const program = emitTorch(plan, { weights: "model.safetensors", ...(name === undefined ? {} : { name }) });
  return { plan, program };
}

/**
 * Converts a model. Both sides are run and compared before anything is returned.
 *
 * @returns the files by path: for `pytorch` model.py, model.safetensors and check.npz; for `safetensors` model.safetensors
 * @throws {ChannelwiseError} `outputs-differ` when the converted program gives other numbers; `usage` for a wrong option
 */
export async function convert(model: Model, options: ConvertOptions): Promise<Map<string, Uint8Array>> {
  if (!["pytorch", "safetensors"].includes(options.to)) throw wrongOption("to", ["pytorch", "safetensors"], options.to);
  const conversion = torchConversion(model.graph, options);
  const report = await verifyProgram(model, conversion);
  options.onVerified?.(report);
  if (!report.agrees) throw outputsDiffer(`the converted program differs from the model first at ${report.firstDifference}`);
  const weights = stateDict(model.graph, conversion);
  if (options.to === "safetensors") return new Map([["model.safetensors", weights]]);
  return new Map([
    ["model.py", new TextEncoder().encode(conversion.program.source)],
    ["model.safetensors", weights],
    ["check.npz", recordCheck(model, conversion.plan)],
  ]);
}

/** The state dict as a safetensors file, with the model in its metadata. */
function stateDict(graph: Graph, { program }: Conversion): Uint8Array {
  const tensors = new Map<string, DenseArray>();
  const places = new Map<string, TensorPlace>();
  for (const entry of program.state) {
    tensors.set(entry.name, { dtype: entry.dtype, shape: entry.shape, data: stateData(entry) });
    if ("layer" in entry.source) {
      const { layer, role, from, to } = entry.source;
      places.set(`${layer.path} ${role}`, { tensor: entry.name, from, to });
    }
  }
  const description = describeGraph(graph, (layer, role) => {
    const place = places.get(`${layer.path} ${role}`);
    if (!place) throw new ChannelwiseError({ code: "invalid-model", message: `${layer.path}/${role} has no tensor` });
    return place;
  });
  return writeSafetensors(tensors, { metadata: { format: "pt", [graphKey]: description } });
}

/** Inputs and what the engine gives for them, in the module's order of axes: what `python model.py` compares with. */
function recordCheck(model: Model, { options: { io } }: LayoutPlan): Uint8Array {
  const { graph } = model;
  const inputs = randomInputs(graph, 2, 1);
  const turned = (data: TensorData, shape: readonly number[], value: number): DenseArray => {
    const axes = sizedAxes(graph.values[value]!.axes, shape);
    const order = portOrder(axes, io);
    return { dtype: data instanceof Int32Array ? "int32" : "float32", shape: shapeOf(order) as number[], data: rearrangeArray(data, axes, order) };
  };
  const outputs = model.predictAll(inputRecord(graph, inputs));
  return writeNpz(
    new Map([
      ...graph.inputs.map(({ value }, index) => [`input_${index}`, turned(inputs[index]!.data, inputs[index]!.shape, value)] as const),
      ...graph.outputs.map(({ value }, index) => [`output_${index}`, turned(outputs[index]!.data, outputs[index]!.shape, value)] as const),
    ]),
  );
}
