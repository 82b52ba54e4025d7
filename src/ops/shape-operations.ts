/**
 * Operations of `keras.ops` that only move elements, said with rearrange, reshape, slice and concatenate.
 *
 * Keras   keras.ops.reshape, transpose, swapaxes, moveaxis, expand_dims, squeeze, concatenate, stack, tile
 */
import { lettersOf, positionalLetters, product } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import { type Concatenate, fromKeras as concatenateFromKeras } from "./concatenate.ts";
import type { FromKeras, KerasCall } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { notBatch, type Notes } from "./notes.ts";
import { alike } from "./operands.ts";
import { emitReshape } from "./reshape.ts";

const batchFirst = "the batch has to stay the first axis";

/** The axes in another order, by their numbers in the input. */
function permuted(call: KerasCall, input: ValueId, order: readonly number[], key: string): ValueId {
  const letters = lettersOf(call.axes(input));
  if ([...order].sort((a, b) => a - b).some((axis, index) => axis !== index) || order.length !== letters.length)
    call.config.refuse(key, `expected each of 0 to ${letters.length - 1} once, got (${order.join(", ")})`);
  if (order[0] !== 0) call.config.refuse(key, batchFirst);
  return call.rearrange(input, order.map((axis) => letters[axis]).join(""), positionalLetters(letters.length));
}

/** An option that is the number of an axis, or several, of a value with `rank` axes, counted from the front. */
function axisNumbers(call: KerasCall, key: string, rank: number): number[] {
  return call.config.integers(key).map((axis) => {
    const number = axis < 0 ? axis + rank : axis;
    return number >= 0 && number < rank ? number : call.config.refuse(key, `axis ${axis} of a value with ${rank} axes`);
  });
}

/** New axes of size one at these places of the result. */
function expanded(call: KerasCall, input: ValueId, places: readonly number[]): ValueId {
  const letters = [...lettersOf(call.axes(input))];
  if (places.includes(0)) call.config.refuse("axis", batchFirst);
  const rank = letters.length + places.length;
  const order = Array.from({ length: rank }, (_, index) => (places.includes(index) ? "1" : letters.shift()));
  return call.rearrange(input, order.join(""), positionalLetters(rank));
}

