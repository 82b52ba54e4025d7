/**
 * adaptivePool1d: the largest, or the mean, of `outputs` windows that cover the length
 *
 *     window l   from floor(l * length / outputs) up to, not including, ceil((l + 1) * length / outputs)
 *
 * Keras   AdaptiveMaxPooling1D, AdaptiveAveragePooling1D
 * PyTorch F.adaptive_max_pool1d, F.adaptive_avg_pool1d
 */
import { resized } from "../axes.ts";
import { spatial } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { channelsLast } from "./keras-layout.ts";
import { type Notes, series } from "./notes.ts";
import { elementWork } from "./rows.ts";
import { count, oneOf } from "./schema.ts";

export interface AdaptivePool1d {
  readonly kind: "max" | "average";
  readonly outputs: number;
}

export const spec: OpSpec<AdaptivePool1d> = {
  attributes: { kind: oneOf("max", "average"), outputs: count },
  weights: {},
  infer: ({ outputs }, [input]) => [resized(input!, "L", outputs)],
};

export const arrange: Arrange<AdaptivePool1d> = spatial;

export const evaluate: Evaluate<AdaptivePool1d> = ({ kind, outputs }, [x]) => {
  const [batch, length, channels] = x!.axes.map((axis) => axis.size!) as [number, number, number];
  const y = new Float64Array(batch * outputs * channels);
  for (let n = 0; n < batch; n++) {
    for (let l = 0; l < outputs; l++) {
      const from = Math.floor((l * length) / outputs);
      const to = Math.ceil(((l + 1) * length) / outputs);
      for (let c = 0; c < channels; c++) {
        let result = kind === "max" ? Number.NEGATIVE_INFINITY : 0;
        for (let at = from; at < to; at++) {
          const value = x!.data[(n * length + at) * channels + c]!;
          result = kind === "max" ? Math.max(result, value) : result + value / (to - from);
        }
        y[(n * outputs + l) * channels + c] = result;
      }
    }
  }
  return [y];
};

function pooling(kind: AdaptivePool1d["kind"]): FromKeras {
  return (call) => {
    const { input, restore } = channelsLast(call);
    const attributes: AdaptivePool1d = { kind, outputs: call.config.extent("output_size") };
    call.known(input, "L");
    return restore(call.emit("adaptivePool1d", attributes, [input]));
  };
}

export const fromKeras: Record<string, FromKeras> = {
  AdaptiveAveragePooling1D: pooling("average"),
  AdaptiveMaxPooling1D: pooling("max"),
};

export const toTorch: ToTorch<AdaptivePool1d> = ({ attributes: { kind, outputs } }, torch) =>
  `F.adaptive_${kind === "max" ? "max" : "avg"}_pool1d(${torch.input(0)}, ${outputs})`;

/** Windows of their own sizes: a call each, or one for all where they are alike. */
export const toWasm: ToWasm<AdaptivePool1d> = ({ attributes: { kind, outputs } }, wasm) => {
  const [batch, length, channels] = wasm.inputShape(0) as [number, number, number];
  const kernel = kind === "max" ? "maxPool1d" : "averagePool1d";
  const size = length / outputs;
  const [input, output] = [wasm.input(0), wasm.output()];
  wasm.split(batch, batch * length * channels * elementWork, (from, to) => {
    if (Number.isInteger(size)) {
      const [x, y] = [input.at(from * length * channels), output.at(from * outputs * channels)];
      wasm.call(kernel, x, y, to - from, length, outputs, channels, size, size, 0);
      return;
    }
    for (let n = from; n < to; n++) {
      for (let l = 0; l < outputs; l++) {
        const first = Math.floor((l * length) / outputs);
        const rows = Math.ceil(((l + 1) * length) / outputs) - first;
        const [x, y] = [input.at((n * length + first) * channels), output.at((n * outputs + l) * channels)];
        wasm.call(kernel, x, y, 1, rows, 1, channels, rows, rows, 0);
      }
    }
  });
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = { input: `${series}, the length known` };

export const notes: Notes = {
  AdaptiveAveragePooling1D: { torch: "`F.adaptive_avg_pool1d`", limits },
  AdaptiveMaxPooling1D: { torch: "`F.adaptive_max_pool1d`", limits },
};
