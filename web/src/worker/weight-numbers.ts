/** A weight's numbers as both sides hold them, or those of a corner that can be looked at. */
import type { Axes, PlannedWeight } from "channelwise";
import type { WeightNumbers, WeightSide } from "../protocol.ts";

/** As many entries of one axis as can be told apart on a screen. */
const mostOfAnAxis = 48;

/** The parts that a weight's dimensions are made of, slowest first. Joined pieces have none in common: they stay one axis. */
function partsOf(axes: Axes): { letter: string; size: number }[] {
  return axes.flatMap(({ letter, size, segments }) =>
    segments?.length === 1
      ? segments[0]!.map((part) => ({ letter: part.letter, size: part.size! }))
      : [{ letter, size: size! }],
  );
}

/** The corner of an array: of each axis no more than its first entries. */
function cornerOf(data: Float32Array, axes: Axes): WeightSide {
  const parts = partsOf(axes);
  const kept = parts.map(({ letter, size }) => ({ letter, size: Math.min(size, mostOfAnAxis), of: size }));
  const count = kept.reduce((all, { size }) => all * size, 1);
  const corner = new Float32Array(count);
  for (let at = 0; at < count; at++) {
    let rest = at;
    let from = 0;
    let stride = 1;
    for (let axis = kept.length - 1; axis >= 0; axis--) {
      const { size, of } = kept[axis]!;
      from += (rest % size) * stride;
      rest = Math.floor(rest / size);
      stride *= of;
    }
    corner[at] = data[from]!;
  }
  return { axes: kept, data: corner };
}

/** Both sides of a weight. */
export function numbersOf(weight: PlannedWeight): WeightNumbers {
  const keras = cornerOf(weight.read("keras"), weight.keras.axes);
  const torch = cornerOf(weight.read("torch"), weight.torch.axes);
  return { keras, torch, corner: keras.axes.some(({ size, of }) => size < of) };
}
