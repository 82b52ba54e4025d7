/**
 * modules: every torch.nn module that the checker knows, by name.
 *
 * Most are a function of torch.nn.functional with its arguments kept; those come from one table of signatures. Layers with
 * weights give the shapes of their parameters; the containers stand in containers.ts.
 *
 * Source  PyTorch docs: torch.nn, Containers to Utilities; the signatures are those of torch 2.13.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";
import { showShape, type Shape } from "./array.ts";
import { attentionLayers } from "./attention.ts";
import { callFunctional } from "./functions.ts";
import { Layer, type LayerRow } from "./layers.ts";
import { batchStatistics } from "./normalization.ts";
import { recurrentLayers } from "./recurrent.ts";
import { flatten, unflatten } from "./shaping.ts";
import type { Bound } from "./signature.ts";
import { Callable, intTuple, type Value } from "./values.ts";

const DEVICE = "device=None, dtype=None";

/** Module, its constructor, and the function that takes the same arguments after `input`. */
const viaFunction: readonly (readonly [names: string, takes: string, functional: string])[] = [
  ["ReLU", "inplace=False", "relu"],
  ["ReLU6", "inplace=False", "relu6"],
  ["LeakyReLU", "negative_slope=0.01, inplace=False", "leaky_relu"],
  ["ELU", "alpha=1.0, inplace=False", "elu"],
  ["CELU", "alpha=1.0, inplace=False", "celu"],
  ["SELU", "inplace=False", "selu"],
  ["GELU", "approximate='none'", "gelu"],
  ["SiLU", "inplace=False", "silu"],
  ["Mish", "inplace=False", "mish"],
  ["Softplus", "beta=1.0, threshold=20.0", "softplus"],
  ["Softsign", "", "softsign"],
  ["Tanh", "", "tanh"],
  ["Sigmoid", "", "sigmoid"],
  ["LogSigmoid", "", "logsigmoid"],
  ["Hardsigmoid", "inplace=False", "hardsigmoid"],
  ["Hardswish", "inplace=False", "hardswish"],
  ["Hardtanh", "min_val=-1.0, max_val=1.0, inplace=False", "hardtanh"],
  ["Hardshrink", "lambd=0.5", "hardshrink"],
  ["Softshrink", "lambd=0.5", "softshrink"],
  ["Tanhshrink", "", "tanhshrink"],
  ["Threshold", "threshold, value, inplace=False", "threshold"],
  ["GLU", "dim=-1", "glu"],
  ["Softmax", "dim=None", "softmax"],
  ["Softmin", "dim=None", "softmin"],
  ["LogSoftmax", "dim=None", "log_softmax"],
  ["MaxPool1d", "kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False", "max_pool1d"],
  ["AvgPool1d", "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True", "avg_pool1d"],
  ["AdaptiveAvgPool1d", "output_size", "adaptive_avg_pool1d"],
  ["AdaptiveMaxPool1d", "output_size, return_indices=False", "adaptive_max_pool1d"],
  [
    "Upsample",
    "size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None",
    "interpolate",
  ],
];

function rowOfFunction([names, takes, functional]: (typeof viaFunction)[number]): LayerRow {
  return {
    names,
    takes,
    run: (a, call) => callFunctional(functional, { input: call.value("input"), ...Object.fromEntries(a.values) }),
  };
}

/** The call's input and the constructor's arguments of these names. */
function pass(a: Bound, call: Bound, ...names: readonly string[]): Record<string, Value> {
  return { input: call.value("input"), ...Object.fromEntries(names.map((name) => [name, a.value(name)])) };
}

const identity: readonly LayerRow[] = [
  {
    names: "Dropout Dropout1d Dropout2d AlphaDropout FeatureAlphaDropout",
    takes: "p=0.5, inplace=False",
    run: (_, call) => call.tensor("input"),
  },
  { names: "Identity", takes: "*args", run: (_, call) => call.value("input") },
];

