/**
 * dropout: y = x. What layers do that act during training only: the dropouts, the noises, activity regularization.
 *
 * The node stays in the graph so that the emitted PyTorch can be fine-tuned with what PyTorch has of it.
 *
 * Keras   Dropout, SpatialDropout1D, GaussianDropout, AlphaDropout, GaussianNoise, ActivityRegularization, Identity
 * PyTorch nn.Dropout, nn.Dropout1d (drops whole channels of NCL), nn.AlphaDropout; nothing for the others
 */
import { follow, spatial } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";
import { finite, oneOf } from "./schema.ts";

export interface Dropout {
  /** PyTorch's module for it, null where PyTorch has none. */
  readonly module: "Dropout" | "Dropout1d" | "AlphaDropout" | null;
  readonly rate: number;
}

export const spec: OpSpec<Dropout> = {
  attributes: { module: oneOf("Dropout", "Dropout1d", "AlphaDropout", null), rate: finite },
  weights: {},
  infer: (_attributes, [input]) => [[...input!]],
};

export const arrange: Arrange<Dropout> = (attributes, inputs, outputs, context) =>
  (attributes.module === "Dropout1d" && inputs[0]!.source.length === 3 ? spatial : follow)(
    attributes,
    inputs,
    outputs,
    context,
  );

export const evaluate: Evaluate<Dropout> = (_attributes, [x]) => [x!.data];

function dropped(module: Dropout["module"], rate: string | null, ...ignored: string[]): FromKeras {
  return (call) => {
    const { config } = call;
    config.ignore("seed", ...ignored);
    const attributes: Dropout = { module, rate: rate === null ? 0 : config.number(rate, 0) };
    return call.emit("dropout", attributes, [call.input()]);
  };
}

export const fromKeras: Record<string, FromKeras> = {
  Dropout: dropped("Dropout", "rate", "noise_shape"),
  SpatialDropout1D: dropped("Dropout1d", "rate"),
  AlphaDropout: dropped("AlphaDropout", "rate", "noise_shape"),
  GaussianDropout: dropped(null, "rate"),
  GaussianNoise: dropped(null, null, "stddev"),
  ActivityRegularization: dropped(null, null, "l1", "l2"),
  Identity: dropped(null, null),
};

export const toTorch: ToTorch<Dropout> = ({ attributes: { module, rate } }, torch) =>
  module === null ? torch.input(0) : `${torch.module(`nn.${module}(${rate})`)}(${torch.input(0)})`;

export const toWasm: ToWasm<Dropout> = (_node, wasm) => wasm.alias();

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Dropout: { torch: "`nn.Dropout`, which does nothing in eval mode" },
  SpatialDropout1D: { torch: "`nn.Dropout1d`, which does nothing in eval mode" },
  AlphaDropout: { torch: "`nn.AlphaDropout`, which does nothing in eval mode" },
  GaussianDropout: { torch: "nothing: it computes something in training alone" },
  GaussianNoise: { torch: "nothing: it computes something in training alone" },
  ActivityRegularization: { torch: "nothing: it computes something in training alone" },
  Identity: { torch: "nothing" },
};
