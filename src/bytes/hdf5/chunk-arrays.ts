/**
 * chunk-arrays: the two arrays that index chunks by their number. An entry tells where a chunk lies (chunk-index.ts).
 *
 *   fixed array
 *     header       "FAHD" | 0 | filtered u8 | bytes of an entry u8 | bits of a page u8 | entries: length | data block | checksum
 *     data block   "FADB" | 0 | filtered u8 | header | entries | checksum
 *       in pages   "FADB" | 0 | filtered u8 | header | a bit for each page | checksum | pages: entries, checksum
 *
 *   extensible array
 *     header       "EAHD" | 0 | filtered u8 | bytes of an entry, bits of an entry's number, entries of the index block, entries of the
 *                  smallest data block, data blocks of the smallest super block, bits of a page: u8 each | counts: 6 lengths
 *                  | index block | checksum
 *     index block  "EAIB" | 0 | filtered u8 | header | first entries | data blocks | super blocks | checksum
 *     super block  "EASB" | 0 | filtered u8 | header | offset | a bit for each page | data blocks | checksum
 *     data block   "EADB" | 0 | filtered u8 | header | offset | entries, or as pages behind a checksum | checksum
 *
 *                  entries   data blocks of 16 each     the index block holds the addresses of the data blocks of the first
 *                  level 0   [16]                       levels itself, and for each further level that of a super block
 *                        1   [32]
 *                        2   [32][32]
 *                        3   [64][64]
 *                        4   [64][64][64][64] …
 *
 * More entries than a page holds are in pages; the bit of a page that was never written is 0. The highest bit of a byte comes first.
 *
 * Source  sections VII.C and VII.D; hdf5/src/H5FApkg.h, H5EApkg.h, H5EA.c (H5EA__lookup_elmt) for the bits of pages
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import { verifyLookup3 } from "./checksum.ts";
import type { FileImage } from "./image.ts";

/** What is done with the entries. */
export interface Entries {
  readonly filtered: boolean;
  /** Reads the entry with a number from where the cursor stands. */
  readonly read: (number: number, cursor: Cursor, entryBytes: number) => void;
}

/** Reads all entries of the fixed array at `address`, which has to have `count` of them. */
export function readFixedArray(
  image: FileImage,
  address: number,
  count: number,
  entries: Entries,
  place: readonly string[],
): void {
  const { addressBytes, lengthBytes } = image;
  const head = image.block(address, 12 + lengthBytes + addressBytes, "FAHD", "a fixed array", place);
  expectFiltered(head, entries);
  const [entryBytes, pageBits] = [head.u8(), head.u8()];
  const [found, start] = [image.length(head), image.address(head)];
  verifyLookup3(head, 0, "a fixed array");
  if (found !== count) throw corruptFile(`expected a fixed array of ${count} chunks, got ${found}`, place);
  if (start === null) return;
  const paging = { entryBytes, pageEntries: 2 ** pageBits };
  const { pages, contentBytes } = measure(count, paging);
  const bitsBytes = Math.ceil(pages / 8);
  const headBytes = 6 + addressBytes + bitsBytes;
  const block = image.block(start, headBytes + contentBytes, "FADB", "a fixed array's block", place);
  expectOwner(image, block, address, entries);
  const written = block.take(bitsBytes);
  readEntries(block, count, paging, entries, 0, (page) => isSet(written, page));
}

