/**
 * chunk-index: where the chunks of a dataset lie. The layout message says which kind of index it is.
 *
 *   tree         a B-tree of version 1 (btree.ts), of layout version 3. Key: bytes of the chunk u32 | mask of filters left out u32
 *                | first index per axis u64 | 0 u64
 *   single       there is one chunk: its address and size stand in the layout
 *   implicit     all chunks lie behind each other, without filters
 *   fixed        an array of entries, for a dataset that may not grow (chunk-arrays.ts)
 *   extensible   the same for one that may grow along one axis
 *   tree2        a B-tree of version 2 (btree2.ts), for more such axes: entry | number of the chunk along each axis u64
 *
 *   entry        address; where there are filters also: bytes of the chunk | mask of filters left out u32
 *
 * Arrays number the chunks row by row, in the grid of the largest shape that the dataset may have; an axis without limit counts
 * slowest. A chunk that is not in the index, or has no address, was never written.
 *
 * Source  sections III.A.1 (node type 1), III.A.2 (types 10 and 11), VII.A to D; hdf5/src/H5Dearray.c (H5D__earray_idx_get_addr)
 */
import { corruptFile } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import { denseBytes } from "../limits.ts";
import { treeType, walkTree } from "./btree.ts";
import { recordType, walkTree2 } from "./btree2.ts";
import { readExtensibleArray, readFixedArray } from "./chunk-arrays.ts";
import type { Chunk, ChunkedArray } from "./chunks.ts";
import { type FileImage, unsigned } from "./image.ts";

/** What the layout message says of an index. */
export interface ChunkIndex {
  readonly kind: "tree" | "single" | "implicit" | "fixed" | "extensible" | "tree2";
  readonly address: number | null;
  /** A single chunk's bytes and mask, where it went through filters. */
  readonly single?: Pick<Stored, "storedBytes" | "skippedFilters">;
  /** Whether chunks that stick out of the dataset are stored without filters. */
  readonly plainEdges: boolean;
}

interface Stored {
  readonly address: number;
  readonly storedBytes: number;
  readonly skippedFilters: number;
}

/** Lists the stored chunks of a dataset; each lies on the grid, within the shape, once. */
export function readChunkIndex(
  image: FileImage,
  { kind, address, single, plainEdges }: ChunkIndex,
  array: ChunkedArray,
  place: readonly string[],
): Chunk[] {
  const { shape, chunkShape } = array;
  const chunks: Chunk[] = [];
  if (address === null) return chunks;
  const seen = new Set<string>();
  const add = (first: readonly number[], stored: Stored | null): void => {
    if (!stored) return;
    const name = first.join(", ");
    const onGrid = first.every((index, axis) => index % chunkShape[axis]! === 0 && index < shape[axis]!);
    if (!onGrid || seen.has(name)) throw corruptFile(`a chunk at (${name}) of (${shape.join(", ")})`, place);
    seen.add(name);
    const chunk = image.claim(stored.address, stored.storedBytes, "a chunk", place).section(stored.storedBytes);
    const plain = plainEdges && first.some((index, axis) => index + chunkShape[axis]! > shape[axis]!);
    chunks.push({ first, stored: chunk, skippedFilters: plain ? everyFilter : stored.skippedFilters });
  };
  const chunkBytes = denseBytes(chunkShape, array.elementBytes, place);
  const firstOf = (numbers: readonly number[]) => numbers.map((number, axis) => number * chunkShape[axis]!);
  const entry = (cursor: Cursor, entryBytes: number) => readEntry(image, cursor, entryBytes, chunkBytes, array, place);

  if (kind === "tree") {
    const keyBytes = 8 + 8 * (shape.length + 1);
    walkTree(image, address, { nodeType: treeType.chunks, keyBytes }, place, (key, child) => {
      const [storedBytes, skippedFilters] = [key.u32(), key.u32()];
      const first = shape.map(() => key.u64());
      add(first, { address: child, storedBytes, skippedFilters });
    });
  } else if (kind === "single") {
    const first = shape.map(() => 0);
    add(first, { address, ...(single ?? { storedBytes: chunkBytes, skippedFilters: 0 }) });
  } else if (kind === "tree2") {
    const type = array.filters.length > 0 ? recordType.filteredChunks : recordType.chunks;
    walkTree2(image, address, type, place, (record) => {
      const stored = entry(record, record.remainingBytes - 8 * shape.length);
      add(firstOf(shape.map(() => record.u64())), stored);
    });
  } else {
    const grid = gridOf(array, kind === "extensible", place);
    const addNumbered = (number: number, stored: Stored | null): void => add(firstOf(grid.numbersOf(number)), stored);
    const entries = {
      filtered: array.filters.length > 0,
      read: (number: number, cursor: Cursor, entryBytes: number) => addNumbered(number, entry(cursor, entryBytes)),
    };
    if (kind === "fixed") readFixedArray(image, address, grid.chunks, entries, place);
    else if (kind === "extensible") readExtensibleArray(image, address, entries, place);
    else {
      image.peek(address, grid.chunks * chunkBytes, "chunks", place);
      // Those within the shape alone, each of which is claimed: there may be room for any number more.
      for (const number of grid.numbersWithin(shape)) {
        const stored = { address: address + number * chunkBytes, storedBytes: chunkBytes, skippedFilters: 0 };
        add(firstOf(grid.numbersOf(number)), stored);
      }
    }
  }
  return chunks;
}

