/**
 * conv1d: y[n, l, o] = bias[o] + sum over k, i of x[n, l*stride + k*dilation - left, g*I + i] * kernel[k, i, o]
 *
 * `g` is the group that `o` belongs to, `I` counts the channels of one group. x outside its length counts as zero.
 * Padding is explicit here: fromKeras turns "same" and "causal" into [left, right].
 *
 * Keras   keras.layers.Conv1D: kernel KIO, no flip. DepthwiseConv1D: kernel (K, C, multiplier), which is KIO with I = 1 and
 *         O = (C, multiplier) under other sizes. SeparableConv1D: that and a Conv1D of one tap
 * PyTorch torch.nn.Conv1d: weight OIK. Uneven padding is an F.pad of its own.
 */
import { axisSize, resized } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { spatial } from "./arrange.ts";
import type { ValueId } from "../graph/graph.ts";
import type {
  Arrange,
  Evaluate,
  FromKeras,
  KerasCall,
  KerasConfig,
  OpSpec,
  ToTorch,
  ToWasm,
  WeightPacker,
} from "./facets.ts";
import { channelsLast } from "./keras-layout.ts";
import { type Notes, series } from "./notes.ts";
import { packColumns, packPanels } from "./pack.ts";
import { chooseToomCook, packToomCook } from "./toom-cook.ts";
import { pieces } from "./rows.ts";
import { count } from "./schema.ts";
import { padStep } from "./torch-text.ts";
import { namedPadding, outputLength, resolvePadding, type Window, windowSchema } from "./window.ts";

/** A convolution; `taps`, `stride`, `dilation` and `padding` as in `Window`. */
export interface Conv1d extends Window {
  readonly filters: number;
  readonly groups: number;
}

export const spec: OpSpec<Conv1d> = {
  attributes: { ...windowSchema, filters: count, groups: count },
  weights: { kernel: { keras: "KIO", torch: "OIK" }, bias: { keras: "O", torch: "O", optional: true } },
  shapes({ taps, filters, groups }, [input]) {
    const channels = axisSize(input!, "C");
    return { kernel: [taps, channels === null ? null : channels / groups, filters], bias: [filters] };
  },
  infer(attributes, [input]) {
    const length = outputLength(axisSize(input!, "L"), attributes);
    if (length !== null && length < 1) {
      throw shapeMismatch(
        `conv1d: expected a length of at least ${attributes.taps} taps after padding, got ${axisSize(input!, "L")}`,
      );
    }
    return [resized(resized(input!, "L", length), "C", attributes.filters)];
  },
};

export const arrange: Arrange<Conv1d> = spatial;

export const evaluate: Evaluate<Conv1d> = (attributes, [x], { kernel, bias }, [output]) => {
  const { filters, groups, taps, stride, dilation } = attributes;
  const [batch, length, channels] = x!.axes.map((axis) => axis.size!) as [number, number, number];
  const outLength = axisSize(output!, "L")!;
  const [left] = resolvePadding(attributes, length);
  const inputs = channels / groups;
  const perGroup = filters / groups;
  const y = new Float64Array(batch * outLength * filters);
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outLength; l++) {
      for (let o = 0; o < filters; o++) {
        const first = Math.floor(o / perGroup) * inputs;
        let sum = bias ? bias.data[o]! : 0;
        for (let k = 0; k < taps; k++) {
          const at = l * stride + k * dilation - left;
          if (at < 0 || at >= length) continue;
          for (let i = 0; i < inputs; i++) {
            sum += x!.data[(n * length + at) * channels + first + i]! * kernel!.data[(k * inputs + i) * filters + o]!;
          }
        }
        y[(n * outLength + l) * filters + o] = sum;
      }
    }
  }
  return [y];
};

