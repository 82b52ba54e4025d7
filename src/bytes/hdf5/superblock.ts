/**
 * superblock: the first bytes of an HDF5 file, which tell how wide addresses are and where the root group lies.
 *
 *   version 0, 1   "\x89HDF\r\n\x1a\n" | versions | widths at 13, 14 | K values | base, free, end, driver | root symbol entry
 *   version 2, 3   "\x89HDF\r\n\x1a\n" | version | widths at 9, 10 | flags | base, extension, end, root | checksum
 *
 * h5py writes version 0, with libver="latest" version 3. A file must start with it: user blocks in front are refused.
 *
 * Source  section II.A, disk format level 0A
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Bytes } from "../../platform/bytes.ts";
import { Cursor } from "../cursor.ts";
import { verifyLookup3 } from "./checksum.ts";
import { FileImage } from "./image.ts";

const signature = "\x89HDF\r\n\x1a\n";

/** Whether the bytes start as an HDF5 file does. */
export function isHdf5(bytes: Uint8Array): boolean {
  return (
    bytes.length > signature.length && [...signature].every((letter, index) => bytes[index] === letter.charCodeAt(0))
  );
}

/** Reads the superblock: the image to read the rest with, and the address of the root group's object header. */
export function readSuperblock(
  bytes: Bytes,
  place: readonly string[],
  beforeNumbers: () => void,
): { image: FileImage; root: number } {
  const cursor = new Cursor(bytes, place);
  if (!isHdf5(bytes.subarray(0, signature.length + 1)))
    throw corruptFile("expected an HDF5 file, which starts with \\x89HDF", place);
  cursor.skip(signature.length);
  const version = cursor.u8();
  if (version > 3) throw unsupportedFeature(`HDF5 superblock version ${version}`, place);
  if (version < 2) cursor.skip(4);
  const [addressBytes, lengthBytes] = [cursor.u8(), cursor.u8()];
  for (const width of [addressBytes, lengthBytes]) {
    if (width !== 4 && width !== 8) throw unsupportedFeature(`HDF5 addresses of ${width} bytes`, place);
  }
  const image = new FileImage(bytes, place, addressBytes, lengthBytes, beforeNumbers);
  cursor.skip(version < 2 ? 1 + 2 + 2 + 4 : 1);
  if (version === 1) cursor.skip(4);

  const base = image.requiredAddress(cursor, "the file's start");
  image.address(cursor);
  const end = image.requiredAddress(cursor, "the file's end");
  if (base !== 0) {
    throw unsupportedFeature(`an HDF5 file that starts at byte ${base}`, place, "remove the user block (h5jam)");
  }
  if (end > bytes.length) {
    throw corruptFile(`expected an HDF5 file of ${end} bytes, got ${bytes.length}: it was cut off`, place);
  }
  if (version < 2) {
    image.address(cursor);
    image.address(cursor);
  }
  const root = image.requiredAddress(cursor, "the root group");
  if (version >= 2) verifyLookup3(cursor, 0, "the superblock");
  image.claim(0, cursor.position, "the superblock", place);
  return { image, root };
}
