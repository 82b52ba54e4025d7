/**
 * model: what is served, as far as serving it takes: a model that `load` of channelwise or of channelwise/run gave fits
 *
 * So channelwise/serve carries no engine, and works with whichever the caller loaded the model with.
 */
import type { ChannelwiseError } from "../error.ts";
import type { Tensor } from "../tensor.ts";

/** An input or an output of a served model; see `ModelPort`. */
export interface ServedPort {
  readonly name: string;
  readonly layout: string;
  /** Sizes by axis, the batch first; null for the batch and for axes that are open. */
  readonly shape: readonly (number | null)[];
  readonly type: "float32" | "int32" | "bool";
  readonly state?: true;
}

/** A loaded model: what `load` gives. */
export interface ServedModel {
  readonly inputs: readonly ServedPort[];
  readonly outputs: readonly ServedPort[];
  /** With more than one, predictions are made by `predictAsync`. */
  readonly threads: number;
  predictAll(inputs: Readonly<Record<string, Tensor>>): Tensor[];
  predictAsync(inputs: Readonly<Record<string, Tensor>>): Promise<Tensor | Record<string, Tensor>>;
}

/** The only version of a model that there is. */
export const modelVersion = "1";

/** The error of a model, where it is one. By its name: models may come from another bundle. */
export function modelError(error: unknown): ChannelwiseError | null {
  return error instanceof Error && error.name === "ChannelwiseError" ? (error as ChannelwiseError) : null;
}

/** Whether a model that failed so will never compute again. */
export function isGone(error: unknown): boolean {
  const code = modelError(error)?.code;
  return code === "disposed" || code === "thread-broken";
}
