/**
 * convert: a model as files of another framework
 */
import { rearrangeArray, shapeOf, sizedAxes } from "../axes.ts";
import { stateArray, stateRows } from "../backends/torch/state.ts";
import { fileOf, type FileToWrite, inMemory } from "../bytes/file-to-write.ts";
import type { DenseArray } from "../bytes/numbers.ts";
import { npzFile } from "../bytes/npz.ts";
import { describeOrigin, keptKey } from "../dialects/keras-kept.ts";
import { describeGraph, graphKey, type TensorPlace } from "../dialects/state.ts";
import { outputsDiffer } from "../error.ts";
import { type Target, targets } from "../formats/kinds.ts";
import { checkpointFile } from "../formats/pytorch.ts";
import { readCheckpoint } from "../formats/pytorch-read.ts";
import { readSafetensors, safetensorsFile } from "../formats/safetensors.ts";
import { type Graph, layersOf } from "../graph/graph.ts";
import { type LayoutPlan, portOrder } from "../plan/layout.ts";
import { elements, type StoredArray, type TensorData } from "../tensor.ts";
import type { Model } from "./model.ts";
import { type OptionNames, requireChoice, requireKnown } from "../options.ts";
import { sourceOf } from "./source.ts";
import {
  type Conversion,
  torchConversion,
  torchOptions,
  type TorchConversion,
  type WeightsFile,
} from "./torch-conversion.ts";
import { type Keep, type KerasFormat, kerasFormats, toKeras } from "./to-keras.ts";
import { type EngineSide, engineSide, lateArrays, type Report, verifyProgram } from "./verify.ts";

/** What `convert` writes, and how. */
export interface ConvertOptions extends TorchConversion {
  /**
   * `pytorch`: model.py, its weights, and check.npz. `safetensors`: one file, a state dict with the model in it. `pt`: one
   * file, a state dict that `torch.load(weights_only=True)` takes. Of models that Keras saved, as one file: `keras` and `h5`, the
   * whole model; `weights.h5`, weights alone; `npz`, weights in the order of `model.get_weights()`. `tfjs`: model.json and its
   * shards of weights, as `tf.loadLayersModel` takes them, of a model of layers that TensorFlow.js has. Default `pytorch`.
   */
  readonly to?: Target;
  /** The file of weights beside model.py. Default `safetensors`. */
  readonly weights?: "safetensors" | "pt";
  /** Called as the verification goes on. */
  readonly onProgress?: (done: number, total: number) => void;
  /** The report of the verification is given here. */
  readonly onVerified?: (report: Report) => void;
}

const optionNames: OptionNames<ConvertOptions> = {
  to: true,
  weights: true,
  ...torchOptions,
  onProgress: true,
  onVerified: true,
};

function isKeras(to: string): to is KerasFormat | "tfjs" {
  return to === "tfjs" || (kerasFormats as readonly string[]).includes(to);
}

/**
 * Converts a model. Both sides are run and compared before anything is returned.
 *
 * @returns the files by path: for `pytorch` model.py, model.safetensors (or model.pt) and check.npz; for `tfjs` model.json
 *   and group1-shard1of1.bin, or more of them; else the one file, `model` with the format's ending
 * @throws {ChannelwiseError} `outputs-differ` when the converted program gives other numbers; `usage` for a wrong option
 */
export async function convert(model: Model, options: ConvertOptions = {}): Promise<Map<string, Uint8Array>> {
  requireKnown(options, optionNames);
  const files = new Map<string, Uint8Array>();
  await convertInto(model, options, (name, file) => {
    const bytes = inMemory(file, [name]);
    files.set(name, bytes);
    return bytes;
  });
  return files;
}

/**
 * Converts a model into files that `keep` writes, each array read when its turn comes. Files may be written before it has turned
 * out that the conversion is right: where this throws, they are to be thrown away.
 *
 * @param startSide lets somebody else compute, while files are written, what `engineSide` gives; undefined where that failed
 */
export async function convertInto(
  model: Model,
  options: ConvertOptions,
  keep: Keep,
  startSide?: () => Promise<EngineSide | undefined>,
): Promise<void> {
  const { to = "pytorch", weights = "safetensors" } = options;
  requireChoice("to", Object.keys(targets), to);
  requireChoice("weights", ["safetensors", "pt"], weights);
  if (isKeras(to)) {
    const report = await toKeras(model, to, keep, options.onProgress);
    options.onVerified?.(report);
    if (!report.agrees)
      throw outputsDiffer(`the written model differs from its source first at ${report.firstDifference}`);
    return;
  }
  const engine = startSide?.().catch(() => undefined);
  if (largestBytes(model.graph) > mostBytesTwice) await engine;
  const file: WeightsFile = to === "pt" || (to === "pytorch" && weights === "pt") ? "model.pt" : "model.safetensors";
  const conversion = torchConversion(model.graph, options, file);
  const { source } = conversion.program;
  const state = new Map(
    conversion.program.state.map((entry): [string, StoredArray] => [entry.name, stateArray(entry)]),
  );
  const written =
    file === "model.pt"
      ? checkpointFile(state)
      : safetensorsFile(state, {
          metadata: { format: "pt", [graphKey]: describe(model.graph, conversion), ...describeSource(model) },
        });
  if (to === "pytorch") keep("model.py", fileOf(new TextEncoder().encode(source)));
  // What is proved is what was written: the weights are read again.
  const { tensors } = (file === "model.pt" ? readCheckpoint : readSafetensors)(keep(file, written), [file]);
  const progress = options.onProgress ? { onProgress: options.onProgress } : {};
  const side = (await engine) ?? engineSide(model);
  const report = verifyProgram(model, conversion, progress, { source, state: lateArrays(tensors) }, side);
  options.onVerified?.(report);
  if (!report.agrees)
    throw outputsDiffer(`the converted program differs from the model first at ${report.firstDifference}`);
  if (to === "pytorch") keep("check.npz", recordCheck(model.graph, conversion.plan, side));
}

/** A larger tensor is not held by the engine and by what is written at the same time. */
const mostBytesTwice = 2 ** 27;

function largestBytes(graph: Graph): number {
  const arrays = layersOf(graph).flatMap(({ weights }) => Object.values(weights));
  return arrays.reduce((most, { array }) => Math.max(most, 4 * elements(array.shape)), 0);
}

/** What Keras would need besides, where the model is one of Keras'. */
function describeSource(model: Model): Record<string, string> {
  const keras = sourceOf(model).keras?.();
  const kept = keras && describeOrigin(keras, keras.version);
  return kept ? { [keptKey]: kept } : {};
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

/** The proof's inputs and what the engine gives for them, in the module's order of axes: what `python model.py` compares with. */
function recordCheck(graph: Graph, { options: { io } }: LayoutPlan, { inputs, outputs }: EngineSide): FileToWrite {
  const turned = (data: TensorData, shape: readonly number[], value: number): DenseArray => {
    const axes = sizedAxes(graph.values[value]!.axes, shape);
    const order = portOrder(axes, io);
    return {
      dtype: data instanceof Int32Array ? "int32" : "float32",
      shape: shapeOf(order) as number[],
      data: rearrangeArray(data, axes, order),
    };
  };
  return npzFile(
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
