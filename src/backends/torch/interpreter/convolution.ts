/**
 * convolution: F.conv1d and F.conv_transpose1d, channels first: input (N, C, L) or (C, L).
 *
 *   conv1d            y[n, o, l] = bias[o] + sum over i, k of w[o, i, k] * x[n, i, l*stride + k*dilation - left]
 *   conv_transpose1d  y[n, o, l*stride + k*dilation - padding] += w[i, o, k] * x[n, i, l]
 *
 * conv1d copies the padded input with the positions of one phase (position mod stride) side by side; then every tap reads a
 * contiguous run for consecutive outputs, whatever the stride, and no tap needs a check for the border.
 *
 * Source  PyTorch docs: torch.nn.Conv1d, torch.nn.ConvTranspose1d.
 */
import { programFails, programShapesDiffer } from "../../../error.ts";
import { allocate, rows, showShape, Tensor64 } from "./array.ts";
import { insertAxis, selectAt } from "./shaping.ts";
import type { Bound, FunctionRow } from "./signature.ts";

interface Geometry {
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
}

function geometry(a: Bound): Geometry {
  const read = { stride: a.single("stride"), dilation: a.single("dilation"), groups: a.int("groups") };
  for (const [name, value] of Object.entries(read)) {
    if (value < 1) throw programFails(`${a.functionName}(): expected ${name} to be positive, got ${value}`);
  }
  return read;
}

/** "same" puts the odd element on the right, and is for stride 1 only. */
function padding(a: Bound, stride: number, reach: number): readonly [left: number, right: number] {
  const value = a.value("padding");
  if (value === "valid") return [0, 0];
  if (value === "same") {
    if (stride !== 1) throw programFails("padding='same' is not supported for strided convolutions");
    return [Math.floor(reach / 2), reach - Math.floor(reach / 2)];
  }
  const both = a.single("padding");
  if (both < 0) throw programFails(`${a.functionName}(): negative padding is not supported`);
  return [both, both];
}

/** Runs `f` on a batch; an input without one gets one and loses it again. */
function batched(input: Tensor64, f: (input: Tensor64) => Tensor64, name: string): Tensor64 {
  if (input.rank === 2) return selectAt(f(insertAxis(input, 0)), 0, 0);
  if (input.rank !== 3) {
    throw programShapesDiffer(
      `expected 2D (unbatched) or 3D (batched) input to ${name}, but got input of size ${showShape(input.shape)}`,
    );
  }
  return f(input);
}

function checkOperands(
  input: Tensor64,
  weight: Tensor64,
  bias: Tensor64 | null,
  channels: number,
  outputs: number,
  groups: number,
  name: string,
): void {
  if (weight.rank !== 3)
    throw programShapesDiffer(`${name}(): expected a weight with 3 axes, got ${showShape(weight.shape)}`);
  if (input.shape[1] !== channels) {
    throw programShapesDiffer(
      `given groups=${groups}, weight of size ${showShape(weight.shape)}, expected input${showShape(input.shape)} to have ${channels} channels, but got ${input.shape[1]} channels instead`,
    );
  }
  if (bias && (bias.rank !== 1 || bias.shape[0] !== outputs)) {
    throw programShapesDiffer(
      `given weight of size ${showShape(weight.shape)}, expected bias to be 1-dimensional with ${outputs} elements, but got ${showShape(bias.shape)}`,
    );
  }
  if (input.dtype !== "float64" || weight.dtype !== "float64")
    throw programFails(`${name}(): expected floating point operands, got ${input.dtype} and ${weight.dtype}`);
}

function conv1d(input: Tensor64, a: Bound): Tensor64 {
  const [weight, bias] = [a.tensor("weight"), a.optionalTensor("bias")];
  const { stride, dilation, groups } = geometry(a);
  const [outputs, channels, taps] = weight.shape as [number, number, number];
  checkOperands(input, weight, bias, channels * groups, outputs, groups, "conv1d");
  if (outputs % groups !== 0)
    throw programShapesDiffer(
      `expected weight to be divisible by groups=${groups} at dimension 0, but got ${showShape(weight.shape)}`,
    );
  const reach = dilation * (taps - 1);
  const [left, right] = padding(a, stride, reach);
  const [batch, , length] = input.shape as [number, number, number];
  const padded = left + length + right;
  if (padded < reach + 1) {
    throw programShapesDiffer(
      `calculated padded input size per channel: (${padded}). Kernel size: (${reach + 1}). Kernel size can't be greater than actual input size`,
    );
  }
  const outLength = Math.floor((padded - reach - 1) / stride) + 1;
  const phaseLength = Math.ceil(padded / stride);
  const source = deinterleave(input, left, stride, phaseLength);
  const starts = Int32Array.from({ length: channels * taps }, (_, i) => {
    const [channel, position] = [Math.floor(i / taps), (i % taps) * dilation];
    return (channel * stride + (position % stride)) * phaseLength + Math.floor(position / stride);
  });
  const out = allocate([batch, outputs, outLength]);
  const weights = rows(weight);
  const biases = bias && rows(bias);
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outputs; o++) {
      const group = Math.floor(o / (outputs / groups));
      const to = (n * outputs + o) * outLength;
      out.fill(biases ? biases[o]! : 0, to, to + outLength);
      const from = (n * channels * groups + group * channels) * stride * phaseLength;
      accumulateTaps(source, starts, from, weights, o * channels * taps, out, to, outLength);
    }
  }
  return new Tensor64(out, [batch, outputs, outLength]);
}

