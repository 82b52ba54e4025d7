/** Damaged copies of good files: each is refused as it should be, or read; and read right where checksums cover all. */
import { readdirSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { openHdf5 } from "../../src/bytes/hdf5/index.ts";
import { walkHdf5 } from "../bytes/hdf5-walk.ts";
import { everyByte, kerasMutations, mutations, resealHdf5, sealsOfHdf5, thoroughness } from "./mutate.ts";
import { readArrays, readModel, safely } from "./safely.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(path, fixtures)));
const walk = (bytes: Uint8Array) => walkHdf5(openHdf5(bytes, ["attack"]));
/** Small files of unlike structure. */
const kerasCases = [
  "seed-experiment",
  "nested-models",
  "policy-bfloat16",
  "unusual-layer-names",
  "batch-normalization",
];

describe("keras", () => {
  test.each(kerasCases)("%s, the archive", (name) => {
    const original = bytesOf(`keras/${name}/model.keras`);
    const expected = readModel(original);
    for (const mutation of mutations(original, 1, 60)) {
      const found = safely(mutation, readModel);
      if (found) expect(isDeepStrictEqual(found, expected), mutation.name).toBe(true);
    }
  });
  test.each(kerasCases)("%s, inside the archive", (name) => {
    for (const mutation of kerasMutations(bytesOf(`keras/${name}/model.keras`), 2, 120)) safely(mutation, readModel);
  });
});

describe("safetensors", () => {
  test.each(readdirSync(new URL("safetensors/", fixtures)).filter((name) => name.endsWith(".safetensors")))(
    "%s",
    (name) => {
      const original = bytesOf(`safetensors/${name}`);
      for (const mutation of mutations(original, 3, 75)) safely(mutation, readModel);
      for (const mutation of everyByte(original, 0, 100)) safely(mutation, readModel);
    },
  );
});

describe("npz", () => {
  test.each(["stored", "compressed", "compressed-zeros"])("%s", (name) => {
    const original = bytesOf(`npy/${name}.npz`);
    const values = (arrays: Map<string, Float32Array>) =>
      Buffer.concat([...arrays.values()].map((array) => new Uint8Array(array.slice().buffer)));
    const expected = values(readArrays(original));
    const ends =
      name === "compressed" ? [...everyByte(original, 0, 400), ...everyByte(original, original.length - 250)] : [];
    for (const mutation of [...mutations(original, 4, 75), ...ends]) {
      const found = safely(mutation, readArrays);
      if (found) expect(values(found).equals(expected), mutation.name).toBe(true);
    }
  });
});

describe("HDF5", () => {
  const all = readdirSync(new URL("hdf5/", fixtures)).filter((name) => name.endsWith(".h5"));
  const dense = /dense|tree|deleted|huge|indexes|pages|edges|narrow-latest/;
  test.each(all)("%s", (name) => {
    const original = bytesOf(`hdf5/${name}`);
    const seals = sealsOfHdf5(original);
    expect(seals.length > 0 || !dense.test(name), "blocks with checksums").toBe(true);
    expect(resealHdf5(original, seals)).toEqual(original);
    for (const mutation of mutations(original, 5, original.length > 20_000 ? 20 : 60)) {
      safely(mutation, walk);
      safely({ ...mutation, bytes: resealHdf5(mutation.bytes, seals) }, walk);
    }
  });
  // Nearly every byte of these blocks belongs to an address, a count or a size.
  const small = all.filter((name) => dense.test(name) && (thoroughness > 1 || bytesOf(`hdf5/${name}`).length < 30_000));
  test.each(small)("%s, every byte of a block of each kind", (name) => {
    const original = bytesOf(`hdf5/${name}`);
    const kinds = new Set<string>();
    for (const seal of sealsOfHdf5(original)) {
      const kind = String.fromCharCode(...original.subarray(seal.start, seal.start + 4));
      if (kinds.size === kinds.add(kind).size && thoroughness === 1) continue;
      for (const { name, bytes } of everyByte(original, seal.start, Math.min(seal.end, seal.start + 100))) {
        safely({ name, bytes: resealHdf5(bytes, [seal]) }, walk);
      }
    }
  });
  test.each(["compact", "never-written", "latest-compact", "v108-compact", "space-padded"])(
    "%s, every byte",
    (name) => {
      for (const mutation of everyByte(bytesOf(`hdf5/${name}.h5`))) {
        safely(mutation, walk);
        if (!name.startsWith("l") && !name.startsWith("v")) continue;
        safely({ ...mutation, bytes: resealHdf5(mutation.bytes) }, walk);
      }
    },
  );
});
