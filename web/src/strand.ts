/**
 * Strands: a value on its way through the chart, drawn as parallel stripes, one for each axis, slowest axis at the left.
 *
 *     N  L     C          N  (L    C)
 *     |  ||||  ||         |  [||||||]       a merged axis: its parts touch, within one sheath
 *
 * A stripe's width tells the axis' size: it grows with its logarithm, so that 128 steps beside 2 channels can be told apart and both
 * seen. What is known only when the model runs has a middle width and is drawn dashed.
 */
import type { Arrangement } from "channelwise";

/** One axis of a strand; `x` is its middle, from the middle of the strand. */
export interface Stripe {
  readonly letter: string;
  readonly x: number;
  readonly width: number;
  readonly open: boolean;
}

export interface Strand {
  readonly width: number;
  readonly stripes: readonly Stripe[];
  /** Around merged axes: from and to, as above. */
  readonly sheaths: readonly { readonly x: number; readonly width: number }[];
}

const gap = 2.5;

function widthOf(letter: string, size: number | null): number {
  if (letter === "N") return 2;
  return Math.min(22, 3 + 2 * Math.log2(size ?? 32));
}

/** The stripes of an arrangement. */
export function strandOf({ axes }: Arrangement): Strand {
  const stripes: Stripe[] = [];
  const sheaths: { x: number; width: number }[] = [];
  let x = 0;
  const add = (letter: string, size: number | null) => {
    const width = widthOf(letter, size);
    stripes.push({ letter, x: x + width / 2, width, open: size === null && letter !== "N" });
    x += width;
  };
  for (const { letter, size, segments } of axes) {
    if (stripes.length > 0) x += gap;
    if (!segments) {
      add(letter, size);
      continue;
    }
    const start = x;
    segments.forEach((parts, index) => {
      if (index > 0) x += gap / 2;
      for (const part of parts) add(part.letter, part.size);
    });
    sheaths.push({ x: (start + x) / 2, width: x - start + 4 });
  }
  const middle = x / 2;
  const centred = <T extends { readonly x: number }>(one: T): T => ({ ...one, x: one.x - middle });
  return { width: x, stripes: stripes.map(centred), sheaths: sheaths.map(centred) };
}

type Points = readonly (readonly [x: number, y: number])[];

/**
 * The outline of a band on its way through points: upright at each of them, and as wide everywhere from left to right, so that bands
 * beside each other never touch. `start` and `end` are how far its middle is aside at both ends.
 */
export function bandThrough(points: Points, start: number, end: number, width: number): string {
  const left = edge(points, start - width / 2, end - width / 2);
  const right = edge(points, start + width / 2, end + width / 2).reverse();
  return `M${left.map(text).join("")}L${right.map(text).join("")}Z`;
}

/** Corners and control points of one edge, in the order in which they are written. */
function edge(points: Points, start: number, end: number): Points[number][] {
  const last = points.length - 1;
  const corners = points.map(([x, y], index) => [x + start + ((end - start) * index) / last, y] as const);
  return corners.flatMap(([x, y], index) => {
    const next = corners[index + 1];
    if (!next) return [[x, y] as const];
    const lean = 0.45 * (next[1] - y);
    return [[x, y] as const, [x, y + lean] as const, [next[0], next[1] - lean] as const];
  });
}

function text([x, y]: Points[number], index: number): string {
  return `${index % 3 === 1 ? "C" : " "}${x.toFixed(1)} ${y.toFixed(1)}`;
}
