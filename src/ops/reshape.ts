/**
 * rearrange: axes in another order, merged, renamed, or new ones of size one: `NLC` to `N(LC)`
 * reshape:   the elements in the source's order, cut into other axes
 * reorder:   what a planner inserts: the same array held in another order of axes or of a merged axis' parts
 *
 * A `rearrange` is where the order of axes becomes a number's place: in a plan it moves nothing, since the planner has
 * its input held in an order that makes it a view, or remembers (`--flatten fold`) in which order the parts came out.
 *
 * Keras   Flatten: `NLC` to `N(LC)`; Permute; Reshape, which is a Flatten where it gives a vector; RepeatVector, a new length of
 *         one element that is repeated
 * PyTorch x.permute, x.flatten, x.unflatten, x.reshape
 */
import {
  type Axes,
  type Axis,
  axisIndex,
  inOrder,
  isView,
  lettersOf,
  type Part,
  parseLayout,
  plainAxis,
  positionalLetters,
  product,
  rearrangeArray,
  rearrangement,
  withAxis,
} from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { canonical, reorderHeld } from "./arrange.ts";
import type { ValueId } from "../graph/graph.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";
import type { Resize1d } from "./resize1d.ts";
import { copy } from "./rows.ts";
import { count, layout, letters, listOf } from "./schema.ts";

// ------------------------------------------------------------------------------------------------- rearrange

export interface Rearrange {
  /** The order of the axes, in the input's letters: `N(LC)`, `NCL`, `N1C`. */
  readonly to: string;
  /** What the axes are called from then on, one letter each. */
  readonly letters: string;
}

/** The leaves of an axis that takes part in a merge; null where it holds several segments. */
function leaves(axis: Axis): readonly Part[] | null {
  if (!axis.segments) return [{ letter: axis.letter, size: axis.size }];
  return axis.segments.length === 1 ? axis.segments[0]! : null;
}

/** The output's axes; a merged one bears a letter that no input has (`*`), so that its parts are looked up as axes. */
function targetAxes(to: string, input: Axes): Axis[] {
  return parseLayout(to).map(([group]) => {
    if (group![0] === "1") return plainAxis("1", 1);
    const axes = inOrder(input, group!.join(""));
    if (axes.length === 1) return axes[0]!;
    const size = product(axes.map((axis) => axis.size));
    const parts = axes.flatMap((axis) => leaves(axis) ?? []);
    // Parts are told apart by their letters; a merge that would repeat one is held in the source's order.
    const distinct = new Set(parts.map((part) => part.letter)).size === parts.length;
    return axes.every(leaves) && distinct ? { letter: "*", size, segments: [parts] } : plainAxis("*", size);
  });
}

/** The output's axes, once it is sure that `to` names every axis of the input once, the batch first and by itself. */
function checkedAxes(to: string, letters: string, input: Axes): Axis[] {
  const groups = parseLayout(to).map(([group]) => group!.join(""));
  const named = [...groups.join("").replaceAll("1", "")].sort().join("");
  const batch = lettersOf(input)[0] !== "N" || (groups[0] === "N" && letters[0] === "N");
  if (named !== [...lettersOf(input)].sort().join("") || letters.length !== groups.length || !batch) {
    throw shapeMismatch(`rearrange: expected an order of the axes of ${lettersOf(input)}, got ${to} as ${letters}`);
  }
  return targetAxes(to, input);
}

export const rearrangeSpec: OpSpec<Rearrange> = {
  attributes: { to: layout, letters },
  weights: {},
  infer: ({ to, letters }, [input]) => [
    checkedAxes(to, letters, input!).map((axis, index) => ({ ...axis, letter: letters[index]! })),
  ],
};

/** Axes without those of size one, whose place makes no difference to the bytes. */
function significant(axes: Axes, letters: string): string {
  return [...letters].filter((letter) => axes[axisIndex(axes, letter)]!.size !== 1).join("");
}

