/**
 * activations: the activation functions of torch.nn.functional.
 *
 * nn.ReLU and its kind are these functions with the arguments kept; modules.ts says which.
 *
 * Source  PyTorch docs: torch.nn.functional, Non-linear activation functions; torch.nn.ELU ... for the formulas.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";
import { expandTo, resolveAxis, Tensor64 } from "./array.ts";
import { erf, relu, sigmoid } from "./arithmetic.ts";
import { assignInPlace, map, map2 } from "./elementwise.ts";
import { narrow } from "./shaping.ts";
import { logSoftmax, softmax } from "./reduce.ts";
import type { Bound, FunctionRow, Run } from "./signature.ts";

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/** A function of one number and the call's numeric arguments, in the order of its signature. */
function activation(f: (x: number, ...parameters: number[]) => number): Run {
  return (a) => {
    const names = [...a.values.keys()].filter((name) => name !== "input" && name !== "inplace");
    const [p, q] = names.map((name) => a.number(name)) as [number, number];
    const input = a.floating("input");
    return placed(
      a,
      map(input, (x) => f(x, p, q)),
    );
  };
}

/** With inplace=True the result replaces the input, for everyone who holds it. */
function placed(a: Bound, result: Tensor64): Tensor64 {
  if (!a.values.has("inplace") || !a.bool("inplace")) return result;
  assignInPlace(a.tensor("input"), result);
  return a.tensor("input");
}

const clip = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const softplus = (x: number, beta: number, threshold: number) =>
  x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta;
const elu = (x: number, alpha: number) => (x > 0 ? x : alpha * Math.expm1(x));
const silu = (x: number) => x / (1 + Math.exp(-x));
const hardSigmoid = (x: number) => clip(x + 3, 0, 6) / 6;

const gelu: Run = (a) => {
  a.only("approximate", "none", "tanh");
  if (a.text("approximate") === "none") return map(a.floating("input"), (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)));
  const slope = Math.sqrt(2 / Math.PI);
  return map(a.floating("input"), (x) => 0.5 * x * (1 + Math.tanh(slope * (x + 0.044715 * x * x * x))));
};

/** The first half of `dim` times the sigmoid of the second. */
const glu: Run = (a) => {
  const input = a.floating("input");
  const axis = resolveAxis(a.int("dim"), input.rank);
  const size = input.shape[axis] ?? 0;
  if (size % 2 !== 0)
    throw programShapesDiffer(`halving dimension must be even, but dimension ${axis} is size ${size}`);
  return map2(narrow(input, axis, 0, size / 2), narrow(input, axis, size / 2, size / 2), (x, y) => x * sigmoid(y));
};

/** One slope for all, or one per channel (dimension 1). */
const prelu: Run = (a) => {
  const [input, weight] = [a.floating("input"), a.floating("weight")];
  if (weight.rank > 1) throw programFails(`prelu(): expected weight to be a scalar or 1-D, got ${weight.rank}-D`);
  const channels = input.rank > 1 ? input.shape[1]! : 1;
  if (weight.size !== 1 && weight.size !== channels) {
    throw programShapesDiffer(`prelu(): weight has ${weight.size} parameters, but the input has ${channels} channels`);
  }
  const slope = new Tensor64(weight.data, [weight.size], "float64", [weight.strides[0] ?? 0], weight.offset);
  const perChannel = new Tensor64(
    slope.data,
    [slope.size, ...input.shape.slice(2).map(() => 1)],
    "float64",
    [slope.strides[0]!, ...input.shape.slice(2).map(() => 0)],
    slope.offset,
  );
  return map2(input, input.rank > 1 ? expandTo(perChannel, input.shape) : slope, (x, y) => (x < 0 ? x * y : x));
};

/** torch.softmax and F.softmax; without `dim` PyTorch guesses with a warning, the checker refuses. */
function alongDim(f: (tensor: Tensor64, axis: number) => Tensor64): Run {
  return (a: Bound) => {
    if (a.isNone("dim")) throw programNotUnderstood(`${a.functionName}() without dim is not known to the checker`);
    const input = a.floating("input");
    return f(input, resolveAxis(a.int("dim"), input.rank));
  };
}

