/**
 * The runtime's own CRC-32, where it has one that can be called at once: that of zlib in Node since 20.16, at some GB/s where a
 * loop over tables has 0.9.
 */
type Crc32 = (bytes: Uint8Array, before?: number) => number;

let found: Crc32 | null | undefined;

/** CRC-32 as the runtime computes it; null where it does not. */
export function runtimeCrc32(): Crc32 | null {
  if (found !== undefined) return found;
  const { process } = globalThis as {
    process?: { getBuiltinModule?(name: string): { crc32?: Crc32 } | undefined };
  };
  const own = process?.getBuiltinModule?.("node:zlib")?.crc32;
  found = typeof own === "function" ? own : null;
  return found;
}
