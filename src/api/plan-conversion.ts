/**
 * plan-conversion: what a conversion to PyTorch does to every value and weight, and the program that it writes, unrun
 */
import { type Axes, layoutText } from "../axes.ts";
import { pieceData, sourceData, type StatePiece, stateRows } from "../backends/torch/state.ts";
import { type OptionNames, requireChoice, requireKnown } from "../options.ts";
import type { Model } from "./model.ts";
import { torchConversion, torchOptions, type TorchConversion } from "./torch-conversion.ts";
import { type OrderNote, orderNotes } from "./verify.ts";

/** How a conversion is planned. */
export interface PlanOptions extends TorchConversion {
  /** The file of weights beside model.py. Default `safetensors`. */
  readonly weights?: "safetensors" | "pt";
}

const optionNames: OptionNames<PlanOptions> = { weights: true, ...torchOptions };

/** An order of axes. */
export interface Arrangement {
  /** `NLC`, `N(LC)`. */
  readonly layout: string;
  /** Slowest first; a size is null where it is known only when the model runs. Parts of a merged axis stand in `segments`. */
  readonly axes: Axes;
}

/** A value between two steps. */
export interface PlannedValue {
  readonly name: string;
  /** How the source holds it, and how the program does. */
  readonly keras: Arrangement;
  readonly torch: Arrangement;
}

/** One operation. */
export interface PlannedStep {
  /** The layer that it belongs to, or that wants an order of axes. */
  readonly layer: string;
  readonly className: string;
  /** The operator; `reorder` is a change of order that the conversion puts in. */
  readonly kind: string;
  /** What the operator is told, with axes by letter. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Indices into `values`. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Roles of the weights that it reads. */
  readonly weights: readonly string[];
  /** Lines of `source` that compute it, counted from 1; empty where its input is its output. */
  readonly lines: readonly number[];
}

/** A weight of a layer, or a part of one, as a tensor of the state dict or as rows of one. */
export interface PlannedWeight {
  /** The name in the state dict: `conv1d.weight`. */
  readonly tensor: string;
  readonly layer: string;
  readonly role: string;
  readonly keras: Arrangement;
  readonly torch: Arrangement;
  /** The row of the tensor that it starts at. */
  readonly row: number;
  /** Its numbers in either order, row-major. */
  read(side: "keras" | "torch"): Float32Array;
}

/** A conversion, planned and written. */
export interface ConversionPlan {
  /** The text of model.py. */
  readonly source: string;
  readonly className: string;
  readonly values: readonly PlannedValue[];
  /** In the order of computation. */
  readonly steps: readonly PlannedStep[];
  /** The calls of layers under the names that `inspect` gives them, with the values they make. */
  readonly calls: readonly {
    readonly name: string;
    readonly layer: string;
    readonly className: string;
    readonly outputs: readonly number[];
  }[];
  readonly inputs: readonly { readonly name: string; readonly value: number }[];
  readonly outputs: readonly { readonly name: string; readonly value: number }[];
  readonly weights: readonly PlannedWeight[];
  /** What is done about the order of axes. */
  readonly notes: readonly OrderNote[];
}

/**
 * Plans a conversion to PyTorch and writes its program, without running or checking it: what `convert` would write, and every
 * value and weight in the source's order of axes and in PyTorch's.
 *
 * @throws {ChannelwiseError} `usage` for a wrong option
 */
export function planConversion(model: Model, options: PlanOptions = {}): ConversionPlan {
  requireKnown(options, optionNames);
  const { weights = "safetensors" } = options;
  requireChoice("weights", ["safetensors", "pt"], weights);
  const { plan, program } = torchConversion(model.graph, options, `model.${weights}`);
  const { graph } = plan;
  const values = graph.values.map(({ name, axes }, value): PlannedValue => {
    const source = plan.sourceAxes[plan.origins[value]!]!;
    return { name, keras: arrangement(source), torch: arrangement(axes) };
  });
  let written = 0;
  const steps = graph.nodes.map(({ layer, kind, attributes, inputs, outputs, weights: roles }): PlannedStep => {
    const last = Math.max(...outputs.map((value) => program.variables.get(value)!.line));
    // A step's own statement may follow others that lead to it.
    const lines = program.lines.filter((line) => line > written && line <= last);
    written = Math.max(written, last);
    const { path, className } = layer;
    return { layer: path, className, kind, attributes: { ...attributes }, inputs, outputs, weights: roles, lines };
  });
  return {
    source: program.source,
    className: program.className,
    values,
    steps,
    calls: graph.calls.map(({ name, layer, outputs }) => ({
      name,
      layer: layer.path,
      className: layer.className,
      outputs,
    })),
    inputs: graph.inputs.map(({ name, value }) => ({ name, value })),
    outputs: graph.outputs.map(({ name, value }) => ({ name, value })),
    weights: program.state.flatMap(({ name, source }) =>
      "pieces" in source ? plannedPieces(name, source.pieces) : [],
    ),
    notes: orderNotes(plan),
  };
}

function arrangement(axes: Axes): Arrangement {
  return { layout: layoutText(axes), axes };
}

function plannedPieces(tensor: string, pieces: readonly StatePiece[]): PlannedWeight[] {
  let row = 0;
  return pieces.map((piece) => {
    const at = row;
    row += stateRows(piece);
    return {
      tensor,
      layer: piece.layer.path,
      role: piece.role,
      keras: arrangement(piece.from),
      torch: arrangement(piece.to),
      row: at,
      read: (side) => (side === "torch" ? pieceData(piece) : sourceData(piece)),
    };
  });
}
