/**
 * strided: copies between row-major arrays whose axes lie in another order, or of a part of one. Where the axes lie is computed in
 * axes.ts.
 */
import { lent } from "./platform/scratch.ts";

/**
 * One strided copy: element (i, j, …) of `sizes` goes from `sourceOffset + i * sourceStrides[0] + …` to
 * `targetOffset + i * targetStrides[0] + …`. All in elements.
 */
export interface StridedCopy {
  readonly sizes: readonly number[];
  readonly sourceOffset: number;
  readonly targetOffset: number;
  readonly sourceStrides: readonly number[];
  readonly targetStrides: readonly number[];
}

/** A part of a copy, of the elements `[start, end)` of its source alone: `sourceOffset` counts from `start`. */
interface PieceOfCopy extends StridedCopy {
  readonly start: number;
  readonly end: number;
}

/** A copy as several, one after another in the source, of at most so many elements of it unless one step of its outermost axis has more. */
export function piecesOf(copy: StridedCopy, mostElements: number): PieceOfCopy[] {
  const { sizes, sourceOffset, targetOffset, sourceStrides, targetStrides } = copy;
  if (sizes.includes(0)) return [];
  const reach = (own: readonly number[]) =>
    own.reduce((last, size, axis) => last + (size - 1) * sourceStrides[axis]!, 1);
  const outermost = sourceStrides.indexOf(Math.max(...sourceStrides));
  const size = sizes[outermost] ?? 1;
  const atOnce = Math.max(1, Math.floor(mostElements / (sourceStrides[outermost] ?? 1)));
  return Array.from({ length: Math.ceil(size / atOnce) }, (_, index) => {
    const first = index * atOnce;
    const start = sourceOffset + first * (sourceStrides[outermost] ?? 0);
    const own = sizes.map((all, axis) => (axis === outermost ? Math.min(atOnce, size - first) : all));
    return {
      sizes: own,
      sourceOffset: 0,
      targetOffset: targetOffset + first * (targetStrides[outermost] ?? 0),
      sourceStrides,
      targetStrides,
      start,
      end: start + reach(own),
    };
  });
}

/** One axis of a copy. */
interface Dimension {
  readonly size: number;
  readonly sourceStride: number;
  readonly targetStride: number;
}

const one: Dimension = { size: 1, sourceStride: 0, targetStride: 0 };

/**
 * Rows and columns of a block that is turned at once: what it reads and writes stays in the first-level cache. A matrix of
 * (4096, 4096) takes 24 ms so, and half a second row by row.
 */
const block = 64;

