/**
 * Windows that slide along a length: what convolutions and pools share. Sizes are in elements of the length.
 *
 * Source  keras:keras/src/ops/operation_utils.py (compute_conv_output_shape), tf.nn "SAME" padding
 */
import { count, padding, type Schema } from "./schema.ts";

/**
 * Zeros (for pools: nothing) beyond both ends. `"same"` stands for Keras' rule where it depends on a length that is only
 * known at run time; wherever the length is known, or the stride is 1, fromKeras writes numbers.
 */
export type Padding = readonly [left: number, right: number] | "same";

/** How windows lie on a length. */
export interface Window {
  /** Elements that one window touches, `dilation` apart. */
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: Padding;
}

/** What a window may be in a graph out of a file. */
export const windowSchema: Schema<Window> = { taps: count, stride: count, dilation: count, padding };

/** Distance from a window's first element to its last, plus one. */
export function extent(window: Pick<Window, "taps" | "dilation">): number {
  return (window.taps - 1) * window.dilation + 1;
}

/** Keras' "same": ceil(length / stride) outputs, the odd element of padding on the right. */
export function samePadding(length: number, window: Pick<Window, "taps" | "dilation" | "stride">): [number, number] {
  const outputs = Math.ceil(length / window.stride);
  const total = Math.max((outputs - 1) * window.stride + extent(window) - length, 0);
  const left = Math.floor(total / 2);
  return [left, total - left];
}

/** Padding in numbers, now that the length is known. */
export function resolvePadding(window: Window, length: number): readonly [number, number] {
  return window.padding === "same" ? samePadding(length, window) : window.padding;
}

/** Number of windows; null where the length is unknown. Below zero where the padded length is too short. */
export function outputLength(length: number | null, window: Window): number | null {
  if (length === null) return null;
  const [left, right] = resolvePadding(window, length);
  return Math.floor((length + left + right - extent(window)) / window.stride) + 1;
}

/** Keras' padding by name as numbers where possible. `causal` looks back only. */
export function namedPadding(
  name: "valid" | "same" | "causal",
  length: number | null,
  window: Pick<Window, "taps" | "dilation" | "stride">,
): Padding {
  if (name === "valid") return [0, 0];
  if (name === "causal") return [window.dilation * (window.taps - 1), 0];
  if (length !== null) return samePadding(length, window);
  if (window.stride > 1) return "same";
  const total = extent(window) - 1;
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}
