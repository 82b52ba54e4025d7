/**
 * Reads the float32 arrays of a .npz of the fixtures: stored entries with a version 1 header, as NumPy writes them. For
 * scripts that use the package as anyone would; the package's own reader is src/bytes/npz.ts.
 */
import { readFile } from "node:fs/promises";
import { unzipSync } from "fflate";

/** @returns {Promise<Record<string, Float32Array>>} arrays by name */
export async function readNpzArrays(path) {
  const entries = unzipSync(new Uint8Array(await readFile(path)));
  return Object.fromEntries(
    Object.entries(entries).map(([name, bytes]) => {
      const start = 10 + new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true);
      return [name.replace(/\.npy$/, ""), new Float32Array(bytes.slice(start).buffer)];
    }),
  );
}
