/**
 * inputs: a model's inputs out of a file of arrays, or drawn at random
 */
import { layoutText } from "../axes.ts";
import { isNpy, readNpy } from "../bytes/npy.ts";
import { readNpz } from "../bytes/npz.ts";
import { toFloat32, toInt32 } from "../bytes/numbers.ts";
import { invalidInput, wrongOption } from "../error.ts";
import { type OptionNames, requireChoice, requireKnown } from "../options.ts";
import { portOrder } from "../plan/layout.ts";
import { readSource, type Source } from "../platform/source.ts";
import type { StoredArray, Tensor } from "../tensor.ts";
import type { Model } from "./model.ts";
import { inputRecord, randomInputs } from "./random.ts";

/** How `readInputs` takes a file. */
export interface ReadInputsOptions {
  /** The order that series lie in: as the source has them (`NLC`, the default) or channels first (`NCL`). */
  readonly layout?: "keras" | "torch";
  /** What messages call the file; its own name by default. */
  readonly name?: string;
}

const readOptions: OptionNames<ReadInputsOptions> = { layout: true, name: true };

/**
 * Reads inputs for a model from a `.npz` or `.npy` file: by the inputs' names where all of them are there, else `input_0`,
 * `input_1`, …; the array of a `.npy` is `input_0`. An input that is a state may be left out.
 *
 * @returns what `predict` takes: tensors by input name
 * @throws {ChannelwiseError} `usage` for a wrong option; `invalid-input` when names do not fit; `corrupt-file`, `unreadable-file`, `unsupported-feature`
 */
export async function readInputs(
  model: Model,
  source: Source,
  options: ReadInputsOptions = {},
): Promise<Record<string, Tensor>> {
  requireKnown(options, readOptions);
  const { layout = "keras" } = options;
  requireChoice("layout", ["keras", "torch"], layout);
  const { bytes, name } = await readSource(source);
  return inputsOf(model, bytes, options.name ?? name, layout);
}

/** The model's inputs out of the bytes of a `.npz` or `.npy` file; see `readInputs`. */
export function inputsOf(
  model: Model,
  bytes: Uint8Array,
  file: string,
  layout: "keras" | "torch",
): Record<string, Tensor> {
  const place = [file];
  const arrays: Map<string, StoredArray> = isNpy(bytes)
    ? new Map([["input_0", readNpy(bytes, place)]])
    : readNpz(bytes, place);
  // By name where all names are there, else by position: never some one way and some the other.
  const byName = model.inputs.every(({ name, state }) => state || arrays.has(name));
  const names = model.inputs.map(({ name }, index) => (byName ? name : `input_${index}`));
  const spare = [...arrays.keys()].find((name) => !names.includes(name));
  if (spare !== undefined)
    throw invalidInput(
      `${file}: expected ${model.inputs.map(({ name }, index) => `${name} or input_${index}`).join(", ")}, got ${spare}`,
    );
  return Object.fromEntries(
    model.inputs.flatMap((port, index) => {
      const array = arrays.get(names[index]!);
      if (!array && port.state) return [];
      if (!array)
        throw invalidInput(`${file}: input ${port.name} is missing; expected an array ${port.name} or input_${index}`);
      const order = portOrder(
        model.graph.values[model.graph.inputs[index]!.value]!.axes,
        layout === "torch" ? "torch" : "source",
      );
      const data = port.type === "int32" ? toInt32(array, place) : toFloat32(array);
      return [[port.name, { data, shape: array.shape, layout: layoutText(order) }]];
    }),
  );
}

/** What `drawInputs` draws. */
export interface DrawInputsOptions {
  /** How many samples, in one batch. Default 2. */
  readonly samples?: number;
  /** Default 0. */
  readonly seed?: number;
}

const drawOptions: OptionNames<DrawInputsOptions> = { samples: true, seed: true };

/**
 * Draws the inputs that `verify` runs on: standard normal numbers, ids within the table of an Embedding, false and true for masks.
 * The same on every machine.
 *
 * @returns what `predict` takes: tensors by input name
 * @throws {ChannelwiseError} `usage` for a wrong option; `invalid-input` where they would be more than a GiB
 */
export function drawInputs(model: Model, options: DrawInputsOptions = {}): Record<string, Tensor> {
  requireKnown(options, drawOptions);
  const { samples = 2, seed = 0 } = options;
  if (!Number.isSafeInteger(samples) || samples < 1) throw wrongOption("samples", ["an integer from 1"], samples);
  return inputRecord(model.graph, randomInputs(model.graph, samples, seed));
}
