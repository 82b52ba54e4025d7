/**
 * Layouts as text, and the one place where permutations are computed.
 *
 * A layout names the axes of a row-major array, slowest first, one capital letter each: `NLC`. Parentheses merge axes,
 * row-major, into one dimension: `N(LC)` is what Keras' Flatten makes of `NLC`, `N(CL)` what PyTorch's makes of `NCL`.
 * A bar inside parentheses joins merged pieces end to end, as Concatenate does: `N(LC|C)`. `1` is an axis of size one
 * without a name.
 *
 * The notation is that of `KIO`/`OIK` in XLA, JAX and XNNPACK, with the parentheses of einops.
 */
import { ChannelwiseError } from "./error.ts";
import { lent } from "./platform/scratch.ts";
import { copyStrided, type StridedCopy } from "./strided.ts";

/** A named piece of a merged axis, or the axis itself. `size` is null where it is known only when the model runs. */
export interface Part {
  readonly letter: string;
  readonly size: number | null;
}

/**
 * One dimension of an array. `segments` is there when the dimension holds merged axes: each segment is a row-major
 * product of parts, and the segments lie end to end, so that the sizes of the segments add up to `size`.
 */
export interface Axis {
  readonly letter: string;
  readonly size: number | null;
  readonly segments?: readonly (readonly Part[])[];
}

/** The dimensions of an array, slowest first. */
export type Axes = readonly Axis[];

// -------------------------------------------------------------------------------------------------- text

/** A parsed layout text: per dimension its segments, per segment its letters. */
export type ParsedLayout = readonly (readonly (readonly string[])[])[];

/**
 * Parses a layout text such as `NLC`, `N(LC)` or `N(LC|C)`.
 *
 * @throws {ChannelwiseError} `layout-mismatch` when the text is not a layout
 */
export function parseLayout(text: string): ParsedLayout {
  const dimensions: string[][][] = [];
  const pattern = /([A-Z1])|\(([A-Z]+(?:\|[A-Z]+)*)\)/y;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) {
      throw new ChannelwiseError({
        code: "layout-mismatch",
        message: `expected a layout like NLC or N(LC), got ${JSON.stringify(text)}, which breaks at character ${start + 1}`,
        fix: "one capital letter per axis; parentheses merge axes",
      });
    }
    dimensions.push(match[1] ? [[match[1]]] : match[2]!.split("|").map((segment) => [...segment]));
  }
  return dimensions;
}

/** Number of dimensions of a parsed layout. */
export function layoutRank(layout: ParsedLayout): number {
  return layout.length;
}

/** The layout text of some axes: `N(LC)` for a merged one. */
export function layoutText(axes: Axes): string {
  return axes
    .map((axis) =>
      axis.segments
        ? `(${axis.segments.map((parts) => parts.map((part) => part.letter).join("")).join("|")})`
        : axis.letter,
    )
    .join("");
}

/** Sizes of the axes in order; null where a size is known only when the model runs. */
export function shapeOf(axes: Axes): (number | null)[] {
  return axes.map((axis) => axis.size);
}

/** A layout with its sizes, as messages show it: `NLC = (?, 128, 9)`. */
export function describeAxes(axes: Axes): string {
  return `${layoutText(axes)} = (${shapeText(axes)})`;
}

/** Sizes with the batch as `N` and other unknown sizes as `?`: `N, 128, 9`. */
export function shapeText(axes: Axes): string {
  return axes.map((axis) => (axis.letter === "N" && axis.size === null ? "N" : (axis.size ?? "?"))).join(", ");
}

/** Axes of these letters and sizes, none of them merged. */
export function namedAxes(letters: string, shape: readonly (number | null)[]): Axis[] {
  return [...letters].map((letter, index) => ({ letter, size: shape[index]! }));
}

/**
 * Letters by position for a Keras activation of this rank: `NC`, `NLC`, `NTLC`: batch first, channels last, length before
 * them, further axes between.
 *
 * @throws {ChannelwiseError} `unsupported-feature` past rank 8
 */
