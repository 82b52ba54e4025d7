/**
 * source: what loaded models were read from, for those who write them in another form
 *
 * Kept beside the models, not in them, so that the small entry carries nothing of Keras or PyTorch.
 */
import type { CustomLayers, KerasOrigin } from "../dialects/keras.ts";
import type { Model } from "./model.ts";
import type { WayBack } from "./way-back.ts";

/** What a model of Keras is written from. */
export interface KerasSource extends KerasOrigin {
  /** Version of Keras that wrote the file; null where it does not say. */
  readonly version: string | null;
  readonly customLayers?: CustomLayers;
}

/** Where a model came from. */
export interface ModelSource {
  /** Read when asked for: most models are never written. */
  readonly keras?: () => KerasSource;
  /** The state dict that its weights are from. */
  readonly state?: WayBack;
}

const sources = new WeakMap<Model, ModelSource>();

/** Notes where a model came from. */
export function rememberSource(model: Model, source: ModelSource): void {
  sources.set(model, source);
}

/** Where a model came from, as far as anybody noted it. */
export function sourceOf(model: Model): ModelSource {
  return sources.get(model) ?? {};
}
