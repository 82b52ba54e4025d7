/**
 * pytorch-read: checkpoints of `torch.save`, in each of the three forms that it has had.
 *
 *   since 1.6    zip: <root>/data.pkl | byteorder | data/0, 1, … | version          storages are entries, stored
 *   0.1.10-1.5   pickles one after another: magic, 1001, sys_info, the object, the storages' keys | per key: count i64, elements
 *   before       tar: pickle | storages: pickles and elements in turn | tensors: pickles with sizes and strides
 *
 * The storages of the first two are parts of the file; nothing of them is read before a tensor's elements are asked for. A tar is
 * read whole.
 *
 * Source  torch/serialization.py (_load, _legacy_load, legacy_load)
 */
import { Cursor } from "../bytes/cursor.ts";
import { denseBytes } from "../bytes/limits.ts";
import { swapBytes } from "../bytes/numbers.ts";
import { readPickle } from "../bytes/pickle.ts";
import { printable } from "../bytes/printable.ts";
import { isTar, readTar } from "../bytes/tar.ts";
import { firstZipName, readZip, type ZipEntry } from "../bytes/zip.ts";
import { corruptFile, unsupportedFeature } from "../error.ts";
import { type Bytes, section, whole } from "../platform/bytes.ts";
import { bytesPerElement, type DType } from "../tensor.ts";
import { headBytes } from "./format.ts";
import { stateDictOf, type StateFile } from "./state-dict.ts";
import {
  asStorage,
  saveStateDict,
  type Storage,
  StorageType,
  stridedTensor,
  torchVocabulary,
} from "./torch-globals.ts";

/** The pickled magic number with which the form of 0.1.10 to 1.5 begins. */
const magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const protocolVersion = 1001;
const zipMember =
  /^[^/]+\/(data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data\/.*|data\/\d+|constants\.pkl|code\/.*)$/;

/** Whether a file is a checkpoint of PyTorch, judged by its start. */
export function isCheckpoint(head: Uint8Array): boolean {
  return isStacked(head) || isTar(head) || zipMember.test(firstZipName(head) ?? "");
}

function isStacked(head: Uint8Array): boolean {
  return magic.every((byte, index) => head[index] === byte);
}

/** Opens a checkpoint: the state dict in it. Elements are read when asked for. */
export function readCheckpoint(bytes: Bytes, place: readonly string[] = []): StateFile {
  const head = bytes.subarray(0, headBytes);
  const root = isStacked(head)
    ? readStacked(bytes, place)
    : isTar(head)
      ? readTarred(whole(bytes), place)
      : readZipped(bytes, place);
  return stateDictOf(root, place);
}

// -------------------------------------------------------------------------------------------------- zip, since 1.6

function readZipped(bytes: Bytes, place: readonly string[]): unknown {
  const entries = readZip(bytes, place);
  const [name] = entries.keys();
  const root = name!.slice(0, name!.indexOf("/") + 1);
  const has = (pattern: RegExp) => [...entries.keys()].some((entry) => pattern.test(entry));
  if (has(/^[^/]+\/(constants\.pkl|code\/)/)) {
    throw unsupportedFeature(
      "a TorchScript archive, which holds a program",
      place,
      `load it with torch.jit.load, and ${saveStateDict}`,
    );
  }
  const pickled = entries.get(`${root}data.pkl`);
  if (!pickled) throw corruptFile(`expected an entry ${printable(root)}data.pkl, found none`, place);
  const order = entries.get(`${root}byteorder`);
  const bigEndian = order !== undefined && new TextDecoder().decode(order.read().subarray(0, 16)).trim() === "big";
  const inside = [...place, printable(pickled.name)];
  const found = new Map<string, Storage>();
  const persistent = (id: unknown): Storage => {
    const { type, key, length } = storageId(id, inside);
    const known = found.get(key);
    if (known) return sameStorage(known, type, inside);
    const entry = entries.get(`${root}data/${key}`);
    if (!entry) throw corruptFile(`expected an entry ${printable(`${root}data/${key}`)}, found none`, place);
    const storage = storageOf(type, length, () => elementsOf(entry, type, bigEndian), [
      ...place,
      printable(entry.name),
    ]);
    if (denseBytes([length], elementBytes(type), inside) !== entry.sizeBytes)
      throw corruptFile(`expected ${length} elements of ${printable(type.name)}, got ${entry.sizeBytes} bytes`, [
        ...place,
        printable(entry.name),
      ]);
    found.set(key, storage);
    return storage;
  };
  return readPickle(new Cursor(pickled.read(), inside), torchVocabulary(inside, persistent));
}

