/**
 * state-dict: the tensors of a PyTorch module by name, found in whatever a checkpoint wraps them in.
 *
 *     {"conv.weight": tensor, "conv.bias": tensor}
 *     {"epoch": 3, "state_dict": {"module.conv.weight": tensor, …}, "optimizer": {…}}
 *
 * Training loops save the state dict beside other things under one of a few names; what stands beside it is not read. Names keep
 * their prefixes here (`module.` of DataParallel, `model.` of Lightning): whoever knows the module's own names takes them off.
 */
import { printable } from "../bytes/printable.ts";
import { unsupportedFeature } from "../error.ts";
import type { StoredArray } from "../tensor.ts";
import { saveStateDict, TorchTensor } from "./torch-globals.ts";

/** The weights of a PyTorch module, without the module. */
export interface StateFile {
  readonly kind: "state";
  /** By name, in the file's order. */
  readonly tensors: ReadonlyMap<string, StoredArray>;
  /** What lies in the file and is not read, in words. */
  readonly unread: readonly string[];
  readonly place: readonly string[];
}

/** Names under which state dicts are saved, the likelier ones first. */
const wrappers = [
  "state_dict",
  "model_state_dict",
  "model_state",
  "model",
  "module",
  "net",
  "network",
  "weights",
  "params",
];
/** Wrappers around each other. */
const deepest = 4;

/** The state dict in the object that a checkpoint holds. */
export function stateDictOf(root: unknown, place: readonly string[]): StateFile {
  const unread: string[] = [];
  let found = root;
  for (let depth = 0; depth < deepest && found instanceof Map; depth++) {
    const wrapper = wrappers.find((name) => (found as Map<unknown, unknown>).get(name) instanceof Map);
    if (wrapper === undefined) break;
    unread.push(...[...(found as Map<unknown, unknown>).keys()].filter((key) => key !== wrapper).map(shown));
    found = (found as Map<unknown, unknown>).get(wrapper);
  }
  if (!(found instanceof Map)) {
    throw unsupportedFeature(
      `expected a state dict, got ${found instanceof TorchTensor ? "a single tensor" : "something else"}`,
      place,
      saveStateDict,
    );
  }
  const tensors = new Map<string, StoredArray>();
  for (const [name, value] of found) {
    if (value instanceof TorchTensor && typeof name === "string") tensors.set(name, value);
    else unread.push(shown(name));
  }
  if (tensors.size === 0 && found.size > 0) {
    const keys = [...found.keys()].slice(0, 8).map(shown).join(", ");
    throw unsupportedFeature(`expected a state dict, got a dict of ${keys}`, place, saveStateDict);
  }
  return { kind: "state", tensors, unread, place };
}

function shown(key: unknown): string {
  return typeof key === "string" ? printable(key) : typeof key;
}
