/**
 * restore: the way back from a state dict of an emitted module to the weights of the source
 *
 * Given   the entries of an emitted program (state.ts) and tensors by the same names
 * Result  every weight in the source's order of axes: rows cut apart, permutations undone, what PyTorch adds up added up
 *
 * The layouts are those that the program was written with; no order is guessed. All that is missing, spare or misshapen is named
 * before anything is read; then each weight is read when asked for, one at a time.
 */
import { describeAxes, rearrangeArray, shapeOf } from "../../axes.ts";
import { putBox } from "../../strided.ts";
import { reordered, toFloat32 } from "../../bytes/numbers.ts";
import { printable } from "../../bytes/printable.ts";
import { type ChannelwiseError, stateDictDiffers } from "../../error.ts";
import type { Layer } from "../../graph/graph.ts";
import { elements, type StoredArray } from "../../tensor.ts";
import { type StateEntry, type StatePiece, stateRows } from "./state.ts";

/** Tensors by their names in a state dict. */
export type Tensors = ReadonlyMap<string, StoredArray>;

/** New numbers of weights, by layer and role; shapes and orders are those of the layer's own. */
export type RestoredWeights = ReadonlyMap<Layer, Readonly<Record<string, StoredArray>>>;

/** What wraps a module puts its own name in front of every tensor's: DataParallel, torch.compile, Lightning and other loops. */
const prefixes = ["module.", "_orig_mod.", "model.", "net.", "network."];
/** Differences that a message lists. */
const mostListed = 8;

/** The tensors under the module's own names. */
export function ownNames(entries: readonly StateEntry[], tensors: Tensors): Tensors {
  const expected = new Set(entries.map(({ name }) => name));
  let names = [...tensors.keys()];
  const strip: string[] = [];
  while (names.length > 0 && !names.some((name) => expected.has(name))) {
    const prefix = prefixes.find((candidate) =>
      names.every((name) => name.length > candidate.length && name.startsWith(candidate)),
    );
    if (prefix === undefined) return tensors;
    strip.push(prefix);
    names = names.map((name) => name.slice(prefix.length));
  }
  const lengths = strip.join("").length;
  return lengths === 0 ? tensors : new Map([...tensors].map(([name, array]) => [name.slice(lengths), array]));
}

/**
 * The source's weights out of a state dict.
 *
 * @param tensors under the module's own names
 * @param place named in errors: the file
 * @throws {ChannelwiseError} `missing-weight`, `shape-mismatch` where names, shapes or types are not the module's, and where a
 *   constant of the module has other numbers, for which the source has no weight
 */
export function restoreWeights(
  entries: readonly StateEntry[],
  tensors: Tensors,
  place: readonly string[],
): RestoredWeights {
  requireSame(entries, tensors, place);
  for (const entry of entries) requireConstant(entry, tensors, place);
  const parts = new Map<Layer, Map<string, Part[]>>();
  const add = (piece: StatePiece, part: Part) => {
    const roles = parts.get(piece.layer) ?? new Map<string, Part[]>();
    parts.set(piece.layer, roles.set(piece.role, [...(roles.get(piece.role) ?? []), part]));
  };
  for (const { name, source } of entries) {
    const pieces = "constant" in source ? (source.addedTo ?? []) : source.pieces;
    let row = 0;
    for (const piece of pieces) {
      add(piece, { piece, tensor: tensors.get(name)!, row, added: "constant" in source });
      row += stateRows(piece);
    }
  }
  return new Map(
    [...parts].map(([layer, roles]) => [
      layer,
      Object.fromEntries([...roles].map(([role, own]) => [role, restored(layer, role, own)])),
    ]),
  );
}

/** Rows of a tensor that hold a piece of a weight; `added`: that are added to what another tensor holds of it. */
interface Part {
  readonly piece: StatePiece;
  readonly tensor: StoredArray;
  readonly row: number;
  readonly added: boolean;
}