const shaping: readonly LayerRow[] = [
  {
    names: "Flatten",
    takes: "start_dim=1, end_dim=-1",
    run: (a, call) => flatten(call.tensor("input"), a.int("start_dim"), a.int("end_dim")),
  },
  {
    names: "Unflatten",
    takes: "dim, unflattened_size",
    run: (a, call) => unflatten(call.tensor("input"), a.int("dim"), a.ints("unflattened_size")),
  },
  { names: "ZeroPad1d", takes: "padding", run: (a, call) => pad(a, call, "constant", 0) },
  { names: "ConstantPad1d", takes: "padding, value", run: (a, call) => pad(a, call, "constant", a.value("value")) },
  { names: "ReflectionPad1d", takes: "padding", run: (a, call) => pad(a, call, "reflect", null) },
  { names: "ReplicationPad1d", takes: "padding", run: (a, call) => pad(a, call, "replicate", null) },
  { names: "CircularPad1d", takes: "padding", run: (a, call) => pad(a, call, "circular", null) },
];

function pad(a: Bound, call: Bound, mode: string, value: Value): Value {
  const amounts = a.ints("padding");
  const both = amounts.length === 1 ? [amounts[0]!, amounts[0]!] : amounts;
  if (both.length !== 2)
    throw programFails(`${a.functionName}: expected padding to be an int or a tuple of two, got ${both.length} values`);
  return callFunctional("pad", { input: call.value("input"), pad: intTuple(both), mode, value });
}

const convolutions: readonly LayerRow[] = [
  {
    names: "Conv1d",
    takes: `in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros', ${DEVICE}`,
    check: checkConvolution,
    parameters: (a) => ({
      weight: [a.int("out_channels"), a.int("in_channels") / a.int("groups"), a.single("kernel_size")],
      bias: a.bool("bias") ? [a.int("out_channels")] : null,
    }),
    run: (a, call, weight) =>
      callFunctional("conv1d", {
        ...pass(a, call, "stride", "padding", "dilation", "groups"),
        weight: weight("weight"),
        bias: weight("bias"),
      }),
  },
  {
    names: "ConvTranspose1d",
    takes: `in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode='zeros', ${DEVICE}`,
    check: checkConvolution,
    parameters: (a) => ({
      weight: [a.int("in_channels"), a.int("out_channels") / a.int("groups"), a.single("kernel_size")],
      bias: a.bool("bias") ? [a.int("out_channels")] : null,
    }),
    run: (a, call, weight) =>
      callFunctional("conv_transpose1d", {
        ...pass(a, call, "stride", "padding", "output_padding", "groups", "dilation"),
        weight: weight("weight"),
        bias: weight("bias"),
      }),
  },
];

function checkConvolution(a: Bound): void {
  a.only("padding_mode", "zeros");
  const groups = a.int("groups");
  if (groups < 1) throw programFails("groups must be a positive integer");
  if (a.int("in_channels") % groups !== 0) throw programFails("in_channels must be divisible by groups");
  if (a.int("out_channels") % groups !== 0) throw programFails("out_channels must be divisible by groups");
  if (a.value("padding") === "same" && a.single("stride") !== 1)
    throw programFails("padding='same' is not supported for strided convolutions");
}

const dense: readonly LayerRow[] = [
  {
    names: "Linear",
    takes: `in_features, out_features, bias=True, ${DEVICE}`,
    parameters: (a) => ({
      weight: [a.int("out_features"), a.int("in_features")],
      bias: a.bool("bias") ? [a.int("out_features")] : null,
    }),
    run: (_, call, weight) =>
      callFunctional("linear", { input: call.value("input"), weight: weight("weight"), bias: weight("bias") }),
  },
  {
    names: "Embedding",
    takes: `num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False, ${DEVICE}`,
    parameters: (a) => ({ weight: [a.int("num_embeddings"), a.int("embedding_dim")] }),
    run: (a, call, weight) =>
      callFunctional("embedding", { ...pass(a, call, "padding_idx", "max_norm"), weight: weight("weight") }),
  },
  {
    names: "PReLU",
    takes: `num_parameters=1, init=0.25, ${DEVICE}`,
    parameters: (a) => ({ weight: [a.int("num_parameters")] }),
    run: (_, call, weight) => callFunctional("prelu", { input: call.value("input"), weight: weight("weight") }),
  },
];