export const rearrangeArrange: Arrange<Rearrange> = ({ to, letters }, [input], [output], { flatten, target }) => {
  const groups = parseLayout(to).map(([group]) => group!.join(""));
  const merges = groups.filter((group) => group.length > 1);
  const { source, held } = input!;
  // A merge can be held in another order where its parts are known by name and size.
  const parts = (group: string) => output!.find((axis) => axis.letter === letters[groups.indexOf(group)])?.segments;
  const reorderable = (group: string) =>
    flatten === "naive" ||
    (flatten === "fold" &&
      parts(group)
        ?.flat()
        .every((part) => part.size !== null) === true);
  const order = significant(held, lettersOf(held));
  const asHeld = merges.every((group) => {
    const wanted = significant(held, group);
    if (order.includes(wanted)) return isView(inOrder(held, group), inOrder(source, group)) || reorderable(group);
    const length = wanted.length;
    const runs = [...order].map((_, at) => order.slice(at, at + length));
    return reorderable(group) && runs.some((run) => [...run].sort().join("") === [...wanted].sort().join(""));
  });
  const want = asHeld ? inOrder(held, regrouped(held, merges)) : inOrder(source, groups.join("").replaceAll("1", ""));

  // The output's axes in the order in which their first input axis is held; new axes follow the one before them.
  const first = (group: string) => Math.min(...[...group].map((letter) => lettersOf(want).indexOf(letter)));
  let last = -1;
  const places = groups.map((group) => (last = group === "1" ? last + 1e-3 : first(group)));
  const sequence = groups.map((_, index) => index).sort((a, b) => places[a]! - places[b]!);
  // A new length goes where PyTorch's series have it: (N, C) becomes (N, C, 1).
  if (target === "torch" && letters === "NLC" && groups[1] === "1")
    sequence.push(...sequence.splice(sequence.indexOf(1), 1));
  const inHeldOrder = (group: string) =>
    [...group].sort((a, b) => lettersOf(want).indexOf(a) - lettersOf(want).indexOf(b)).join("");
  const texts = sequence.map((index) =>
    groups[index]!.length > 1 ? `(${inHeldOrder(groups[index]!)})` : groups[index]!,
  );
  const attributes: Rearrange = { to: texts.join(""), letters: sequence.map((index) => letters[index]!).join("") };
  const claimed = flatten === "naive" ? inOrder(output!, attributes.letters) : null;
  return {
    inputs: [want],
    outputs: [claimed ?? mergedAsHeld(rearrangeSpec.infer(attributes, [want])[0]!, output!)],
    attributes,
  };
};

/** Letters of the held order with each merge's letters side by side: axes of size one may stand between them. */
function regrouped(held: Axes, merges: readonly string[]): string {
  let letters = lettersOf(held);
  for (const group of merges) {
    const own = [...letters].filter((letter) => group.includes(letter)).join("");
    const anchor = [...own].find((letter) => held[axisIndex(held, letter)]!.size !== 1) ?? own[0]!;
    letters = [...letters].map((letter) => (letter === anchor ? own : group.includes(letter) ? "" : letter)).join("");
  }
  return letters;
}

/** A merged axis that came out in the source's order but for parts of size one is in the source's order. */
function mergedAsHeld(held: readonly Axis[], source: Axes): Axis[] {
  return held.map((axis) => {
    const own = source[axisIndex(source, axis.letter)]!;
    return axis.segments && isView([axis], [own]) ? own : axis;
  });
}

/** What is merged inside an axis of the input stays as it is. */
export const rearrangeEvaluate: Evaluate<Rearrange> = ({ to }, [x]) => {
  const axes = x!.axes.map((axis) => plainAxis(axis.letter, axis.size));
  return [rearrangeArray(x!.data, axes, targetAxes(to, axes))];
};

export const rearrangeToTorch: ToTorch<Rearrange> = ({ attributes: { to }, inputs }, torch) => {
  let text = torch.input(0);
  let rank = inputs[0]!.length;
  parseLayout(to).forEach(([group], dim) => {
    if (group![0] === "1") {
      text += `.unsqueeze(${dim})`;
      rank++;
    } else if (group!.length > 1) {
      const end = dim + group!.length - 1;
      text += end === rank - 1 ? `.flatten(${dim})` : `.flatten(${dim}, ${end})`;
      rank -= group!.length - 1;
    }
  });
  return text;
};

/** The planner made it a view. */
export const rearrangeToWasm: ToWasm<Rearrange> = (_node, wasm) => wasm.alias();

// --------------------------------------------------------------------------------------------------- reshape

export interface Reshape {
  /** Sizes behind the batch; -1 at most once, where the input's size is unknown until run time. */
  readonly shape: readonly number[];
}

