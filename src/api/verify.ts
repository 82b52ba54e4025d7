/**
 * verify: the proof of a conversion
 *
 * One side is the source's graph in the WebAssembly engine (channels last, float32). The other is the text of the emitted
 * PyTorch program with its state dict in an interpreter of PyTorch's own semantics (channels first, float64), which shares
 * no code with the first. Both get the same random inputs; every layer's output is compared.
 */
import { type Axes, layoutText, lettersOf, inOrder, rearrangeArray, shapeOf, sizedAxes } from "../axes.ts";
import { type Array64, type LateArray, readTorchSignature, TorchProgram } from "../backends/torch/interpret.ts";
import { ownNames } from "../backends/torch/restore.ts";
import { stateArray } from "../backends/torch/state.ts";
import { wrongOption } from "../error.ts";
import type { EngineValue } from "../backends/wasm/engine.ts";
import { NodeResults } from "../backends/wasm/node-results.ts";
import type { Graph, ValueId } from "../graph/graph.ts";
import type { LayoutNote, LayoutPlan } from "../plan/layout.ts";
import { compareArrays, type Difference } from "./compare.ts";
import { type Conversion, type TorchConversion, torchConversion, torchOptions } from "./torch-conversion.ts";
import { floatsOf, toFloat32 } from "../bytes/numbers.ts";
import { reuseMemory } from "../platform/scratch.ts";
import type { StoredArray, Tensor, TensorData } from "../tensor.ts";
import type { Model } from "./model.ts";
import { type OptionNames, requireKnown } from "../options.ts";
import { RoundingCheck } from "./rounding.ts";
import { inputRecord, type RandomInput, randomInputs } from "./random.ts";