/** Carries out one strided copy. */
export function copyStrided(source: ArrayLike<number>, target: { [index: number]: number }, copy: StridedCopy): void {
  const { sizes, sourceStrides, targetStrides } = copy;
  if (sizes.includes(0)) return;
  const outer = sizes.map(
    (size, axis): Dimension => ({ size, sourceStride: sourceStrides[axis]!, targetStride: targetStrides[axis]! }),
  );
  const inner = outer.pop() ?? one;
  // The axis along which the source lies close is walked just outside the one along which the target does.
  const close = inner.sourceStride === 1 ? -1 : outer.findIndex(({ sourceStride }) => sourceStride === 1);
  const [across = one] = close < 0 ? [] : outer.splice(close, 1);
  const turned = across.sourceStride === 1 && inner.targetStride === 1;
  const words = turned && source instanceof Float32Array && target instanceof Float32Array;
  const [given, taken] = words ? [wordsOf(source), wordsOf(target)] : [source, target];
  const index = new Array<number>(outer.length).fill(0);
  let from = copy.sourceOffset;
  let to = copy.targetOffset;
  for (;;) {
    copyPlane(given, from, taken, to, across, inner, turned);
    let axis = outer.length - 1;
    for (; axis >= 0; axis--) {
      const { size, sourceStride, targetStride } = outer[axis]!;
      from += sourceStride;
      to += targetStride;
      if (++index[axis]! < size) break;
      from -= sourceStride * size;
      to -= targetStride * size;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** The bits of floats, which are copied faster: V8 takes a float32 for a float64 on its way. */
function wordsOf({ buffer, byteOffset, length }: Float32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}

/** Two axes, block by block. @param turned whether steps along `across` are neighbours in the source, and along `inner` in the target */
function copyPlane(
  source: ArrayLike<number>,
  from: number,
  target: { [index: number]: number },
  to: number,
  across: Dimension,
  inner: Dimension,
  turned: boolean,
): void {
  const width = across.size === 1 ? inner.size : block;
  for (let top = 0; top < across.size; top += block) {
    const bottom = Math.min(top + block, across.size);
    for (let left = 0; left < inner.size; left += width) {
      const count = Math.min(width, inner.size - left);
      let row = top;
      for (; turned && row + 4 <= bottom; row += 4) {
        const start = from + row + left * inner.sourceStride;
        copyFour(
          source,
          start,
          inner.sourceStride,
          target,
          to + row * across.targetStride + left,
          across.targetStride,
          count,
        );
      }
      for (; row < bottom; row++) {
        const start = from + row * across.sourceStride + left * inner.sourceStride;
        const end = to + row * across.targetStride + left * inner.targetStride;
        copyRow(source, start, inner.sourceStride, target, end, inner.targetStride, count);
      }
    }
  }
}

/**
 * The innermost loop, a function of its own: called often, it is compiled early, which counts in a process that just began.
 */
function copyRow(
  source: ArrayLike<number>,
  from: number,
  sourceStep: number,
  target: { [index: number]: number },
  to: number,
  targetStep: number,
  count: number,
): void {
  for (; count > 0; count--, from += sourceStep, to += targetStep) target[to] = source[from]!;
}

/** Four rows of the target at once, whose elements are neighbours in the source. */
function copyFour(
  source: ArrayLike<number>,
  from: number,
  sourceStep: number,
  target: { [index: number]: number },
  to: number,
  targetStride: number,
  count: number,
): void {
  const [one, two, three] = [to + targetStride, to + 2 * targetStride, to + 3 * targetStride];
  for (let index = 0; index < count; index++, from += sourceStep) {
    target[to + index] = source[from]!;
    target[one + index] = source[from + 1]!;
    target[two + index] = source[from + 2]!;
    target[three + index] = source[from + 3]!;
  }
}

/** The copy of the part of a row-major array of `shape` that begins at `start` into a row-major array of the sizes `part`. */
function boxCopy(shape: readonly number[], part: readonly number[], start: readonly number[]): StridedCopy {
  const own = rowMajor(shape);
  return {
    sizes: part,
    sourceOffset: start.reduce((offset, first, axis) => offset + first * own[axis]!, 0),
    targetOffset: 0,
    sourceStrides: own,
    targetStrides: rowMajor(part),
  };
}

function rowMajor(sizes: readonly number[]): number[] {
  return sizes.map((_, axis) => sizes.slice(axis + 1).reduce((all, size) => all * size, 1));
}

/** The part of a row-major array of `shape` that begins at `start` and has the sizes `part`. */
export function takeBox(
  data: Float32Array,
  shape: readonly number[],
  part: readonly number[],
  start: readonly number[],
): Float32Array {
  const taken = lent(
    Float32Array,
    part.reduce((all, size) => all * size, 1),
  );
  copyStrided(data, taken, boxCopy(shape, part, start));
  return taken;
}

/** Puts a part back where `takeBox` takes it from. */
export function putBox(
  data: Float32Array,
  shape: readonly number[],
  part: readonly number[],
  start: readonly number[],
  values: Float32Array,
): void {
  const { sizes, sourceOffset, sourceStrides, targetStrides } = boxCopy(shape, part, start);
  const back = { sizes, sourceOffset: 0, sourceStrides: targetStrides, targetOffset: sourceOffset };
  copyStrided(values, data, { ...back, targetStrides: sourceStrides });
}