function elementsOf(entry: ZipEntry, type: StorageType, bigEndian: boolean): Bytes {
  if (bigEndian) return swapped(entry.read(), elementBytes(type));
  entry.verify();
  return entry.open();
}

function swapped(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const copy = bytes.slice();
  swapBytes(copy, elementBytes);
  return copy;
}

const elementBytes = ({ dtype }: StorageType) => (dtype ? bytesPerElement[dtype] : 1);

function storageOf(type: StorageType, length: number, bytes: () => Bytes, place: readonly string[]): Storage {
  denseBytes([length], elementBytes(type), place);
  return asStorage({ dtype: type.dtype, length, bytes });
}

function sameStorage(storage: Storage, type: StorageType, place: readonly string[]): Storage {
  if (storage.dtype !== type.dtype) throw corruptFile("one storage with two element types", place);
  return storage;
}

interface StorageId {
  readonly type: StorageType;
  readonly key: string;
  readonly length: number;
  /** What stands behind the length. */
  readonly view: unknown;
}

/** ("storage", type, key, location, number of elements[, view]). */
function storageId(id: unknown, place: readonly string[]): StorageId {
  const [what, type, key, , length, view] = Array.isArray(id) ? id : [];
  if (what === "module") {
    throw unsupportedFeature("the file holds a module with its Python class, which is not run", place, saveStateDict);
  }
  const count = typeof length === "number" && Number.isSafeInteger(length) && length >= 0;
  if (
    what !== "storage" ||
    !(type instanceof StorageType) ||
    !count ||
    (typeof key !== "string" && typeof key !== "number")
  )
    throw corruptFile("expected the type, key and length of a storage", place);
  return { type, key: String(key), length, view };
}

// ------------------------------------------------------------------------------------- pickles in a row, 0.1.10 to 1.5

function readStacked(bytes: Bytes, place: readonly string[]): unknown {
  const cursor = new Cursor(bytes, place);
  const plain = torchVocabulary(place);
  readPickle(cursor, plain);
  const version = readPickle(cursor, plain);
  if (version !== protocolVersion)
    throw unsupportedFeature(`a checkpoint of protocol ${printable(String(version))}`, place, saveStateDict);
  const system = readPickle(cursor, plain);
  const bigEndian = system instanceof Map && system.get("little_endian") === false;
  // Storages lie behind the pickles: where, is known once the last of those is read.
  const starts = new Map<string, { readonly start: number; readonly sizeBytes: number }>();
  const types = new Map<string, StorageType>();
  const views = new Map<string, Storage>();
  const persistent = (id: unknown): Storage => {
    const { type, key, length, view } = storageId(id, place);
    const known = types.get(key);
    if (known && known.dtype !== type.dtype) throw corruptFile("one storage with two element types", place);
    types.set(key, type);
    const [viewKey, first, viewLength] = Array.isArray(view) ? view : [null, 0, length];
    const at = `${key} ${String(viewKey)}`;
    const found = views.get(at);
    if (found) return found;
    if (![first, viewLength].every((value) => Number.isSafeInteger(value) && value >= 0) || first + viewLength > length)
      throw corruptFile("a view past the end of its storage", place);
    const size = elementBytes(type);
    const storage = storageOf(
      type,
      viewLength,
      () => {
        const range = starts.get(key);
        if (!range || range.sizeBytes !== length * size)
          throw corruptFile(
            `expected ${length * size} bytes of storage ${printable(key)}, got ${range?.sizeBytes ?? 0}`,
            place,
          );
        const start = range.start + first * size;
        const part = section(bytes, start, start + viewLength * size);
        return bigEndian ? swapped(whole(part), size) : part;
      },
      place,
    );
    views.set(at, storage);
    return storage;
  };
  const root = readPickle(cursor, torchVocabulary(place, persistent));
  const keys = readPickle(cursor, plain);
  if (!Array.isArray(keys)) throw corruptFile("expected the keys of the storages", place);
  for (const key of keys) {
    const type = types.get(String(key));
    if (!type || starts.has(String(key))) throw corruptFile("a storage that nothing names, or twice", place);
    const count = bigEndian ? bigCount(cursor) : cursor.u64();
    const sizeBytes = denseBytes([count], elementBytes(type), place);
    starts.set(String(key), { start: cursor.skip(sizeBytes), sizeBytes });
  }
  if (starts.size < types.size) throw corruptFile(`expected ${types.size} storages, got ${starts.size}`, place);
  return root;
}

