/**
 * Small models by hand, ready to predict.
 */
import { Model } from "../../src/api/model.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import { call, from, functional, input, layer } from "./keras-config.ts";
import { type Group, memoryTree } from "./memory-tree.ts";

/** A model out of a configuration and its groups of variables. */
export function modelOf(config: unknown, groups: Readonly<Record<string, Group>> = {}): Model {
  const graph = kerasGraph({
    config,
    weights: memoryTree(Object.entries(groups)),
    place: ["model.keras", "config.json"],
  });
  return new Model(graph, "model.keras", "by hand", kernelModule());
}

/** The sum and the difference of two vectors of 3: two inputs, two outputs. */
export function sumAndRest(): Model {
  return modelOf(
    functional(
      [
        input("a", [3]),
        input("b", [3]),
        layer("Add", "sum", {}, [call([from("a"), from("b")])]),
        layer("Subtract", "rest", {}, [call([from("a"), from("b")])]),
      ],
      [
        ["a", 0, 0],
        ["b", 0, 0],
      ],
      [
        ["sum", 0, 0],
        ["rest", 0, 0],
      ],
    ),
  );
}
