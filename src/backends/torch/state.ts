/**
 * The state dict of an emitted module: every tensor's name and layout, its numbers on request.
 */
import { type Axes, rearrangeArray } from "../../axes.ts";
import { toFloat32 } from "../../bytes/numbers.ts";
import type { Layer, Weight } from "../../graph/graph.ts";
import { elements } from "../../tensor.ts";

/** One tensor of the state dict: a weight of the source in PyTorch's layout, or a constant that Keras has no weight for. */
export interface StateEntry {
  readonly name: string;
  readonly dtype: "float32" | "int64";
  readonly shape: readonly number[];
  readonly source:
    | { readonly layer: Layer; readonly role: string; readonly weight: Weight; readonly from: Axes; readonly to: Axes }
    | { readonly constant: number };
}

/** The numbers of one entry: float32 weights, or an int64 counter as float64-safe integers. */
export function stateData(entry: StateEntry): Float32Array | BigInt64Array {
  if ("constant" in entry.source) {
    const count = elements(entry.shape);
    return entry.dtype === "int64"
      ? new BigInt64Array(count).fill(BigInt(entry.source.constant))
      : new Float32Array(count).fill(entry.source.constant);
  }
  const { weight, from, to } = entry.source;
  return rearrangeArray(toFloat32(weight.array), from, to);
}
