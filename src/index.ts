/**
 * channelwise: Keras models in PyTorch, and anywhere else, with the same numbers coming out.
 */
export { type ConvertOptions, convert } from "./api/convert.ts";
export type { Target } from "./formats/kinds.ts";
export type { TorchConversion } from "./api/torch-conversion.ts";
export { type Conv1dOptions, conv1d, dense, gemm, transpose } from "./api/functions.ts";
export { type Explained, type Explanation, explain, type OrderPlace } from "./api/explain.ts";
export { type Description, inspect, inspectFile, type InspectOptions, type LayerDescription } from "./api/inspect.ts";
export { type DrawInputsOptions, drawInputs, readInputs, type ReadInputsOptions } from "./api/inputs.ts";
export type { NodeKernels } from "./backends/wasm/program.ts";
export type { ConvolutionChoice } from "./ops/facets.ts";
export { type LoadOptions, load } from "./api/load.ts";
export type { Input, Model, ModelPort } from "./api/model.ts";
export {
  type Arrangement,
  type ConversionPlan,
  planConversion,
  type PlannedStep,
  type PlannedValue,
  type PlannedWeight,
  type PlanOptions,
} from "./api/plan-conversion.ts";
export { type LayerReport, type OrderNote, type Report, type VerifyOptions, verify } from "./api/verify.ts";
export type { Axes, Axis, Part } from "./axes.ts";
export type { CustomLayers, Meaning } from "./dialects/keras.ts";
export { ChannelwiseError, type ErrorCode } from "./error.ts";
export type { FromKeras, KerasCall, KerasConfig } from "./ops/facets.ts";
export type { Source } from "./platform/source.ts";
export { type Tensor, type TensorData, tensor } from "./tensor.ts";