export const spec: OpSpec<Reshape> = {
  attributes: { shape: listOf((value): value is number => value === -1 || count(value), 7) },
  weights: {},
  infer({ shape }, [input]) {
    const [batch, ...rest] = input!;
    const total = product(rest.map((axis) => axis.size));
    const fixed = shape.filter((size) => size !== -1).reduce((all, size) => all * size, 1);
    const free = shape.includes(-1);
    if (total !== null && (free ? total % fixed !== 0 : total !== fixed)) {
      throw shapeMismatch(`reshape: expected ${total} elements, got (${shape.join(", ")})`);
    }
    const letters = positionalLetters(shape.length + 1);
    return [
      [
        plainAxis("N", batch!.size),
        ...shape.map((size, index) =>
          plainAxis(letters[index + 1]!, size !== -1 ? size : total === null ? null : total / fixed),
        ),
      ],
    ];
  },
};

/** Cuts the source's own order. A naive conversion cuts whatever order it holds. */
export const arrange: Arrange<Reshape> = (attributes, inputs, outputs, context) =>
  context.flatten === "naive"
    ? { inputs: [inputs[0]!.held], outputs }
    : canonical(attributes, inputs, outputs, context);

export const evaluate: Evaluate<Reshape> = (_attributes, [x]) => [x!.data];

export const toTorch: ToTorch<Reshape> = ({ attributes: { shape } }, torch) => {
  const x = torch.input(0);
  return shape.includes(-1)
    ? `${x}.reshape(${x}.shape[0], ${shape.join(", ")})`
    : `${x}.reshape(-1, ${shape.join(", ")})`;
};

export const toWasm: ToWasm<Reshape> = (_node, wasm) => wasm.alias();

// --------------------------------------------------------------------------------------------------- reorder

export interface Reorder {
  /** The order to bring the input to. Sizes are the input's. */
  readonly axes: Axes;
}

export const reorderSpec: OpSpec<Reorder> = {
  // Planners make these; no file holds one.
  attributes: { axes: (_value): _value is Axes => false },
  weights: {},
  infer: ({ axes }, [input]) => [axes.map((axis) => ({ ...axis, size: input![axisIndex(input!, axis.letter)]!.size }))],
};

export const reorderArrange: Arrange<Reorder> = (_attributes, [input], outputs) => ({
  inputs: [reorderHeld(input!, lettersOf(input!.held))],
  outputs,
});

export const reorderEvaluate: Evaluate<Reorder> = ({ axes }, [x]) => [
  rearrangeArray(x!.data, x!.axes, reorderSpec.infer({ axes }, [x!.axes])[0]!) as Float64Array,
];

export const reorderToTorch: ToTorch<Reorder> = ({ attributes: { axes }, inputs }, torch) => {
  const [input] = inputs;
  const order = lettersOf(axes);
  let text = torch.input(0);
  if (order !== lettersOf(input!))
    text += `.permute(${[...order].map((letter) => axisIndex(input!, letter)).join(", ")})`;
  axes.forEach((axis, dim) => {
    const held = input![axisIndex(input!, axis.letter)]!;
    if (!axis.segments || !held.segments || isView([held], [axis])) return;
    if (axis.segments.length === 1) {
      text += swapParts(held.segments[0]!, axis.segments[0]!, dim);
      return;
    }
    const sizes = held.segments.map((parts) => product(parts.map((part) => part.size)));
    const wanted = axis.segments.map((_, index) => `part_${index}`);
    const split = `torch.split(${text}, [${sizes.join(", ")}], dim=${dim})`;
    const names = torch.steps(split, "the merged pieces, each back in Keras' order", wanted);
    const pieces = names.map((name, index) => name + swapParts(held.segments![index]!, axis.segments![index]!, dim));
    text = `torch.cat([${pieces.join(", ")}], dim=${dim})`;
  });
  return text;
};

/** Python that brings the parts of one merged dimension into another order. */
function swapParts(from: readonly Part[], to: readonly Part[], dim: number): string {
  const order = to.map((part) => from.findIndex((candidate) => candidate.letter === part.letter));
  if (order.every((place, index) => place === index)) return "";
  const [split, join] = [
    `.unflatten(${dim}, (${from.map((part) => part.size).join(", ")}))`,
    `.flatten(${dim}, ${dim + from.length - 1})`,
  ];
  if (from.length === 2) return `${split}.transpose(${dim}, ${dim + 1})${join}`;
  const before = Array.from({ length: dim }, (_, index) => index);
  return `${split}.permute(${[...before, ...order.map((place) => dim + place)].join(", ")})${join}`;
}

