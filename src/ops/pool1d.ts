/**
 * pool1d: the largest, or the mean, of each window of `L`, per channel; padding does not count
 *
 * globalPool1d: the same over the whole of `L`, which is dropped, or kept with size 1
 *
 * Keras   MaxPooling1D, AveragePooling1D (as TensorFlow has it: "same" divides by the elements that are there),
 *         GlobalMaxPooling1D, GlobalAveragePooling1D
 * PyTorch F.max_pool1d, F.avg_pool1d(count_include_pad=False), x.amax, x.mean
 */
import { axisSize, lettersOf, resized } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import type { ValueId } from "../graph/graph.ts";
import { emitArithmetic } from "./arithmetic.ts";
import { follow, spatial } from "./arrange.ts";
import { floats } from "./cast.ts";
import { emitKeep } from "./where.ts";
import type { Reduce } from "./reduce.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { channelsLast } from "./keras-layout.ts";
import { type Notes, series } from "./notes.ts";
import { elementWork, pieces } from "./rows.ts";
import { boolean, oneOf } from "./schema.ts";
import { padAmounts, padStep } from "./torch-text.ts";
import { namedPadding, outputLength, resolvePadding, type Window, windowSchema } from "./window.ts";

export interface Pool1d extends Window {
  readonly kind: "max" | "average";
}

export interface GlobalPool1d {
  readonly kind: "max" | "average";
  readonly keepdims: boolean;
}

export const spec: OpSpec<Pool1d> = {
  attributes: { ...windowSchema, kind: oneOf("max", "average") },
  weights: {},
  infer(attributes, [input]) {
    const { taps, dilation, padding } = attributes;
    if (dilation !== 1 || (padding !== "same" && padding.some((zeros) => zeros >= taps))) {
      throw shapeMismatch(`pool1d: expected dilation 1 and padding below ${taps}, got ${dilation} and ${padding}`);
    }
    const length = outputLength(axisSize(input!, "L"), attributes);
    if (length !== null && length < 1) {
      throw shapeMismatch(`pool1d: expected a length of at least ${attributes.taps}, got ${axisSize(input!, "L")}`);
    }
    return [resized(input!, "L", length)];
  },
};

export const globalSpec: OpSpec<GlobalPool1d> = {
  attributes: { kind: oneOf("max", "average"), keepdims: boolean },
  weights: {},
  infer: ({ keepdims }, [input]) => [keepdims ? resized(input!, "L", 1) : input!.filter((axis) => axis.letter !== "L")],
};

export const arrange: Arrange<Pool1d> = spatial;
/** The engine walks `NLC`; PyTorch reduces any dimension. */
export const globalArrange: Arrange<GlobalPool1d> = (attributes, inputs, outputs, context) =>
  (context.target === "wasm" ? spatial : follow)(attributes, inputs, outputs, context);

/** Reduces the elements of x[n, from:to, c]; none gives what an empty pool gives. */
function reduce(kind: Pool1d["kind"], values: number[]): number {
  if (kind === "max") return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export const evaluate: Evaluate<Pool1d> = (attributes, [x], _weights, [output]) => {
  const { kind, taps, stride } = attributes;
  const [batch, length, channels] = x!.axes.map((axis) => axis.size!) as [number, number, number];
  const outLength = axisSize(output!, "L")!;
  const [left] = resolvePadding(attributes, length);
  const y = new Float64Array(batch * outLength * channels);
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      for (let c = 0; c < channels; c++) {
        const window: number[] = [];
        for (let k = 0; k < taps; k++) {
          const at = l * stride + k - left;
          if (at >= 0 && at < length) window.push(x!.data[(n * length + at) * channels + c]!);
        }
        y[(n * outLength + l) * channels + c] = reduce(kind, window);
      }
    }
  }
  return [y];
};

export const globalEvaluate: Evaluate<GlobalPool1d> = ({ kind }, [x]) => {
  const [batch, length, channels] = x!.axes.map((axis) => axis.size!) as [number, number, number];
  const y = new Float64Array(batch * channels);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      let result = kind === "max" ? Number.NEGATIVE_INFINITY : 0;
      for (let l = 0; l < length; l++) {
        const value = x!.data[(n * length + l) * channels + c]!;
        result = kind === "max" ? Math.max(result, value) : result + value / length;
      }
      y[n * channels + c] = result;
    }
  }
  return [y];
};

function pooling(kind: Pool1d["kind"]): FromKeras {
  return (call) => {
    const { config } = call;
    const { input, restore } = channelsLast(call);
    const taps = config.extent("pool_size", 2);
    const window = { taps, stride: config.raw("strides") == null ? taps : config.extent("strides"), dilation: 1 };
    const padding = namedPadding(
      config.choice("padding", ["valid", "same"], "valid"),
      axisSize(call.axes(input), "L"),
      window,
    );
    const attributes: Pool1d = { kind, ...window, padding };
    return restore(call.emit("pool1d", attributes, [input]));
  };
}

