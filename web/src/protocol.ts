/**
 * What the page and its worker say to each other: plain data only. The worker holds the model and does everything that takes time, so
 * that the page stays quick and a computation can be ended with its thread.
 */
import type { Arrangement, Description, Explained, Report } from "channelwise";

/** How the PyTorch side is made; `naive` shows what transposed weights alone would give. */
export interface View {
  readonly flatten: "permute" | "fold" | "naive";
  readonly io: "torch" | "keras";
  readonly weights: "safetensors" | "pt";
}

/** The same without what is only to be looked at. */
export type Choice = View & { readonly flatten: "permute" | "fold" };

/** What can be written of a view: a conversion that goes wrong is only shown, beside the code of `permute`. */
export function choiceOf(view: View): Choice {
  return { ...view, flatten: view.flatten === "naive" ? "permute" : view.flatten };
}

/** A failure, as the package says it. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly where: readonly string[];
  readonly fix: string;
}

/** A weight of a card: its layout on both sides. */
export interface CardWeight {
  /** For `weight`. */
  readonly index: number;
  readonly role: string;
  readonly tensor: string;
  readonly keras: Arrangement;
  readonly torch: Arrangement;
  /** Whether its rows take the order of the data (fold). */
  readonly reordered: boolean;
}

/** One box of the chart: a call of a layer, a port of the model, or a change of order that the conversion puts in. */
export interface Card {
  readonly id: string;
  readonly kind: "input" | "output" | "layer" | "turn";
  /** The left upper corner and the sizes, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The layer's class. */
  readonly title: string;
  readonly name: string;
  readonly parameters: number;
  /** What comes out, on both sides; of an output, what comes in. */
  readonly keras: Arrangement;
  readonly torch: Arrangement;
  /** What goes into a layer or a turn; of several, the first. */
  readonly before: { readonly keras: Arrangement; readonly torch: Arrangement } | null;
  readonly weights: readonly CardWeight[];
  /** What its operators are told: by operator, name and value. */
  readonly options: readonly { readonly operator: string; readonly entries: readonly (readonly [string, string])[] }[];
  /** Lines of the code that are its own, counted from 1: in `__init__` and in `forward`. */
  readonly lines: readonly number[];
  /** Where the naive way goes wrong: why. */
  readonly wrong: string | null;
}

/** An edge of the chart: one value on its way from card to card, on both sides. */
export interface Ribbon {
  readonly from: string;
  readonly to: string;
  /** Centres of its way, from the lower edge of one card to the upper edge of the other. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Which of the edges into its card it is, and of how many. */
  readonly place: number;
  readonly places: number;
  readonly keras: Arrangement;
  readonly torch: Arrangement;
  /** Whether it holds wrong numbers or a wrong order on PyTorch's side (naive). */
  readonly wrong: boolean;
}

/** The model as a drawing. */
export interface Chart {
  readonly width: number;
  readonly height: number;
  readonly cards: readonly Card[];
  readonly ribbons: readonly Ribbon[];
  /** Cards that there was no room for. */
  readonly omitted: number;
}

/** One way to convert, shown. */
export interface Picture {
  readonly view: View;
  readonly source: string;
  readonly chart: Chart;
}

/** A model that was opened. */
export interface Opened {
  readonly description: Description;
  /** Files that were given and are no part of it. */
  readonly spare: readonly string[];
}

/** The numbers of a weight, or of its corner, in both orders. */
export interface WeightNumbers {
  readonly keras: WeightSide;
  readonly torch: WeightSide;
  /** Whether only a corner of the weight is here. */
  readonly corner: boolean;
}

/** A weight as one side holds it. */
export interface WeightSide {
  /** Its axes, slowest first, merged ones taken apart. */
  readonly axes: readonly { readonly letter: string; readonly size: number; readonly of: number }[];
  readonly data: Float32Array;
}

/** Both answers on the same inputs. */
export interface Curves {
  readonly outputs: readonly Explained[];
  readonly samples: number;
}

/** An array with its axes. */
export interface Numbers {
  readonly data: Float32Array | Int32Array;
  readonly layout: string;
  readonly shape: readonly number[];
}

/** What an input is made of. */
export type InputSource =
  | { readonly kind: "random"; readonly seed: number }
  | { readonly kind: "file"; readonly file: File; readonly layout: "keras" | "torch" }
  | { readonly kind: "numbers"; readonly port: string; readonly numbers: Numbers };

/** Inputs and what the model gives for them. */
export interface Prediction {
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: Readonly<Record<string, Numbers>>;
  /** Of one prediction; the median of several. */
  readonly milliseconds: number;
}

/** How fast the model is here. */
export interface BenchRow {
  readonly batch: number;
  readonly predictions: number;
  /** Of a batch. */
  readonly median: number;
  readonly slowest: number;
  /** Samples per second, by the median. */
  readonly perSecond: number;
}

/** Written files. */
export interface Written {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly report: Report;
}

/** What the worker does. */
export interface Methods {
  /** Opens a model out of the files that were given; the one before is given up when it is there. */
  open(files: readonly File[]): Opened;
  picture(view: View): Picture;
  weight(view: View, index: number): WeightNumbers;
  verify(choice: Choice): Report;
  curves(): Curves;
  convert(choice: Choice): Written;
  predict(source: InputSource): Prediction;
  bench(): readonly BenchRow[];
}

export type Method = keyof Methods;

/** How far a computation is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface Call<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly args: Parameters<Methods[M]>;
}

export type Answer =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly refusal: Refusal };