/** A mask with every bit set. */
const everyFilter = 0xffffffff;

/** What an array or a tree of version 2 keeps of a chunk; null where it was never written. */
function readEntry(
  image: FileImage,
  cursor: Cursor,
  entryBytes: number,
  chunkBytes: number,
  { filters }: ChunkedArray,
  place: readonly string[],
): Stored | null {
  const sizeBytes = entryBytes - image.addressBytes - 4;
  if (filters.length === 0 ? entryBytes !== image.addressBytes : sizeBytes < 1 || sizeBytes > 8) {
    throw corruptFile(`${entryBytes} bytes for the address of a chunk`, place);
  }
  const address = image.address(cursor);
  const storedBytes = filters.length === 0 ? chunkBytes : unsigned(cursor, sizeBytes);
  const skippedFilters = filters.length === 0 ? 0 : cursor.u32();
  return address === null ? null : { address, storedBytes, skippedFilters };
}

/** How the chunks are numbered. */
function gridOf({ shape, largest, chunkShape }: ChunkedArray, grows: boolean, place: readonly string[]) {
  const growing = largest.flatMap((size, axis) => (size === null ? [axis] : []));
  const fits = shape.every((size, axis) => size <= (largest[axis] ?? Number.POSITIVE_INFINITY));
  if (growing.length !== (grows ? 1 : 0) || !fits) {
    const sizes = largest.map((size) => size ?? "any").join(", ");
    throw corruptFile(`an array of (${shape.join(", ")}) that may grow to (${sizes}), with such an index`, place);
  }
  const counts = largest.map((size, axis) => (size === null ? 1 : Math.ceil(size / chunkShape[axis]!)));
  const slowestFirst = [...growing, ...shape.map((_, axis) => axis).filter((axis) => !growing.includes(axis))];
  return {
    /** All there may ever be; along an axis without limit one. */
    chunks: denseBytes(counts, 1, place),
    /** The numbers in all of the chunks that a shape takes. */
    *numbersWithin(sizes: readonly number[], axis = 0, before = 0): Generator<number> {
      if (axis === sizes.length) yield before;
      else {
        const count = Math.ceil(sizes[axis]! / chunkShape[axis]!);
        for (let index = 0; index < count; index++)
          yield* this.numbersWithin(sizes, axis + 1, before * counts[axis]! + index);
      }
    },
    /** The number of a chunk along each axis, by its number in all. */
    numbersOf(number: number): number[] {
      const numbers = shape.map(() => 0);
      let rest = number;
      for (const axis of slowestFirst.slice(1).reverse()) {
        numbers[axis] = rest % counts[axis]!;
        rest = Math.floor(rest / counts[axis]!);
      }
      numbers[slowestFirst[0]!] = rest;
      return numbers;
    },
  };
}