export const fromKeras: Record<string, FromKeras> = {
  Conv1D(call) {
    const { config } = call;
    const { input, restore } = channelsLast(call);
    const channels = call.known(input, "C");
    const filters = config.integer("filters");
    const groups = config.integer("groups", 1);
    const window = {
      taps: config.extent("kernel_size"),
      stride: config.extent("strides", 1),
      dilation: config.extent("dilation_rate", 1),
    };
    if (channels % groups !== 0 || filters % groups !== 0) {
      config.refuse("groups", `${groups} groups do not divide both ${channels} channels and ${filters} filters`);
    }
    const padding = namedPadding(
      config.choice("padding", ["valid", "same", "causal"], "valid"),
      axisSize(call.axes(input), "L"),
      window,
    );
    call.weight("kernel", "KIO", [window.taps, channels / groups, filters]);
    const biased = config.boolean("use_bias", true);
    if (biased) call.weight("bias", "O", [filters]);
    const attributes: Conv1d = { ...window, padding, filters, groups };
    const output = call.emit("conv1d", attributes, [input], biased ? ["kernel", "bias"] : ["kernel"]);
    return call.activation(restore(output), config.raw("activation"));
  },
  DepthwiseConv1D(call) {
    const { config } = call;
    const { input, restore } = channelsLast(call);
    const output = depthwise(call, config, input, config.boolean("use_bias", true));
    return call.activation(restore(output), config.raw("activation"));
  },
  SeparableConv1D(call) {
    const { config } = call;
    const { input, restore } = channelsLast(call);
    const filters = config.integer("filters");
    const biased = config.boolean("use_bias", true);
    const first = call.part("depthwise", { class_name: "DepthwiseConv1D", config: {} }, "", [input]);
    const between = depthwise(first, config, input, false);
    const second = call.part("pointwise", { class_name: "Conv1D", config: {} }, "", [between]);
    second.weight("kernel", "KIO", [1, call.known(between, "C"), filters]);
    if (biased) second.weight("bias", "O", [filters]);
    const attributes: Conv1d = { taps: 1, stride: 1, dilation: 1, padding: [0, 0], filters, groups: 1 };
    const output = second.emit("conv1d", attributes, [between], biased ? ["kernel", "bias"] : ["kernel"]);
    return call.activation(restore(output), config.raw("activation"));
  },
};

/** A convolution of every channel by itself, with the options of `config`. Its strides may come with a dilation. */
function depthwise(call: KerasCall, config: KerasConfig, input: ValueId, biased: boolean): ValueId {
  const channels = call.known(input, "C");
  const multiplier = config.integer("depth_multiplier", 1);
  const filters = channels * multiplier;
  const window = {
    taps: config.extent("kernel_size"),
    stride: config.extent("strides", 1),
    dilation: config.extent("dilation_rate", 1),
  };
  const padding = namedPadding(
    config.choice("padding", ["valid", "same"], "valid"),
    axisSize(call.axes(input), "L"),
    window,
  );
  call.weight("kernel", "KIO", [window.taps, 1, filters], { stored: [window.taps, channels, multiplier] });
  if (biased) call.weight("bias", "O", [filters]);
  const attributes: Conv1d = { ...window, padding, filters, groups: channels };
  return call.emit("conv1d", attributes, [input], biased ? ["kernel", "bias"] : ["kernel"]);
}

export const toTorch: ToTorch<Conv1d> = ({ attributes, inputs, weights }, torch) => {
  const { filters, groups, taps, stride, dilation, padding } = attributes;
  const channels = axisSize(inputs[0]!, "C")!;
  const none = padding !== "same" && padding[0] === 0 && padding[1] === 0;
  const even = none || (padding !== "same" && padding[0] === padding[1] && !torch.varies());
  const options = [
    `kernel_size=${taps}`,
    ...(stride > 1 ? [`stride=${stride}`] : []),
    ...(even && padding[0] > 0 ? [`padding=${padding[0]}`] : []),
    ...(dilation > 1 ? [`dilation=${dilation}`] : []),
    ...(groups > 1 ? [`groups=${groups}`] : []),
    ...(weights.includes("bias") ? [] : ["bias=False"]),
  ];
  const module = torch.module(`nn.Conv1d(${[channels, filters, ...options].join(", ")})`);
  torch.state("weight", "kernel");
  if (weights.includes("bias")) torch.state("bias", "bias");
  const x = even ? torch.input(0) : padStep(torch, inputs[0]!, attributes);
  return `${module}(${x})`;
};

