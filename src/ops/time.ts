/**
 * foldTime:   the axis behind the batch becomes part of the batch, so that what is done to samples is done to every step
 * unfoldTime: the batch is cut into samples and steps again; the second input is the value that was folded
 *
 * Keras   keras.layers.TimeDistributed: the layer inside, step by step
 * PyTorch x.flatten(0, 1), y.unflatten(0, (-1, steps))
 */
import { type Axes, type Axis, axisSize, lettersOf, plainAxis, positionalLetters, product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { canonical } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";
import { isInt8, policyName } from "./quantization.ts";
import { letter } from "./schema.ts";

export type Time = Record<string, never>;

export interface UnfoldTime {
  /** The letter of the steps in the value that was folded. */
  readonly steps: string;
}

function named(sizes: readonly (number | null)[]): Axis[] {
  const letters = positionalLetters(sizes.length);
  return sizes.map((size, index) => plainAxis(letters[index]!, size));
}

const sizesOf = (axes: Axes) => axes.map((axis) => axis.size);

export const foldSpec: OpSpec<Time> = {
  attributes: {},
  weights: {},
  infer(_attributes, [input]) {
    const [batch, steps, ...rest] = sizesOf(input!);
    if (steps === undefined) throw shapeMismatch("foldTime: expected an axis behind the batch");
    return [named([product([batch!, steps]), ...rest])];
  },
};

export const unfoldSpec: OpSpec<UnfoldTime> = {
  attributes: { steps: letter },
  weights: {},
  infer(attributes, [input, original]) {
    if (!input || !original) throw shapeMismatch("unfoldTime: expected a value and the folded one");
    const [rows, ...rest] = sizesOf(input);
    const [batch, steps] = [axisSize(original, "N"), axisSize(original, attributes.steps)];
    const expected = product([batch, steps]);
    if (rows != null && expected !== null && rows !== expected)
      throw shapeMismatch(`unfoldTime: expected ${batch} samples of ${steps} steps, got ${rows}`);
    return [named([batch, steps, ...rest])];
  },
};

export const foldArrange: Arrange<Time> = canonical;

/** The value that was folded is asked for its sizes only: it may be held in any order. */
export const unfoldArrange: Arrange<UnfoldTime> = (_attributes, [input, original], outputs) => ({
  inputs: [input!.source, original!.held],
  outputs,
});

export const foldEvaluate: Evaluate<Time> = (_attributes, [x]) => [x!.data];
export const unfoldEvaluate: Evaluate<UnfoldTime> = (_attributes, [x]) => [x!.data];

export const foldToTorch: ToTorch<Time> = (_node, torch) => `${torch.input(0)}.flatten(0, 1)`;

export const unfoldToTorch: ToTorch<UnfoldTime> = ({ attributes: { steps } }, torch) =>
  `${torch.input(0)}.unflatten(0, (-1, ${torch.size(steps, 1)}))`;

export const foldToWasm: ToWasm<Time> = (_node, wasm) => wasm.alias();
export const unfoldToWasm: ToWasm<UnfoldTime> = (_node, wasm) => wasm.alias();

// ----------------------------------------------------------------------------------------------------- Keras

/** Layers that treat every step alike by themselves, whatever axes lie before the last. */
const stepwise = new Set(["Activation", "Dense", "Dropout", "ELU", "LeakyReLU", "ReLU"]);

export const fromKeras: Record<string, FromKeras> = {
  TimeDistributed(call) {
    const { config } = call;
    const input = call.input();
    const layer = config.raw("layer");
    const className = (layer as { class_name?: unknown } | null)?.class_name;
    const letters = lettersOf(call.axes(input));
    if (isInt8(policyName((layer as { config?: { dtype?: unknown } } | null)?.config?.dtype)))
      config.refuse(
        "layer",
        "Keras itself leaves the scales of a quantized layer inside out",
        "save the model before quantizing it",
      );
    if (letters.length < 3)
      config.refuse("input", `expected steps of at least one axis, got ${letters.length} axes in all`);
    const masked = call.masked();
    let inner = input;
    const direct = typeof className === "string" && stepwise.has(className);
    if (!direct) {
      inner = call.emit<Time>("foldTime", {}, [input]);
      if (masked) {
        // The layer inside gets the mask of its step: of a mask by samples and steps, that is one bool per sample.
        call.carry(inner, () => {
          const mask = call.mask(input)!;
          if (call.axes(mask).length < 3)
            config.refuse("layer", "the layer inside takes a mask of its own, and the mask here is one of steps");
          return call.emit<Time>("foldTime", {}, [mask]);
        });
      }
    }
    const outputs = call.apply(layer, "layer", [inner]).map((output) => {
      if (direct) return output;
      return call.emit<UnfoldTime>("unfoldTime", { steps: letters[1]! }, [output, input]);
    });
    if (outputs.length !== 1) config.refuse("layer", `the layer inside has ${outputs.length} outputs`);
    return outputs;
  },
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  TimeDistributed: {
    torch:
      "what the layer inside becomes, between `x.flatten(0, 1)` and `x.unflatten(0, (-1, steps))` where it needs that",
    limits: {
      layer: "with one output; a layer inside that takes a mask can't use one of the steps; not quantized",
    },
  },
};
