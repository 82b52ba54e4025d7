/**
 * file-to-write: a file whose size is known and whose bytes are made as they are written, one array at a time.
 *
 * A folder of arrays, each larger than memory could hold beside the others, is so written by whoever has a place for it: a file on
 * disk (cli/files.ts), or memory.
 */
import { allocate } from "./limits.ts";

/** Puts bytes at an offset of the file. */
export type Put = (bytes: Uint8Array, at: number) => void;

/** A file on its way to wherever it will lie. */
export interface FileToWrite {
  readonly sizeBytes: number;
  /** Makes the bytes. Those that are never put are zeros. */
  write(put: Put): void;
}

/** Bytes at hand as a file to write. */
export function fileOf(bytes: Uint8Array): FileToWrite {
  return { sizeBytes: bytes.length, write: (put) => put(bytes, 0) };
}

/** The bytes of a file. */
export function inMemory({ sizeBytes, write }: FileToWrite, place: readonly string[] = []): Uint8Array {
  const result = allocate(sizeBytes, place);
  write((bytes, at) => result.set(bytes, at));
  return result;
}
