/**
 * runtime: the types of what a runtime has or has not; see host.ts
 */
import type { Bytes } from "./bytes.ts";

/** What of a source will be read: a little, or most of it. */
export type Need = "headers" | "numbers";

/** The files of this machine. All of it fails with `unreadable-file`. */
export interface Files {
  /** The path or `file:` URL that a text means; null where it is another URL. */
  locate(text: string): string | URL | null;
  read(path: string | URL): Promise<Uint8Array>;
  /** The file to be read a piece at a time; null for what is read from its start to its end. */
  open(path: string | URL, need: Need): Promise<Bytes | null>;
}

/** CRC-32 of `bytes`, or of what `before` is the CRC-32 of and then `bytes`. */
export type Crc32 = (bytes: Uint8Array, before?: number) => number;

/** The kernels as the package carries them. */
export type PackagedKernels = WebAssembly.Module | Uint8Array<ArrayBuffer>;
