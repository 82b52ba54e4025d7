/**
 * tfjs-order: whether TensorFlow.js numbers the calls of shared layers as the configuration does
 *
 * It goes through the list of layers again and again, and makes each call as soon as the calls that it refers to have been made, counted
 * and not told apart. A call that is ready before an earlier one of its layer takes that one's number, and all references go astray.
 *
 * Source  @tensorflow/tfjs-layers 4.22.0: src/engine/container.ts (fromConfig)
 */
import type { Json } from "./keras-config.ts";

type Reference = readonly [layer: string, call: number, tensor: number, kwargs: object];

/**
 * The first layer of a Functional model whose calls would get other numbers; null where there is none.
 *
 * @param layers spelled for TensorFlow.js
 * @param models the names of those that are models, whose own inputs are their first call
 */
export function misnumbered(layers: readonly Json[], models: ReadonlySet<string>): string | null {
  const states = layers.map(({ name, class_name: className, inbound_nodes: nodes }) => {
    const start = models.has(String(name)) || className === "InputLayer" ? 1 : 0;
    return { name: String(name), start, made: start, waiting: [...(nodes as Reference[][]).entries()] };
  });
  const byName = new Map(states.map((state) => [state.name, state]));
  for (;;) {
    let progress = false;
    for (const state of states) {
      const waiting = state.waiting.splice(0);
      for (const [index, references] of waiting) {
        if (!references.every(([layer, call]) => byName.get(layer)!.made > call))
          state.waiting.push([index, references]);
        else if (state.made++ !== state.start + index) return state.name;
        else progress = true;
      }
    }
    const stuck = states.find((state) => state.waiting.length > 0);
    if (!stuck) return null;
    if (!progress) return stuck.name;
  }
}
