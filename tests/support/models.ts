/**
 * Small models by hand, ready to predict.
 */
import { Model } from "../../src/api/model.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
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
