/**
 * Seeded random Keras 3 models: the parsed config.json that Keras 3.15 would write, the variables under the paths where it
 * would put them, inputs, and what every layer gives for them. The folder random/ holds how they come about:
 *
 *     recipe, layers   options of one layer, its config, and what it computes, apart from src/
 *     growing, graph   models of several calls, with models inside them
 *     written          the config and the groups of variables as Keras writes them
 */
import type { WeightTree } from "../../src/formats/weight-tree.ts";
import { memoryTree } from "./memory-tree.ts";
import { type Known, tabulate } from "./random/arrays.ts";
import type { Call, Model, Tensor } from "./random/graph.ts";
import { Growing, Names } from "./random/growing.ts";
import { groupsOf } from "./random/written.ts";
import { Draw } from "./random-draw.ts";

export interface RandomModel {
  /** The parsed config.json. */
  readonly config: object;
  readonly weights: WeightTree;
  /** In the order of the model's inputs. Sizes include the batch. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }[];
  /** In the order of the model's outputs. */
  readonly outputs: readonly Known[];
  /** What the calls of the outermost model's layers give: `conv1d`, `conv1d@1` for a second call, `cell:1` for a second tensor. */
  readonly layers: ReadonlyMap<string, Known>;
}

const batch = 2;

/** Random numbers for an input: mostly a series, else a vector or something of four axes; a length is unknown now and then. */
function randomInput(draw: Draw, place: number): Known {
  const rank = draw.chance(0.78) ? 3 : draw.pick([2, 4]);
  const pool = draw.shuffled([3, 4, 5, 6, 7, 8, 9]);
  const shape = rank === 3 ? [batch, draw.integer(10, 19), pool[0]!] : [batch, ...pool.slice(0, rank - 1)];
  const open = shape.map((_, axis) => (rank === 3 && axis === 1 && draw.chance(0.2) ? `length ${place}` : null));
  const x = tabulate(shape, open, () => Math.fround(draw.normal()));
  return x;
}

/** The model of a seed. */
export function randomKerasModel(seed: number): RandomModel {
  const draw = new Draw(seed);
  const names = new Names(draw);
  for (;;) {
    const growing = new Growing(draw, names, 0);
    const inputs = Array.from({ length: draw.chance(0.6) ? 1 : draw.integer(2, 3) }, (_, place) =>
      randomInput(draw, place),
    );
    if (draw.chance(0.2)) {
      const built = growing.sequential("sequential", inputs[0]!, 3, draw.chance(0.2) ? 1 : null);
      if (built)
        return finished(
          built,
          growing,
          inputs,
          built.layers.slice(1).map((layer) => layer.calls[0]!),
        );
    } else {
      const built = growing.functional("functional", inputs, 2, draw.chance(0.1));
      if (built) return finished(built, growing, inputs, built.calls);
    }
  }
}

function finished(
  model: Model & { inputs: readonly number[]; made: readonly Tensor[] },
  growing: Growing,
  inputs: readonly Known[],
  calls: readonly Call[],
): RandomModel {
  const starts = growing.layers.filter((layer) => layer.className === "InputLayer");
  const layers = new Map<string, Known>();
  for (const call of calls) {
    if (call.inputs.length === 0) continue;
    const number = call.layer.calls.filter((other) => calls.includes(other)).indexOf(call);
    const name = number === 0 ? call.layer.name : `${call.layer.name}@${number}`;
    for (const tensor of call.outputs) layers.set(tensor.place === 0 ? name : `${name}:${tensor.place}`, tensor);
  }
  return {
    config: model.envelope,
    weights: memoryTree(groupsOf(model)),
    inputs: model.inputs.map((place) => ({
      name: starts[place]!.name,
      shape: inputs[place]!.shape,
      data: Float32Array.from(inputs[place]!.data),
    })),
    outputs: model.made,
    layers,
  };
}
