/**
 * format: what every file format says of itself, and what reading a model file gives.
 */
import type { Bytes } from "../platform/bytes.ts";
import type { KerasFile } from "./keras.ts";
import type { FormatKind } from "./kinds.ts";
import type { Parts } from "./parts.ts";
import type { SafetensorsFile } from "./safetensors.ts";
import type { StateFile } from "./state-dict.ts";

/** A model file, opened: `kind` tells which. */
export type ModelFile = KerasFile | SafetensorsFile | StateFile;

/** What of a file's start tells its format: a zip entry's name takes the most. */
export const headBytes = 2 ** 16;

/** One entry of the registry in index.ts. */
export interface Format {
  /** What files of it hold. */
  readonly kinds: readonly FormatKind[];
  /** Whether a file is of this format, judged by its start alone: `headBytes` of it, where it has so many. */
  sniff(head: Uint8Array): boolean;
  /** The names of further files that `read` needs, for formats that have some. */
  parts?(bytes: Bytes, place: readonly string[]): readonly string[];
  /** Opens the file, or throws what stands in the way; `place` is named in errors. */
  read(bytes: Bytes, place: readonly string[], parts?: Parts): ModelFile;
}
