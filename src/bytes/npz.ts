/**
 * npz: named NumPy arrays, a zip of `.npy` files: inputs and outputs of models.
 *
 *   zip: [ "input_0.npy" | "input_1.npy" | … ]
 *
 * Written stored, each array at a multiple of 64 bytes, dates fixed: equal arrays give equal files. `numpy.load` reads them.
 *
 * Source  numpy/lib/_npyio_impl.py (savez)
 */
import { corruptFile } from "../error.ts";
import type { Bytes } from "../platform/bytes.ts";
import type { StoredArray } from "../tensor.ts";
import { type FileToWrite, inMemory } from "./file-to-write.ts";
import { npyFile, readNpy } from "./npy.ts";
import type { DenseArray, WritableArray } from "./numbers.ts";
import { printable } from "./printable.ts";
import { readZip } from "./zip.ts";
import { zipFile } from "./zip-writer.ts";

const suffix = ".npy";

/** The arrays of an `.npz` file by name, in the file's order. */
export function readNpz(bytes: Bytes, place: readonly string[] = []): Map<string, StoredArray> {
  const arrays = new Map<string, StoredArray>();
  for (const entry of readZip(bytes, place).values()) {
    if (!entry.name.endsWith(suffix)) {
      throw corruptFile(`expected only .npy entries in an .npz file, got "${printable(entry.name)}"`, place);
    }
    const array = readNpy(entry.open(), [...place, printable(entry.name)]);
    const verified =
      <T>(given: () => T) =>
      () => {
        entry.verify();
        return given();
      };
    arrays.set(entry.name.slice(0, -suffix.length), {
      ...array,
      read: verified(() => array.read()),
      contents: verified(() => array.contents!()),
    });
  }
  return arrays;
}

/** The bytes of an `.npz` file with these arrays, in their order. */
export function writeNpz(arrays: ReadonlyMap<string, DenseArray>, place: readonly string[] = []): Uint8Array {
  return inMemory(npzFile(arrays, place), place);
}

/** The same as a file that is yet to be written. */
export function npzFile(arrays: ReadonlyMap<string, WritableArray>, place: readonly string[] = []): FileToWrite {
  const files = Array.from(arrays, ([name, array]) => ({
    name: name + suffix,
    content: npyFile(array, [...place, name]),
  }));
  return zipFile(files, { alignment: 64 });
}
