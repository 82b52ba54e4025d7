/**
 * inspect: what is in a model
 */
import { layoutText, shapeOf } from "../axes.ts";
import type { NodeKernels } from "../backends/wasm/program.ts";
import { type Graph, layersOf } from "../graph/graph.ts";
import { formName } from "../ops/toom-cook.ts";
import { type OptionNames, requireKnown } from "../options.ts";
import { planLayout } from "../plan/layout.ts";
import { elements } from "../tensor.ts";
import { type OrderPlace, orderPlaces } from "./explain.ts";
import type { Source } from "../platform/source.ts";
import { type LoadOptions, readFile } from "./load.ts";
import { describePort, type EngineOptions, type Model, type ModelPort } from "./model.ts";

/** One call of one layer. */
export interface LayerDescription {
  readonly name: string;
  readonly className: string;
  /** Axes and sizes of the first output. */
  readonly layout: string;
  readonly shape: readonly (number | null)[];
  readonly parameters: number;
  /** By role, with the layout on both sides: `KIO`. */
  readonly weights: readonly {
    readonly role: string;
    readonly layout: string;
    readonly shape: readonly number[];
    readonly dtype: string;
  }[];
}

/** What `inspect` found. */
export interface Description {
  readonly name: string;
  /** What the file is, e.g. `Keras 3.15.1`. */
  readonly origin: string;
  /** What a reader of the file should know: see `Model.notes`. */
  readonly notes: readonly string[];
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  /** One entry per call of a layer, in the order of computation. */
  readonly layers: readonly LayerDescription[];
  readonly parameters: number;
  /** Where axes are merged, and so their order matters. */
  readonly places: readonly OrderPlace[];
  /** What a conversion to PyTorch does about the order of axes, with `--flatten permute` and `fold`. */
  readonly conversions: Readonly<Record<"permute" | "fold", readonly string[]>>;
  /**
   * By which kernels the engine computes a sample, in order; layers that another takes in or that are views have none. Null where
   * sizes are open. Only with `plan`.
   */
  readonly plan?: readonly NodeKernels[] | null;
}

/** What `inspect` tells beside the rest. */
export interface InspectOptions {
  /** `Description.plan`. Default false. */
  readonly plan?: boolean;
}

const optionNames: OptionNames<InspectOptions> = { plan: true };

/**
 * Describes a model: layers, axes, shapes, parameters, and each place where the order of axes matters.
 *
 * @throws {ChannelwiseError} `usage` for a wrong option
 */
export function inspect(model: Model, options: InspectOptions = {}): Description {
  requireKnown(options, optionNames);
  return { ...describe(model), ...(options.plan ? { plan: samplePlan(model) } : {}) };
}

/**
 * Describes a model file as `inspect` does, and reads no more of it than its headers: of a URL or a Blob, little is fetched. So
 * checksums of weights are not compared.
 *
 * @throws {ChannelwiseError} what `load` throws
 */
export async function inspectFile(
  source: Source,
  options: Omit<LoadOptions, keyof EngineOptions> = {},
): Promise<Description> {
  return describe(await readFile(source, options, "headers"));
}

function describe({
  graph,
  name,
  origin,
  notes,
}: Pick<Model, "name" | "origin" | "notes"> & { readonly graph: Graph }): Description {
  const counts = new Map(
    layersOf(graph).map((layer) => [
      layer,
      Object.values(layer.weights).reduce((sum, { array }) => sum + elements(array.shape), 0),
    ]),
  );
  const layers = graph.calls.map((call): LayerDescription => {
    const { axes } = graph.values[call.outputs[0]!]!;
    const weights = Object.entries(call.layer.weights).map(([role, weight]) => ({
      role,
      layout: layoutText(weight.axes),
      shape: weight.array.shape,
      dtype: weight.array.dtype,
    }));
    return {
      name: call.name,
      className: call.layer.className,
      layout: layoutText(axes),
      shape: shapeOf(axes),
      parameters: counts.get(call.layer)!,
      weights,
    };
  });
  const conversion = (flatten: "permute" | "fold") =>
    planLayout(graph, { target: "torch", flatten, io: "torch" })
      .notes.filter((note) => note.kind !== "merge")
      .map((note) =>
        note.kind === "fold"
          ? `${note.layer.path}: ${note.reason}, ${note.from} to ${note.to}`
          : `${note.layer.path}: data goes from ${note.from} to ${note.to}, ${note.reason}`,
      );
  return {
    name,
    origin,
    notes,
    inputs: graph.inputs.map((port) => describePort(graph, port)),
    outputs: graph.outputs.map((port) => describePort(graph, port)),
    layers,
    parameters: [...counts.values()].reduce((sum, count) => sum + count, 0),
    places: orderPlaces(graph),
    conversions: { permute: conversion("permute"), fold: conversion("fold") },
  };
}

function samplePlan(model: Model): NodeKernels[] | null {
  const shapes = model.inputs.map(({ shape }) => shape.map((size, axis) => (axis === 0 ? 1 : size)));
  if (shapes.some((shape) => shape.includes(null))) return null;
  const { kernels } = model.program(shapes as number[][]);
  return kernels.map(({ layer, kernels }) => ({
    layer,
    kernels: kernels.map((name) =>
      name.replace(/^toomCook (\d)$/, (_, form: string) => `toomCook ${formName(Number(form))}`),
    ),
  }));
}
