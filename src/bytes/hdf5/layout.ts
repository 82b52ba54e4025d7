/**
 * layout: where a dataset's elements lie, how they are filtered, and what stands for those that were never written.
 *
 *   layout, version 3 to 5   version | 0 compact: size u16, data
 *                                      1 contiguous: address, size
 *                                      2 chunked, version 3: axes + 1 u8, B-tree's address, sizes u32 x (axes + 1)
 *                                        from 4: flags u8, axes + 1 u8, bytes of a size u8, sizes x (axes + 1), kind of index u8,
 *                                                what that kind needs, its address
 *   filters, version 1, 2  version | count | [6 reserved] | id u16, [length of name u16], flags u16, values u16, [name], values x u32
 *   fill value, 1 to 3     version | … | size u32 | bytes
 *
 * Version 4 is that of libver="latest", version 5 that of the library 2.0: it gives the sizes of chunks 8 bytes in their index, whose
 * entries tell how long they are. Virtual datasets are refused.
 *
 * Source  sections IV.A.2.i (layout), IV.A.2.l (filters), IV.A.2.e and f (fill values)
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import { type FileImage, unsigned } from "./image.ts";
import { findMessage, messageType, type ObjectHeader, requireMessage } from "./object-header.ts";

export type Layout =
  | { readonly kind: "compact"; readonly data: Uint8Array }
  | { readonly kind: "contiguous"; readonly address: number | null; readonly sizeBytes: number }
  | {
      readonly kind: "chunked";
      readonly index: ChunkIndex;
      readonly chunkShape: readonly number[];
      readonly elementBytes: number;
    };

/** Filters in the order in which they were applied. */
export type FilterName = "deflate" | "shuffle" | "fletcher32";

const filterNames: Readonly<Record<number, FilterName>> = { 1: "deflate", 2: "shuffle", 3: "fletcher32" };
const refusedFilters: Readonly<Record<number, string>> = {
  4: "szip",
  5: "nbit",
  6: "scale-offset",
  32000: "LZF",
  32001: "Blosc",
  32015: "Zstandard",
};

export function readLayout(header: ObjectHeader, image: FileImage): Layout {
  const cursor = requireMessage(header, messageType.layout, "layout");
  const { place } = header;
  const version = cursor.u8();
  if (version < 3 || version > 5) throw unsupportedFeature(`HDF5 layout version ${version}`, place);
  const layoutClass = cursor.u8();
  if (layoutClass === 0) return { kind: "compact", data: cursor.take(cursor.u16()) };
  if (layoutClass === 1) return { kind: "contiguous", address: image.address(cursor), sizeBytes: image.length(cursor) };
  if (layoutClass === 3) {
    throw unsupportedFeature(
      "a virtual HDF5 dataset",
      place,
      "save the model anew, so that its numbers lie in the file",
    );
  }
  if (layoutClass !== 2) throw corruptFile(`an HDF5 layout of class ${layoutClass}`, place);
  return version === 3 ? readChunked3(cursor, image) : readChunked4(cursor, image);
}

function readChunked3(cursor: Cursor, image: FileImage): Layout {
  const rank = cursor.u8();
  const index: ChunkIndex = { kind: "tree", address: image.address(cursor), plainEdges: false };
  return chunked(
    Array.from({ length: rank }, () => cursor.u32()),
    index,
    cursor.place,
  );
}

/** Kinds of index by their number, and the bytes of what the arrays and the tree say again in their own headers. */
const indexKinds: Readonly<Record<number, { readonly kind: ChunkIndex["kind"]; readonly parameterBytes: number }>> = {
  1: { kind: "single", parameterBytes: 0 },
  2: { kind: "implicit", parameterBytes: 0 },
  3: { kind: "fixed", parameterBytes: 1 },
  4: { kind: "extensible", parameterBytes: 5 },
  5: { kind: "tree2", parameterBytes: 6 },
};
const plainEdgesFlag = 1;
const singleFilteredFlag = 2;

function readChunked4(cursor: Cursor, image: FileImage): Layout {
  const [flags, rank, sizeBytes] = [cursor.u8(), cursor.u8(), cursor.u8()];
  const sizes = Array.from({ length: rank }, () => unsigned(cursor, sizeBytes));
  const number = cursor.u8();
  const found = indexKinds[number];
  if (!found) throw unsupportedFeature(`an HDF5 chunk index of kind ${number}`, cursor.place);
  cursor.skip(found.parameterBytes);
  const single =
    found.kind === "single" && flags & singleFilteredFlag
      ? { storedBytes: image.length(cursor), skippedFilters: cursor.u32() }
      : undefined;
  const plainEdges = (flags & plainEdgesFlag) !== 0;
  const index = { kind: found.kind, address: image.address(cursor), plainEdges, ...(single && { single }) };
  return chunked(sizes, index, cursor.place);
}

/** @param sizes of a chunk along each axis, and of an element in bytes */
function chunked(sizes: readonly number[], index: ChunkIndex, place: readonly string[]): Layout {
  if (sizes.length < 2 || sizes.includes(0)) throw corruptFile(`chunks of (${sizes.join(", ")})`, place);
  return { kind: "chunked", index, chunkShape: sizes.slice(0, -1), elementBytes: sizes.at(-1)! };
}

/** The filters of a chunked dataset; none where there is no such message. */
export function readFilters(header: ObjectHeader): readonly FilterName[] {
  const cursor = findMessage(header, messageType.filters, "filters");
  if (!cursor) return [];
  const [version, count] = [cursor.u8(), cursor.u8()];
  if (version !== 1 && version !== 2) throw unsupportedFeature(`HDF5 filter version ${version}`, cursor.place);
  if (version === 1) cursor.skip(6);
  const filters: FilterName[] = [];
  for (let index = 0; index < count; index++) {
    const id = cursor.u16();
    const nameBytes = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);
    const values = cursor.u16();
    cursor.skip(nameBytes);
    cursor.skip(4 * values + (version === 1 && values % 2 === 1 ? 4 : 0));
    const name = filterNames[id];
    if (!name) {
      throw unsupportedFeature(
        `the HDF5 filter ${refusedFilters[id] ?? id}`,
        cursor.place,
        "save with gzip or no compression",
      );
    }
    if (filters.includes(name)) throw unsupportedFeature(`the HDF5 filter ${name} twice`, cursor.place);
    filters.push(name);
  }
  return filters;
}

/** The bytes of one element that was never written; undefined stands for zeros. */
export function readFillValue(header: ObjectHeader): Uint8Array | undefined {
  const old = findMessage(header, messageType.oldFillValue, "fill value");
  const cursor = findMessage(header, messageType.fillValue, "fill value");
  if (!cursor) return old && nonEmpty(old);
  const version = cursor.u8();
  if (version === 3) return cursor.u8() & 0x20 ? nonEmpty(cursor) : undefined;
  if (version !== 1 && version !== 2) throw unsupportedFeature(`HDF5 fill value version ${version}`, cursor.place);
  cursor.skip(2);
  return cursor.u8() === 1 || version === 1 ? nonEmpty(cursor) : undefined;
}

function nonEmpty(cursor: Cursor): Uint8Array | undefined {
  if (cursor.remainingBytes < 4) return undefined;
  const bytes = cursor.take(cursor.u32());
  return bytes.length > 0 ? bytes : undefined;
}
