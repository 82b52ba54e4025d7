/**
 * keras-store: the variables of a Keras model with the weights of a graph, for those who write the model
 *
 * A weight that nobody changed is written as the bytes that it came from, whatever their type: a conversion to PyTorch and back
 * changes nothing. One that was trained is written in the type of its variable. Where the weight was computed from several variables
 * (dequantized) or comes out of the configuration, it can't be put back, and is refused by name.
 */
import { bytesOf, float32ToBfloat16, float32ToFloat16, floatsOf, toFloat32 } from "../bytes/numbers.ts";
import { cannotStore } from "../error.ts";
import type { TreeEntry } from "../formats/keras-write.ts";
import type { LayerArrays } from "../formats/weight-lists.ts";
import { type Graph, type Layer, layersOf, type Weight } from "../graph/graph.ts";
import { pieceBytes } from "../platform/bytes.ts";
import { lendMemory } from "../platform/scratch.ts";
import type { RawArray, StoredArray } from "../tensor.ts";
import type { KerasOrigin } from "./keras.ts";
import { untrainedCount } from "./keras-lists.ts";
import type { KerasVariable, VariableOwner } from "./keras-record.ts";

/** The variables of a model, with what is to be written of each. */
export type FilledVariables = readonly (KerasVariable & { readonly array: StoredArray })[];

/** What is to be written of a model. */
export interface Filled {
  readonly variables: FilledVariables;
  /** The weights that change as they are written, because their variables have 16 bits; by the graph's layers and roles. */
  readonly rounded: ReadonlyMap<Layer, Readonly<Record<string, StoredArray>>>;
}

/**
 * The variables with a graph's weights in them.
 *
 * @param origin the graph's layers are those of `origin.graph`, in the same order
 * @throws {ChannelwiseError} `unsupported-feature` for a changed weight that no variable holds
 */
export function filledVariables(origin: KerasOrigin, graph: Graph): Filled {
  const rounded = new Map<Layer, Record<string, StoredArray>>();
  const layers = layersOf(graph);
  const changed = new Map<StoredArray, StoredArray>();
  layersOf(origin.graph).forEach(({ path, className, weights }, index) => {
    for (const [role, before] of Object.entries(weights)) {
      const after = layers[index]!.weights[role]!;
      if (after.array === before.array) continue;
      if (before.variable) {
        const { variable } = before;
        const array = merged(variable, before, after, `${path}/${role}`);
        changed.set(variable, array);
        if (variable.dtype === "float16" || variable.dtype === "bfloat16") {
          const { dtype } = variable;
          const own = { dtype, shape: after.array.shape, read: () => array.read() };
          rounded.set(layers[index]!, { ...rounded.get(layers[index]!), [role]: own });
        }
      } else if (!sameNumbers(before.array, after.array)) throw cannotStore(`${path}/${role}`, className);
    }
  });
  const filled = (array: StoredArray) => changed.get(array) ?? array;
  const variables = origin.variables.flatMap((variable) => {
    if (variable.array) return [{ ...variable, array: filled(variable.array) }];
    // A copy of what the layer beneath has.
    const twin = origin.variables.find(({ group, array }) => array && group === `${variable.group}/layer`);
    return twin?.array ? [{ ...variable, array: filled(twin.array) }] : [];
  });
  return { variables, rounded };
}

/** What is written of a variable whose weight may have been changed. */
function merged(variable: StoredArray, before: Weight, after: Weight, name: string): StoredArray {
  return {
    shape: variable.shape,
    get dtype() {
      return variable.dtype;
    },
    read() {
      if (lendMemory(() => sameNumbers(before.array, after.array))) return variable.read();
      return converted(after.array, variable.dtype, name);
    },
  };
}

/** Whether two arrays are the same bits, as the engine takes them. */
function sameNumbers(one: StoredArray, other: StoredArray): boolean {
  if (one.dtype === "int8" && other.dtype === "int8") return same(bytesOf(one.read()), bytesOf(other.read()));
  const [a, b] = [floatsOf(one), floatsOf(other)];
  if (a.length !== b.length) return false;
  for (let start = 0; start < a.length; start += atOnce) {
    const end = Math.min(start + atOnce, a.length);
    if (!lendMemory(() => same(words(a.subarray(start, end)), words(b.subarray(start, end))))) return false;
  }
  return true;
}

/** Numbers that are compared at a time. */
const atOnce = pieceBytes / 4;

const words = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

function same(one: Uint8Array | Uint32Array, other: Uint8Array | Uint32Array): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

/** Numbers in the type of a variable, rounded to nearest. */
export function converted(array: StoredArray, dtype: StoredArray["dtype"], name: string): RawArray {
  if (array.dtype === dtype) return array.read();
  const values = toFloat32(array);
  if (dtype === "float32") return values;
  if (dtype === "float16") return float32ToFloat16(values);
  if (dtype === "bfloat16") return float32ToBfloat16(values);
  if (dtype === "float64") return Float64Array.from(values);
  throw cannotStore(name, `a variable of ${dtype}`);
}

// ---------------------------------------------------------------------------------------------- both layouts

/** The variables as the tree of Keras 3. */
export function treeOf(variables: FilledVariables): TreeEntry[] {
  const entries = new Map<string, { group: string; name: string | null; arrays: StoredArray[] }>();
  for (const { owner, group, array } of variables) {
    const entry = entries.get(group) ?? {
      group,
      name: group === owner.group && owner.outermost ? owner.entry.name : null,
      arrays: [],
    };
    entry.arrays.push(array);
    entries.set(group, entry);
  }
  return [...entries.values()];
}

/**
 * The variables as lists, one for each layer of the outermost model: what trains, then the rest.
 *
 * @param names of an owner's variables, by its group in the tree of Keras 3; the layer's name and a count where there are none
 */
export function listsOf(
  { layers }: KerasOrigin,
  variables: FilledVariables,
  names: ReadonlyMap<string, readonly string[]> = new Map(),
): LayerArrays[] {
  return layers.map((outer) => {
    const own = variables.filter(({ owner, copy }) => owner.outer === outer && !copy);
    const owners = [...new Set(own.map(({ owner }) => owner))].map((owner) => {
      const given = names.get(owner.group);
      const arrays = ordered(
        owner,
        own.filter((variable) => variable.owner === owner).map(({ array }) => array),
      ).map((array, index) => ({ name: given?.[index], array }));
      const trained = arrays.length - untrainedCount(owner.entry, arrays.length);
      return { trained: arrays.slice(0, trained), rest: arrays.slice(trained) };
    });
    const arrays = [...owners.flatMap(({ trained }) => trained), ...owners.flatMap(({ rest }) => rest)];
    return {
      name: outer.name,
      arrays: arrays.map(({ name, array }, index) => ({ name: name ?? `${outer.name}/${index}`, array })),
    };
  });
}

/** The variables one after another, as `model.get_weights()` lists them. */
export function inOrder(variables: readonly KerasVariable[]): StoredArray[] {
  const owners = [...new Set(variables.map(({ owner }) => owner))];
  return owners.flatMap((owner) =>
    ordered(
      owner,
      variables.flatMap((variable) => (variable.owner === owner && !variable.copy ? (variable.array ?? []) : [])),
    ),
  );
}

/** With 8-bit weights the bias is the only one that trains, and so comes first. */
function ordered({ entry: { className } }: VariableOwner, arrays: readonly StoredArray[]): readonly StoredArray[] {
  const quantized = arrays.length === 3 && (className === "Dense" || className === "EinsumDense");
  return quantized ? [arrays[1]!, arrays[0]!, arrays[2]!] : arrays;
}
