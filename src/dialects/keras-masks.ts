/**
 * Which layers pass the mask of their input on, as it is, to the layers behind them. Layers that make, change or drop masks say so
 * themselves (`KerasCall.carry`); the others lose it.
 *
 * Source  keras:keras/src/layers/layer.py (supports_masking, compute_mask) and each layer's file, Keras 3.15
 */
const carriers = new Set([
  "Activation",
  "ActivityRegularization",
  "AlphaDropout",
  "BatchNormalization",
  "Dense",
  "Dropout",
  "ELU",
  "GaussianDropout",
  "GaussianNoise",
  "GroupNormalization",
  "GroupQueryAttention",
  "Identity",
  "LayerNormalization",
  "LeakyReLU",
  "MultiHeadAttention",
  "Normalization",
  "PReLU",
  "ReLU",
  "Rescaling",
  "Softmax",
  "SpatialDropout1D",
  "TimeDistributed",
  "UnitNormalization",
]);

/** Whether a layer of this class gives its output the mask of its first input. */
export function carriesMask(className: string): boolean {
  return carriers.has(className);
}
