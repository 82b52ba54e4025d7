/**
 * The state dict of an emitted module: every tensor's name and layout, its numbers on request.
 */
import { type Axes, isView, rearrangeArray } from "../../axes.ts";
import { rearranged, toFloat32 } from "../../bytes/numbers.ts";
import type { Layer, Weight } from "../../graph/graph.ts";
import { lent } from "../../platform/scratch.ts";
import { takeBox } from "../../strided.ts";
import { elements, type StoredArray } from "../../tensor.ts";

/** A weight of the source, or a part of it, as rows of a tensor of the state dict. */
export interface StatePiece {
  readonly layer: Layer;
  readonly role: string;
  readonly weight: Weight;
  /** The part's axes as Keras has them, and as PyTorch does; sizes are the part's. */
  readonly from: Axes;
  readonly to: Axes;
  /** Where the part begins along each axis of `from`, null for the whole weight. */
  readonly start: readonly number[] | null;
}

/** One tensor of the state dict: weights in PyTorch's layout, or a constant that Keras has no weight for. */
export interface StateEntry {
  readonly name: string;
  readonly dtype: "float32" | "int64" | "int8";
  readonly shape: readonly number[];
  /**
   * Pieces lie one after another along the first axis. Of a constant that PyTorch adds to another tensor, `addedTo` tells the
   * weight that holds the sum: the source has one bias where PyTorch has two.
   */
  readonly source:
    | { readonly pieces: readonly StatePiece[] }
    | { readonly constant: number; readonly addedTo?: readonly StatePiece[] };
}

/** How many rows of its tensor a piece takes. */
export function stateRows({ to }: StatePiece): number {
  return to.length === 0 ? 1 : to[0]!.size!;
}

/** One entry as it is written: where it lies in the source's file as it has to, it is read there, part by part. */
export function stateArray(entry: StateEntry): StoredArray {
  const { dtype, shape, source } = entry;
  const [piece, ...others] = "constant" in source ? [] : source.pieces;
  const array = piece?.weight.array;
  const asItLies = array && others.length === 0 && !piece.start && isView(piece.from, piece.to);
  return {
    dtype,
    shape,
    read: () => stateData(entry),
    contents: () => (asItLies && array.dtype === dtype ? (array.contents?.() ?? null) : null),
  };
}

/** The numbers of one entry: weights of float32 or int8, or an int64 counter as float64-safe integers. */
export function stateData(entry: StateEntry): Float32Array | Int8Array | BigInt64Array {
  const { shape, source } = entry;
  const count = elements(shape);
  if ("constant" in source) {
    return entry.dtype === "int64"
      ? new BigInt64Array(count).fill(BigInt(source.constant))
      : new Float32Array(count).fill(source.constant);
  }
  if (source.pieces.length === 1 && entry.dtype === "float32") return pieceData(source.pieces[0]!);
  const data = entry.dtype === "int8" ? lent(Int8Array, count) : lent(Float32Array, count);
  let at = 0;
  for (const piece of source.pieces) {
    const own = pieceData(piece);
    data.set(own, at);
    at += own.length;
  }
  return data;
}

/** A piece's numbers as the state dict has them. */
export function pieceData(piece: StatePiece): Float32Array {
  const { weight, from, to, start } = piece;
  return start ? rearrangeArray(sourceData(piece), from, to) : rearranged(weight.array, from, to);
}

/** A piece's numbers as the source has them. */
export function sourceData({ weight, from, start }: StatePiece): Float32Array {
  const whole = toFloat32(weight.array);
  if (!start) return whole;
  const sizes = (axes: Axes) => axes.map((axis) => axis.size!);
  return takeBox(whole, sizes(weight.axes), sizes(from), start);
}
