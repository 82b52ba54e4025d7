/**
 * fractal-heap: where links and attributes lie that are too many for an object's header.
 *
 *   header      "FRHP" | 0 | bytes of an id u16 | bytes of filters u16 | flags u8 (2: direct blocks have checksums) | largest managed
 *               object u32 | next huge id: length | tree of huge objects: address | counts and free space | table | checksum
 *   table       width u16 | first block, largest direct block: length | bits of an offset u16 | rows at first u16 | root | its rows u16
 *   direct      "FHDB" | 0 | header | block's offset | [checksum] | objects
 *   indirect    "FHIB" | 0 | header | block's offset | addresses: rows x width | checksum
 *
 * The blocks make up one space, in which an object is told by its offset and length. A row of an indirect block holds `width`
 * blocks of one size, and the rows get larger until they are indirect blocks themselves:
 *
 *   row 0   512   512   512   512        row 3  2048 …
 *       1   512   512   512   512        …
 *       2  1024  1024  1024  1024        9      indirect blocks of 131072, of which each has the rows 0 to 6
 *
 *   id          kind u8: 0 managed    | offset | length, in as few bytes as the largest need
 *                        0x10 huge    | key into the tree of huge objects: its address and length
 *
 * Huge objects have more than 4 KiB, such as a list of names. Tiny ones, which lie in the id itself, would be smaller than any link.
 *
 * Source  section III.G; hdf5/src/H5HFdtable.c (H5HF__dtable_init), H5HFhdr.c, H5HFhuge.c for the widths
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import { Cursor } from "../cursor.ts";
import { recordType, walkTree2 } from "./btree2.ts";
import { lookup3, verifyLookup3 } from "./checksum.ts";
import { type FileImage, lazy, unsigned } from "./image.ts";

const kinds = { managed: 0, huge: 0x10 } as const;
const checksummed = 2;
/** The library takes 32 and 40 bits; beyond 52, a number would not be exact. */
const mostOffsetBits = 52;

/** A direct block, and where its objects may start. */
interface DirectBlock {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly headBytes: number;
}

interface HugeObject {
  readonly address: number;
  readonly sizeBytes: number;
}

/** A heap, of which blocks are read when an object in them is asked for. */
export class FractalHeap {
  /** Bytes of an object's id. */
  readonly idBytes: number;
  readonly #image: FileImage;
  readonly #address: number;
  readonly #place: readonly string[];
  readonly #flags: number;
  readonly #largestManaged: number;
  readonly #hugeTree: number | null;
  readonly #width: number;
  readonly #firstBytes: number;
  readonly #largestDirect: number;
  readonly #offsetBits: number;
  readonly #root: number | null;
  readonly #rootRows: number;
  readonly #directBlocks = new Map<number, DirectBlock>();
  /** Addresses of children, by the offset and rows of an indirect block. */
  readonly #indirectBlocks = new Map<string, readonly (number | null)[]>();
  readonly #huge: () => ReadonlyMap<number, HugeObject>;
  /** Bytes of direct blocks that no object has taken yet: objects don't overlap. */
  #unreadBytes = 0;

