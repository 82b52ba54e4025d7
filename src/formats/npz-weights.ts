/**
 * npz-weights: a Keras model's weights as NumPy saved them.
 *
 *   np.savez("weights.npz", *model.get_weights())      arr_0, arr_1, …: in the order of the model's layers
 *   np.savez("weights.npz", **{v.path: v.numpy() …})   conv1d/kernel, …: by the variables' names
 *
 * or those of a PyTorch module:
 *
 *   np.savez("weights.npz", **{k: v.numpy() …})        conv1d.weight, …: a state dict
 */
import { readNpz } from "../bytes/npz.ts";
import { firstZipName } from "../bytes/zip.ts";
import type { Format } from "./format.ts";
import { kinds } from "./kinds.ts";

const numbered = /^arr_\d+$/;
/** A module and its tensor, as PyTorch joins them; Keras writes a slash. */
const dotted = /^[^/]+\.[^/.]+$/;

export const npzFormat: Format = {
  kinds: [kinds.npz],
  sniff: (head) => /\.npy$/.test(firstZipName(head) ?? ""),
  read(bytes, place) {
    const found = readNpz(bytes, place);
    if (found.size > 0 && [...found.keys()].every((name) => dotted.test(name)))
      return { kind: "state", tensors: found, unread: [], place };
    const inOrder = [...found.keys()].every((name) => numbered.test(name));
    const names = inOrder ? Array.from(found.keys(), (_, index) => `arr_${index}`) : [...found.keys()];
    const arrays = names.flatMap((name) => {
      const array = found.get(name);
      return array ? [{ name, array }] : [];
    });
    const weights = { kind: inOrder ? ("order" as const) : ("names" as const), place, arrays };
    return { kind: "keras", kerasVersion: null, backend: null, config: null, weights, unread: [] };
  },
};
