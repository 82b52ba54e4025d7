/**
 * slice: parts of axes as Python's slices name them; an index takes its axis away
 *
 * Keras   x[:, 1:5:2], x[:, -1], x[..., ::-1], keras.ops.flip, split, unstack
 * PyTorch x[:, 1:5:2]; negative steps, which PyTorch has not, go over torch.flip: x[a:b:-s] is flip(x)[-1-a:-1-b:s]
 */
import { type Axes, axisIndex, lettersOf, plainAxis, positionalLetters } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import type { ValueId } from "../graph/graph.ts";
import { follow } from "./arrange.ts";
import type { Argument, Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { notBatch, type Notes } from "./notes.ts";
import { renamed } from "./operands.ts";
import { copy } from "./rows.ts";
import { boolean, letter, listOf, nullOr } from "./schema.ts";

/** One axis: where it begins and ends, as Python counts. */
export interface Cut {
  readonly axis: string;
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
  /** Whether this is an index: one element, and the axis goes. */
  readonly drop: boolean;
}

export interface Slice {
  readonly cuts: readonly Cut[];
}

const position = (value: unknown): value is number => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;

export const spec: OpSpec<Slice> = {
  attributes: {
    cuts: listOf(
      (value): value is Cut =>
        typeof value === "object" &&
        value !== null &&
        Object.keys(value).length === 5 &&
        letter((value as Cut).axis) &&
        nullOr(position)((value as Cut).start) &&
        nullOr(position)((value as Cut).stop) &&
        position((value as Cut).step) &&
        (value as Cut).step !== 0 &&
        boolean((value as Cut).drop),
      8,
    ),
  },
  weights: {},
  infer: ({ cuts }, [input]) => [
    input!.flatMap((axis) => {
      const cut = cuts.find((candidate) => candidate.axis === axis.letter);
      if (!cut) return [axis];
      if (axis.size === null) return cut.drop ? [] : [plainAxis(axis.letter, null)];
      const { count } = bounds(cut, axis.size);
      if (count < 1)
        throw shapeMismatch(`slice: nothing is left of axis ${axis.letter}, which has ${axis.size} elements`);
      return cut.drop ? [] : [plainAxis(axis.letter, count)];
    }),
  ],
};

/** First place and number of elements that a cut takes of `size`, as Python's slice.indices says. */
function bounds({ start, stop, step }: Cut, size: number): { first: number; count: number } {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamped = (value: number) => Math.min(Math.max(value < 0 ? value + size : value, low), high);
  const first = start === null ? (step > 0 ? low : high) : clamped(start);
  const end = stop === null ? (step > 0 ? high : low) : clamped(stop);
  return { first, count: Math.max(0, Math.ceil((end - first) / step)) };
}

/** Cut axes are in the source's order. */
export const arrange: Arrange<Slice> = ({ cuts }, inputs, outputs, context) => {
  const [input] = inputs;
  const held = input!.held.map((axis) =>
    cuts.some((cut) => cut.axis === axis.letter) ? input!.source[axisIndex(input!.source, axis.letter)]! : axis,
  );
  return follow({}, [{ ...input!, held }], outputs, context);
};

/** Per axis of the input: where it begins, how much of it is taken, how far apart. */
function taken(cuts: readonly Cut[], axes: Axes, shape: readonly number[]) {
  return axes.map((axis, index) => {
    const cut = cuts.find((candidate) => candidate.axis === axis.letter);
    return cut ? { ...bounds(cut, shape[index]!), step: cut.step } : { first: 0, count: shape[index]!, step: 1 };
  });
}

export const evaluate: Evaluate<Slice> = ({ cuts }, [x]) => {
  const sizes = x!.axes.map((axis) => axis.size!);
  const parts = taken(cuts, x!.axes, sizes);
  const y: number[] = [];
  const walk = (axis: number, at: number) => {
    if (axis === sizes.length) {
      y.push(x!.data[at]!);
      return;
    }
    const { first, count, step } = parts[axis]!;
    for (let i = 0; i < count; i++) walk(axis + 1, at * sizes[axis]! + first + i * step);
  };
  walk(0, 0);
  return [Float64Array.from(y)];
};

export const toTorch: ToTorch<Slice> = ({ attributes: { cuts }, inputs }, torch) => {
  const backwards = cuts.filter((cut) => cut.step < 0).map((cut) => torch.dim(cut.axis));
  const dims = backwards.sort((a, b) => a - b).join(", ");
  const x = backwards.length === 0 ? torch.input(0) : `torch.flip(${torch.input(0)}, dims=(${dims},))`;
  const texts = inputs[0]!.map((axis) => {
    const cut = cuts.find((candidate) => candidate.axis === axis.letter);
    return cut ? cutText(cut) : ":";
  });
  while (texts.at(-1) === ":") texts.pop();
  return texts.length === 0 ? x : `${x}[${texts.join(", ")}]`;
};

function cutText({ start, stop, step, drop }: Cut): string {
  if (drop) return String(start);
  const mirrored = (value: number | null) => (value === null ? "" : String(step < 0 ? -1 - value : value));
  const stride = Math.abs(step);
  return `${mirrored(start)}:${mirrored(stop)}${stride === 1 ? "" : `:${stride}`}`;
}

export const toWasm: ToWasm<Slice> = ({ attributes: { cuts }, inputs }, wasm) => {
  const shape = wasm.inputShape(0);
  const parts = taken(cuts, inputs[0]!, shape);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((all, size) => all * size, 1));
  const sizes = parts.map((part) => part.count);
  const offset = parts.reduce((sum, part, axis) => sum + part.first * strides[axis]!, 0);
  const targets = sizes.map((_, axis) => sizes.slice(axis + 1).reduce((all, size) => all * size, 1));
  copy(
    wasm,
    wasm.input(0).at(offset),
    wasm.output(),
    sizes,
    strides.map((stride, axis) => stride * parts[axis]!.step),
    targets,
  );
};

