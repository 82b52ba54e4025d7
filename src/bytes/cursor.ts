/**
 * Cursor: reading little-endian numbers one after the other, never past the end.
 *
 *   bytes  |........[start        position        end)........|
 *
 * Every read checks that its bytes are there, and a failure says where in the file it happened. 64-bit numbers come back
 * as JavaScript numbers, which hold integers below 2^53 exactly; larger ones are refused, since no file has such offsets.
 */
import { corruptFile } from "../error.ts";
import { type Bytes, section } from "../platform/bytes.ts";
import { printable } from "./printable.ts";

const emptyView = new DataView(new ArrayBuffer(0));
/** Of bytes that are not in memory, so many are read when a number is. */
const windowBytes = 4096;

export class Cursor {
  readonly bytes: Bytes;
  readonly place: readonly string[];
  readonly end: number;
  /** Next byte to be read, an offset into `bytes`. */
  position: number;
  /** The bytes `[#from, #to)`, which are in memory: numbers are read out of them. */
  #view: DataView;
  #from = 0;
  #to = 0;

  /** Reads `bytes` in `[start, end)`; `place` is named in errors. */
  constructor(bytes: Bytes, place: readonly string[], start = 0, end = bytes.length) {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw corruptFile(`expected bytes ${start} to ${end}, but there are only ${bytes.length}`, place);
    }
    this.bytes = bytes;
    this.place = place;
    this.position = start;
    this.end = end;
    this.#view = emptyView;
    if (bytes instanceof Uint8Array) this.#look(bytes, 0);
  }

  #look(bytes: Uint8Array, from: number): void {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#from = from;
    this.#to = from + bytes.length;
  }

  /** Steps over a number of `count` bytes, and gives where it starts in the view. */
  #number(count: number): number {
    const start = this.skip(count);
    if (start < this.#from || start + count > this.#to) {
      this.#look(this.bytes.subarray(start, Math.min(start + windowBytes, this.end)), start);
    }
    return start - this.#from;
  }

  get remainingBytes(): number {
    return this.end - this.position;
  }

  /** Steps over `count` bytes and returns where they start. */
  skip(count: number): number {
    const start = this.position;
    if (!(count >= 0 && count <= this.end - start)) {
      throw corruptFile(`expected ${count} bytes at offset ${start}, got ${this.end - start}`, this.place);
    }
    this.position = start + count;
    return start;
  }

  u8(): number {
    const at = this.#number(1);
    return this.#view.getUint8(at);
  }

  u16(): number {
    const at = this.#number(2);
    return this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.#number(4);
    return this.#view.getUint32(at, true);
  }

  u64(): number {
    const start = this.#number(8);
    const high = this.#view.getUint32(start + 4, true);
    if (high >= 0x200000) {
      throw corruptFile(
        `expected a number below 2^53 at offset ${this.position - 8}, got ${this.#view.getBigUint64(start, true)}`,
        this.place,
      );
    }
    return high * 0x100000000 + this.#view.getUint32(start, true);
  }

  /** An unsigned integer of 1, 2, 4 or 8 bytes. */
  uint(sizeBytes: number): number {
    if (sizeBytes === 1) return this.u8();
    if (sizeBytes === 2) return this.u16();
    if (sizeBytes === 4) return this.u32();
    if (sizeBytes === 8) return this.u64();
    throw corruptFile(
      `expected an integer of 1, 2, 4 or 8 bytes at offset ${this.position}, got ${sizeBytes}`,
      this.place,
    );
  }

  /** The next `count` bytes, to be read later: as a view, not a copy. */
  section(count: number): Bytes {
    const start = this.skip(count);
    return section(this.bytes, start, start + count);
  }

  /** The next `count` bytes: of a file in memory a view, not a copy. */
  take(count: number): Uint8Array {
    const start = this.skip(count);
    return this.bytes.subarray(start, start + count);
  }

  /** The next `count` bytes as ASCII text, such as a signature. */
  ascii(count: number): string {
    return String.fromCharCode(...this.take(count));
  }

  /** Refuses the file unless the next bytes are `signature`. */
  expect(signature: string, what: string): void {
    const start = this.position;
    const found = this.ascii(signature.length);
    if (found !== signature) {
      throw corruptFile(
        `expected ${what} (${printable(signature)}) at offset ${start}, got ${printable(found)}`,
        this.place,
      );
    }
  }
}