export const reorderToWasm: ToWasm<Reorder> = ({ inputs, outputs }, wasm) => {
  const sized = (axes: Axes, shape: number[]) =>
    axes.reduce((all, axis, index) => withAxis(all, axis.letter, { size: shape[index]! }), [...axes]);
  for (const block of rearrangement(sized(inputs[0]!, wasm.inputShape(0)), sized(outputs[0]!, wasm.outputShape()))) {
    const [source, target] = [wasm.input(0).at(block.sourceOffset), wasm.output().at(block.targetOffset)];
    copy(wasm, source, target, block.sizes, block.sourceStrides, block.targetStrides);
  }
};

// ----------------------------------------------------------------------------------------------------- Keras

/** Cuts the axes behind the batch into `shape`, with as little as that takes. */
export function emitReshape(call: KerasCall, input: ValueId, shape: readonly number[]): ValueId {
  const [, ...rest] = call.axes(input);
  const total = product(rest.map((axis) => axis.size));
  const same =
    shape.length === rest.length && rest.every((axis, index) => axis.size !== null && axis.size === shape[index]);
  if (same) return input;
  const letters = lettersOf(call.axes(input));
  if (shape.length === 1 && (total === null || total === shape[0])) {
    return letters.length === 2
      ? input
      : call.rearrange(input, letters.length === 1 ? `${letters}1` : `${letters[0]}(${letters.slice(1)})`, "NC");
  }
  if (letters.length === 2 && shape.length === 2 && shape[0] === 1 && shape[1] === total) {
    return call.rearrange(input, `${letters[0]}1${letters[1]}`, "NLC");
  }
  const attributes: Reshape = { shape };
  return call.emit("reshape", attributes, [input]);
}

export const fromKeras: Record<string, FromKeras> = {
  RepeatVector(call) {
    const input = call.input();
    const letters = lettersOf(call.axes(input));
    if (letters.length !== 2) call.config.refuse("input", `expected a vector per sample, got ${letters.length} axes`);
    const attributes: Resize1d = { kind: "repeat", before: call.config.integer("n"), after: 0 };
    const step = call.rearrange(input, `${letters[0]}1${letters[1]}`, "NLC");
    return call.emit("resize1d", attributes, [step]);
  },
  Flatten(call) {
    const input = call.input();
    const letters = lettersOf(call.axes(input));
    const first =
      call.config.choice("data_format", ["channels_last", "channels_first"], "channels_last") === "channels_first";
    if (letters.length === 1) return call.rearrange(input, `${letters}1`, "NC");
    if (letters.length === 2) return input;
    const merged = first ? `${letters.slice(2)}${letters[1]}` : letters.slice(1);
    return call.rearrange(input, `${letters[0]}(${merged})`, "NC");
  },
  Permute(call) {
    const input = call.input();
    const letters = lettersOf(call.axes(input));
    const dims = call.config.integers("dims");
    if ([...dims].sort((a, b) => a - b).some((dim, index) => dim !== index + 1) || dims.length !== letters.length - 1) {
      call.config.refuse("dims", `expected each of 1 to ${letters.length - 1} once, got (${dims.join(", ")})`);
    }
    const to = `${letters[0]}${dims.map((dim) => letters[dim]).join("")}`;
    return call.rearrange(input, to, positionalLetters(letters.length));
  },
  Reshape(call) {
    const { config } = call;
    const input = call.input();
    const [, ...rest] = call.axes(input);
    const total = product(rest.map((axis) => axis.size));
    const given = config.integers("target_shape");
    const fixed = given.filter((size) => size !== -1).reduce((all, size) => all * size, 1);
    if (given.filter((size) => size === -1).length > 1 || given.some((size) => size < -1)) {
      config.refuse("target_shape", `(${given.join(", ")}) is no shape`);
    }
    // A -1 that no size fits stays, for the shape rule to refuse.
    const shape = given.map((size) => (size === -1 && total !== null && total % fixed === 0 ? total / fixed : size));
    return emitReshape(call, input, shape);
  },
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  RepeatVector: { torch: "`x.repeat_interleave`" },
  Flatten: { torch: "`x.flatten(1)`, behind a `permute` where the order of the axes differs" },
  Permute: { torch: "`x.permute`, or nothing where PyTorch's order is that already" },
  Reshape: { torch: "`x.reshape`, behind a `permute` where the order of the axes differs" },
};
