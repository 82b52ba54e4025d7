/**
 * to-keras: a model as files of Keras
 *
 * What is written is read again before it is given out: the graph that comes of it has to give the model's own numbers, to the bit.
 * Weights of a state dict are run in PyTorch's semantics besides, with the program that they belong to.
 */
import { layoutText, shapeOf } from "../axes.ts";
import type { DenseArray } from "../bytes/numbers.ts";
import { writeNpz } from "../bytes/npz.ts";
import { kerasConfig } from "../dialects/keras-spelling.ts";
import { type FilledVariables, filledVariables, inOrder, listsOf, treeOf } from "../dialects/keras-store.ts";
import { noKerasOrigin } from "../error.ts";
import { writeKerasFile, writeKerasHdf5, writeWeights } from "../formats/keras-write.ts";
import { withWeights } from "../graph/graph.ts";
import { kernelModule } from "../platform/kernels.ts";
import type { TensorData } from "../tensor.ts";
import { compareArrays } from "./compare.ts";
import { readGraph, readWeights } from "./load.ts";
import { Model } from "./model.ts";
import { inputRecord, randomInputs } from "./random.ts";
import { type KerasSource, sourceOf } from "./source.ts";
import { type LayerReport, type Report, verifyAgainst } from "./verify.ts";

/** The formats of Keras that are written: a model, the same in HDF5, weights alone, weights in the order of `get_weights()`. */
export const kerasFormats = ["keras", "h5", "weights.h5", "npz"] as const;
/** One of them. */
export type KerasFormat = (typeof kerasFormats)[number];

/** The version whose spelling a configuration has that came from an older one. */
const spelledAs = "3.15.1";

/**
 * A model as a file of Keras, and what its verification found; the file is empty where the two differ.
 *
 * @throws {ChannelwiseError} `unsupported-feature` where the model did not come from Keras, or holds what Keras 3 can't say
 */
export async function toKeras(
  model: Model,
  format: KerasFormat,
  onProgress?: (done: number, total: number) => void,
): Promise<{ readonly bytes: Uint8Array; readonly report: Report }> {
  const { state, keras: keptKeras } = sourceOf(model);
  const keras = keptKeras?.();
  if (!keras) throw noKerasOrigin(model.origin);
  const fromState = state
    ? await verifyAgainst(model, { state: state.tensors, source: null }, { ...(onProgress ? { onProgress } : {}) })
    : null;
  if (fromState && !fromState.agrees) return { bytes: new Uint8Array(), report: fromState };
  const filled = filledVariables(keras, model.graph);
  const bytes = writeKeras(format, keras, filled.variables);
  const written = { bytes, name: "what was written" };
  const options = keras.customLayers ? { customLayers: keras.customLayers } : {};
  const whole = format === "keras" || format === "h5";
  const read = whole
    ? readGraph(written, options)
    : readWeights(written, { bytes: writeKeras("keras", keras, filled.variables), name: "model.keras" }, options);
  const opened = [withWeights(model.graph, filled.rounded), read.graph].map(
    (graph) => new Model(graph, model.name, read.origin, kernelModule()),
  );
  const [before, after] = opened as [Model, Model];
  const report = sameModel(before, after);
  for (const each of opened) each.dispose();
  return { bytes: report.agrees ? bytes : new Uint8Array(), report: report.agrees ? (fromState ?? report) : report };
}

/** The bytes of a file with these variables. */
export function writeKeras(format: KerasFormat, keras: KerasSource, variables: FilledVariables): Uint8Array {
  const version = keras.version !== null && /^3\./.test(keras.version) ? keras.version : spelledAs;
  const config = () => kerasConfig(keras);
  if (format === "keras") return writeKerasFile(config(), version, treeOf(variables));
  if (format === "h5") return writeKerasHdf5(config(), version, listsOf(keras, variables));
  if (format === "weights.h5") return writeWeights(treeOf(variables));
  const arrays = inOrder(variables).map((array, index): [string, DenseArray] => [
    `arr_${index}`,
    { dtype: array.dtype, shape: array.shape, data: array.read() },
  ]);
  return writeNpz(new Map(arrays));
}

/** Runs both on the same random inputs; every layer's numbers have to be the same bits. */
function sameModel(model: Model, again: Model): Report {
  const { graph } = model;
  const [samples, seed] = [2, 0];
  const record = inputRecord(graph, randomInputs(graph, samples, seed));
  const [wanted, found] = [model.values(record), again.values(record)];
  const compared = (name: string, className: string, value: number, other: number | undefined): LayerReport => {
    const { data, axes } = wanted.get(value)!;
    const got = other === undefined ? undefined : found.get(other);
    const difference = compareArrays(Float64Array.from(got?.data ?? []), data);
    const agrees = got !== undefined && sameBits(got.data, data);
    return {
      ...difference,
      agrees,
      name,
      className,
      layout: layoutText(axes),
      shape: shapeOf(axes) as number[],
      rounding: false,
    };
  };
  const calls = new Map(again.graph.calls.map((call) => [call.name, call]));
  const layers = graph.calls.flatMap(({ name, layer, outputs }) =>
    outputs.map((value, index) =>
      compared(index === 0 ? name : `${name}:${index}`, layer.className, value, calls.get(name)?.outputs[index]),
    ),
  );
  const outputs = graph.outputs.map(({ name, value }, index) =>
    compared(name, "", value, again.graph.outputs[index]?.value),
  );
  const differs = [...layers, ...outputs].find(({ agrees }) => !agrees);
  const agrees = differs === undefined && again.graph.outputs.length === graph.outputs.length;
  return { agrees, layers, outputs, firstDifference: differs?.name ?? null, samples, seed, notes: [] };
}

function sameBits(one: TensorData, other: TensorData): boolean {
  return one.length === other.length && one.every((value, index) => Object.is(value, other[index]));
}