export function positionalLetters(rank: number): string {
  if (rank <= 1) return "N".slice(0, rank);
  if (rank > 8) {
    throw new ChannelwiseError({
      code: "unsupported-feature",
      message: `expected an array of at most 8 dimensions, got ${rank}`,
      fix: "merge dimensions with Reshape",
    });
  }
  return rank === 2 ? "NC" : `N${"PQRST".slice(8 - rank)}LC`;
}

/** The axes with the sizes of an actual array. */
export function sizedAxes(axes: Axes, shape: readonly number[]): Axis[] {
  return axes.map((axis, index) => ({ ...axis, size: shape[index]! }));
}

/** The index of the axis called `letter`; the letter must be there. */
export function axisIndex(axes: Axes, letter: string): number {
  const index = axes.findIndex((axis) => axis.letter === letter);
  if (index < 0) throw new Error(`no axis ${letter} in ${layoutText(axes)}`);
  return index;
}

/** The size of the axis called `letter`. */
export function axisSize(axes: Axes, letter: string): number | null {
  return axes[axisIndex(axes, letter)]!.size;
}

/** The letters of the axes, in order; a merged axis counts as the one letter it bears. */
export function lettersOf(axes: Axes): string {
  return axes.map((axis) => axis.letter).join("");
}

/** The same axes in the order of `letters`; merged axes stay as they are. */
export function inOrder(axes: Axes, letters: string): Axis[] {
  return [...letters].map((letter) => axes[axisIndex(axes, letter)]!);
}

/** The same axes with the one called `letter` replaced by `change`. */
export function withAxis(axes: Axes, letter: string, change: Partial<Omit<Axis, "letter">>): Axis[] {
  return axes.map((axis) => (axis.letter === letter ? { ...axis, ...change } : axis));
}

/** The same axes with the one called `letter` made anew in this size: if it was merged of others, it no longer is. */
export function resized(axes: Axes, letter: string, size: number | null): Axis[] {
  return axes.map((axis) => (axis.letter === letter ? plainAxis(letter, size) : axis));
}

/** A plain axis of this letter and size: what is left of a merged axis once its parts no longer count. */
export function plainAxis(letter: string, size: number | null): Axis {
  return { letter, size };
}

/** Product of sizes; null when one of them is unknown. */
export function product(sizes: readonly (number | null)[]): number | null {
  return sizes.reduce((all, size) => (all === null || size === null ? null : all * size), 1 as number | null);
}

// ------------------------------------------------------------------------------------------------- moves

/** A part with a name that is unique in its array: the letter of its axis, then its own where the axis is merged. */
interface Leaf {
  readonly key: string;
  readonly size: number | null;
}

/** An axis as the runs of leaves that lie end to end on it. */
type Runs = readonly (readonly Leaf[])[];

/**
 * The axes as runs of uniquely named leaves. In the target of a move, a merged axis either rearranges the parts of the
 * source's merged axis of the same letter, or merges axes of the source; a plain axis that is merged in the source keeps
 * the source's order.
 */
function runsOf(axes: Axes, source: Axes): Runs[] {
  return axes.map((axis) => {
    const origin = source.find((candidate) => candidate.letter === axis.letter);
    const segments = axis.segments ?? origin?.segments;
    if (!segments) return [[{ key: axis.letter, size: axis.size }]];
    if (origin?.segments) {
      return segments.map((parts, index) =>
        parts.map((part) => ({ key: `${axis.letter}${index}.${part.letter}`, size: part.size })),
      );
    }
    return segments.map((parts) =>
      parts.flatMap((part) => {
        const merged = source.find((candidate) => candidate.letter === part.letter);
        return merged?.segments?.length === 1
          ? merged.segments[0]!.map((leaf) => ({ key: `${part.letter}0.${leaf.letter}`, size: leaf.size }))
          : [{ key: part.letter, size: part.size }];
      }),
    );
  });
}

/**
 * Whether an array keeps its bytes when it goes from one order to another: merging neighbours, moving an axis of size
 * one and doing nothing are views, anything else is not. Unknown sizes count as more than one.
 */
