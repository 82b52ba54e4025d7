/**
 * parts: files that belong to a model file and lie beside it. A format names them, whoever opens the file fetches them, and the format
 * reads all of them together.
 */
import { printable } from "../bytes/printable.ts";
import { corruptFile } from "../error.ts";
import type { Bytes } from "../platform/bytes.ts";

/** The further files of a model, by the names that the first one gives them. */
export type Parts = ReadonlyMap<string, Bytes>;

/** No further files. */
export const noParts: Parts = new Map();

/** A file name out of a file: one that stays in the folder, and means itself as a part of a URL. */
export function partName(value: unknown, place: readonly string[]): string {
  if (typeof value !== "string" || !/^[^/\\:?#%\p{Cc}]+$/u.test(value) || /^\.+$/.test(value))
    throw corruptFile(
      `expected the name of a file beside this one, got ${printable(String(JSON.stringify(value)))}`,
      place,
    );
  return value;
}

/** The bytes of a further file. */
export function part(parts: Parts, name: string, place: readonly string[]): Bytes {
  const bytes = parts.get(name);
  if (!bytes) throw corruptFile(`expected the file ${printable(name)} beside it`, place);
  return bytes;
}
