/**
 * crc32: the checksum of zip entries, eight bytes a step.
 *
 * Tables T0..T7 hold the remainder of a byte followed by 0..7 zero bytes, so eight look-ups advance eight bytes.
 *
 * Source  Kounavis & Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation" (2008), slicing-by-8;
 *         polynomial 0xEDB88320 from APPNOTE.TXT 4.4.7
 */
import { runtimeCrc32 } from "../platform/host.ts";

let tables: Int32Array[] | undefined;

function makeTables(): Int32Array[] {
  const all = Array.from({ length: 8 }, () => new Int32Array(256));
  const [first] = all;
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
    first![byte] = remainder;
  }
  for (let index = 1; index < 8; index++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = all[index - 1]![byte]!;
      all[index]![byte] = (before >>> 8) ^ first![before & 255]!;
    }
  }
  return all;
}

/** CRC-32 of `bytes`, as an unsigned number; or of what `before` is the CRC-32 of, and then `bytes`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  // Node's gives 0 for no bytes, whatever came before.
  return bytes.length === 0 ? before : (runtimeCrc32() ?? crc32ByTables)(bytes, before);
}

/** The same in any runtime. */
export function crc32ByTables(bytes: Uint8Array, before = 0): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~before;
  let index = 0;
  for (const last = bytes.length - 8; index <= last; index += 8) {
    crc ^= bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24);
    crc =
      t7[crc & 255]! ^
      t6[(crc >>> 8) & 255]! ^
      t5[(crc >>> 16) & 255]! ^
      t4[crc >>> 24]! ^
      t3[bytes[index + 4]!]! ^
      t2[bytes[index + 5]!]! ^
      t1[bytes[index + 6]!]! ^
      t0[bytes[index + 7]!]!;
  }
  for (; index < bytes.length; index++) crc = t0[(crc ^ bytes[index]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
