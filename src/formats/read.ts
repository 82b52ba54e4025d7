/**
 * read: opens a model file of any known format. Files are known by their bytes, never by their names' ending.
 */
import { printable } from "../bytes/printable.ts";
import { firstZipName } from "../bytes/zip.ts";
import { unknownFormat } from "../error.ts";
import type { ModelFile } from "./format.ts";
import { formats, notModels } from "./index.ts";

/**
 * Opens a model file.
 *
 * @param place named in errors, outermost first: the file's name
 * @throws {ChannelwiseError} `unknown-format`, `corrupt-file` or `unsupported-feature`
 */
export function readModelFile(bytes: Uint8Array, place: readonly string[] = []): ModelFile {
  const format = [...formats, ...notModels].find((candidate) => candidate.sniff(bytes));
  if (format) return format.read(bytes, place);
  const known = formats.map(({ name, extensions }) => `${name} (${extensions.join(", ")})`);
  throw place.reduceRight((error, outer) => error.within(outer), unknownFormat(describe(bytes), known));
}

/** What the first bytes look like, for someone who gave the wrong file. */
function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const name = firstZipName(bytes);
  if (name !== undefined) return `a zip archive that starts with "${printable(name)}"`;
  const start = bytes.subarray(0, 16);
  if (start.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))) {
    return `a text that starts with "${printable(String.fromCharCode(...start))}"`;
  }
  return `${bytes.length} bytes that start with ${Array.from(start, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
}
