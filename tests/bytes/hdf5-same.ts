/** hdf5-same: this project's reader and the HDF Group's library find the same in a file. */
import { expect } from "vitest";
import { openHdf5 } from "../../src/bytes/hdf5/index.ts";
import { readWithH5wasm } from "./hdf5-oracle.ts";
import { walkHdf5 } from "./hdf5-walk.ts";

/** Compares structure, attributes, shapes and numbers. */
export async function expectSame(bytes: Uint8Array): Promise<void> {
  const found = walkHdf5(openHdf5(bytes));
  const expected = await readWithH5wasm(bytes);
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [path, object] of found) {
    const oracle = expected.get(path)!;
    const attributes = [...object.attributes].map(([name, value]) => [
      name,
      oracle.attributes.get(name) === "float16" ? "float16" : value,
    ]);
    expect(new Map(attributes as [string, unknown][]), path).toEqual(oracle.attributes);
    expect({ ...object, attributes: null }, path).toEqual({ ...oracle, attributes: null });
  }
}
