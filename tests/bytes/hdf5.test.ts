/** Every HDF5 file among the fixtures, compared with h5wasm: structure, attributes, shapes, numbers. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openHdf5 } from "../../src/bytes/hdf5/index.ts";
import { readZip } from "../../src/bytes/zip.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { expectSame } from "./hdf5-same.ts";
import { walkHdf5 } from "./hdf5-walk.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(path, fixtures)));
const list = (folder: string, suffix: string) =>
  readdirSync(new URL(folder, fixtures))
    .filter((name) => name.endsWith(suffix))
    .map((name) => `${folder}${name}`);

describe("files of h5py", () => {
  test.each(list("hdf5/", ".h5").filter((path) => !path.includes("space-padded")))("%s", (path) =>
    expectSame(bytesOf(path)),
  );

  test("texts padded with spaces lose the padding", () => {
    expect(openHdf5(bytesOf("hdf5/space-padded.h5")).attributes.get("padded")).toEqual(["ab", "c d"]);
  });

  test("attributes of float16", () => {
    const value = openHdf5(bytesOf("hdf5/attributes.h5")).get("layer")!.attributes.get("float16");
    expect(value).toBe(0.0999755859375);
  });
});

describe("files of Keras", () => {
  test.each(readdirSync(new URL("keras/", fixtures)))("%s", (name) =>
    expectSame(
      readZip(bytesOf(`keras/${name}/model.keras`), [])
        .get("model.weights.h5")!
        .read(),
    ),
  );
});

describe("refused by name", () => {
  test.each(list("hdf5/refused/", ".h5"))("%s", (path) => {
    expect(() => walkHdf5(openHdf5(bytesOf(path), ["model.h5"]))).toThrow(ChannelwiseError);
    expect(() => walkHdf5(openHdf5(bytesOf(path), ["model.h5"]))).toThrow(
      /unsupported-feature.*\n {2}where {2}model\.h5/,
    );
  });
});

describe("laziness and memory", () => {
  test("contiguous aligned data is a view of the file, read twice the same", () => {
    const bytes = bytesOf("hdf5/deep.h5");
    const dataset = openHdf5(bytes).get("layers/functional/layers/sequential/layers/conv1d/vars/0");
    if (dataset?.kind !== "dataset") throw new Error("no dataset");
    expect(dataset.read().buffer).toBe(bytes.buffer);
    expect(dataset.read()).toEqual(dataset.read());
  });

  test("a file that does not start at an aligned byte is copied dataset by dataset", () => {
    const original = bytesOf("hdf5/misaligned.h5");
    for (let shift = 0; shift < 8; shift++) {
      const shifted = new Uint8Array(original.length + 8).subarray(shift, shift + original.length);
      shifted.set(original);
      expect(walkHdf5(openHdf5(shifted))).toEqual(walkHdf5(openHdf5(original)));
    }
  });

  test("a path that is not there is undefined", () => {
    const root = openHdf5(bytesOf("hdf5/deep.h5"));
    expect(root.get("layers/functional/nothing")).toBeUndefined();
    expect(root.get("layers/functional/layers/sequential/layers/conv1d/vars/0/deeper")).toBeUndefined();
    expect(root.get("")).toBe(root);
  });

  test("a failure is the same when asked for again", () => {
    const root = openHdf5(bytesOf("hdf5/refused/soft-link.h5"));
    const message = () => {
      try {
        return root.children.size;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(message()).toMatch(/soft link/);
    expect(message()).toBe(message());
  });
});
