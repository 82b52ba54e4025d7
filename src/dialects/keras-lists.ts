/**
 * Variables that a file keeps in lists, as every format of Keras does but that of Keras 3.
 *
 * One list belongs to one layer of the outermost model. Within it stand the variables that train, through all layers that lie
 * inside, then those that don't:
 *
 *     model inside [conv, norm, dense]    conv: kernel, bias | norm: gamma, beta | dense: kernel, bias | norm: mean, variance
 *     frozen layers (trainable: false)    stand among the latter, with everything they have
 *
 * How many variables a layer has follows from its options and its input, so arrays are handed out when the whole model has been
 * walked (`settle`): until then a layer gets a promise of the shape that it expects.
 *
 * Source  keras:keras/src/legacy/saving/legacy_h5_format.py (_legacy_weights, load_weights_from_hdf5_group)
 */
import { invalidModel, missingWeight, otherwiseQuantized, shapeMismatch } from "../error.ts";
import type { LayerArrays, NamedArray, WeightLists } from "../formats/weight-lists.ts";
import type { StoredArray } from "../tensor.ts";
import { fromStored, type StoredMeaning } from "./keras-stored.ts";
import type { Expected, LayerEntry, LayerVariables, ModelVariables, VariablePlace } from "./keras-variables.ts";

/** A variable that was asked for; `found` is set by `settle`. */
interface Request {
  /** Null for a variable that nobody reads. */
  readonly expected: Expected | null;
  found: StoredArray | undefined;
}

/** A layer with variables of its own. */
interface Owner {
  readonly entry: LayerEntry;
  readonly requests: Request[];
}

/** A layer of the outermost model, with all owners in it in the order of their lists. */
interface Slot {
  readonly entry: LayerEntry;
  readonly owners: Owner[];
}

/** Variables that never train, by class. */
const untrained: Readonly<Record<string, number>> = {
  BatchNormalization: 2,
  Normalization: 3,
  SpectralNormalization: 1,
};

/** How many of a layer's `count` variables, the last ones, do not train. */
export function untrainedCount({ className, config }: LayerEntry, count: number): number {
  return Math.min(config.trainable === false ? count : (untrained[className] ?? 0), count);
}

function requested({ owners }: Slot): number {
  return owners.reduce((sum, { requests }) => sum + requests.length, 0);
}

/** The variables of a file that keeps them in lists; `meaning` says how its arrays are to be taken. */
export function listedVariables(lists: WeightLists, meaning: StoredMeaning): ModelVariables {
  const slots: Slot[] = [];
  const inside = (slot: Slot): VariablePlace => ({
    variables: (entry) => variablesOf(slot, entry),
    below: () => inside(slot),
    members: () => () => inside(slot),
  });
  return {
    place: lists.place,
    root: {
      variables: () => {
        throw new Error("the outermost model is no layer");
      },
      below: () => {
        throw new Error("the outermost model has no options");
      },
      members: () => (entry) => {
        const slot: Slot = { entry, owners: [] };
        slots.push(slot);
        return inside(slot);
      },
    },
    settle() {
      const wanting = slots.filter((slot) => requested(slot) > 0);
      requireSamePrecision(lists, wanting);
      const { given, notes } = match(lists, wanting);
      for (const [index, slot] of wanting.entries())
        handOut(slot, given[index]!, lists.kind !== "order", meaning, lists.place);
      return notes;
    },
  };
}

function variablesOf(slot: Slot, entry: LayerEntry): LayerVariables {
  const owner: Owner = { entry, requests: [] };
  slot.owners.push(owner);
  return {
    take(_scope, expected) {
      const request: Request = { expected, found: undefined };
      owner.requests.push(request);
      return promise(request, expected);
    },
    pass(again) {
      if (again) return undefined;
      const request: Request = { expected: null, found: undefined };
      owner.requests.push(request);
      return promise(request, null);
    },
    part: (_scope, part) => variablesOf(slot, part),
    // Spare variables are found by `settle`.
    left: () => 0,
  };
}

