/**
 * Cursor: reading little-endian numbers one after the other, never past the end.
 *
 *   bytes  |........[start        position        end)........|
 *
 * Every read checks that its bytes are there, and a failure says where in the file it happened. 64-bit numbers come back
 * as JavaScript numbers, which hold integers below 2^53 exactly; larger ones are refused, since no file has such offsets.
 */
import { corruptFile } from "../error.ts";
import { printable } from "./printable.ts";

export class Cursor {
  readonly bytes: Uint8Array;
  readonly place: readonly string[];
  readonly end: number;
  /** Next byte to be read, an offset into `bytes`. */
  position: number;
  readonly #view: DataView;

  /** Reads `bytes` in `[start, end)`; `place` is named in errors. */
  constructor(bytes: Uint8Array, place: readonly string[], start = 0, end = bytes.length) {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw corruptFile(`expected bytes ${start} to ${end}, but there are only ${bytes.length}`, place);
    }
    this.bytes = bytes;
    this.place = place;
    this.position = start;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
    return this.#view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  u64(): number {
    const start = this.skip(8);
    const high = this.#view.getUint32(start + 4, true);
    if (high >= 0x200000) {
      throw corruptFile(
        `expected a number below 2^53 at offset ${start}, got ${this.#view.getBigUint64(start, true)}`,
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

  /** The next `count` bytes as a view, not a copy. */
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