export const toWasm: ToWasm<Conv1d> = ({ attributes }, wasm) => {
  const { filters, groups, taps, stride, dilation } = attributes;
  const [batch, length, channels] = wasm.inputShape(0) as [number, number, number];
  const outLength = wasm.outputShape()[1]!;
  const [left] = resolvePadding(attributes, length);
  const inputs = channels / groups;
  const outputs = filters / groups;
  const limits = wasm.clamp();
  const matrix = (pack: WeightPacker) => ({
    bias: pack.read("bias"),
    rows: taps * inputs,
    columns: filters,
    groups,
  });
  const kernel = kernelFor(attributes, inputs);
  const fewer = wasm.convolution === "auto" && groups === 1 && kernel === "conv1d";
  const sizes = { ...attributes, outLength, channels };
  const chosen = fewer && outLength > 0 && batch > 0 ? chooseToomCook(sizes) : null;
  if (chosen && wasm.finite("kernel")) {
    const { form, chunks, inner, run, block } = chosen;
    const weights = wasm.weight(`toom-cook ${form.number}`, (pack) => packToomCook(pack, chosen, sizes));
    const rows = batch * dilation * run - (chunks - 1);
    const [x, y] = [wasm.input(0), wasm.output()];
    wasm.split(rows, rows * form.factors.length * chunks * inner * filters, (from, to) => {
      const work = wasm.scratch(wasm.kernels.toomCookWork(form.number, inner, filters, chunks, block));
      const geometry = [length, outLength, channels, filters, chunks, stride, dilation, left, block];
      wasm.call("toomCook", form.number, x, weights, y, work, from, to, ...geometry, ...limits);
    });
    return;
  }
  const [weights, shape] = {
    depthwiseConv1d: () => [wasm.weight("rows", packRows), [channels, outputs, taps, stride, dilation]] as const,
    conv1dNarrow: () => [wasm.weight("columns", packNarrow), [inputs, outputs, taps, stride]] as const,
    conv1d: () => [wasm.weight("panels", packWide), [groups, inputs, outputs, taps, stride, dilation]] as const,
  }[kernel]();
  // Rows whose windows reach into the padding go through tiles of four, from the first row and from the first past the last
  // whole window. A tap that is padding for one of the four is 0 * weight for it, and skipped where it is for all: so tiles
  // stay together, for the sake of a weight that is infinite and of a bias of -0.
  const past = Math.max(Math.ceil(left / stride), Math.ceil((length + left - (taps - 1) * dilation) / stride));
  const cut = (row: number) => (row > past || row === outLength ? outLength : row - (row % 4));
  const rows = batch * outLength;
  const [input, output] = [wasm.input(0), wasm.output()];
  wasm.split(rows, rows * taps * inputs * filters, (from, to) => {
    for (const { sample, samples, first, last } of pieces(from, to, outLength)) {
      const [row, end] = [cut(first), cut(last)];
      const x = input.at(sample * length * channels);
      const y = output.at((sample * outLength + row) * filters);
      wasm.call(kernel, x, weights, y, samples, length, end - row, ...shape, left - row * stride, ...limits);
    }
  });

  function packNarrow(pack: WeightPacker): void {
    packColumns(pack, { ...matrix(pack), values: pack.read("kernel")! });
  }

  function packWide(pack: WeightPacker): void {
    packPanels(pack, { ...matrix(pack), values: pack.stored("kernel")! });
  }

  function packRows(pack: WeightPacker): void {
    const target = pack.allocate((1 + taps) * filters);
    target.set(pack.read("bias") ?? new Float32Array(filters));
    target.set(pack.read("kernel")!, filters);
  }
};

/**
 * The kernel for a convolution. A few outputs are dot products, where a window is one long run of floats: conv1d's panels of
 * eight columns would be half empty, but a dot product has sums to add up at its end. From 16 floats per output on it is
 * faster: five times for 1 output of 80, 1.3 times for 4 of 448 (bench/results/gemm.md).
 */
function kernelFor({ taps, filters, groups, dilation }: Conv1d, inputs: number) {
  if (inputs === 1 && groups > 1) return "depthwiseConv1d";
  const oneRun = groups === 1 && (dilation === 1 || taps === 1);
  return oneRun && filters <= 4 && taps * inputs >= 16 * filters ? "conv1dNarrow" : "conv1d";
}

// ------------------------------------------------------------------------------------------------------ notes

const limits = { input: series };

export const notes: Notes = {
  Conv1D: { torch: "`nn.Conv1d`, behind an `F.pad` where the padding is causal or uneven", limits },
  DepthwiseConv1D: { torch: "`nn.Conv1d(groups=channels)`, behind an `F.pad` where the padding is uneven", limits },
  SeparableConv1D: { torch: "two `nn.Conv1d`: one with `groups=channels`, one with a kernel of 1", limits },
};