/** x[n, c, l] to [n, c, phase, l'] with l + left = l' * stride + phase, zeros around. */
function deinterleave(input: Tensor64, left: number, stride: number, phaseLength: number): Float64Array {
  const [batch, channels, length] = input.shape as [number, number, number];
  const data = rows(input);
  const out = allocate([batch * channels * stride * phaseLength]);
  for (let row = 0; row < batch * channels; row++) {
    const to = row * stride * phaseLength;
    for (let l = 0; l < length; l++) {
      const position = l + left;
      out[to + (position % stride) * phaseLength + Math.floor(position / stride)] = data[row * length + l]!;
    }
  }
  return out;
}

/** out[to + l] += sum over t of w[t] * x[from + starts[t] + l]; four taps per pass save three quarters of the stores. */
function accumulateTaps(
  x: Float64Array,
  starts: Int32Array,
  from: number,
  w: Float64Array,
  atW: number,
  out: Float64Array,
  to: number,
  length: number,
): void {
  let t = 0;
  for (; t + 4 <= starts.length; t += 4) {
    const [w0, w1, w2, w3] = [w[atW + t]!, w[atW + t + 1]!, w[atW + t + 2]!, w[atW + t + 3]!];
    const x0 = from + starts[t]!;
    const x1 = from + starts[t + 1]!;
    const x2 = from + starts[t + 2]!;
    const x3 = from + starts[t + 3]!;
    for (let l = 0; l < length; l++) {
      out[to + l] = out[to + l]! + w0 * x[x0 + l]! + w1 * x[x1 + l]! + w2 * x[x2 + l]! + w3 * x[x3 + l]!;
    }
  }
  for (; t < starts.length; t++) {
    const weight = w[atW + t]!;
    const start = from + starts[t]!;
    for (let l = 0; l < length; l++) out[to + l]! += weight * x[start + l]!;
  }
}

function convTranspose1d(input: Tensor64, a: Bound): Tensor64 {
  const [weight, bias] = [a.tensor("weight"), a.optionalTensor("bias")];
  const { stride, dilation, groups } = geometry(a);
  const [channels, outputsPerGroup, taps] = weight.shape as [number, number, number];
  const outputs = outputsPerGroup * groups;
  checkOperands(input, weight, bias, channels, outputs, groups, "conv_transpose1d");
  if (channels % groups !== 0)
    throw programShapesDiffer(`expected ${channels} input channels to be divisible by groups=${groups}`);
  const [pad, extra] = [a.single("padding"), a.single("output_padding")];
  if (extra < 0 || (extra >= stride && extra >= dilation)) {
    throw programFails(
      `output padding must be smaller than either stride or dilation, but got output_padding ${extra}, stride ${stride}, dilation ${dilation}`,
    );
  }
  const [batch, , length] = input.shape as [number, number, number];
  const outLength = (length - 1) * stride - 2 * pad + dilation * (taps - 1) + extra + 1;
  if (outLength < 1)
    throw programShapesDiffer(`calculated output size (${outLength}) is too small for input ${showShape(input.shape)}`);
  const out = allocate([batch, outputs, outLength]);
  const [data, weights] = [rows(input), rows(weight)];
  const biases = bias && rows(bias);
  const perGroup = channels / groups;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outputs; o++) {
      const to = (n * outputs + o) * outLength;
      if (biases) out.fill(biases[o]!, to, to + outLength);
      const first = Math.floor(o / outputsPerGroup) * perGroup;
      for (let i = first; i < first + perGroup; i++) {
        for (let k = 0; k < taps; k++) {
          const w = weights[(i * outputsPerGroup + (o % outputsPerGroup)) * taps + k]!;
          const shift = k * dilation - pad;
          const begin = Math.max(0, Math.ceil(-shift / stride));
          const end = Math.min(length, Math.floor((outLength - 1 - shift) / stride) + 1);
          const from = (n * channels + i) * length;
          for (let l = begin, at = to + begin * stride + shift; l < end; l++, at += stride)
            out[at]! += w * data[from + l]!;
        }
      }
    }
  }
  return new Tensor64(out, [batch, outputs, outLength]);
}

export const convolutions: readonly FunctionRow[] = [
  [
    "F torch",
    "conv1d",
    "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
    (a) => batched(a.tensor("input"), (input) => conv1d(input, a), "conv1d"),
  ],
  [
    "F torch",
    "conv_transpose1d",
    "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
    (a) => batched(a.tensor("input"), (input) => convTranspose1d(input, a), "conv_transpose1d"),
  ],
];