export const fromOperation: Record<string, FromKeras> = {
  Reshape(call) {
    const { config } = call;
    const input = call.input();
    const axes = call.axes(input);
    const [batch, ...shape] = config.integers("newshape");
    const total = product(axes.slice(1).map((axis) => axis.size));
    const fixed = shape.filter((size) => size !== -1).reduce((all, size) => all * size, 1);
    // Where -1 stands for the batch, the rest has to hold a sample.
    if (batch !== -1 || shape.includes(-1) || total === null || total !== fixed)
      config.refuse(
        "newshape",
        `expected -1 for the batch and the ${total ?? "unknown number of"} elements of a sample behind it, got (${[batch, ...shape].join(", ")})`,
      );
    return emitReshape(call, input, shape);
  },
  Transpose(call) {
    const input = call.input();
    const rank = call.axes(input).length;
    if (call.config.raw("axes") == null) call.config.refuse("axes", batchFirst);
    return permuted(call, input, axisNumbers(call, "axes", rank), "axes");
  },
  Swapaxes: (call) => swapped(call),
  Moveaxis(call) {
    const input = call.input();
    const rank = call.axes(input).length;
    const [from, to] = [axisNumbers(call, "source", rank), axisNumbers(call, "destination", rank)];
    const rest = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !from.includes(axis));
    const order = Array.from({ length: rank }, (_, place) => {
      const index = to.indexOf(place);
      return index < 0 ? rest.shift()! : from[index]!;
    });
    return permuted(call, input, order, "source");
  },
  ExpandDims(call) {
    const input = call.input();
    const count = call.config.integers("axis").length;
    return expanded(call, input, axisNumbers(call, "axis", call.axes(input).length + count));
  },
  Squeeze(call) {
    const { config } = call;
    const input = call.input();
    const axes = call.axes(input);
    const own = lettersOf(axes);
    const given = config.raw("axis");
    const chosen =
      given == null
        ? axes.filter((axis) => axis.size === 1 && axis.letter !== "N").map((axis) => axis.letter)
        : config.integers("axis").map((axis) => axisLetter(call, input, axis));
    const wide = axes.find((axis) => chosen.includes(axis.letter) && axis.size !== 1);
    if (wide) config.refuse("axis", `axis ${own.indexOf(wide.letter)} has size ${wide.size ?? "unknown"}, not 1`);
    const shape = axes.slice(1).filter((axis) => !chosen.includes(axis.letter));
    const open = shape.filter((axis) => axis.size === null).length;
    if (open > 1) config.refuse("input", "two axes of unknown size", "give the model a fixed length");
    if (chosen.length === 0) return input;
    return emitReshape(
      call,
      input,
      shape.map((axis) => axis.size ?? -1),
    );
  },
  Concatenate: (call) => concatenateFromKeras.Concatenate!(call),
  Stack(call) {
    const { config, inputs } = call;
    if (inputs.length === 0) config.refuse("inputs", "there is nothing to stack");
    const rank = call.axes(inputs[0]!).length + 1;
    const [place, ...more] = axisNumbers(call, "axis", rank);
    if (place === undefined || more.length > 0) return config.refuse("axis", "expected one axis");
    const letter = positionalLetters(rank)[place]!;
    const wide = alike(call, inputs).map((input) => expanded(call, input, [place]));
    return wide.length === 1 ? wide[0]! : call.emit<Concatenate>("concatenate", { axis: letter }, wide);
  },
  Tile(call) {
    const { config } = call;
    let value = call.input();
    const letters = lettersOf(call.axes(value));
    const repeats = config.integers("repeats");
    if (repeats.length > letters.length || repeats.some((count) => count < 1 || count > 1024))
      config.refuse("repeats", `expected up to ${letters.length} counts from 1 to 1024, got (${repeats.join(", ")})`);
    const own = letters.slice(letters.length - repeats.length);
    [...own].forEach((axis, index) => {
      if (repeats[index] === 1) return;
      if (axis === "N") config.refuse("repeats", "the batch can't be repeated");
      const copies = new Array<ValueId>(repeats[index]!).fill(value);
      value = call.emit<Concatenate>("concatenate", { axis }, copies);
    });
    return value;
  },
};

function swapped(call: KerasCall): ValueId {
  const input = call.input();
  const rank = call.axes(input).length;
  const [first] = axisNumbers(call, "axis1", rank);
  const [second] = axisNumbers(call, "axis2", rank);
  const order = Array.from({ length: rank }, (_, axis) => (axis === first ? second! : axis === second ? first! : axis));
  return permuted(call, input, order, "axis1");
}

// ------------------------------------------------------------------------------------------------------ notes

const limits = { axis: notBatch };

export const operationNotes: Notes = {
  Reshape: {
    torch: "`x.reshape`, behind a `permute` where the order of the axes differs",
    limits: { newshape: "-1 for the batch, then sizes that hold one sample; no size that is open in the model" },
  },
  Transpose: { torch: "`x.permute`", limits: { axes: "given, with the batch first" } },
  Swapaxes: { torch: "`x.permute`", limits: { axis1: notBatch } },
  Moveaxis: { torch: "`x.permute`", limits: { source: notBatch } },
  ExpandDims: { torch: "`x.unsqueeze`", limits },
  Squeeze: {
    torch: "`x.reshape`",
    limits: { axis: "of size 1 for certain", input: "one open size at most" },
  },
  Concatenate: { torch: "`torch.cat`", limits },
  Stack: { torch: "`x.unsqueeze` and `torch.cat`", limits },
  Tile: {
    torch: "`torch.cat`",
    limits: { repeats: "1 for the batch, up to 1024, no more of them than there are axes" },
  },
};
