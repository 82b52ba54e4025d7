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
