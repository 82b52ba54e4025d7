/**
 * tar: the archive around PyTorch's oldest checkpoints.
 *
 *   [header: 512 bytes | content, padded to 512] … [two blocks of zeros]
 *   header: name at 0 (100) | size at 124, octal (12) | checksum at 148 (8) | type at 156 | "ustar" at 257 | prefix at 345 (155)
 *
 * Plain files only: names are looked up and never used as paths; links, folders and extensions are passed over.
 *
 * Source  POSIX.1-2017, pax: ustar Interchange Format
 */
import { corruptFile } from "../error.ts";
import { printable } from "./printable.ts";

const block = 512;
/** Entries of an archive that has four. */
const mostEntries = 1024;

/** Whether the bytes start as a tar archive in POSIX' form does. */
export function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= block && ascii(bytes, 257, 5) === "ustar" && checksum(bytes, 0) === octal(bytes, 148, 8);
}

/** The files of an archive, views of it, by name. */
export function readTar(bytes: Uint8Array, place: readonly string[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let position = 0;
  for (let count = 0; position + block <= bytes.length && bytes[position] !== 0; count++) {
    if (count === mostEntries) throw corruptFile(`a tar archive of more than ${mostEntries} entries`, place);
    const name = ascii(bytes, position, 100);
    const size = octal(bytes, position + 124, 12);
    if (checksum(bytes, position) !== octal(bytes, position + 148, 8) || size === null)
      throw corruptFile(`the tar header at byte ${position} is damaged`, place);
    const start = position + block;
    if (start + size > bytes.length)
      throw corruptFile(`expected ${size} bytes of "${printable(name)}", got ${bytes.length - start}`, place);
    const type = bytes[position + 156];
    if (type === 0 || type === 0x30) {
      const own = name.replace(/^\.\//, "");
      if (files.has(own)) throw corruptFile(`two entries are named "${printable(own)}"`, place);
      files.set(own, bytes.subarray(start, start + size));
    }
    position = start + Math.ceil(size / block) * block;
  }
  return files;
}

function ascii(bytes: Uint8Array, start: number, sizeBytes: number): string {
  const field = bytes.subarray(start, start + sizeBytes);
  const end = field.indexOf(0);
  return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
}

/** A number in octal digits; null for what is none, such as GNU's binary sizes. */
function octal(bytes: Uint8Array, start: number, sizeBytes: number): number | null {
  const text = ascii(bytes, start, sizeBytes).trim();
  return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : null;
}

/** The sum of a header's bytes, with spaces for the checksum itself. */
function checksum(bytes: Uint8Array, start: number): number {
  let sum = 0;
  for (let index = 0; index < block; index++) sum += index >= 148 && index < 156 ? 0x20 : bytes[start + index]!;
  return sum;
}