function bigCount(cursor: Cursor): number {
  const count = new DataView(swapped(cursor.take(8), 8).buffer).getBigUint64(0, true);
  if (count > Number.MAX_SAFE_INTEGER) throw corruptFile(`a storage of ${count} elements`, cursor.place);
  return Number(count);
}

// --------------------------------------------------------------------------------------------- tar, before 0.1.10

function readTarred(bytes: Uint8Array, place: readonly string[]): unknown {
  const files = readTar(bytes, place);
  const open = (name: string): Cursor => {
    const content = files.get(name);
    if (!content) throw corruptFile(`expected an entry ${name}, found none: this is no checkpoint of PyTorch`, place);
    return new Cursor(content, [...place, name]);
  };
  const objects = new Map<string, unknown>();
  const storages = open("storages");
  const plain = torchVocabulary(storages.place);
  forEachPickle(storages, plain, 3, ([key, , type]) => {
    if (!(type instanceof StorageType) || !type.dtype)
      throw corruptFile("expected the type of a storage", storages.place);
    const count = storages.u64();
    const start = storages.skip(denseBytes([count], elementBytes(type), storages.place));
    const content = section(storages.bytes, start, storages.position);
    objects.set(
      String(key),
      storageOf(type, count, () => content, storages.place),
    );
  });
  const views = readPickle(storages, plain);
  if (!Array.isArray(views)) throw corruptFile("expected the views of storages", storages.place);
  for (const view of views) {
    const [target, root, first, count] = Array.isArray(view) ? view : [];
    const all = objects.get(String(root)) as Storage | undefined;
    if (
      !all?.dtype ||
      ![first, count].every((value) => Number.isSafeInteger(value) && value >= 0) ||
      first + count > all.length
    )
      throw corruptFile("a view past the end of its storage", storages.place);
    const size = bytesPerElement[all.dtype];
    const part = () => section(all.bytes(), first * size, (first + count) * size);
    objects.set(String(target), asStorage({ dtype: all.dtype, length: count, bytes: part }));
  }
  const tensors = open("tensors");
  const named = new Map<string, unknown>();
  forEachPickle(tensors, torchVocabulary(tensors.place), 3, ([key, storageKey]) => {
    const storage = objects.get(String(storageKey)) as (Storage & { dtype: DType }) | undefined;
    if (!storage) throw corruptFile("a tensor of a storage that is not there", tensors.place);
    const rank = tensors.u32();
    tensors.skip(4);
    if (rank > 64) throw corruptFile(`a tensor of ${rank} axes`, tensors.place);
    const read = () => Array.from({ length: rank }, () => tensors.u64());
    const [size, stride] = [read(), read()];
    named.set(String(key), stridedTensor(storage, storage.dtype, tensors.u64(), size, stride, tensors.place));
  });
  const pickle = open("pickle");
  const persistent = (id: unknown): unknown => {
    if (Array.isArray(id)) return storageId(["module"], pickle.place);
    return named.get(String(id)) ?? objects.get(String(id)) ?? null;
  };
  return readPickle(pickle, torchVocabulary(pickle.place, persistent));
}

/** A pickled count, then for each a pickled tuple of `size` and whatever `read` takes behind it. */
function forEachPickle(
  cursor: Cursor,
  vocabulary: ReturnType<typeof torchVocabulary>,
  size: number,
  read: (entry: readonly unknown[]) => void,
): void {
  const count = readPickle(cursor, vocabulary);
  if (typeof count !== "number") throw corruptFile("expected a count", cursor.place);
  // Each takes bytes, so that a count that lies meets the end of the file.
  for (let index = 0; index < count; index++) {
    const entry = readPickle(cursor, vocabulary);
    if (!Array.isArray(entry) || entry.length !== size) throw corruptFile(`expected a tuple of ${size}`, cursor.place);
    read(entry);
  }
}
