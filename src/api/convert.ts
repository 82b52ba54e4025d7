/**
 * convert: a model as files of another framework
 */
import { rearrangeArray, shapeOf, sizedAxes } from "../axes.ts";
import { emitTorch, type TorchProgram } from "../backends/torch/emit.ts";
import { isClassName } from "../backends/torch/names.ts";
import { stateData, stateRows } from "../backends/torch/state.ts";
import type { DenseArray } from "../bytes/numbers.ts";
import { writeNpz } from "../bytes/npz.ts";
import { describeGraph, graphKey, type TensorPlace } from "../dialects/state.ts";
import { outputsDiffer, wrongOption } from "../error.ts";
import { writeCheckpoint } from "../formats/pytorch.ts";
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

/** What `convert` writes, and how. */
export interface ConvertOptions extends TorchConversion {
  /**
   * `pytorch`: model.py, its weights, and check.npz. `safetensors`: one file, a state dict with the model in it. `pt`: one
   * file, a state dict that `torch.load(weights_only=True)` takes. Default `pytorch`.
   */
  readonly to?: "pytorch" | "safetensors" | "pt";
  /** The file of weights beside model.py. Default `safetensors`. */
  readonly weights?: "safetensors" | "pt";
  /** Called as the verification goes on. */
  readonly onProgress?: (done: number, total: number) => void;
  /** The report of the verification is given here. */
  readonly onVerified?: (report: Report) => void;
}

/** A planned conversion: the plan and the program that was written from it. */
export interface Conversion {
  readonly plan: LayoutPlan;
  readonly program: TorchProgram;
}

/** Plans and writes a model as a PyTorch program. */
export function torchConversion(
  graph: Graph,
  options: TorchConversion = {},
  weights: WeightsFile = "model.safetensors",
): Conversion {
  const { flatten = "permute", io = "torch", name } = options;
  requireChoice("flatten", ["permute", "fold"], flatten);
  requireChoice("io", ["torch", "keras"], io);
  if (name !== undefined && !isClassName(name)) throw wrongOption("name", ["the name of a Python class"], name);
  const plan = planLayout(graph, { target: "torch", flatten, io: io === "torch" ? "torch" : "source" });
  const program = emitTorch(plan, { weights, ...(name === undefined ? {} : { name }) });
  return { plan, program };
}

type WeightsFile = "model.safetensors" | "model.pt";

function requireChoice(option: string, choices: readonly string[], value: string): void {
  if (!choices.includes(value)) throw wrongOption(option, choices, value);
}

/**
 * Converts a model. Both sides are run and compared before anything is returned.
 *
 * @returns the files by path: for `pytorch` model.py, model.safetensors (or model.pt) and check.npz; else the one file
 * @throws {ChannelwiseError} `outputs-differ` when the converted program gives other numbers; `usage` for a wrong option
 */
export async function convert(model: Model, options: ConvertOptions = {}): Promise<Map<string, Uint8Array>> {
  const { to = "pytorch", weights = "safetensors" } = options;
  requireChoice("to", ["pytorch", "safetensors", "pt"], to);
  requireChoice("weights", ["safetensors", "pt"], weights);
  const file: WeightsFile = to === "pt" || (to === "pytorch" && weights === "pt") ? "model.pt" : "model.safetensors";
  const conversion = torchConversion(model.graph, options, file);
  const report = verifyProgram(model, conversion, options.onProgress ? { onProgress: options.onProgress } : {});
  options.onVerified?.(report);
  if (!report.agrees)
    throw outputsDiffer(`the converted program differs from the model first at ${report.firstDifference}`);
  const state = new Map(
    conversion.program.state.map(({ name, dtype, shape, ...entry }): [string, DenseArray] => [
      name,
      { dtype, shape, data: stateData({ name, dtype, shape, ...entry }) },
    ]),
  );
  const bytes =
    file === "model.pt"
      ? writeCheckpoint(state)
      : writeSafetensors(state, { metadata: { format: "pt", [graphKey]: describe(model.graph, conversion) } });
  if (to !== "pytorch") return new Map([[file, bytes]]);
  return new Map([
    ["model.py", new TextEncoder().encode(conversion.program.source)],
    [file, bytes],
    ["check.npz", recordCheck(model, conversion.plan)],
  ]);
}

/** The model as metadata beside its state dict. */
function describe(graph: Graph, { program }: Conversion): string {
  const places = new Map<string, TensorPlace[]>();
  for (const { name, source } of program.state) {
    if ("constant" in source) continue;
    let row = 0;
    for (const piece of source.pieces) {
      const { layer, role, from, to, start } = piece;
      const key = `${layer.path} ${role}`;
      const whole = source.pieces.length === 1;
      places.set(key, [...(places.get(key) ?? []), { tensor: name, from, to, start, row: whole ? null : row }]);
      row += stateRows(piece);
    }
  }
  return describeGraph(graph, (layer, role) => {
    const found = places.get(`${layer.path} ${role}`);
    if (!found) throw new Error(`${role} of ${layer.path} is not in the state dict`);
    return found;
  });
}

/** Inputs and what the engine gives for them, in the module's order of axes: what `python model.py` compares with. */
function recordCheck(model: Model, { options: { io } }: LayoutPlan): Uint8Array {
  const { graph } = model;
  const inputs = randomInputs(graph, 2, 1);
  const turned = (data: TensorData, shape: readonly number[], value: number): DenseArray => {
    const axes = sizedAxes(graph.values[value]!.axes, shape);
    const order = portOrder(axes, io);
    return {
      dtype: data instanceof Int32Array ? "int32" : "float32",
      shape: shapeOf(order) as number[],
      data: rearrangeArray(data, axes, order),
    };
  };
  const outputs = model.predictAll(inputRecord(graph, inputs));
  return writeNpz(
    new Map([
      ...graph.inputs.map(
        ({ value }, index) => [`input_${index}`, turned(inputs[index]!.data, inputs[index]!.shape, value)] as const,
      ),
      ...graph.outputs.map(
        ({ value }, index) => [`output_${index}`, turned(outputs[index]!.data, outputs[index]!.shape, value)] as const,
      ),
    ]),
  );
}