// ----------------------------------------------------------------------------------------------------- Keras

/** Adds cuts of a value's axes; none needs no node. */
export function emitSlice(call: KerasCall, input: ValueId, cuts: readonly Cut[]): ValueId {
  const needed = cuts.filter((cut) => cut.drop || cut.start !== null || cut.stop !== null || cut.step !== 1);
  return needed.length === 0 ? input : call.emit<Slice>("slice", { cuts: needed }, [input]);
}

/** The elements from `start` up to `stop` along an axis. */
export function range(axis: string, start: number | null, stop: number | null, step = 1): Cut {
  return { axis, start, stop, step, drop: false };
}

function getItem(call: KerasCall): ValueId {
  const { config } = call;
  const first = call.argument("x", 0);
  const key = call.argument("key", 1);
  const input = first?.kind === "tensor" ? first.tensor : config.refuse("inputs", "expected a tensor");
  const entries = key === undefined ? [] : key.kind === "list" ? [...key.entries] : [key];
  const isNew = (entry: Argument) => entry.kind === "constant" && entry.value === null;
  const letters = lettersOf(call.axes(input));
  const refuse = (why: string) => config.refuse("call argument key", why);
  const ellipses = entries.filter((entry) => entry.kind === "ellipsis").length;
  if (ellipses > 1) refuse("expected one ellipsis at most");
  const rest = letters.length - entries.filter((entry) => !isNew(entry) && entry.kind !== "ellipsis").length;
  if (rest < 0) refuse(`more indices than the ${letters.length} axes of the tensor`);
  if (ellipses === 0) entries.push({ kind: "ellipsis" });
  const cuts: Cut[] = [];
  let order = "";
  let axis = 0;
  for (const entry of entries) {
    if (entry.kind === "ellipsis") {
      order += letters.slice(axis, axis + rest);
      axis += rest;
    } else if (isNew(entry)) order += "1";
    else {
      const cut = cutOf(entry, letters[axis++]!, refuse);
      if (cut.axis === "N" && (cut.drop || cut.start !== null || cut.stop !== null || cut.step !== 1))
        refuse("the batch can't be cut: each sample is computed by itself");
      cuts.push(cut);
      if (!cut.drop) order += cut.axis;
    }
  }
  if (order[0] !== "N") refuse("the batch has to stay the first axis");
  for (const cut of cuts) {
    const size = call.axes(input).find((own) => own.letter === cut.axis)!.size;
    if (cut.drop && size !== null && (cut.start! >= size || cut.start! < -size))
      refuse(`index ${cut.start} of an axis of ${size} elements`);
  }
  return call.rearrange(emitSlice(call, input, cuts), order, positionalLetters(order.length));
}