function globalPooling(kind: GlobalPool1d["kind"]): FromKeras {
  return (call) => {
    const { input, restore } = channelsLast(call);
    const keepdims = call.config.boolean("keepdims", false);
    if (kind === "average" && call.masked()) return restore(maskedMean(call, input, keepdims));
    const attributes: GlobalPool1d = { kind, keepdims };
    return restore(call.emit("globalPool1d", attributes, [input]));
  };
}

/** The mean of the steps that count; of none, 0 / 0 as in Keras. */
function maskedMean(call: KerasCall, input: ValueId, keepdims: boolean): ValueId {
  const mask = call.mask()!;
  const own = lettersOf(call.axes(mask));
  if (
    own.length !== 2 ||
    call.config.choice("data_format", ["channels_last", "channels_first"], "channels_last") !== "channels_last"
  )
    call.config.refuse("mask", "expected a mask of the steps of a channels_last series");
  const attributes: Reduce = { kind: "sum", axes: "L", keep: keepdims };
  const sum = call.emit("reduce", attributes, [emitKeep(call, input, mask)]);
  const weights = floats(call, call.rearrange(mask, `${own}1`, "NLC"));
  const count = call.emit("reduce", attributes, [weights]);
  return emitArithmetic(call, "divide", { tensor: sum }, { tensor: count });
}

export const fromKeras: Record<string, FromKeras> = {
  MaxPooling1D: pooling("max"),
  AveragePooling1D: pooling("average"),
};

export const globalFromKeras: Record<string, FromKeras> = {
  GlobalMaxPooling1D: globalPooling("max"),
  GlobalAveragePooling1D: globalPooling("average"),
};

export const toTorch: ToTorch<Pool1d> = ({ attributes, inputs }, torch) => {
  const { kind, taps, stride, padding } = attributes;
  const sizes = `kernel_size=${taps}${stride === taps ? "" : `, stride=${stride}`}`;
  // PyTorch pads evenly, and by half a window at most.
  const own = padding !== "same" && padding[0] === padding[1] && padding[0] <= taps / 2;
  if (own) {
    const even =
      padding[0] === 0 ? "" : `, padding=${padding[0]}${kind === "average" ? ", count_include_pad=False" : ""}`;
    return `F.${kind === "max" ? "max" : "avg"}_pool1d(${torch.input(0)}, ${sizes}${even})`;
  }
  if (kind === "max") return `F.max_pool1d(${padStep(torch, inputs[0]!, attributes, 'float("-inf")')}, ${sizes})`;
  const x = torch.input(0);
  const amounts = padAmounts(torch, attributes);
  const share = torch.step(
    `F.avg_pool1d(F.pad(torch.ones_like(${x}), ${amounts}), ${sizes})`,
    "the share of each window that is not padding",
    "share",
  );
  return `F.avg_pool1d(F.pad(${x}, ${amounts}), ${sizes}) / ${share}`;
};

export const globalToTorch: ToTorch<GlobalPool1d> = ({ attributes: { kind, keepdims } }, torch) =>
  `${torch.input(0)}.${kind === "max" ? "amax" : "mean"}(dim=${torch.dim("L")}${keepdims ? ", keepdim=True" : ""})`;

export const toWasm: ToWasm<Pool1d> = ({ attributes }, wasm) => {
  const { kind, taps, stride } = attributes;
  const [batch, length, channels] = wasm.inputShape(0) as [number, number, number];
  const [left] = resolvePadding(attributes, length);
  const kernel = kind === "max" ? "maxPool1d" : "averagePool1d";
  const outLength = wasm.outputShape()[1]!;
  const rows = batch * outLength;
  const [input, output] = [wasm.input(0), wasm.output()];
  wasm.split(rows, rows * channels * taps * elementWork, (from, to) => {
    for (const { sample, samples, first, last } of pieces(from, to, outLength)) {
      const x = input.at(sample * length * channels);
      const y = output.at((sample * outLength + first) * channels);
      wasm.call(kernel, x, y, samples, length, last - first, channels, taps, stride, left - first * stride);
    }
  });
};

export const globalToWasm: ToWasm<GlobalPool1d> = ({ attributes: { kind } }, wasm) => {
  const [batch, length, channels] = wasm.inputShape(0) as [number, number, number];
  const kernel = kind === "max" ? "globalMaxPool1d" : "globalAveragePool1d";
  wasm.split(batch, batch * length * channels * elementWork, (from, to) => {
    wasm.call(
      kernel,
      wasm.input(0).at(from * length * channels),
      wasm.output().at(from * channels),
      to - from,
      length,
      channels,
    );
  });
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = { input: series };

export const notes: Notes = {
  MaxPooling1D: { torch: "`F.max_pool1d`, behind an `F.pad` where the padding is uneven", limits },
  AveragePooling1D: { torch: "`F.avg_pool1d`; divided by the share that is not padding where that is uneven", limits },
  GlobalMaxPooling1D: { torch: "`x.amax(dim)`", limits },
  GlobalAveragePooling1D: {
    torch: "`x.mean(dim)`; sums of the steps that count, where there is a mask",
    limits: { ...limits, mask: 'of the steps, with `data_format="channels_last"`' },
  },
};