  constructor(image: FileImage, address: number, place: readonly string[]) {
    const { addressBytes, lengthBytes } = image;
    const head = image.block(address, 26 + 3 * addressBytes + 12 * lengthBytes, "FRHP", "a fractal heap", place);
    this.#image = image;
    this.#address = address;
    this.#place = place;
    this.idBytes = head.u16();
    if (head.u16() > 0) throw unsupportedFeature("an HDF5 heap with filters", place, "save groups without compression");
    this.#flags = head.u8();
    this.#largestManaged = head.u32();
    head.skip(lengthBytes);
    this.#hugeTree = image.address(head);
    head.skip(lengthBytes);
    image.address(head);
    head.skip(8 * lengthBytes);
    this.#width = head.u16();
    this.#firstBytes = image.length(head);
    this.#largestDirect = image.length(head);
    this.#offsetBits = head.u16();
    head.skip(2);
    this.#root = image.address(head);
    this.#rootRows = head.u16();
    verifyLookup3(head, 0, "a fractal heap");
    const sizes = [this.#width, this.#firstBytes, this.#largestDirect];
    if (
      !sizes.every((size) => Number.isInteger(Math.log2(size))) ||
      this.#largestDirect < this.#firstBytes ||
      this.#largestManaged === 0 ||
      this.#offsetBits > mostOffsetBits ||
      this.#width * this.#firstBytes * 2 ** this.#rootRows > 2 ** (this.#offsetBits + 1)
    ) {
      throw corruptFile(`a fractal heap of ${this.#rootRows} rows, with blocks of ${sizes.join(", ")}`, place);
    }
    this.#huge = lazy(() => this.#readHuge());
  }

  /** The object with an id. Each is read once. */
  object(id: Uint8Array): Uint8Array {
    const cursor = new Cursor(id, this.#place);
    const kind = cursor.u8();
    if (kind === kinds.huge) return this.#hugeObject(cursor);
    if (kind !== kinds.managed) throw unsupportedFeature(`an HDF5 heap with an object of kind ${kind}`, this.#place);
    const offset = unsigned(cursor, this.#offsetBytes);
    const sizeBytes = unsigned(cursor, this.#sizeBytes);
    const block = this.#directBlock(offset);
    const start = offset - block.offset;
    this.#unreadBytes -= sizeBytes;
    if (start < block.headBytes || start + sizeBytes > block.bytes.length || this.#unreadBytes < 0) {
      throw corruptFile(`an object of ${sizeBytes} bytes at ${offset} of the heap at ${this.#address}`, this.#place);
    }
    return block.bytes.subarray(start, start + sizeBytes);
  }

  get #offsetBytes(): number {
    return Math.ceil(this.#offsetBits / 8);
  }

  /** Bytes of an object's size in its id. */
  get #sizeBytes(): number {
    return Math.min(Math.ceil(Math.log2(this.#largestDirect) / 8), Math.floor(Math.log2(this.#largestManaged) / 8) + 1);
  }

  // --------------------------------------------------------------------------------------------- managed objects

  /** The direct block that `offset` lies in. */
  #directBlock(offset: number): DirectBlock {
    let address = this.#root;
    let rows = this.#rootRows;
    let start = 0;
    let sizeBytes = this.#firstBytes;
    while (rows > 0) {
      const children = this.#indirectBlock(address, start, rows);
      let row = 0;
      for (sizeBytes = this.#firstBytes; offset >= start + this.#width * sizeBytes; row++) {
        start += this.#width * sizeBytes;
        if (row > 0) sizeBytes *= 2;
      }
      if (row >= rows) throw corruptFile(`the offset ${offset} beyond a fractal heap`, this.#place);
      const column = Math.floor((offset - start) / sizeBytes);
      address = children[row * this.#width + column]!;
      start += column * sizeBytes;
      rows = sizeBytes <= this.#largestDirect ? 0 : Math.log2(sizeBytes / (this.#width * this.#firstBytes)) + 1;
    }
    if (offset >= start + sizeBytes) throw corruptFile(`the offset ${offset} beyond a fractal heap`, this.#place);
    const found = this.#directBlocks.get(start);
    if (found) return found;
    const made = this.#readDirectBlock(address, start, sizeBytes);
    this.#directBlocks.set(start, made);
    return made;
  }

  #indirectBlock(address: number | null, start: number, rows: number): readonly (number | null)[] {
    const key = `${start} ${rows}`;
    const found = this.#indirectBlocks.get(key);
    if (found) return found;
    const count = rows * this.#width;
    const block = this.#block(address, start, "FHIB", count * this.#image.addressBytes + 4);
    const children = Array.from({ length: count }, () => this.#image.address(block));
    verifyLookup3(block, 0, "a heap's indirect block");
    this.#indirectBlocks.set(key, children);
    return children;
  }

  #readDirectBlock(address: number | null, offset: number, sizeBytes: number): DirectBlock {
    const block = this.#block(address, offset, "FHDB", sizeBytes - this.#frameBytes);
    const checksumAt = block.position;
    if (this.#flags & checksummed) block.skip(4);
    const headBytes = block.position;
    block.position = 0;
    const bytes = block.take(sizeBytes);
    if (this.#flags & checksummed) {
      const summed = bytes.slice();
      summed.fill(0, checksumAt, headBytes);
      block.position = checksumAt;
      if (block.u32() !== lookup3(summed))
        throw corruptFile("the checksum of a heap's block does not match", this.#place);
    }
    this.#unreadBytes += sizeBytes - headBytes;
    return { bytes, offset, headBytes };
  }

  /** Bytes in front of what a block holds. */
  get #frameBytes(): number {
    return 5 + this.#image.addressBytes + this.#offsetBytes;
  }

  /** A block of this heap, behind what all of them start with. */
  #block(address: number | null, offset: number, signature: string, contentBytes: number): Cursor {
    const what = "a block of a fractal heap";
    if (address === null || contentBytes < 4) throw corruptFile(`no block at offset ${offset} of a heap`, this.#place);
    const block = this.#image.block(address, this.#frameBytes + contentBytes, signature, what, this.#place);
    const [owner, found] = [this.#image.address(block), unsigned(block, this.#offsetBytes)];
    if (owner !== this.#address || found !== offset) {
      throw corruptFile(
        `expected the block at ${offset} of the heap at ${this.#address}, got ${found} of ${owner}`,
        this.#place,
      );
    }
    return block;
  }

  // ------------------------------------------------------------------------------------------------ huge objects

  #hugeObject(id: Cursor): Uint8Array {
    const { addressBytes, lengthBytes } = this.#image;
    if (addressBytes + lengthBytes < this.idBytes) {
      throw unsupportedFeature(`an HDF5 heap with ids of ${this.idBytes} bytes`, this.#place);
    }
    const key = unsigned(id, Math.min(8, id.remainingBytes));
    const found = this.#huge().get(key);
    if (!found) throw corruptFile(`no huge object ${key} in the heap at ${this.#address}`, this.#place);
    return this.#image.claim(found.address, found.sizeBytes, "a huge object", this.#place).take(found.sizeBytes);
  }

  #readHuge(): Map<number, HugeObject> {
    const objects = new Map<number, HugeObject>();
    const image = this.#image;
    if (this.#hugeTree === null) return objects;
    walkTree2(image, this.#hugeTree, recordType.hugeObjects, this.#place, (record) => {
      const [address, sizeBytes] = [image.requiredAddress(record, "a huge object"), image.length(record)];
      objects.set(image.length(record), { address, sizeBytes });
    });
    return objects;
  }
}
