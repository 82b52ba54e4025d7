/**
 * json: JSON text from strangers: UTF-8, of bounded size and depth, each key of an object once.
 *
 * The text is looked through before `JSON.parse` sees it. Python's `json` writes infinities as `Infinity`, which JSON does not have:
 * they are read as numbers here. `NaN` can't be, and is refused.
 *
 * Source  RFC 8259 (sections 4: keys, 8.1: UTF-8, 9: limits); Python's json.dumps(allow_nan=True)
 */
import { printable } from "../bytes/printable.ts";
import { ChannelwiseError, corruptFile, unsupportedFeature } from "../error.ts";
import { type Bytes, whole } from "../platform/bytes.ts";

export interface ParseJsonOptions {
  /** Longest text that is read. Default 64 MiB. */
  readonly largestBytes?: number;
  /** Deepest nesting that is read; a Keras model nests about ten levels for each model inside a model. Default 256. */
  readonly deepest?: number;
}

/** The value of a JSON text. */
export function parseJson(bytes: Bytes, place: readonly string[], options: ParseJsonOptions = {}): unknown {
  const { largestBytes = 64 * 2 ** 20, deepest = 256 } = options;
  if (bytes.length > largestBytes) {
    throw unsupportedFeature(
      `a JSON text of ${bytes.length} bytes; at most ${largestBytes} are read`,
      place,
      "report the file",
    );
  }
  const utf8 = whole(bytes);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(utf8);
    return JSON.parse(withoutInfinities(text, deepest, place));
  } catch (error) {
    if (error instanceof ChannelwiseError) throw error;
    throw corruptFile(
      `expected a JSON text in UTF-8: ${printable(error instanceof Error ? error.message : String(error))}`,
      place,
    );
  }
}

/** The word alone, as a value: not a part of another word or number. */
const infinity = /^[^\w.]?Infinity(?![\w.])/;

/** Checks depth and keys, and writes infinities as numbers too large for float64, which `JSON.parse` rounds to infinity. */
function withoutInfinities(text: string, deepest: number, place: readonly string[]): string {
  const open: (Set<string> | null)[] = [];
  const pieces: string[] = [];
  let copied = 0;
  let lastString = "";
  for (let index = 0; index < text.length; index++) {
    const letter = text[index];
    if (letter === '"') {
      const end = endOfString(text, index);
      lastString = text.slice(index, end);
      index = end - 1;
    } else if (letter === ":") {
      const keys = open.at(-1);
      if (keys) addKey(keys, lastString, place);
    } else if (letter === "{" || letter === "[") {
      if (open.push(letter === "{" ? new Set() : null) > deepest) {
        throw unsupportedFeature(`JSON nested deeper than ${deepest} levels`, place, "report the file");
      }
    } else if (letter === "}" || letter === "]") {
      open.pop();
    } else if (letter === "I" && infinity.test(text.slice(Math.max(0, index - 1), index + 9))) {
      pieces.push(text.slice(copied, index), "1e999");
      index += "Infinity".length - 1;
      copied = index + 1;
    } else if (letter === "N" && text.startsWith("NaN", index)) {
      throw unsupportedFeature("NaN in a JSON text", place, "give the layer's arguments numbers, and save again");
    }
  }
  return pieces.length === 0 ? text : pieces.join("") + text.slice(copied);
}

/** Index behind the closing quote of the string that opens at `start`, or the text's end. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const letter = text[index];
    if (letter === '"') return index + 1;
    if (letter === "\\") index++;
  }
  return text.length;
}

function addKey(keys: Set<string>, quoted: string, place: readonly string[]): void {
  const key = quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
  if (keys.has(key)) throw corruptFile(`the key "${printable(key)}" twice in one JSON object`, place);
  keys.add(key);
}

/** Whether a parsed value is an object with keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
