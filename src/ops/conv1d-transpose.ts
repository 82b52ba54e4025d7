/**
 * conv1dTranspose: y[n, p, o] = bias[o] + sum over l, k, i of x[n, l, i] * kernel[k, o, i], l*stride + k*dilation = p + cropLeft
 *
 * Every element of the input lays a copy of the kernel onto the output, `stride` further on than the one before it. Of that,
 * `cropLeft` and `cropRight` elements are dropped at the ends; `extra` elements behind it hold the bias and nothing else.
 *
 * Keras   keras.layers.Conv1DTranspose: kernel KOI, no flip; the crop as TensorFlow's gradient of a padded Conv1D has it
 * PyTorch torch.nn.ConvTranspose1d: weight IOK. `padding` drops the same number at both ends, `output_padding` gives some of
 *         it back on the right; where more is dropped on the right than on the left, a slice does it.
 *
 * Source  keras:keras/src/backend/common/backend_utils.py (the arguments for PyTorch and the output's length)
 */
import { axisSize, resized } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { spatial } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { channelsLast } from "./keras-layout.ts";
import { type Notes, series } from "./notes.ts";
import { packPanels } from "./pack.ts";
import { copy } from "./rows.ts";
import { count, natural } from "./schema.ts";
import { extent } from "./window.ts";

export interface Conv1dTranspose {
  readonly filters: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly cropLeft: number;
  readonly cropRight: number;
  /** Below the stride or the dilation, and 0 where something is dropped on the right. */
  readonly extra: number;
}

export const spec: OpSpec<Conv1dTranspose> = {
  attributes: {
    filters: count,
    taps: count,
    stride: count,
    dilation: count,
    cropLeft: natural,
    cropRight: natural,
    extra: natural,
  },
  weights: { kernel: { keras: "KOI", torch: "IOK" }, bias: { keras: "O", torch: "O", optional: true } },
  shapes: ({ taps, filters }, [input]) => ({ kernel: [taps, filters, axisSize(input!, "C")], bias: [filters] }),
  infer(attributes, [input]) {
    const { filters, stride, dilation, cropLeft, cropRight, extra } = attributes;
    if (extra > 0 && (cropRight > 0 || extra >= Math.max(stride, dilation))) {
      throw shapeMismatch(`conv1dTranspose: expected less than ${stride} further elements at the end, got ${extra}`);
    }
    const length = axisSize(input!, "L");
    const size = length === null ? null : (length - 1) * stride + extent(attributes) + extra - cropLeft - cropRight;
    if (size !== null && size < 1) {
      throw shapeMismatch(`conv1dTranspose: expected something to be left of a length of ${length}, got ${size}`);
    }
    return [resized(resized(input!, "L", size), "C", filters)];
  },
};

export const arrange: Arrange<Conv1dTranspose> = spatial;

export const evaluate: Evaluate<Conv1dTranspose> = (attributes, [x], { kernel, bias }, [output]) => {
  const { filters, taps, stride, dilation, cropLeft } = attributes;
  const [batch, length, channels] = x!.axes.map((axis) => axis.size!) as [number, number, number];
  const outLength = axisSize(output!, "L")!;
  const y = new Float64Array(batch * outLength * filters);
  for (let at = 0; bias && at < y.length; at++) y[at] = bias.data[at % filters]!;
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < length; l++) {
      for (let k = 0; k < taps; k++) {
        const at = l * stride + k * dilation - cropLeft;
        if (at < 0 || at >= outLength) continue;
        for (let o = 0; o < filters; o++) {
          let sum = 0;
          for (let i = 0; i < channels; i++) {
            sum += x!.data[(n * length + l) * channels + i]! * kernel!.data[(k * filters + o) * channels + i]!;
          }
          y[(n * outLength + at) * filters + o]! += sum;
        }
      }
    }
  }
  return [y];
};

export const fromKeras: Record<string, FromKeras> = {
  Conv1DTranspose(call) {
    const { config } = call;
    const { input, restore } = channelsLast(call);
    const filters = config.integer("filters");
    const window = {
      taps: config.extent("kernel_size"),
      stride: config.extent("strides", 1),
      dilation: config.extent("dilation_rate", 1),
    };
    const padding = config.choice("padding", ["valid", "same"], "valid");
    const [given = null, ...more] = config.raw("output_padding") == null ? [] : config.integers("output_padding");
    if (more.length > 0 || (given !== null && (given < 0 || given >= window.stride))) {
      config.refuse("output_padding", `expected a number below the stride of ${window.stride}, got ${given}`);
    }
    const { left, right } = crops(padding, given, window);
    call.weight("kernel", "KOI", [window.taps, filters, call.known(input, "C")]);
    const biased = config.boolean("use_bias", true);
    if (biased) call.weight("bias", "O", [filters]);
    const attributes: Conv1dTranspose = {
      filters,
      ...window,
      cropLeft: left,
      cropRight: Math.max(right, 0),
      extra: Math.max(-right, 0),
    };
    const output = call.emit("conv1dTranspose", attributes, [input], biased ? ["kernel", "bias"] : ["kernel"]);
    return call.activation(restore(output), config.raw("activation"));
  },
};

