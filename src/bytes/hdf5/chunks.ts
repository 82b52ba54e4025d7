/**
 * chunks: a dataset cut into boxes of one shape, each stored, and perhaps compressed, by itself.
 *
 *        0 . . . 4 . . . 8        a chunk at the edge is stored whole; what sticks out is dropped
 *      0 [ chunk | chunk |··]     a chunk that is not in the index was never written
 *      3 [ chunk | chunk |··]
 *
 * Filters are undone in reverse: fletcher32 (checksum), deflate, shuffle (first all first bytes, then all second ones, …).
 *
 * Source  hdf5/src/H5Zshuffle.c, H5Zfletcher32.c
 */
import { corruptFile } from "../../error.ts";
import { type Bytes, whole } from "../../platform/bytes.ts";
import { inflateZlib } from "../inflate.ts";
import { allocate, checkExpansion, denseBytes } from "../limits.ts";
import { fletcher32 } from "./checksum.ts";
import type { FilterName } from "./layout.ts";

/** One stored chunk: the index of its first element, and its bytes as they lie in the file. */
export interface Chunk {
  readonly first: readonly number[];
  readonly stored: Bytes;
  readonly skippedFilters: number;
}

/** What all chunks of a dataset have in common. */
export interface ChunkedArray {
  readonly shape: readonly number[];
  /** The largest shape that the dataset may have; null for an axis without limit. */
  readonly largest: readonly (number | null)[];
  readonly chunkShape: readonly number[];
  readonly elementBytes: number;
  readonly filters: readonly FilterName[];
  readonly fill: Uint8Array | undefined;
}

/** All elements, row-major. */
export function assembleChunks(chunks: readonly Chunk[], array: ChunkedArray, place: readonly string[]): Uint8Array {
  const totalBytes = denseBytes(array.shape, array.elementBytes, place);
  const chunkBytes = denseBytes(array.chunkShape, array.elementBytes, place);
  const storedBytes = chunks.reduce((sum, chunk) => sum + chunk.stored.length, 0);
  const result = filled(totalBytes, storedBytes, array.fill, array.elementBytes, place);
  for (const chunk of chunks) copyBox(undoFilters(chunk, array, chunkBytes, place), chunk.first, result, array);
  return result;
}

/** Bytes that a dataset may claim beyond what its chunks can hold: room for small datasets that were never written. */
const unwrittenBytes = 64 * 1024;

/** Memory of `totalBytes`, set to the fill value; the claim must be in proportion to the `storedBytes` behind it. */
export function filled(
  totalBytes: number,
  storedBytes: number,
  fill: Uint8Array | undefined,
  elementBytes: number,
  place: readonly string[],
): Uint8Array {
  if (totalBytes > unwrittenBytes) checkExpansion(totalBytes, storedBytes, place);
  if (fill && fill.length !== elementBytes) {
    throw corruptFile(`a fill value of ${fill.length} bytes for ${elementBytes}`, place);
  }
  const result = allocate(totalBytes, place);
  if (fill?.some((byte) => byte !== 0)) {
    for (let start = 0; start < totalBytes; start += elementBytes) result.set(fill, start);
  }
  return result;
}

function undoFilters(chunk: Chunk, array: ChunkedArray, chunkBytes: number, place: readonly string[]): Uint8Array {
  const applied = array.filters.filter((_, index) => ((chunk.skippedFilters >>> index) & 1) === 0);
  let bytes = whole(chunk.stored);
  for (let index = applied.length - 1; index >= 0; index--) {
    const filter = applied[index];
    if (filter === "fletcher32") bytes = withoutChecksum(bytes, place);
    else if (filter === "shuffle") bytes = unshuffle(bytes, array.elementBytes, place);
    else {
      const inflatedBytes =
        chunkBytes + (applied.indexOf("fletcher32") >= 0 && applied.indexOf("fletcher32") < index ? 4 : 0);
      checkExpansion(inflatedBytes, bytes.length, place);
      bytes = inflateZlib(bytes, inflatedBytes, place);
    }
  }
  if (bytes.length !== chunkBytes) {
    throw corruptFile(`expected a chunk of ${chunkBytes} bytes, got ${bytes.length}`, place);
  }
  return bytes;
}

function withoutChecksum(bytes: Uint8Array, place: readonly string[]): Uint8Array {
  const end = bytes.length - 4;
  if (end < 0) throw corruptFile("a chunk too short for its checksum", place);
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  if (stored !== fletcher32(bytes.subarray(0, end))) throw corruptFile("the checksum of a chunk does not match", place);
  return bytes.subarray(0, end);
}

/** A remainder of less than one element stays at the end. */
function unshuffle(bytes: Uint8Array, elementBytes: number, place: readonly string[]): Uint8Array {
  const count = Math.floor(bytes.length / elementBytes);
  const result = allocate(bytes.length, place);
  for (let byte = 0; byte < elementBytes; byte++) {
    for (let index = 0, source = byte * count; index < count; index++, source++) {
      result[index * elementBytes + byte] = bytes[source]!;
    }
  }
  result.set(bytes.subarray(count * elementBytes), count * elementBytes);
  return result;
}

/** Copies that part of a chunk which lies inside the array, a run along the last axis at a time. */
function copyBox(chunk: Uint8Array, first: readonly number[], result: Uint8Array, array: ChunkedArray): void {
  const { shape, chunkShape, elementBytes } = array;
  const last = shape.length - 1;
  const extent = shape.map((size, axis) => Math.min(chunkShape[axis]!, size - first[axis]!));
  const runBytes = extent[last]! * elementBytes;
  const index = shape.map(() => 0);
  for (;;) {
    let source = 0;
    let target = 0;
    for (let axis = 0; axis <= last; axis++) {
      source = source * chunkShape[axis]! + index[axis]!;
      target = target * shape[axis]! + first[axis]! + index[axis]!;
    }
    result.set(chunk.subarray(source * elementBytes, source * elementBytes + runBytes), target * elementBytes);
    let axis = last - 1;
    while (axis >= 0 && ++index[axis]! === extent[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}
