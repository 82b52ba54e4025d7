/**
 * to-keras: a model as files of Keras, and of TensorFlow.js, which took over Keras' way to write them
 *
 * What is written is read again before it is given out: the graph that comes of it has to give the model's own numbers, to the bit.
 * Weights of a state dict are run in PyTorch's semantics besides, with the program that they belong to.
 */
import { layoutText, shapeOf } from "../axes.ts";
import { type FileToWrite, inMemory } from "../bytes/file-to-write.ts";
import { npzFile } from "../bytes/npz.ts";
import { kerasConfig } from "../dialects/keras-spelling.ts";
import { type FilledVariables, filledVariables, inOrder, listsOf, treeOf } from "../dialects/keras-store.ts";
import { tfjsModel } from "../dialects/tfjs-spelling.ts";
import { noKerasOrigin } from "../error.ts";
import { writeKerasFile, writeKerasHdf5, writeWeights } from "../formats/keras-write.ts";
import { writeTfjs } from "../formats/tfjs-write.ts";
import { withWeights } from "../graph/graph.ts";
import type { Bytes } from "../platform/bytes.ts";
import { reuseMemory } from "../platform/scratch.ts";
import type { TensorData } from "../tensor.ts";
import { compareArrays } from "./compare.ts";
import { readGraph, readWeights } from "./load.ts";
import { Model } from "./model.ts";
import { inputRecord, randomInputs } from "./random.ts";
import { type KerasSource, sourceOf } from "./source.ts";
import { type LayerReport, type Report, verifyAgainst } from "./verify.ts";

/**
 * The formats of Keras that are written, one file each: a model, the same in HDF5, weights alone, weights in the order of
 * `get_weights()`.
 */
export const kerasFormats = ["keras", "h5", "weights.h5", "npz"] as const;
/** One of them. */
export type KerasFormat = (typeof kerasFormats)[number];

/** The version whose spelling a configuration has that came from an older one. */
const spelledAs = "3.15.1";

/** Writes a file somewhere, and gives its bytes to be read again. */
export type Keep = (name: string, file: FileToWrite) => Bytes;

/**
 * Writes a model as files of Keras or TensorFlow.js, reads them again and compares the two.
 *
 * @returns what the verification found; nothing is written where the weights are not what the model's program computes with
 * @throws {ChannelwiseError} `unsupported-feature` where the model did not come from Keras, or holds what the format can't say
 */
export async function toKeras(
  model: Model,
  format: KerasFormat | "tfjs",
  keep: Keep,
  onProgress?: (done: number, total: number) => void,
): Promise<Report> {
  const { state, keras: keptKeras } = sourceOf(model);
  const keras = keptKeras?.();
  if (!keras) throw noKerasOrigin(model.origin);
  const fromState = state
    ? await verifyAgainst(model, { state: state.tensors, source: null }, { ...(onProgress ? { onProgress } : {}) })
    : null;
  if (fromState && !fromState.agrees) return fromState;
  const filled = filledVariables(keras, model.graph);
  const { files, omitted } =
    format === "tfjs"
      ? writeKerasTfjs(keras, filled.variables)
      : {
          files: new Map([[`model.${format}`, writeKeras(format, keras, filled.variables)]]),
          omitted: new Set<string>(),
        };
  const parts = new Map(Array.from(files, ([name, file]) => [name, keep(name, file)]));
  const [bytes] = [...parts.values()] as [Bytes];
  const written = { bytes, name: "what was written", parts };
  const options = keras.customLayers ? { customLayers: keras.customLayers } : {};
  const alone = format === "weights.h5" || format === "npz";
  const read = alone
    ? readWeights(written, { bytes: inMemory(writeKeras("keras", keras, [])), name: "model.keras" }, options)
    : readGraph(written, options);
  const opened = [withWeights(model.graph, filled.rounded), read.graph].map(
    (graph) => new Model(graph, model.name, read.origin, model.kernels),
  );
  const [before, after] = opened as [Model, Model];
  const report = reuseMemory(() => sameModel(before, after, omitted));
  for (const each of opened) each.dispose();
  return report.agrees ? (fromState ?? report) : report;
}

interface Written {
  readonly files: ReadonlyMap<string, FileToWrite>;
  /** Layers of the model that stand in none of them. */
  readonly omitted: ReadonlySet<string>;
}

/** The files of TensorFlow.js with these variables. */
function writeKerasTfjs(keras: KerasSource, variables: FilledVariables): Written {
  const { config, names, omitted, addConstraints } = tfjsModel(keras);
  const arrays = listsOf(keras, variables, names).flatMap((layer) => layer.arrays);
  addConstraints(new Map(arrays.map(({ name, array }) => [name, array])));
  return { files: writeTfjs(config, arrays), omitted };
}

/** A file with these variables. */
export function writeKeras(format: KerasFormat, keras: KerasSource, variables: FilledVariables): FileToWrite {
  const version = keras.version !== null && /^3\./.test(keras.version) ? keras.version : spelledAs;
  const config = () => kerasConfig(keras);
  if (format === "keras") return writeKerasFile(config(), version, treeOf(variables));
  if (format === "h5") return writeKerasHdf5(config(), version, listsOf(keras, variables));
  if (format === "weights.h5") return writeWeights(treeOf(variables));
  return npzFile(new Map(inOrder(variables).map((array, index) => [`arr_${index}`, array])));
}

/** Runs both on the same random inputs; every layer's numbers, but of those `omitted`, have to be the same bits. */
function sameModel(model: Model, again: Model, omitted: ReadonlySet<string>): Report {
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
  const kept = graph.calls.filter(({ layer }) => !omitted.has(layer.path));
  const layers = kept.flatMap(({ name, layer, outputs }) =>
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
