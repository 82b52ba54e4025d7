/**
 * normalization: batch, layer, group, instance and RMS normalisation.
 *
 *   y = (x - mean) / sqrt(var + eps) * weight + bias        var is the mean squared deviation (divided by n)
 *
 * They differ in what mean and var run over: stored statistics (batch), the trailing axes (layer), the channels of a group
 * with all positions (group), the positions (instance). RMS has no mean.
 *
 * Source  PyTorch docs: torch.nn.BatchNorm1d, LayerNorm, GroupNorm, InstanceNorm1d, RMSNorm.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";
import { showShape, type Shape, type Tensor64 } from "./array.ts";
import { map, map2 } from "./elementwise.ts";
import { mean, reduce, variance } from "./reduce.ts";
import { reshape } from "./shaping.ts";
import type { FunctionRow, Run } from "./signature.ts";

const subtract = (x: number, y: number) => x - y;
const multiply = (x: number, y: number) => x * y;
const add = (x: number, y: number) => x + y;

/** `statistics` and the affine pair broadcast against `input`. */
function normalize(
  input: Tensor64,
  center: Tensor64 | null,
  spread: Tensor64,
  eps: number,
  weight: Tensor64 | null,
  bias: Tensor64 | null,
): Tensor64 {
  const scale = map(spread, (value) => 1 / Math.sqrt(value + eps));
  let result = map2(center ? map2(input, center, subtract) : input, scale, multiply);
  if (weight) result = map2(result, weight, multiply);
  return bias ? map2(result, bias, add) : result;
}

/** One number per channel, shaped to broadcast along dimension 1 of an input of rank `rank`. */
function perChannel(tensor: Tensor64 | null, name: string, channels: number, rank: number): Tensor64 | null {
  if (!tensor) return null;
  if (tensor.size !== channels)
    throw programShapesDiffer(`${name} should contain ${channels} elements not ${tensor.size}`);
  return reshape(tensor, [channels, ...new Array<number>(Math.max(0, rank - 2)).fill(1)]);
}

const otherAxes = (rank: number) => Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1);

/** Without stored statistics, those of the batch itself. */
const batchNorm: Run = (a) => {
  a.only("training", false);
  const input = a.floating("input");
  if (input.rank < 2)
    throw programShapesDiffer(`batch_norm(): expected at least 2 axes, got the shape ${showShape(input.shape)}`);
  const channels = input.shape[1]!;
  const part = (name: string) => perChannel(a.optionalTensor(name), name, channels, input.rank);
  const [center, spread] = [part("running_mean"), part("running_var")];
  if (!center || !spread)
    throw programFails("batch_norm(): expected running_mean and running_var to be defined when training=False");
  return normalize(input, center, spread, a.number("eps"), part("weight"), part("bias"));
};

/** nn.BatchNorm with track_running_stats=False: the statistics of the batch itself, in evaluation mode too. */
export function batchStatistics(input: Tensor64): { mean: Tensor64; var: Tensor64 } {
  const over = (f: typeof mean) => reduce(input, otherAxes(input.rank), false, f);
  return { mean: over(mean), var: over(variance(0)) };
}

function trailingAxes(input: Tensor64, shape: Shape, name: string): number[] {
  const tail = input.shape.slice(input.rank - shape.length);
  if (shape.length === 0 || shape.length > input.rank || showShape(tail) !== showShape(shape)) {
    throw programShapesDiffer(
      `${name}(): given normalized_shape=${showShape(shape)}, expected input with shape (*, ${shape.join(", ")}), but got input of size ${showShape(input.shape)}`,
    );
  }
  return shape.map((_, axis) => axis - shape.length);
}

/** Weight and bias have the normalised shape itself. */
function affine(tensor: Tensor64 | null, shape: Shape, name: string): Tensor64 | null {
  if (tensor && showShape(tensor.shape) !== showShape(shape)) {
    throw programShapesDiffer(
      `expected ${name} to be of same shape as normalized_shape ${showShape(shape)}, but got ${showShape(tensor.shape)}`,
    );
  }
  return tensor;
}

const layerNorm: Run = (a) => {
  const input = a.floating("input");
  const shape = a.ints("normalized_shape");
  const axes = trailingAxes(input, shape, "layer_norm");
  const [weight, bias] = [
    affine(a.optionalTensor("weight"), shape, "weight"),
    affine(a.optionalTensor("bias"), shape, "bias"),
  ];
  return normalize(
    input,
    reduce(input, axes, true, mean),
    reduce(input, axes, true, variance(0)),
    a.number("eps"),
    weight,
    bias,
  );
};

/** PyTorch's default eps is the machine epsilon of the input's dtype: here float64's. */
const rmsNorm: Run = (a) => {
  const input = a.floating("input");
  const shape = a.ints("normalized_shape");
  const axes = trailingAxes(input, shape, "rms_norm");
  const squares = reduce(
    map(input, (x) => x * x),
    axes,
    true,
    mean,
  );
  return normalize(
    input,
    null,
    squares,
    a.optionalNumber("eps") ?? Number.EPSILON,
    affine(a.optionalTensor("weight"), shape, "weight"),
    null,
  );
};

function groupNorm(
  input: Tensor64,
  groups: number,
  weight: Tensor64 | null,
  bias: Tensor64 | null,
  eps: number,
): Tensor64 {
  if (input.rank < 2)
    throw programShapesDiffer(`group_norm(): expected at least 2 axes, got the shape ${showShape(input.shape)}`);
  const [batch, channels] = input.shape as [number, number];
  if (groups < 1 || channels % groups !== 0) {
    throw programShapesDiffer(
      `expected number of channels in input to be divisible by num_groups, but got input of shape ${showShape(input.shape)} and num_groups=${groups}`,
    );
  }
  const grouped = reshape(input, [batch, groups, input.size / (batch * groups)]);
  const normalized = normalize(
    grouped,
    reduce(grouped, [2], true, mean),
    reduce(grouped, [2], true, variance(0)),
    eps,
    null,
    null,
  );
  const [scale, shift] = [
    perChannel(weight, "weight", channels, input.rank),
    perChannel(bias, "bias", channels, input.rank),
  ];
  const scaled = scale ? map2(reshape(normalized, input.shape), scale, multiply) : reshape(normalized, input.shape);
  return shift ? map2(scaled, shift, add) : scaled;
}

/** Each channel is a group of its own. */
const instanceNorm: Run = (a) => {
  a.only("use_input_stats", true);
  if (!a.isNone("running_mean"))
    throw programNotUnderstood("instance_norm() with running statistics is not known to the checker");
  const input = a.floating("input");
  return groupNorm(input, input.shape[1] ?? 1, a.optionalTensor("weight"), a.optionalTensor("bias"), a.number("eps"));
};

export const normalizations: readonly FunctionRow[] = [
  [
    "F",
    "batch_norm",
    "input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05",
    batchNorm,
  ],
  ["F", "layer_norm", "input, normalized_shape, weight=None, bias=None, eps=1e-05", layerNorm],
  ["F", "rms_norm", "input, normalized_shape, weight=None, eps=None", rmsNorm],
  [
    "F",
    "group_norm",
    "input, num_groups, weight=None, bias=None, eps=1e-05",
    (a) =>
      groupNorm(
        a.floating("input"),
        a.int("num_groups"),
        a.optionalTensor("weight"),
        a.optionalTensor("bias"),
        a.number("eps"),
      ),
  ],
  [
    "F",
    "instance_norm",
    "input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05",
    instanceNorm,
  ],
];