function cutOf(entry: Argument, axis: string, refuse: (why: string) => never): Cut {
  const place = (value: Argument): number | null => {
    if (value.kind !== "constant" || !(value.value === null || position(value.value)))
      return refuse("expected integers, got a tensor or something else");
    return value.value;
  };
  if (entry.kind === "slice") {
    const step = place(entry.step) ?? 1;
    if (step === 0) refuse("a slice's step is 0");
    return range(axis, place(entry.start), place(entry.stop), step);
  }
  const index = place(entry)!;
  return { axis, start: index, stop: index === -1 ? null : index + 1, step: 1, drop: true };
}

/** Pieces along an axis: so many equal ones, or those between the given places. */
function split(call: KerasCall): ValueId[] {
  const { config } = call;
  const input = call.input();
  const axis = axisLetter(call, input, config.axis("axis", 0));
  if (axis === "N") config.refuse("axis", "the batch can't be cut: each sample is computed by itself");
  const given = config.raw("indices_or_sections");
  const size = call.known(input, axis);
  let places: number[];
  if (Array.isArray(given)) places = config.integers("indices_or_sections");
  else {
    const count = config.integer("indices_or_sections");
    if (size % count !== 0) config.refuse("indices_or_sections", `${size} elements are not ${count} equal pieces`);
    places = Array.from({ length: count - 1 }, (_, index) => ((index + 1) * size) / count);
  }
  return [null, ...places].map((start, index) => emitSlice(call, input, [range(axis, start, places[index] ?? null)]));
}

export const fromOperation: Record<string, FromKeras> = {
  GetItem: getItem,
  Split: split,
  Flip(call) {
    const { config } = call;
    const input = call.input();
    if (config.raw("axis") == null) config.refuse("axis", "expected axes: flipping all would flip the batch");
    const axes = config.integers("axis").map((axis) => axisLetter(call, input, axis));
    if (axes.includes("N")) config.refuse("axis", "the batch can't be flipped: each sample is computed by itself");
    return emitSlice(
      call,
      input,
      axes.map((axis) => range(axis, null, null, -1)),
    );
  },
  Unstack(call) {
    const { config } = call;
    const input = call.input();
    const axis = axisLetter(call, input, config.axis("axis", 0));
    if (axis === "N") config.refuse("axis", "the batch can't be taken apart");
    const count = call.known(input, axis);
    const given = config.optionalNumber("num");
    if (given !== null && given !== count) config.refuse("num", `expected ${count}, got ${given}`);
    return Array.from({ length: count }, (_, index) =>
      renamed(call, emitSlice(call, input, [{ axis, start: index, stop: index + 1, step: 1, drop: true }])),
    );
  },
};

// ------------------------------------------------------------------------------------------------------ notes

export const operationNotes: Notes = {
  GetItem: {
    torch: "`x[:, start:stop]`; `torch.flip` first where a step is negative",
    limits: {
      "call argument key":
        "integers, slices of integers, `None` and one `...`, no tensors; the batch stays whole and first",
    },
  },
  Split: { torch: "slices", limits: { axis: notBatch, input: "a known size along the axis" } },
  Flip: { torch: "`torch.flip`", limits: { axis: `given, ${notBatch}` } },
  Unstack: { torch: "slices", limits: { axis: notBatch, input: "a known size along the axis" } },
};
