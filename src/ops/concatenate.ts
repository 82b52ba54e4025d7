/**
 * concatenate: arrays end to end along one axis; the others are equal
 *
 * Merged axes stay merged, segment by segment: two flattened series give `N(LC|LC)`.
 *
 * Keras   keras.layers.Concatenate(axis), also by negative numbers
 * PyTorch torch.cat(dim)
 */
import { type Axis, axisIndex, lettersOf, type Part, plainAxis, product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import type { ValueId } from "../graph/graph.ts";
import type { Compare } from "./compare.ts";
import type { Fill } from "./fill.ts";
import type { Reduce } from "./reduce.ts";
import { alike } from "./operands.ts";
import { commonOrder, heldLike, reorderHeld } from "./arrange.ts";
import type { Arrange, Axes, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { notBatch, type Notes } from "./notes.ts";
import { copy } from "./rows.ts";
import { letter } from "./schema.ts";

export interface Concatenate {
  readonly axis: string;
}

/** The runs of an axis: its segments, or itself. */
function runs(axis: Axis): readonly (readonly Part[])[] {
  return axis.segments ?? [[{ letter: axis.letter, size: axis.size }]];
}

/** Pieces past this count are no longer told apart: the axis is then held in the source's order. */
const mostSegments = 1024;

function joined(axes: readonly Axis[]): Axis {
  const size = axes.reduce<number | null>(
    (sum, axis) => (sum === null || axis.size === null ? null : sum + axis.size),
    0,
  );
  const plain = plainAxis(axes[0]!.letter, size);
  const count = axes.reduce((sum, axis) => sum + (axis.segments?.length ?? 1), 0);
  const merged = axes.some((axis) => axis.segments) && size !== null && count <= mostSegments;
  return merged ? { ...plain, segments: axes.flatMap(runs) } : plain;
}

export const spec: OpSpec<Concatenate> = {
  attributes: { axis: letter },
  weights: {},
  infer({ axis }, inputs) {
    const [first] = inputs;
    return [
      first!.map((own) => {
        const all = inputs.map((axes) => axes[axisIndex(axes, own.letter)]!);
        if (own.letter === axis) return joined(all);
        const sizes = new Set(all.map((other) => other.size).filter((size) => size !== null));
        if (sizes.size > 1)
          throw shapeMismatch(
            `concatenate: expected equal sizes but along ${axis}, got ${own.letter} = ${[...sizes].join(" and ")}`,
          );
        const same = all.every((other) => JSON.stringify(other.segments) === JSON.stringify(own.segments));
        return same ? own : plainAxis(own.letter, own.size);
      }),
    ];
  },
};

export const arrange: Arrange<Concatenate> = ({ axis }, inputs, [output]) => {
  const letters = commonOrder(inputs);
  const position = axisIndex(output!, axis);
  // Along the joined axis every input keeps its own order of parts; other merged axes have to be in the source's.
  const wanted = inputs.map((input) =>
    reorderHeld(input, letters).map((own) =>
      own.letter === axis && output![position]!.segments ? own : input.source[axisIndex(input.source, own.letter)]!,
    ),
  );
  const held = joined(wanted.map((axes) => axes[axisIndex(axes, axis)]!));
  return { inputs: wanted, outputs: [heldLike(output!, letters, [held])] };
};

export const evaluate: Evaluate<Concatenate> = ({ axis }, inputs, _weights, [output]) => {
  const y = new Float64Array(product(output!.map((own) => own.size))!);
  const row = blockSize(output!, axis);
  let offset = 0;
  for (const { axes, data } of inputs) {
    const block = blockSize(axes, axis);
    for (let at = 0; at < data.length; at++) y[Math.floor(at / block) * row + offset + (at % block)] = data[at]!;
    offset += block;
  }
  return [y];
};

/** Elements from one index of the axes before `axis` to the next. */
function blockSize(axes: Axes, axis: string): number {
  return product(axes.slice(axisIndex(axes, axis)).map((own) => own.size))!;
}

/** A mask under which every step counts. */
function everyStep(call: KerasCall, input: ValueId): ValueId {
  const ones = call.emit<Fill>("fill", { value: 1, type: "bool" }, [input]);
  const attributes: Reduce = { kind: "any", axes: lettersOf(call.axes(input)).at(-1)!, keep: false };
  return call.emit("reduce", attributes, [ones]);
}

/**
 * Masks end to end where steps are; beside each other, a step counts where it does in any input, and in all of them if one of
 * the inputs has no mask.
 */
function carryMasks(call: KerasCall, output: ValueId, axis: string): void {
  const { inputs, config } = call;
  const masked = inputs.filter((input) => call.masked(input));
  const along = axis !== lettersOf(call.axes(output)).at(-1);
  if (masked.length === 0 || (!along && masked.length < inputs.length)) return;
  call.carry(output, () => {
    const masks = alike(
      call,
      inputs.map((input) => call.mask(input) ?? everyStep(call, input)),
    );
    const letters = lettersOf(call.axes(masks[0]!));
    if (letters.length !== lettersOf(call.axes(output)).length - 1)
      config.refuse("inputs", "expected masks of one axis less than the inputs");
    if (along)
      return call.emit<Concatenate>(
        "concatenate",
        { axis: letters[lettersOf(call.axes(output)).indexOf(axis)]! },
        masks,
      );
    return masks.reduce((sofar, mask) => call.emit<Compare>("compare", { kind: "or", value: null }, [sofar, mask]));
  });
}

export const fromKeras: Record<string, FromKeras> = {
  Concatenate(call) {
    const { inputs, config } = call;
    if (inputs.length === 0) config.refuse("inputs", "there is nothing to concatenate");
    const letters = lettersOf(call.axes(inputs[0]!));
    const renamed = inputs.map((input) => {
      const own = lettersOf(call.axes(input));
      if (own.length !== letters.length)
        config.refuse("inputs", `inputs of ${letters.length} and of ${own.length} axes`);
      return call.rearrange(input, own, letters);
    });
    const axis = axisLetter(call, renamed[0]!, config.axis("axis", -1));
    if (axis === "N") config.refuse("axis", "the batch axis can't be concatenated along");
    const attributes: Concatenate = { axis };
    if (renamed.length === 1) return renamed[0]!;
    const output = call.emit("concatenate", attributes, renamed);
    carryMasks(call, output, axis);
    return output;
  },
};

export const toTorch: ToTorch<Concatenate> = ({ attributes: { axis }, inputs }, torch) =>
  `torch.cat([${inputs.map((_, index) => torch.input(index)).join(", ")}], dim=${torch.dim(axis)})`;

export const toWasm: ToWasm<Concatenate> = ({ attributes: { axis }, inputs, outputs }, wasm) => {
  const from = axisIndex(outputs[0]!, axis);
  const row = product(wasm.outputShape().slice(from))!;
  let offset = 0;
  inputs.forEach((_, index) => {
    const shape = wasm.inputShape(index);
    const block = product(shape.slice(from))!;
    const outer = product(shape.slice(0, from))!;
    copy(wasm, wasm.input(index), wasm.output().at(offset), [outer, block], [block, 1], [row, 1]);
    offset += block;
  });
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Concatenate: {
    torch: "`torch.cat`",
    limits: {
      axis: notBatch,
      inputs: "if a layer behind takes the mask, it is one of steps",
    },
  },
};
