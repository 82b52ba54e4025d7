/**
 * image: what all parts of the HDF5 reader share: the file's bytes, how wide its addresses are, and who has read what.
 *
 * An HDF5 file is a heap of blocks that point to each other by address. In a sound file no two blocks overlap, so every block is
 * claimed before it is read, and once: a second claim on an address, or claims that add up to more than the file, mean a
 * cycle or an overlap. So whatever a hostile file says, the work and the memory it causes are bounded by its size.
 *
 * Source  HDF5 File Format Specification 3.0 (support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html), section II;
 *         section numbers in this folder's other files are of the same document
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Bytes } from "../../platform/bytes.ts";
import { Cursor } from "../cursor.ts";

/** `make`, run when first asked for; afterwards its result, or its failure, again. */
export function lazy<T>(make: () => T): () => T {
  let outcome: { value: T } | { error: unknown } | undefined;
  return () => {
    if (!outcome) {
      try {
        outcome = { value: make() };
      } catch (error) {
        outcome = { error };
      }
    }
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  };
}

export class FileImage {
  readonly bytes: Bytes;
  readonly place: readonly string[];
  /** Width of an address ("size of offsets") and of a length, 4 or 8. */
  readonly addressBytes: number;
  readonly lengthBytes: number;
  readonly #claimed = new Set<number>();
  #claimedBytes = 0;
  readonly #kept = new Map<string, () => unknown>();
  readonly #groups = new Set<number>();

  /** Run before the numbers of a dataset are read. */
  readonly beforeNumbers: () => void;

  constructor(
    bytes: Bytes,
    place: readonly string[],
    addressBytes: number,
    lengthBytes: number,
    beforeNumbers: () => void,
  ) {
    this.beforeNumbers = beforeNumbers;
    this.bytes = bytes;
    this.place = place;
    this.addressBytes = addressBytes;
    this.lengthBytes = lengthBytes;
  }

  /** A cursor on `sizeBytes` bytes at `address`, to look at a block before its size is known. */
  peek(address: number, sizeBytes: number, what: string, place: readonly string[]): Cursor {
    if (!(address + sizeBytes <= this.bytes.length)) {
      throw corruptFile(
        `expected ${what} of ${sizeBytes} bytes at address ${address}, but the file ends at ${this.bytes.length}`,
        place,
      );
    }
    return new Cursor(this.bytes, place, address, address + sizeBytes);
  }

  /** A cursor on the block at `address`, which nobody else reads. */
  claim(address: number, sizeBytes: number, what: string, place: readonly string[]): Cursor {
    const cursor = this.peek(address, sizeBytes, what, place);
    this.#claimedBytes += sizeBytes;
    if (this.#claimed.has(address) || this.#claimedBytes > this.bytes.length) {
      throw corruptFile(`${what} at address ${address} overlaps another block of the file`, place);
    }
    this.#claimed.add(address);
    return cursor;
  }

  /**
   * A cursor on the content of the block at `address`, which nobody else reads; its positions count from the block's start. The
   * block opens with `signature` and version 0, as all do that came with libver="latest"; the cursor stands behind those.
   */
  block(address: number, sizeBytes: number, signature: string, what: string, place: readonly string[]): Cursor {
    const block = new Cursor(this.claim(address, sizeBytes, what, place).take(sizeBytes), place);
    block.expect(signature, what);
    const version = block.u8();
    if (version !== 0) throw unsupportedFeature(`an HDF5 block of version ${version} (${signature})`, place);
    return block;
  }

  /** The block of one kind at `address`, parsed when first asked for: for blocks that several others share. */
  once<T>(kind: string, address: number, parse: () => T): T {
    const key = `${kind} ${address}`;
    let kept = this.#kept.get(key);
    if (!kept) this.#kept.set(key, (kept = lazy(parse)));
    return kept() as T;
  }

  /** Notes that a group has been met; false the second time, when two links lead to it. */
  enterGroup(address: number): boolean {
    return this.#groups.size < this.#groups.add(address).size;
  }

  /** Reads an address; null stands for "undefined", all bits set. */
  address(cursor: Cursor): number | null {
    return unlessAllSet(cursor, this.addressBytes);
  }

  /** Reads an address that must be there. */
  requiredAddress(cursor: Cursor, what: string): number {
    return this.address(cursor) ?? refuseUndefined(what, cursor.place);
  }

  length(cursor: Cursor): number {
    return cursor.uint(this.lengthBytes);
  }

  /** Reads the length that an axis may grow to; null stands for "unlimited", all bits set. */
  limit(cursor: Cursor): number | null {
    return unlessAllSet(cursor, this.lengthBytes);
  }
}

function unlessAllSet(cursor: Cursor, sizeBytes: number): number | null {
  const start = cursor.position;
  if (cursor.take(sizeBytes).every((byte) => byte === 0xff)) return null;
  cursor.position = start;
  return cursor.uint(sizeBytes);
}

/** Reads an unsigned integer of 1 to 8 bytes: HDF5 takes as many as the largest value in its place needs. */
export function unsigned(cursor: Cursor, sizeBytes: number): number {
  const { place } = cursor;
  const value = cursor.take(sizeBytes).reduceRight((sum, byte) => 256 * sum + byte, 0);
  if (sizeBytes > 8 || !Number.isSafeInteger(value)) throw corruptFile(`an integer of ${sizeBytes} bytes`, place);
  return value;
}

function refuseUndefined(what: string, place: readonly string[]): never {
  throw corruptFile(`expected the address of ${what}, got none`, place);
}