/** What Keras drops at both ends of (length - 1) * stride + extent elements; below zero, what it adds. */
function crops(
  padding: "valid" | "same",
  given: number | null,
  window: Pick<Conv1dTranspose, "taps" | "stride" | "dilation">,
): { left: number; right: number } {
  const reach = extent(window);
  if (padding === "valid") return { left: 0, right: -(given ?? Math.max(reach, window.stride) - reach) };
  // The zeros around the input, `stride - 1` of them between its elements, of the convolution that this is.
  const zeros = given === null ? window.stride + reach - 2 : reach + (reach % 2) - 2 + given;
  const before = Math.min(Math.ceil(zeros / 2), reach - 1);
  return { left: reach - 1 - before, right: reach - 1 - (zeros - before) };
}

export const toTorch: ToTorch<Conv1dTranspose> = ({ attributes, inputs, weights }, torch) => {
  const { filters, taps, stride, dilation, cropLeft, cropRight, extra } = attributes;
  const spare = cropLeft - cropRight + extra;
  const whole = spare >= 0 && spare < Math.max(stride, dilation);
  const padding = whole ? cropLeft : Math.min(cropLeft, cropRight);
  const outputPadding = whole ? spare : extra;
  const options = [
    `kernel_size=${taps}`,
    ...(stride > 1 ? [`stride=${stride}`] : []),
    ...(padding > 0 ? [`padding=${padding}`] : []),
    ...(outputPadding > 0 ? [`output_padding=${outputPadding}`] : []),
    ...(weights.includes("bias") ? [] : ["bias=False"]),
    ...(dilation > 1 ? [`dilation=${dilation}`] : []),
  ];
  const module = torch.module(`nn.ConvTranspose1d(${[axisSize(inputs[0]!, "C")!, filters, ...options].join(", ")})`);
  torch.state("weight", "kernel");
  if (weights.includes("bias")) torch.state("bias", "bias");
  const y = `${module}(${torch.input(0)})`;
  if (whole) return y;
  return cropLeft > padding ? `${y}[:, :, ${cropLeft - padding}:]` : `${y}[:, :, :-${cropRight - padding}]`;
};

/**
 * As a convolution of stride 1 with stride * filters outputs: `stride` neighbouring elements of the output are made of the same
 * few elements of the input, each by its own taps, and lie side by side where they are written.
 */
export const toWasm: ToWasm<Conv1dTranspose> = ({ attributes }, wasm) => {
  const { filters, taps, stride, dilation, cropLeft } = attributes;
  const [batch, length, channels] = wasm.inputShape(0) as [number, number, number];
  const outLength = wasm.outputShape()[1]!;
  const reach = extent(attributes);
  // Output q * stride + r takes x[q - j] by tap (r + cropLeft + j * stride) / dilation, for j from `least` to `most`.
  const apart = stride === 1 ? dilation : 1;
  const most = Math.floor((reach - 1 - cropLeft) / stride);
  const least = -Math.ceil(cropLeft / stride);
  const steps = stride === 1 ? taps : most - least + 1;
  const columns = stride * filters;
  const weights = wasm.weight("phases", (pack) => {
    const kernel = pack.read("kernel")!;
    const own = pack.read("bias");
    const values = new Float32Array(steps * channels * columns);
    for (let step = 0; step < steps; step++) {
      for (let r = 0; r < stride; r++) {
        const at = r + cropLeft + (most - step * apart) * stride;
        const tap = at / dilation;
        if (tap < 0 || tap >= taps || !Number.isInteger(tap)) continue;
        for (let i = 0; i < channels; i++) {
          for (let o = 0; o < filters; o++) {
            values[(step * channels + i) * columns + r * filters + o] = kernel[(tap * filters + o) * channels + i]!;
          }
        }
      }
    }
    const bias = own && Float32Array.from({ length: columns }, (_, column) => own[column % filters]!);
    packPanels(pack, { values, bias, rows: steps * channels, columns });
  });
  const groups = Math.ceil(outLength / stride);
  const [row, padded] = [outLength * filters, groups * columns];
  const input = wasm.input(0);
  const output = padded === row ? wasm.output() : wasm.scratch(batch * padded);
  const limits = wasm.clamp();
  wasm.split(batch, batch * padded * steps * channels, (from, to) => {
    const [x, y] = [input.at(from * length * channels), output.at(from * padded)];
    const shape = [1, channels, columns, steps, 1, apart, most];
    wasm.call("conv1d", x, weights, y, to - from, length, groups, ...shape, ...limits);
  });
  if (padded !== row) copy(wasm, output, wasm.output(), [batch, row], [padded, 1], [row, 1]);
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Conv1DTranspose: {
    torch: "`nn.ConvTranspose1d`; with a slice behind it where Keras crops more at one end than PyTorch can say",
    limits: { input: series },
  },
};