/** What `verify` compares, and on what. */
export interface VerifyOptions extends TorchConversion {
  /** How many random inputs, in one batch. Default 2. */
  readonly samples?: number;
  /** Of the random inputs. Default 0. */
  readonly seed?: number;
  /** Called as layers of the converted program are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

const defaults = { samples: 2, seed: 0 } as const;

const optionNames: OptionNames<VerifyOptions> = { samples: true, seed: true, ...torchOptions, onProgress: true };

/** One layer, or one output, on both sides. */
export interface LayerReport extends Difference {
  readonly name: string;
  /** The layer's class; empty for an output. */
  readonly className: string;
  /** Axes in the source's order, and their sizes in this run. */
  readonly layout: string;
  readonly shape: readonly number[];
  /** Whether the difference is past the tolerance and yet only what float32 rounds: both sides were checked in float64. */
  readonly rounding: boolean;
}

/** What `verify` found. */
export interface Report {
  readonly agrees: boolean;
  /** In the order of computation. */
  readonly layers: readonly LayerReport[];
  readonly outputs: readonly LayerReport[];
  /** The first layer, or else output, that differs. */
  readonly firstDifference: string | null;
  readonly samples: number;
  readonly seed: number;
  /** What was done about the order of axes. */
  readonly notes: readonly OrderNote[];
}

/** One thing that a conversion does about the order of axes. */
export interface OrderNote extends Omit<LayoutNote, "layer"> {
  /** The layer that wants it. */
  readonly layer: string;
  readonly className: string;
}

/**
 * Converts the model to PyTorch and compares both sides, layer by layer.
 *
 * @throws {ChannelwiseError} `usage` for a wrong option
 */
export async function verify(model: Model, options: VerifyOptions = {}): Promise<Report> {
  requireKnown(options, optionNames);
  return verifyProgram(model, torchConversion(model.graph, options), options);
}

/** A program's text and weights, where they are not the conversion's own. */
interface Against {
  readonly source: string;
  readonly state: ReadonlyMap<string, Array64 | LateArray>;
}

/** What an earlier conversion left: its weights, and the text of its program unless there are weights only. */
export interface Converted {
  readonly state: ReadonlyMap<string, StoredArray>;
  readonly source: string | null;
}

/**
 * Compares the model with an earlier conversion of it. A program's text is run as it stands; its layers are compared
 * where it is what this version writes, else its outputs only. Weights alone are run in the program of this version,
 * once for each way to treat merged axes, since they do not say which one they are for.
 */
export async function verifyAgainst(model: Model, converted: Converted, options: VerifyOptions = {}): Promise<Report> {
  const given = ownNames(torchConversion(model.graph).program.state, converted.state);
  const state = lateArrays(given);
  const signature = converted.source === null ? null : readTorchSignature(converted.source);
  const io = signature
    ? signature.inputs.concat(signature.outputs).some(([, layout]) => layout.includes("->"))
      ? "torch"
      : "keras"
    : (options.io ?? "torch");
  const name = signature ? { name: signature.className } : {};
  const candidates = (["permute", "fold"] as const).map((flatten) =>
    torchConversion(model.graph, { flatten, io, ...name }),
  );
  const same = candidates.find(({ program }) => program.source === converted.source);
  let first: Report | undefined;
  for (const conversion of same || converted.source !== null ? [same ?? candidates[0]!] : candidates) {
    const source = converted.source ?? conversion.program.source;
    const report = verifyProgram(model, conversion, options, { source, state });
    if (report.agrees) return report;
    first ??= report;
  }
  return first!;
}

/** A state dict that was read, as the interpreter takes it. */
export function lateArrays(state: ReadonlyMap<string, StoredArray>): Map<string, LateArray> {
  return new Map(
    [...state].map(([name, array]) => {
      const parts = () => {
        const floats = floatsOf(array);
        return (start: number, end: number) => floats.subarray(start, end);
      };
      return [name, { shape: array.shape, read: () => toFloat32(array), parts }];
    }),
  );
}

/** A conversion's state dict, as the interpreter takes it. */
export function ownState({ state }: Conversion["program"]): Map<string, LateArray> {
  return lateArrays(new Map(state.map((entry) => [entry.name, stateArray(entry)])));
}

/** What the engine computes of random inputs: one side of a proof. */
export interface EngineSide {
  readonly inputs: readonly RandomInput[];
  readonly values: ReadonlyMap<ValueId, EngineValue>;
  readonly outputs: readonly Tensor[];
}

export function engineSide(model: Model, samples: number = defaults.samples, seed: number = defaults.seed): EngineSide {
  return reuseMemory(() => {
    const inputs = randomInputs(model.graph, samples, seed);
    const record = inputRecord(model.graph, inputs);
    const known = new NodeResults();
    return { inputs, values: model.values(record, known), outputs: model.predictOnce(record, known) };
  });
}

/** Runs the model, unless `side` tells what it computes, and a conversion of it on the same inputs. */
export function verifyProgram(
  model: Model,
  conversion: Conversion,
  options: Omit<VerifyOptions, keyof TorchConversion> = {},
  against?: Against,
  side?: EngineSide,
): Report {
  return reuseMemory(() => compareSides(model, conversion, options, against, side));
}

function compareSides(
  model: Model,
  conversion: Conversion,
  options: Omit<VerifyOptions, keyof TorchConversion>,
  against: Against | undefined,
  side: EngineSide | undefined,
): Report {
  const { samples = defaults.samples, seed = defaults.seed, onProgress } = options;
  if (!Number.isSafeInteger(samples) || samples < 1) throw wrongOption("samples", ["an integer from 1"], samples);
  const { graph } = model;
  const { plan, program } = conversion;
  const { inputs, values: wanted, outputs: predicted } = side ?? engineSide(model, samples, seed);
  const torch = new TorchProgram(against?.source ?? program.source);
  torch.loadState(against?.state ?? ownState(program));

  const byLine = layersByLine(conversion, against);
  const layers: Compared[] = [];
  const compare = (name: string, className: string, value: ValueId, got: Array64, data?: TensorData): Compared => {
    const origin = plan.origins[value]!;
    const want = wanted.get(origin)!;
    const held = sizedAxes(plan.graph.values[value]!.axes, got.shape);
    return { origin, ...compareValue(name, className, got, held, data ? { ...want, data } : want) };
  };
  let done = 0;
  const results = torch.run(programInputs(conversion, model, inputs), (line, name, value) => {
    for (const layer of byLine.get(line) ?? []) {
      if (layer.variable !== name) continue;
      layers.push(compare(layer.name, layer.className, layer.value, value as Array64));
    }
    onProgress?.(++done, program.variables.size);
  });
  const outputs = plan.graph.outputs.map(({ name, value }, index) =>
    compare(name, "", value, results[index]!, predicted[index]!.data),
  );
  const reports = settled(graph, wanted, [...layers, ...outputs]);
  const differs = reports.find((report) => !report.agrees);
  return {
    agrees: differs === undefined,
    layers: reports.slice(0, layers.length),
    outputs: reports.slice(layers.length),
    firstDifference: differs?.name ?? null,
    samples,
    seed,
    notes: orderNotes(plan),
  };
}

/** What a plan does about the order of axes, with each layer by its name. */
export function orderNotes({ notes }: LayoutPlan): OrderNote[] {
  return notes.map(({ layer, ...note }) => ({ ...note, layer: layer.path, className: layer.className }));
}

/** A comparison, with what may be needed to look closer. */
interface Compared {
  readonly report: LayerReport;
  /** The source's value. */
  readonly origin: ValueId;
  /** What the converted program computed, in the source's order of axes. */
  readonly data: Float64Array;
}

/** Looks closer where both sides differ: rounding alone is no fault. */
function settled(
  graph: Graph,
  engine: ReadonlyMap<ValueId, EngineValue>,
  compared: readonly Compared[],
): LayerReport[] {
  if (compared.every(({ report }) => report.agrees)) return compared.map(({ report }) => report);
  const check = new RoundingCheck(graph, engine);
  return compared.map(({ report, origin, data }) => {
    const rounding = !report.agrees && check.explains(origin, data);
    return rounding ? { ...report, agrees: true, rounding } : report;
  });
}

/** A layer's output, and the variable that a line of the program gives it to: a line may give several. */
interface MadeValue {
  readonly name: string;
  readonly className: string;
  readonly value: ValueId;
  readonly variable: string;
}

/** Layers by the line of the program that makes them; none for a program that is not what the conversion wrote. */
function layersByLine({ plan, program }: Conversion, against: Against | undefined): Map<number, MadeValue[]> {
  const byLine = new Map<number, MadeValue[]>();
  if (against !== undefined && against.source !== program.source) return byLine;
  for (const call of plan.graph.calls) {
    call.outputs.forEach((value, index) => {
      const { line, name: variable } = program.variables.get(value)!;
      const name = index === 0 ? call.name : `${call.name}:${index}`;
      const entry = { name, className: call.layer.className, value, variable };
      byLine.set(line, [...(byLine.get(line) ?? []), entry]);
    });
  }
  return byLine;
}

/** The inputs in the order of axes that the program takes. */
export function programInputs({ plan }: Conversion, model: Model, inputs: readonly RandomInput[]): Array64[] {
  return model.graph.inputs.map(({ value }, index) => {
    const { data, shape } = inputs[index]!;
    const axes = sizedAxes(model.graph.values[value]!.axes, shape);
    const order = inOrder(axes, lettersOf(plan.graph.values[plan.graph.inputs[index]!.value]!.axes));
    const dtype = programTypes[model.graph.values[value]!.type];
    return { shape: shapeOf(order) as number[], data: rearrangeArray(data, axes, order), dtype };
  });
}

const programTypes = { float32: "float64", int32: "int64", bool: "bool" } as const;

/** One value on both sides, the converted one brought into the source's order of axes. */
function compareValue(
  name: string,
  className: string,
  got: Array64,
  held: Axes,
  want: { data: TensorData; axes: Axes },
): { report: LayerReport; data: Float64Array } {
  const shape = shapeOf(want.axes) as number[];
  const axes = inOrder(held, lettersOf(want.axes));
  const same = axes.every((axis, index) => axis.size === shape[index]);
  // Parts of a merged axis may be held in another order, too (fold).
  const data = same
    ? rearrangeArray(Float64Array.from(got.data as ArrayLike<number>), held, want.axes)
    : new Float64Array();
  const found = { ...compareArrays(data, want.data), rounding: false };
  return { report: { name, className, layout: layoutText(want.axes), shape, ...found }, data };
}
