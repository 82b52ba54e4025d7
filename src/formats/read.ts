/**
 * read: opens a model file of any known format. Files are known by their bytes, never by their names' ending.
 */
import { printable } from "../bytes/printable.ts";
import { firstZipName } from "../bytes/zip.ts";
import { unknownFormat } from "../error.ts";
import type { Bytes } from "../platform/bytes.ts";
import { type Format, headBytes, type ModelFile } from "./format.ts";
import { formats, notModels } from "./index.ts";
import { noParts, type Parts } from "./parts.ts";

/**
 * Opens a model file.
 *
 * @param place named in errors, outermost first: the file's name
 * @param parts the files that `partsOf` names
 * @throws {ChannelwiseError} `unknown-format`, `corrupt-file` or `unsupported-feature`
 */
export function readModelFile(bytes: Bytes, place: readonly string[] = [], parts: Parts = noParts): ModelFile {
  return formatOf(bytes, place).read(bytes, place, parts);
}

/** The names of the files beside a model file that belong to it. */
export function partsOf(bytes: Bytes, place: readonly string[] = []): readonly string[] {
  return formatOf(bytes, place).parts?.(bytes, place) ?? [];
}

function formatOf(bytes: Bytes, place: readonly string[]): Format {
  const head = bytes.subarray(0, headBytes);
  const format = [...formats, ...notModels].find((candidate) => candidate.sniff(head));
  if (format) return format;
  const known = formats.flatMap((each) =>
    each.kinds.map(({ name, extensions }) => `${name} (${extensions.join(", ")})`),
  );
  throw place.reduceRight((error, outer) => error.within(outer), unknownFormat(describe(head, bytes.length), known));
}

/** What the first bytes look like, for someone who gave the wrong file. */
function describe(bytes: Uint8Array, length: number): string {
  if (length === 0) return "an empty file";
  const name = firstZipName(bytes);
  if (name !== undefined) return `a zip archive that starts with "${printable(name)}"`;
  const start = bytes.subarray(0, 16);
  if (start.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))) {
    return `a text that starts with "${printable(String.fromCharCode(...start))}"`;
  }
  return `${length} bytes that start with ${Array.from(start, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
}
