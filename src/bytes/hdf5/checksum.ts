/**
 * checksum: the two sums that HDF5 keeps of its blocks.
 *
 *   lookup3     Jenkins' hash of superblock 2 and 3 and of object headers 2, as the last four bytes of the block
 *   fletcher32  of a chunk's data, as its last four bytes, when that filter is on
 *
 * Source  Bob Jenkins, lookup3.c, hashlittle() (2006); section IV.A.1.b; hdf5/src/H5checksum.c (H5_checksum_fletcher32)
 */
import { corruptFile } from "../../error.ts";
import type { Cursor } from "../cursor.ts";

/** Reads four bytes and compares them with the hash of all that lies before them, from `start` on. */
export function verifyLookup3(cursor: Cursor, start: number, what: string): void {
  const computed = lookup3(cursor.bytes.subarray(start, cursor.position));
  if (cursor.u32() !== computed) throw corruptFile(`the checksum of ${what} does not match`, cursor.place);
}

const rotate = (value: number, count: number): number => (value << count) | (value >>> (32 - count));

/** Jenkins' lookup3 of `bytes`, initial value 0. */
export function lookup3(bytes: Uint8Array): number {
  const { length } = bytes;
  const byte = (index: number): number => (index < length ? bytes[index]! : 0);
  const word = (index: number): number =>
    byte(index) | (byte(index + 1) << 8) | (byte(index + 2) << 16) | (byte(index + 3) << 24);
  let a = (0xdeadbeef + length) | 0;
  let b = a;
  let c = a;
  if (length === 0) return c >>> 0;
  let index = 0;
  for (; length - index > 12; index += 12) {
    a = (a + word(index)) | 0;
    b = (b + word(index + 4)) | 0;
    c = (c + word(index + 8)) | 0;
    a = ((a - c) ^ rotate(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rotate(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 4)) | 0;
    b = (b + a) | 0;
  }
  a = (a + word(index)) | 0;
  b = (b + word(index + 4)) | 0;
  c = (c + word(index + 8)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}

/** Fletcher-32 over big-endian words of 16 bits; 360 words fit between two reductions. */
export function fletcher32(bytes: Uint8Array): number {
  const words = Math.ceil(bytes.length / 2);
  let low = 0;
  let high = 0;
  for (let word = 0; word < words; ) {
    const end = Math.min(word + 360, words);
    for (; word < end; word++) {
      low += (bytes[2 * word]! << 8) | (bytes[2 * word + 1] ?? 0);
      high += low;
    }
    low = (low & 0xffff) + (low >>> 16);
    high = (high & 0xffff) + (high >>> 16);
  }
  low = (low & 0xffff) + (low >>> 16);
  high = (high & 0xffff) + (high >>> 16);
  return ((high << 16) | low) >>> 0;
}