/** The array that `settle` finds for a request. */
function promise(request: Request, expected: Expected | null): StoredArray {
  const found = () => {
    if (!request.found) throw new Error("a variable was read before the model was walked");
    return request.found;
  };
  return {
    get shape() {
      return expected?.shape ?? found().shape;
    },
    get dtype() {
      return expected?.type ?? found().dtype;
    },
    read: () => found().read(),
    contents: () => found().contents?.() ?? null,
  };
}

// -------------------------------------------------------------------------------------------- lists and layers

function requireSamePrecision(lists: WeightLists, wanting: readonly Slot[]): void {
  const arrays = lists.kind === "layers" ? lists.layers.flatMap((layer) => layer.arrays) : lists.arrays;
  const given = arrays.some(({ array }) => array.dtype === "int8");
  const requests = wanting.flatMap(({ owners }) => owners.flatMap((owner) => owner.requests));
  const wanted = requests.some(({ expected }) => expected?.type === "int8");
  if (given !== wanted) throw otherwiseQuantized(given ? "int8" : "floats", lists.place);
}

/** The list of each layer that has variables. */
function match(lists: WeightLists, wanting: readonly Slot[]): { given: (readonly NamedArray[])[]; notes: string[] } {
  if (lists.kind === "layers") return matchLayers(lists.layers, wanting, lists.place);
  if (lists.kind === "names") return { given: matchNames(lists.arrays, wanting, lists.place), notes: [] };
  let taken = 0;
  const given = wanting.map((slot) => lists.arrays.slice(taken, (taken += requested(slot))));
  if (taken !== lists.arrays.length) {
    throw missingWeight(
      `expected ${taken} arrays for the layers of the model, got ${lists.arrays.length}`,
      lists.place,
    );
  }
  return { given, notes: [] };
}

/** By the layers' names if all of them are there, else in their order, as Keras does. */
function matchLayers(
  layers: readonly LayerArrays[],
  wanting: readonly Slot[],
  place: readonly string[],
): { given: (readonly NamedArray[])[]; notes: string[] } {
  const filled = layers.filter(({ arrays }) => arrays.length > 0);
  const byName = new Map(filled.map(({ name, arrays }) => [name, arrays]));
  if (filled.length !== wanting.length) {
    const missing = wanting.find(({ entry }) => !byName.has(entry.name));
    const spare = filled.find(({ name }) => !wanting.some(({ entry }) => entry.name === name));
    throw missingWeight(
      `expected the variables of ${wanting.length} layers, found those of ${filled.length}${missing ? `; ${missing.entry.name} has none` : spare ? `; ${spare.name} is not in the model, or has no variables there` : ""}`,
      place,
    );
  }
  const named = wanting.map(({ entry }) => byName.get(entry.name));
  if (named.every((arrays) => arrays !== undefined)) return { given: named, notes: [] };
  const other = wanting.findIndex(({ entry }, index) => entry.name !== filled[index]!.name);
  return {
    given: filled.map(({ arrays }) => arrays),
    notes: [
      `weights are taken in the order of the layers, since names differ: ${wanting[other]!.entry.name} has those of ${filled[other]!.name}`,
    ],
  };
}

/**
 * By the layer whose name is a part of the variable's: `model/conv1d/kernel` is one of `conv1d`. Where no layer of the outermost
 * model is named, a layer inside one of its models may be.
 */
function matchNames(
  arrays: readonly NamedArray[],
  wanting: readonly Slot[],
  place: readonly string[],
): (readonly NamedArray[])[] {
  const outer = new Map(wanting.map(({ entry }, index) => [entry.name, [index]]));
  const inner = new Map<string, number[]>();
  wanting.forEach(({ owners }, index) => {
    for (const { entry } of owners) inner.set(entry.name, [...(inner.get(entry.name) ?? []), index]);
  });
  const given: NamedArray[][] = wanting.map(() => []);
  for (const array of inRoleOrder(arrays)) {
    const parts = array.name.split("/").slice(0, -1);
    const named = [outer, inner].map((names) => names.get(parts.find((part) => names.has(part)) ?? ""));
    const slots = [...new Set(named.find((found) => found !== undefined))];
    const [slot, ...more] = slots;
    if (slot === undefined) throw missingWeight(`the variable ${array.name} belongs to no layer of the model`, place);
    if (more.length > 0) {
      const names = slots.map((index) => wanting[index]!.entry.name).join(", ");
      throw missingWeight(`the variable ${array.name} may belong to each of the layers ${names}`, place);
    }
    given[slot]!.push(array);
  }
  return given;
}

