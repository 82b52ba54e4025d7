/**
 * pooling: maximum and average over windows of the last axis, and nearest-neighbour upsampling. Input (N, C, L) or (C, L).
 *
 *   windows of output l   [l*stride - padding, ... + dilation*(kernel-1)], cut to the input
 *   maximum               padding counts as -infinity
 *   average               divided by the window cut to the padded input (count_include_pad) or to the input
 *
 * With ceil_mode a last window may hang over the right end, if it starts inside the input or its left padding.
 *
 * Source  PyTorch docs: torch.nn.MaxPool1d, AvgPool1d, AdaptiveAvgPool1d, Upsample. ATen/native/Pool.h for the lengths.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";
import { allocate, resolveAxis, rows, showShape, Tensor64 } from "./array.ts";
import { gatherAlong } from "./joining.ts";
import type { Bound, FunctionRow, Run } from "./signature.ts";

/** One output out of `data[start ... end)` in steps. `padded` is the window's length before it was cut to the input. */
type Window = (data: Float64Array, start: number, end: number, step: number, padded: number) => number;

interface Windows {
  readonly length: number;
  readonly of: (output: number) => { start: number; end: number; step: number; padded: number };
}

function poolRows(input: Tensor64, name: string, windows: (length: number) => Windows, f: Window): Tensor64 {
  if (input.rank !== 2 && input.rank !== 3) {
    throw programShapesDiffer(`${name}() expected a 2-D or 3-D input, got the shape ${showShape(input.shape)}`);
  }
  if (input.dtype !== "float64") throw programNotUnderstood(`${name}() of ${input.dtype} is not known to the checker`);
  const length = input.shape.at(-1)!;
  const plan = windows(length);
  const shape = [...input.shape.slice(0, -1), plan.length];
  const out = allocate(shape);
  const data = rows(input);
  const spans = Array.from({ length: plan.length }, (_, l) => plan.of(l));
  for (let row = 0, to = 0; to < out.length; row += length) {
    for (const { start, end, step, padded } of spans) out[to++] = f(data, row + start, row + end, step, padded);
  }
  return new Tensor64(out, shape, input.dtype);
}

function slidingWindows(a: Bound, dilation: number): (length: number) => Windows {
  const kernel = a.single("kernel_size");
  const stride = a.isNone("stride") || a.optionalInts("stride")?.length === 0 ? kernel : a.single("stride");
  const pad = a.single("padding");
  if (kernel < 1 || stride < 1 || dilation < 1)
    throw programFails(`${a.functionName}(): kernel_size, stride and dilation must be positive`);
  if (pad < 0 || pad > Math.floor((dilation * (kernel - 1) + 1) / 2)) {
    throw programFails(
      `pad should be non-negative and at most half of effective kernel size, but got pad=${pad}, kernel_size=${kernel} and dilation=${dilation}`,
    );
  }
  const reach = dilation * (kernel - 1) + 1;
  return (length) => {
    const slack = a.bool("ceil_mode") ? stride - 1 : 0;
    let outputs = Math.floor((length + 2 * pad - reach + slack) / stride) + 1;
    if (slack > 0 && (outputs - 1) * stride >= length + pad) outputs--;
    if (outputs < 1)
      throw programShapesDiffer(
        `${a.functionName}(): an input of length ${length} is too small for a window of ${reach}`,
      );
    return {
      length: outputs,
      of: (l) => {
        const start = l * stride - pad;
        const first = start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;
        return {
          start: first,
          end: Math.min(start + reach, length),
          step: dilation,
          padded: Math.min(start + reach, length + pad) - start,
        };
      },
    };
  };
}

/** Windows that split the input into `outputs` nearly equal parts, which may overlap by one. */
function adaptiveWindows(a: Bound): (length: number) => Windows {
  return (length) => {
    const wanted = a.optionalInts("output_size");
    const outputs = wanted === null ? length : a.single("output_size");
    if (outputs < 0 || (length === 0 && outputs > 0))
      throw programFails(`${a.functionName}(): can't pool a length of ${length} to ${outputs}`);
    return {
      length: outputs,
      of: (l) => {
        const [start, end] = [Math.floor((l * length) / outputs), Math.ceil(((l + 1) * length) / outputs)];
        return { start, end, step: 1, padded: end - start };
      },
    };
  };
}

const maximum: Window = (data, start, end, step) => {
  let top = -Infinity;
  for (let i = start; i < end; i += step) top = Math.max(top, data[i]!);
  return top;
};

const average =
  (includePadding: boolean): Window =>
  (data, start, end, _step, padded) => {
    let total = 0;
    for (let i = start; i < end; i++) total += data[i]!;
    return total / (includePadding ? padded : end - start);
  };

const maxPool: Run = (a) => {
  a.only("return_indices", false);
  return poolRows(a.tensor("input"), a.functionName, slidingWindows(a, a.single("dilation")), maximum);
};

const avgPool: Run = (a) =>
  poolRows(a.tensor("input"), a.functionName, slidingWindows(a, 1), average(a.bool("count_include_pad")));

const adaptiveMax: Run = (a) => {
  a.only("return_indices", false);
  return poolRows(a.tensor("input"), a.functionName, adaptiveWindows(a), maximum);
};

const interpolate: Run = (a) => {
  a.only("mode", "nearest");
  a.only("align_corners", null);
  a.only("antialias", false);
  a.only("recompute_scale_factor", null, false);
  const input = a.tensor("input");
  if (input.rank !== 3)
    throw programNotUnderstood(`interpolate() of a ${input.rank}-D input is not known to the checker`);
  if (a.isNone("size") === a.isNone("scale_factor"))
    throw programFails("interpolate(): exactly one of size or scale_factor should be defined");
  const length = input.shape[2]!;
  const factor = a.isNone("scale_factor") ? null : a.number("scale_factor");
  const outputs = factor === null ? a.single("size") : Math.floor(length * factor);
  if (outputs < 1) throw programFails(`interpolate(): output size ${outputs} is not positive`);
  const step = factor === null ? length / outputs : 1 / factor;
  const positions = Array.from({ length: outputs }, (_, l) => Math.min(Math.floor(l * step), length - 1));
  return gatherAlong(input, resolveAxis(-1, 3), positions);
};

export const pools: readonly FunctionRow[] = [
  [
    "F",
    "max_pool1d",
    "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False",
    maxPool,
  ],
  [
    "F torch",
    "avg_pool1d",
    "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True",
    avgPool,
  ],
  [
    "F torch",
    "adaptive_avg_pool1d",
    "input, output_size",
    (a) => poolRows(a.tensor("input"), a.functionName, adaptiveWindows(a), average(false)),
  ],
  ["F", "adaptive_max_pool1d", "input, output_size, return_indices=False", adaptiveMax],
  [
    "F",
    "interpolate",
    "input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None, antialias=False",
    interpolate,
  ],
];
