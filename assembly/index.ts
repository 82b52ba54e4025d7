/**
 * The binary interface: every export, and nothing else. src/ops/kernels.ts says what each one takes; tests/kernels.test.ts
 * holds the two together. Besides those, `heapBase` is the first byte that no kernel uses, a multiple of 16, and `placePlan`
 * gives an instance that shares its memory with others `planBytes` of its own.
 */
export {
  celu,
  elu,
  exponential,
  gelu,
  geluTanh,
  glu,
  hardShrink,
  hardSigmoid,
  hardSilu,
  hardTanh,
  logSigmoid,
  mish,
  relu,
  selu,
  sigmoid,
  silu,
  softShrink,
  softplus,
  softsign,
  sparsePlus,
  sparseSigmoid,
  squareplus,
  tanh,
  tanhShrink,
} from "./activation";
export { additiveScores, hide, hideBand, unitRows } from "./attention";
export { conv1d } from "./conv1d";
export { conv1dNarrow } from "./conv1d-narrow";
export { depthwiseConv1d } from "./depthwise1d";
export { gemmNarrow, narrowStride } from "./dot";
export { embedding } from "./embedding";
export { gemm } from "./gemm";
export { heapBase } from "./lanes";
export { layerNormalize, rmsNormalize, unitNormalize, varianceNormalize } from "./normalize";
export { packIO, packOI } from "./pack";
export { packedBytes, panelWidth } from "./panel";
export { maths } from "./maths";
export { add, divide, drop, equal, fill, greater, greaterEqual, keep, maximum, minimum, multiply, notEqual, power, prelu, scale, scaleShift, subtract } from "./pointwise";
export { placePlan, planBytes } from "./plan";
export { averagePool1d, globalAveragePool1d, globalMaxPool1d, maxPool1d } from "./pool1d";
export { reduce } from "./reduce";
export { recurrent } from "./recurrent";
export { dequantizeRows, quantizeRows } from "./quantize";
export { logSoftmax, softmax, sparsemax } from "./softmax";
export { toomCook, toomCookPart, toomCookWeights, toomCookWork } from "./toom-cook";
export { rearrange } from "./transpose";