/** F.dropout is active unless told otherwise; evaluation mode needs training=False. */
const dropout: Run = (a) => {
  a.only("training", false);
  return a.tensor("input");
};

export const activations: readonly FunctionRow[] = [
  ["F", "relu", "input, inplace=False", (a) => placed(a, map(a.tensor("input"), relu, a.tensor("input").dtype))],
  ["F", "relu6", "input, inplace=False", activation((x) => clip(x, 0, 6))],
  ["F", "leaky_relu", "input, negative_slope=0.01, inplace=False", activation((x, slope) => (x < 0 ? x * slope! : x))],
  ["F", "elu", "input, alpha=1.0, inplace=False", activation(elu as (x: number, ...p: number[]) => number)],
  [
    "F",
    "celu",
    "input, alpha=1.0, inplace=False",
    activation((x, alpha) => (x > 0 ? x : alpha! * Math.expm1(x / alpha!))),
  ],
  ["F torch", "selu", "input, inplace=False", activation((x) => SELU_SCALE * elu(x, SELU_ALPHA))],
  ["F", "gelu", "input, approximate='none'", gelu],
  ["F", "silu", "input, inplace=False", activation(silu)],
  ["F", "mish", "input, inplace=False", activation((x) => x * Math.tanh(softplus(x, 1, 20)))],
  ["F", "softplus", "input, beta=1, threshold=20", activation(softplus as (x: number, ...p: number[]) => number)],
  ["F", "softsign", "input", activation((x) => x / (1 + Math.abs(x)))],
  ["F", "logsigmoid", "input", activation((x) => Math.min(0, x) - Math.log1p(Math.exp(-Math.abs(x))))],
  ["F", "hardsigmoid", "input, inplace=False", activation(hardSigmoid)],
  ["F", "hardswish", "input, inplace=False", activation((x) => x * hardSigmoid(x))],
  [
    "F",
    "hardtanh",
    "input, min_val=-1.0, max_val=1.0, inplace=False",
    activation(clip as (x: number, ...p: number[]) => number),
  ],
  ["F", "hardshrink", "input, lambd=0.5", activation((x, lambda) => (x >= -lambda! && x <= lambda! ? 0 : x))],
  [
    "F",
    "softshrink",
    "input, lambd=0.5",
    activation((x, lambda) => (x > lambda! ? x - lambda! : x < -lambda! ? x + lambda! : x * 0)),
  ],
  ["F", "tanhshrink", "input", activation((x) => x - Math.tanh(x))],
  [
    "F torch",
    "threshold",
    "input, threshold, value, inplace=False",
    activation((x, limit, value) => (x <= limit! ? value! : x)),
  ],
  ["F torch", "prelu", "input, weight", prelu],
  ["Tensor", "prelu", "input, weight", prelu],
  ["F", "glu", "input, dim=-1", glu],
  ["F", "softmax", "input, dim=None, _stacklevel=3, dtype=None", alongDim(softmax)],
  [
    "F",
    "softmin",
    "input, dim=None, _stacklevel=3, dtype=None",
    alongDim((x, axis) =>
      softmax(
        map(x, (v) => -v),
        axis,
      ),
    ),
  ],
  ["F", "log_softmax", "input, dim=None, _stacklevel=3, dtype=None", alongDim(logSoftmax)],
  ["torch Tensor special", "softmax", "input, dim, dtype=None", alongDim(softmax)],
  ["torch Tensor special", "log_softmax", "input, dim, dtype=None", alongDim(logSoftmax)],
  ["F", "dropout dropout1d dropout2d", "input, p=0.5, training=True, inplace=False", dropout],
  ["F", "alpha_dropout feature_alpha_dropout", "input, p=0.5, training=False, inplace=False", dropout],
];
