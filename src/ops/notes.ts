/**
 * What a person has to know of a layer or an operation: what it becomes in PyTorch, and what of it is refused. Each family has
 * its own beside its `fromKeras`; docs/layers.md is made of them. Here is what holds for many.
 *
 * A limit is keyed by what `KerasConfig.refuse` is given, so that a test can hold it against the refusal itself
 * (tests/dialects/refusals.test.ts).
 */

/** A layer or an operation in words. Texts are Markdown. */
export interface Note {
  /** What it becomes in PyTorch, as it is written. */
  readonly torch: string;
  /** What Keras has and is refused here, by option, `input`, `inputs` or `call argument …`. */
  readonly limits?: Readonly<Record<string, string>>;
}

/** The notes of a family, by class. */
export type Notes = Readonly<Record<string, Note>>;

/** Limits of every layer that has the option or argument. */
export const commonLimits: Readonly<Record<string, string>> = {
  dtype:
    'float32, float16, bfloat16, float64 and the mixed policies, all computed in float32; Dense, EinsumDense and Embedding also as `quantize("int8")` leaves them. Other quantized layers are refused: save the model before `quantize()`',
  activation:
    "the name of one of Keras' activations, or a layer with one output that is read; not a function of `keras.ops` or of one's own",
  input: "an axis along which a layer has weights is of a known size; what may be left open (`None`) is the length",
  "call argument training": "layers compute what they compute at inference; `training=True` in the graph is refused",
  "call argument mask":
    "a mask is taken by the layers that use it at inference; given to any other by hand it is refused",
};

/** Samples are computed one by one, so that nothing may mix them. */
export const notBatch = "not the batch (axis 0)";
/** What windows move along. */
export const series = "three axes: `(batch, length, channels)`";
/** Of a product of int8. */
export const int8Options =
  "Int8QuantizationConfig with any `weight_quantizer`; of `activation_quantizer`, none or AbsMaxQuantizer as it is by default";
