/**
 * seal: the last line of the model.py that `convert` writes, by which a later one knows whether somebody has edited the file
 *
 *     # channelwise wrote this file; a conversion replaces it only while it is unchanged (crc32 1a2b3c4d).
 *
 * The checksum is that of all lines above, in UTF-8, ended by "\n" however the file ends them now: git may have turned them.
 */
import { crc32 } from "../bytes/crc32.ts";

const line = (text: string) =>
  `# channelwise wrote this file; a conversion replaces it only while it is unchanged (crc32 ${checksum(text)}).\n`;

function checksum(text: string): string {
  return crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
}

/** A program with its seal. */
export function seal(text: string): string {
  return text + line(text);
}

/** Whether a text is as `seal` gave it. */
export function isSealed(text: string): boolean {
  const lines = text.replaceAll("\r\n", "\n");
  const start = lines.lastIndexOf("\n", lines.length - 2) + 1;
  return lines.slice(start) === line(lines.slice(0, start));
}
