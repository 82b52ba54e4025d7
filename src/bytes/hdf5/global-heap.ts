/**
 * global-heap: where texts of variable length lie.
 *
 *   collection   "GCOL" | 1 | 0 0 0 | size: length, padded to 8 | objects, until index 0 or the end
 *   object       index u16 | references u16 | 0 u32 | size: length, padded to 8 | data, padded to 8
 *   reference    size u32 | collection's address | index u32          (an element of an attribute)
 *
 * Texts are decoded once and shared, so that many references to one long text cost nothing.
 *
 * Source  section III.E
 */
import { corruptFile } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import type { FileImage } from "./image.ts";

type Collection = ReadonlyMap<number, HeapText>;

interface HeapText {
  readonly bytes: Uint8Array;
  text?: string;
}

/** Reads one reference and gives the text it stands for. */
export function readHeapText(cursor: Cursor, image: FileImage): string {
  const sizeBytes = cursor.u32();
  const address = image.address(cursor);
  const index = cursor.u32();
  if (sizeBytes === 0) return "";
  if (address === null) throw corruptFile("a text without an address", cursor.place);
  const { place } = cursor;
  const object = image.once("global heap", address, () => readCollection(image, address, place)).get(index);
  if (!object || object.bytes.length < sizeBytes) {
    throw corruptFile(`expected a text of ${sizeBytes} bytes as object ${index} of the heap at ${address}`, place);
  }
  object.text ??= decodeText(object.bytes.subarray(0, sizeBytes), place);
  return object.text;
}

function readCollection(image: FileImage, address: number, place: readonly string[]): Collection {
  const headBytes = 16;
  const head = image.peek(address, headBytes, "a global heap", place);
  head.expect("GCOL", "a global heap");
  head.skip(4);
  const paddingBytes = 8 - image.lengthBytes;
  const collection = image.claim(address, Math.max(headBytes, image.length(head)), "a global heap", place);
  collection.skip(headBytes);
  const objects = new Map<number, HeapText>();
  while (collection.remainingBytes >= headBytes) {
    const index = collection.u16();
    collection.skip(6);
    const sizeBytes = image.length(collection);
    collection.skip(paddingBytes);
    if (index === 0) break;
    if (objects.has(index)) throw corruptFile(`two objects ${index} in the heap at ${address}`, place);
    objects.set(index, { bytes: collection.take(sizeBytes) });
    collection.skip(Math.min(-sizeBytes & 7, collection.remainingBytes));
  }
  return objects;
}

/** UTF-8 up to the first null. What is marked ASCII may hold UTF-8 too: h5py writes it so for lists of names. */
export function decodeText(bytes: Uint8Array, place: readonly string[]): string {
  const end = bytes.indexOf(0);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(end < 0 ? bytes : bytes.subarray(0, end));
  } catch {
    throw corruptFile("a text that is not UTF-8", place);
  }
}