/** The ranks of input that a batch norm takes. */
function batchNorm(name: string, ranks: readonly number[]): LayerRow {
  return {
    names: name,
    takes: `num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, ${DEVICE}, *, bias=True`,
    parameters: (a) => ({
      weight: a.bool("affine") ? [a.int("num_features")] : null,
      bias: a.bool("affine") && a.bool("bias") ? [a.int("num_features")] : null,
    }),
    buffers: (a) => {
      const shape: Shape | null = a.bool("track_running_stats") ? [a.int("num_features")] : null;
      return { running_mean: shape, running_var: shape, num_batches_tracked: shape && [] };
    },
    run: (a, call, weight) => {
      const input = call.tensor("input");
      if (!ranks.includes(input.rank))
        throw programShapesDiffer(
          `${name}: expected ${ranks.map((rank) => `${rank}D`).join(" or ")} input (got ${input.rank}D input)`,
        );
      const statistics = a.bool("track_running_stats")
        ? { mean: weight("running_mean"), var: weight("running_var") }
        : batchStatistics(input);
      return callFunctional("batch_norm", {
        ...pass(a, call, "eps"),
        running_mean: statistics.mean,
        running_var: statistics.var,
        weight: weight("weight"),
        bias: weight("bias"),
      });
    },
  };
}

const normalizations: readonly LayerRow[] = [
  batchNorm("BatchNorm1d", [2, 3]),
  batchNorm("BatchNorm2d", [4]),
  batchNorm("BatchNorm3d", [5]),
  {
    names: "LayerNorm",
    takes: `normalized_shape, eps=1e-05, elementwise_affine=True, bias=True, ${DEVICE}`,
    parameters: (a) => ({
      weight: a.bool("elementwise_affine") ? a.ints("normalized_shape") : null,
      bias: a.bool("elementwise_affine") && a.bool("bias") ? a.ints("normalized_shape") : null,
    }),
    run: (a, call, weight) =>
      callFunctional("layer_norm", {
        ...pass(a, call, "normalized_shape", "eps"),
        weight: weight("weight"),
        bias: weight("bias"),
      }),
  },
  {
    names: "RMSNorm",
    takes: `normalized_shape, eps=None, elementwise_affine=True, ${DEVICE}`,
    forward: "x",
    parameters: (a) => ({ weight: a.bool("elementwise_affine") ? a.ints("normalized_shape") : null }),
    run: (a, call, weight) =>
      callFunctional("rms_norm", {
        input: call.value("x"),
        normalized_shape: a.value("normalized_shape"),
        eps: a.value("eps"),
        weight: weight("weight"),
      }),
  },
  {
    names: "GroupNorm",
    takes: `num_groups, num_channels, eps=1e-05, affine=True, ${DEVICE}, *, bias=True`,
    check: (a) => {
      if (a.int("num_channels") % a.int("num_groups") !== 0)
        throw programFails("num_channels must be divisible by num_groups");
    },
    parameters: (a) => ({
      weight: a.bool("affine") ? [a.int("num_channels")] : null,
      bias: a.bool("affine") && a.bool("bias") ? [a.int("num_channels")] : null,
    }),
    run: (a, call, weight) =>
      callFunctional("group_norm", {
        ...pass(a, call, "num_groups", "eps"),
        weight: weight("weight"),
        bias: weight("bias"),
      }),
  },
  {
    names: "InstanceNorm1d",
    takes: `num_features, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False, ${DEVICE}, *, bias=True`,
    check: (a) => a.only("track_running_stats", false),
    parameters: (a) => ({
      weight: a.bool("affine") ? [a.int("num_features")] : null,
      bias: a.bool("affine") && a.bool("bias") ? [a.int("num_features")] : null,
    }),
    run: (a, call, weight) => {
      const input = call.tensor("input");
      if (input.rank !== 3)
        throw programNotUnderstood(
          `InstanceNorm1d of an input of shape ${showShape(input.shape)} is not known to the checker`,
        );
      return callFunctional("instance_norm", {
        ...pass(a, call, "eps"),
        weight: weight("weight"),
        bias: weight("bias"),
      });
    },
  },
];

const tables: readonly (readonly LayerRow[])[] = [
  identity,
  shaping,
  convolutions,
  dense,
  normalizations,
  recurrentLayers,
  attentionLayers,
];

let byName: Map<string, LayerRow> | null = null;

export function knownLayers(): ReadonlyMap<string, LayerRow> {
  if (byName) return byName;
  byName = new Map();
  for (const row of [...viaFunction.map(rowOfFunction), ...tables.flat()])
    for (const name of row.names.split(" ")) byName.set(name, row);
  return byName;
}

/** The class `nn.name`. */
export function findLayer(name: string): Callable | null {
  const row = knownLayers().get(name);
  return row ? new Callable(`nn.${name}`, (args) => new Layer(name, row, args)) : null;
}