/** Reads all entries of the extensible array at `address` for which there is a place in the file. */
export function readExtensibleArray(
  image: FileImage,
  address: number,
  entries: Entries,
  place: readonly string[],
): void {
  const { addressBytes, lengthBytes } = image;
  const head = image.block(address, 16 + 6 * lengthBytes + addressBytes, "EAHD", "an extensible array", place);
  expectFiltered(head, entries);
  const [entryBytes, numberBits, indexEntries] = [head.u8(), head.u8(), head.u8()];
  const [smallestBlock, smallestSuper, pageBits] = [head.u8(), head.u8(), head.u8()];
  head.skip(6 * lengthBytes);
  const start = image.address(head);
  verifyLookup3(head, 0, "an extensible array");
  const [blockBits, superBits] = [Math.log2(smallestBlock), Math.log2(smallestSuper)];
  const levels = 1 + numberBits - blockBits;
  /** Levels whose data blocks the index block holds itself. */
  const direct = 2 * superBits;
  if (!Number.isInteger(blockBits) || !Number.isInteger(superBits) || numberBits > 64 || levels < direct) {
    const found = [numberBits, indexEntries, smallestBlock, smallestSuper].join(", ");
    throw corruptFile(`an extensible array of ${found}`, place);
  }
  if (start === null) return;

  const paging = { entryBytes, pageEntries: 2 ** pageBits };
  const offsetBytes = Math.ceil(numberBits / 8);
  const addressesOf = (cursor: Cursor, count: number) => Array.from({ length: count }, () => image.address(cursor));
  const readBlock = (at: number, count: number, first: number, isWritten: (page: number) => boolean): void => {
    const { contentBytes } = measure(count, paging);
    const headBytes = 6 + addressBytes + offsetBytes;
    const block = image.block(at, headBytes + contentBytes, "EADB", "an extensible array's block", place);
    expectOwner(image, block, address, entries);
    block.skip(offsetBytes);
    readEntries(block, count, paging, entries, first, isWritten);
  };

  const directBlocks = 2 * (smallestSuper - 1);
  const indexBytes = 10 + addressBytes + indexEntries * entryBytes + (directBlocks + levels - direct) * addressBytes;
  const index = image.block(start, indexBytes, "EAIB", "an extensible array's index block", place);
  expectOwner(image, index, address, entries);
  const firstEntries = index.skip(indexEntries * entryBytes);
  const blocks = addressesOf(index, directBlocks);
  const supers = addressesOf(index, levels - direct);
  verifyLookup3(index, 0, "an extensible array's index block");
  index.position = firstEntries;
  for (let number = 0; number < indexEntries; number++) entries.read(number, index, entryBytes);

  let first = indexEntries;
  for (let level = 0; level < levels; level++) {
    const blocksOfLevel = 2 ** Math.floor(level / 2);
    const blockEntries = 2 ** Math.floor((level + 1) / 2) * smallestBlock;
    const { pages } = measure(blockEntries, paging);
    if (level < direct) {
      if (pages > 0) throw unsupportedFeature("an HDF5 extensible array with pages in its index block", place);
      for (const at of blocks.splice(0, blocksOfLevel)) {
        if (at !== null) readBlock(at, blockEntries, first, () => true);
        first += blockEntries;
      }
      continue;
    }
    const at = supers[level - direct]!;
    if (at !== null) {
      const bitsBytes = blocksOfLevel * Math.ceil(pages / 8);
      const superBytes = 10 + addressBytes + offsetBytes + bitsBytes + blocksOfLevel * addressBytes;
      const block = image.block(at, superBytes, "EASB", "an extensible array's super block", place);
      expectOwner(image, block, address, entries);
      block.skip(offsetBytes);
      const written = block.take(bitsBytes);
      const inside = addressesOf(block, blocksOfLevel);
      verifyLookup3(block, 0, "an extensible array's super block");
      inside.forEach((start, index) => {
        if (start === null) return;
        readBlock(start, blockEntries, first + index * blockEntries, (page) => isSet(written, index * pages + page));
      });
    }
    first += blocksOfLevel * blockEntries;
  }
}

interface Paging {
  readonly entryBytes: number;
  readonly pageEntries: number;
}

/** Pages of a data block with `count` entries, 0 where it has none; and its bytes, with checksums, behind its head. */
function measure(count: number, { entryBytes, pageEntries }: Paging): { pages: number; contentBytes: number } {
  const pages = count > pageEntries ? Math.ceil(count / pageEntries) : 0;
  return { pages, contentBytes: count * entryBytes + 4 * (pages + 1) };
}

/** Reads the entries of a data block, from behind its head. */
function readEntries(
  block: Cursor,
  count: number,
  { entryBytes, pageEntries }: Paging,
  entries: Entries,
  first: number,
  isWritten: (page: number) => boolean,
): void {
  const { pages } = measure(count, { entryBytes, pageEntries });
  if (pages > 0) verifyLookup3(block, 0, "an array's block");
  const perPage = pages > 0 ? pageEntries : count;
  for (let page = 0; page * perPage < count; page++) {
    const inPage = Math.min(perPage, count - page * perPage);
    const start = block.skip(inPage * entryBytes);
    const end = block.position + 4;
    if (pages === 0 || isWritten(page)) {
      verifyLookup3(block, pages > 0 ? start : 0, "an array's page");
      block.position = start;
      for (let index = 0; index < inPage; index++) entries.read(first + page * perPage + index, block, entryBytes);
    }
    block.position = end;
  }
}

function isSet(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3]! << (index & 7)) & 0x80) !== 0;
}

/** The kind of entries, as the array's header and each of its blocks say it. */
function expectFiltered(cursor: Cursor, { filtered }: Entries): void {
  if (cursor.u8() !== (filtered ? 1 : 0))
    throw corruptFile("an index of other chunks than the dataset's", cursor.place);
}

function expectOwner(image: FileImage, block: Cursor, address: number, entries: Entries): void {
  expectFiltered(block, entries);
  const owner = image.address(block);
  if (owner !== address)
    throw corruptFile(`expected a block of the array at ${address}, got one of ${owner}`, block.place);
}
