/** The checksums, at every length around their loops' steps, against their definitions. */
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { crc32, crc32ByTables } from "../../src/bytes/crc32.ts";
import { fletcher32, lookup3 } from "../../src/bytes/hdf5/checksum.ts";
import { inflateZlib } from "../../src/bytes/inflate.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const sample = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 197 + (index >> 3) * 31) & 255);

/** One bit at a time, as the polynomial says. */
function crcByBits(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

describe.each([
  ["of the runtime", crc32],
  ["by tables", crc32ByTables],
])("crc32 %s", (_, crc) => {
  test("the check value of its specification", () => expect(crc(ascii("123456789"))).toBe(0xcbf43926));
  test.each([0, 1, 7, 8, 9, 15, 16, 17, 1000])("%i bytes, also in two pieces", (length) => {
    const bytes = sample(length);
    expect(crc(bytes)).toBe(crcByBits(bytes));
    expect(crc(bytes.subarray(length >> 1), crc(bytes.subarray(0, length >> 1)))).toBe(crcByBits(bytes));
    expect(crc(new Uint8Array(0), crc(bytes))).toBe(crcByBits(bytes));
  });
});

/** Values of lookup3.c's own driver, and of h5py's files elsewhere in these tests. */
test("lookup3", () => {
  expect(lookup3(ascii(""))).toBe(0xdeadbeef);
  expect(lookup3(ascii("Four score and seven years ago"))).toBe(0x17770551);
});

/** The same sums with BigInt and without delayed reduction. */
test.each([0, 1, 2, 719, 720, 721, 5000])("fletcher32 of %i bytes", (length) => {
  const bytes = sample(length);
  let [low, high] = [0n, 0n];
  for (let index = 0; index < length; index += 2) {
    low += BigInt((bytes[index]! << 8) | (bytes[index + 1] ?? 0));
    high += low;
  }
  const fold = (sum: bigint) => (sum === 0n ? 0n : ((sum - 1n) % 65535n) + 1n);
  expect(fletcher32(bytes)).toBe(Number((fold(high) << 16n) | fold(low)));
});

test.each([0, 1, 3799, 3800, 3801, 100_000])("zlib data of %i bytes", (length) => {
  const compressed = new Uint8Array(deflateSync(sample(length)));
  expect(inflateZlib(compressed, length, [])).toEqual(sample(length));
  compressed[compressed.length - 1]! ^= 1;
  expect(() => inflateZlib(compressed, length, [])).toThrow(/checksum/);
});
