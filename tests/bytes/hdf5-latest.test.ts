/** Files of libver="latest" too large for a fixture, written by the HDF Group's own library while the test runs. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { File, type Group, ready } from "h5wasm/node";
import { describe, test } from "vitest";
import { expectSame } from "./hdf5-same.ts";

/** Versions of the library whose chunks have layouts of version 4 and 5. */
const versions = ["v110", "v200"] as const;

async function written(version: (typeof versions)[number], fill: (root: Group) => void): Promise<Uint8Array> {
  const { FS } = await ready;
  const path = join(tmpdir(), `channelwise-latest-${process.pid}.h5`);
  const file = new File(path, "w", { libver: [version, version] });
  try {
    fill(file);
  } finally {
    file.close();
  }
  const bytes = FS.readFile(path);
  FS.unlink(path);
  return bytes;
}

const numbers = (count: number, start = 0) => Float32Array.from({ length: count }, (_, index) => start + index + 0.5);

const objects: Record<string, (root: Group) => void> = {
  "a heap with indirect blocks in indirect blocks": (root) => {
    const group = root.create_group("group");
    root.create_dataset({ name: "data", data: numbers(6), shape: [2, 3] });
    for (let index = 0; index < 2500; index++) group.create_hard_link("/data", `${index} ${"name".repeat(75)}`);
  },
  "a tree of names of three levels": (root) => {
    root.create_dataset({ name: "data", data: numbers(6), shape: [2, 3] });
    for (let index = 0; index < 1500; index++) root.create_hard_link("/data", `link_${index}`);
  },
  "3000 attributes": (root) => {
    for (let index = 0; index < 3000; index++) root.create_attribute(`attribute_${index}`, numbers(40, index));
  },
  "huge attributes": (root) => {
    for (let index = 0; index < 40; index++) root.create_attribute(`attribute_${index}`, numbers(500 * index, index));
  },
};

const chunks: Record<string, (root: Group) => void> = {
  "a tree of chunks of three levels": (root) => {
    const shape = [90, 90];
    const chunks = [1, 1];
    root.create_dataset({ name: "data", data: numbers(8100), shape, chunks, maxshape: [null, null] });
    root.create_dataset({
      name: "gzip",
      data: numbers(8100),
      shape,
      chunks: [1, 2],
      maxshape: [null, null],
      compression: "gzip",
    });
  },
  "arrays of more than a page of chunks": (root) => {
    for (const [name, maxshape] of [
      ["fixed", [700, 2]],
      ["extensible", [null, 2]],
      ["extensible_last", [700, null]],
    ] as const) {
      const array = { data: numbers(1400), shape: [700, 2], chunks: [1, 1], maxshape: [...maxshape] };
      root.create_dataset({ name, ...array });
      root.create_dataset({ name: `${name}_gzip`, ...array, compression: "gzip" });
    }
  },
};

test.each(Object.entries(objects))("%s", async (_, fill) => expectSame(await written("v110", fill)));

describe.each(versions)("%s", (version) => {
  test.each(Object.entries(chunks))("%s", async (_, fill) => expectSame(await written(version, fill)));
});