function restored(layer: Layer, role: string, parts: readonly Part[]): StoredArray {
  const { array } = layer.weights[role]!;
  const { shape, dtype } = array;
  const [{ piece, tensor }] = parts as [Part];
  const whole = elements(tensor.shape) === elements(shape);
  if (dtype === "int8" || (parts.length === 1 && piece.start === null && whole))
    return { ...reordered(tensor, piece.to, piece.from), shape };
  const read = () => {
    const data = new Float32Array(elements(shape));
    const added = new Float32Array(data.length);
    for (const part of parts) {
      const { from, start } = part.piece;
      const target = part.added ? added : data;
      putBox(target, shape, shapeOf(from) as number[], start ?? from.map(() => 0), partData(part));
    }
    // What is zero is not added: -0 + 0 would be another number.
    return data.map((value, index) => (added[index] === 0 ? value : value + added[index]!));
  };
  return { dtype: "float32", shape, read };
}

/** One part in the source's order. */
function partData({ piece, tensor, row }: Part): Float32Array {
  const sizes = shapeOf(piece.to) as number[];
  const width = elements(sizes.slice(1));
  const values = toFloat32(tensor).subarray(row * width, row * width + elements(sizes));
  return rearrangeArray(values, piece.to, piece.from);
}

// ---------------------------------------------------------------------------------------------------- checking

const floats = ["float32", "float16", "bfloat16", "float64"];

/** A counter of training steps, which old versions of PyTorch did not save. */
const isCounter = ({ dtype }: StateEntry) => dtype === "int64";

function requireSame(entries: readonly StateEntry[], tensors: Tensors, place: readonly string[]): void {
  const missing = entries.filter((entry) => !tensors.has(entry.name) && !isCounter(entry));
  const expected = new Set(entries.map(({ name }) => name));
  const spare = [...tensors].filter(([name]) => !expected.has(name));
  const wrong = entries.flatMap((entry) => {
    const found = tensors.get(entry.name);
    if (!found) return [];
    const sameShape =
      found.shape.length === entry.shape.length && entry.shape.every((size, axis) => size === found.shape[axis]);
    if (!sameShape) return [`${described(entry)}, got (${found.shape.join(", ")})`];
    const types = entry.dtype === "float32" ? floats : [entry.dtype];
    return isCounter(entry) || types.includes(found.dtype)
      ? []
      : [`${described(entry)} of ${types[0]}, got ${found.dtype}`];
  });
  const sentences = [
    ...listed("missing", missing.map(described)),
    ...listed(
      "spare",
      spare.map(([name, { shape }]) => `${printable(name)} (${shape.join(", ")})`),
    ),
    ...listed("of another shape or type", wrong),
  ];
  if (sentences.length > 0)
    throw differs(missing.length > 0 ? "missing-weight" : "shape-mismatch", sentences.join("; "), place);
}

function listed(what: string, texts: readonly string[]): string[] {
  if (texts.length === 0) return [];
  const more = texts.length > mostListed ? ` and ${texts.length - mostListed} more` : "";
  return [`${what}: ${texts.slice(0, mostListed).join("; ")}${more}`];
}

/** `conv1d.weight: expected OIK = (64, 9, 5)`; the rows of a stacked tensor hold several pieces. */
function described({ name, shape, source }: StateEntry): string {
  const pieces = "constant" in source ? [] : source.pieces;
  const [first] = pieces;
  if (!first) return `${name}: expected (${shape.join(", ")})`;
  const [rows, ...rest] = first.to;
  const whole = pieces.length === 1 || !rows ? first.to : [{ letter: rows.letter, size: shape[0]! }, ...rest];
  return `${name}: expected ${describeAxes(whole)}`;
}

function requireConstant({ name, dtype, source, shape }: StateEntry, tensors: Tensors, place: readonly string[]): void {
  if (!("constant" in source) || source.addedTo || dtype === "int64") return;
  const { constant } = source;
  const other = toFloat32(tensors.get(name)!).findIndex((value) => value !== constant);
  if (other < 0) return;
  throw differs(
    "shape-mismatch",
    `${name}: expected ${constant} in all of (${shape.join(", ")}), since the source's layer has no such weight, got another number at element ${other}`,
    place,
  );
}

function differs(
  code: "missing-weight" | "shape-mismatch",
  message: string,
  place: readonly string[],
): ChannelwiseError {
  return place.reduceRight((error, outer) => error.within(outer), stateDictDiffers(code, message));
}
