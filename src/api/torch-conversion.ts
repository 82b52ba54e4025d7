/**
 * torch-conversion: a model planned and written as a PyTorch program
 */
import { emitTorch, type TorchProgram } from "../backends/torch/emit.ts";
import { isClassName } from "../backends/torch/names.ts";
import { wrongOption } from "../error.ts";
import type { Graph } from "../graph/graph.ts";
import { type LayoutPlan, planLayout } from "../plan/layout.ts";
import { type OptionNames, requireChoice } from "../options.ts";

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

/** Their names. */
export const torchOptions: OptionNames<TorchConversion> = { flatten: true, io: true, name: true };

/** The file of weights beside model.py. */
export type WeightsFile = "model.safetensors" | "model.pt";

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
