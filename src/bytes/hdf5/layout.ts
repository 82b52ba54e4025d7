/**
 * layout: where a dataset's elements lie, how they are filtered, and what stands for those that were never written.
 *
 *   layout, version 3, 4   version | 0 compact: size u16, data
 *                                    1 contiguous: address, size
 *                                    2 chunked (version 3): axes + 1 u8, B-tree's address, sizes u32 x (axes + 1)
 *   filters, version 1, 2  version | count | [6 reserved] | id u16, [length of name u16], flags u16, values u16, [name], values x u32
 *   fill value, 1 to 3     version | … | size u32 | bytes
 *
 * Layout version 4 with chunks (libver="latest") has five further kinds of index: refused. So are virtual datasets.
 *
 * Source  sections IV.A.2.i (layout), IV.A.2.l (filters), IV.A.2.e and f (fill values)
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import type { FileImage } from "./image.ts";
import { findMessage, messageType, type ObjectHeader, requireMessage } from "./object-header.ts";

export type Layout =
  | { readonly kind: "compact"; readonly data: Uint8Array }
  | { readonly kind: "contiguous"; readonly address: number | null; readonly sizeBytes: number }
  | {
      readonly kind: "chunked";
      readonly tree: number | null;
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
  if (version !== 3 && version !== 4) throw unsupportedFeature(`HDF5 layout version ${version}`, place);
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
  if (version === 4) {
    throw unsupportedFeature("HDF5 chunks with an index of version 4", place, "save without libver='latest'");
  }
  const rank = cursor.u8();
  const tree = image.address(cursor);
  const sizes = Array.from({ length: rank }, () => cursor.u32());
  if (rank < 2 || sizes.some((size) => size === 0)) throw corruptFile(`chunks of (${sizes.join(", ")})`, place);
  return { kind: "chunked", tree, chunkShape: sizes.slice(0, -1), elementBytes: sizes.at(-1)! };
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
