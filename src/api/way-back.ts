/**
 * way-back: the weights of a state dict in the model that they were converted from
 *
 * A state dict of an emitted module says what its tensors are called and not whether merged axes were treated with `permute` or
 * `fold`: both have the same shapes. Training moves weights a little, so where both would do, the one that leaves them near those
 * of the template is right; where neither is clearly nearer the caller has to say.
 */
import type { Tensors } from "../backends/torch/restore.ts";
import { ownNames, restoreWeights } from "../backends/torch/restore.ts";
import type { StateEntry } from "../backends/torch/state.ts";
import { toFloat32 } from "../bytes/numbers.ts";
import { orderUnknown } from "../error.ts";
import { type Graph, withWeights } from "../graph/graph.ts";
import type { StoredArray } from "../tensor.ts";
import { torchConversion } from "./torch-conversion.ts";

/** A model with the weights of a state dict. */
export interface WayBack {
  readonly graph: Graph;
  /** How the state dict treats merged axes. */
  readonly flatten: "permute" | "fold";
  /** Whether its weights are clearly nearer to the template's in the other order. */
  readonly doubtful: boolean;
  /** The state dict under the emitted module's own names. */
  readonly tensors: Tensors;
}

/**
 * The template with the weights of a state dict, each in its own layout.
 *
 * @param flatten as the state dict was converted; told from its weights by default
 * @param place named in errors: the file of the state dict
 * @throws {ChannelwiseError} `missing-weight`, `shape-mismatch`; `usage` where the weights don't tell `permute` from `fold`
 */
export function wayBack(
  template: Graph,
  state: ReadonlyMap<string, StoredArray>,
  flatten: "permute" | "fold" | undefined,
  place: readonly string[],
): WayBack {
  const entries = {
    permute: torchConversion(template, { flatten: "permute" }).program.state,
    fold: torchConversion(template, { flatten: "fold" }).program.state,
  };
  const tensors = ownNames(entries.permute, state);
  const nearest = nearer(entries, tensors, place);
  if (flatten === undefined && nearest === "neither") throw orderUnknown(place);
  const chosen = flatten ?? (nearest === "fold" ? "fold" : "permute");
  const graph = withWeights(template, restoreWeights(entries[chosen], tensors, place));
  return { graph, flatten: chosen, doubtful: nearest === (chosen === "fold" ? "permute" : "fold"), tensors };
}

/** How much nearer one order has to be to the template's weights than the other, in squared distance. */
const clearly = 0.5;

/** The order that leaves the weights clearly nearer to the template's; `either` where both are the same. */
function nearer(
  entries: Readonly<Record<"permute" | "fold", readonly StateEntry[]>>,
  tensors: Tensors,
  place: readonly string[],
): "permute" | "fold" | "either" | "neither" {
  const [permute, fold] = [
    restoreWeights(entries.permute, tensors, place),
    restoreWeights(entries.fold, tensors, place),
  ];
  let same = true;
  let [ofPermute, ofFold] = [0, 0];
  entries.permute.forEach((entry, index) => {
    const other = entries.fold[index]!;
    if ("constant" in entry.source || "constant" in other.source) return;
    const [piece, folded] = [entry.source.pieces[0]!, other.source.pieces[0]!];
    if (JSON.stringify(piece.to) === JSON.stringify(folded.to)) return;
    const { layer, role, weight } = piece;
    const [a, b] = [toFloat32(permute.get(layer)![role]!), toFloat32(fold.get(layer)![role]!)];
    const own = toFloat32(weight.array);
    same &&= a.every((value, at) => Object.is(value, b[at]));
    ofPermute += distance(a, own);
    ofFold += distance(b, own);
  });
  if (same) return "either";
  if (ofPermute < clearly * ofFold) return "permute";
  return ofFold < clearly * ofPermute ? "fold" : "neither";
}

function distance(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, index) => sum + (value - other[index]!) ** 2, 0);
}