export function isView(from: Axes, to: Axes): boolean {
  const signature = (axes: Axes): string =>
    runsOf(axes, from)
      .flatMap((runs) => {
        const kept = runs.map((leaves) => leaves.filter((leaf) => leaf.size !== 1).map((leaf) => leaf.key));
        return kept.length === 1 ? kept[0]! : [JSON.stringify(kept)];
      })
      .join(" ");
  return signature(from) === signature(to);
}

/**
 * The copies that bring a row-major array from one order of axes to another: the only place where permutations come
 * from. `from` and `to` name the same leaves; parts of a merged axis count as leaves of their own. All sizes must be known.
 *
 *     rearrangement(N L C, N C L)        a transpose per N
 *     rearrangement(N (CL|C), N (LC|C))  per segment of the merged axis, a transpose and a plain copy
 */
export function rearrangement(from: Axes, to: Axes): StridedCopy[] {
  const place = (axes: Axes) => {
    const runs = runsOf(axes, from);
    let stride = 1;
    const strides: number[] = [];
    for (let index = axes.length - 1; index >= 0; index--) {
      strides[index] = stride;
      stride *= axes[index]!.size!;
    }
    return runs.map((leaves, index) => locate(leaves, strides[index]!));
  };
  const sources = place(from);
  const targets = place(to);
  const copies: StridedCopy[] = [];
  for (const chosen of combinations(targets.map((runs) => runs.map((_, index) => index)))) {
    const target = targets.map((runs, axis) => runs[chosen[axis]!]!);
    const wanted = target.flatMap((run) => run.leaves);
    // The segments of a merged axis keep their places: the third of the target is the third of the source.
    const source = sources.map(
      (runs, axis) => runs[runs.length === 1 ? 0 : chosen[axisIndex(to, from[axis]!.letter)]!]!,
    );
    const found = source.flatMap((run) => run.leaves);
    const moving = wanted.filter((leaf) => leaf.size !== 1);
    const origin = moving.map((leaf) => found.find((candidate) => candidate.key === leaf.key));
    if (origin.includes(undefined) || moving.length !== found.filter((leaf) => leaf.size !== 1).length) {
      throw new Error(`cannot rearrange ${describeAxes(from)} to ${describeAxes(to)}`);
    }
    copies.push({
      sizes: moving.map((leaf) => leaf.size!),
      sourceOffset: source.reduce((sum, run) => sum + run.offset, 0),
      targetOffset: target.reduce((sum, run) => sum + run.offset, 0),
      sourceStrides: origin.map((leaf) => leaf!.stride),
      targetStrides: moving.map((leaf) => leaf.stride),
    });
  }
  return copies;
}

interface Run {
  readonly offset: number;
  readonly leaves: readonly (Leaf & { readonly stride: number })[];
}

/** Where the runs of one axis lie, given the stride of the axis. */
function locate(runs: Runs, axisStride: number): Run[] {
  let offset = 0;
  return runs.map((leaves) => {
    const start = offset;
    let stride = axisStride;
    const placed = [...leaves].reverse().map((leaf) => {
      const own = stride;
      stride *= leaf.size!;
      return { ...leaf, stride: own };
    });
    offset += stride;
    return { offset: start, leaves: placed.reverse() };
  });
}

/** Every way to take one entry of each list. */
function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((taken, list) => taken.flatMap((head) => list.map((entry) => [...head, entry])), [[]]);
}

/**
 * Copies an array from one order of axes to another.
 *
 * @param source row-major elements in the order `from`
 * @returns a new array in the order `to`; `source` itself where the two are a view of each other
 */
export function rearrangeArray<T extends Float32Array | Float64Array | Int32Array | Int8Array>(
  source: T,
  from: Axes,
  to: Axes,
): T {
  if (isView(from, to)) return source;
  const target = lent(source.constructor as Float32ArrayConstructor, source.length) as T;
  for (const copy of rearrangement(from, to)) copyStrided(source, target, copy);
  return target;
}