/** The order of one layer's variables by Keras' names for them. */
const roles = [
  ["kernel", "depthwise_kernel", "gamma"],
  ["recurrent_kernel", "pointwise_kernel", "beta"],
  ["bias", "moving_mean"],
  ["moving_variance"],
];
/** The order where there are 8-bit weights: the bias is the only one that trains, and so comes first. */
const int8Roles = [["bias"], ["kernel", "embeddings"], ["kernel_scale", "embeddings_scale"]];

/** Some tools sort weights by name: those of one layer change places among themselves until they stand in Keras' order. */
function inRoleOrder(arrays: readonly NamedArray[]): NamedArray[] {
  const ordered = [...arrays];
  const ownerOf = ({ name }: NamedArray) => name.slice(0, name.lastIndexOf("/"));
  const int8 = new Set(arrays.flatMap((array) => (array.array.dtype === "int8" ? [ownerOf(array)] : [])));
  const rank = (array: NamedArray) => {
    const last = array.name.split("/").at(-1)!.replace(/:0$/, "");
    return (int8.has(ownerOf(array)) ? int8Roles : roles).findIndex((names) => names.includes(last));
  };
  const places = new Map<string, number[]>();
  arrays.forEach((array, index) => {
    if (rank(array) < 0) return;
    const owner = ownerOf(array);
    places.set(owner, [...(places.get(owner) ?? []), index]);
  });
  for (const own of places.values()) {
    const sorted = own.map((index) => arrays[index]!).sort((a, b) => rank(a) - rank(b));
    for (const [index, at] of own.entries()) ordered[at] = sorted[index]!;
  }
  return ordered;
}

// ----------------------------------------------------------------------------------------------------- one list

/** Gives the arrays of a list to the layers in it. `split`: what does not train stands behind the rest, through all layers. */
function handOut(
  slot: Slot,
  arrays: readonly NamedArray[],
  split: boolean,
  meaning: StoredMeaning,
  place: readonly string[],
): void {
  const owners = slot.owners.filter(({ requests }) => requests.length > 0);
  const [only, ...more] = owners;
  if (only && more.length === 0) return fill(only, arrays, meaning, place);
  const total = requested(slot);
  if (arrays.length !== total)
    throw missingWeight(`${slot.entry.name}: expected ${total} variables, found ${arrays.length}`, place);
  const trainable = owners.map(({ entry, requests }) => {
    if (!split) return requests.length;
    return requests.length - untrainedCount(entry, requests.length);
  });
  let next = 0;
  const trained = trainable.map((count) => arrays.slice(next, (next += count)));
  owners.forEach((owner, index) => {
    const rest = arrays.slice(next, (next += owner.requests.length - trainable[index]!));
    fill(owner, [...trained[index]!, ...rest], meaning, place);
  });
}

/** Gives one layer its arrays, each of the shape that it expects. */
function fill(
  { entry, requests }: Owner,
  arrays: readonly NamedArray[],
  meaning: StoredMeaning,
  place: readonly string[],
): void {
  const wanted = requests.map(({ expected }) => expected?.shape ?? null);
  const found = fromStored(entry, arrays, wanted, meaning, place);
  if (found.length !== requests.length) {
    throw (found.length < requests.length ? missingWeight : shapeMismatch)(
      `${entry.name}: expected ${requests.length} variables for this ${entry.className}, found ${found.length}`,
      requests[0]?.expected?.place ?? place,
    );
  }
  requests.forEach((request, index) => {
    const array = found[index]!;
    const { expected } = request;
    const fits =
      !expected ||
      (array.shape.length === expected.shape.length &&
        array.shape.every((size, axis) => size === expected.shape[axis]));
    if (!fits) throw shapeMismatch(`${expected.text}, got (${array.shape.join(", ")})`, expected.place);
    if (expected?.type && array.dtype !== expected.type)
      throw invalidModel(`${expected.text} of ${expected.type}, got ${array.dtype}`, expected.place);
    request.found = array;
  });
}
