/**
 * clamp: the limits that a plan gives to the result of a convolution or a Dense (plan/fold.ts)
 */
import { product } from "../axes.ts";
import type { WasmWriter } from "./facets.ts";

/** Applies the limits of the node at hand to its output, if it has any. */
export function clampOutput(wasm: WasmWriter): void {
  const [low, high] = wasm.clamp();
  if (low === Number.NEGATIVE_INFINITY) return;
  wasm.call("relu", wasm.output(), wasm.output(), product(wasm.outputShape())!, 0, high, low);
}
