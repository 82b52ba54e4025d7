/** Whole models whose HDF5 file has the structures of libver="latest": the same model is read. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dataset, File, Group, ready } from "h5wasm/node";
import { expect, test } from "vitest";
import { type Hdf5Object, openHdf5 } from "../../src/bytes/hdf5/index.ts";
import { readModel } from "../attacks/safely.ts";

const fixtures = new URL("../fixtures/keras/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`${name}/model.h5`, fixtures)));
/** The library that makes the copies has no float16: tests/python/check_keras.py has h5py copy that model too. */
const names = readdirSync(fixtures).filter(
  (name) => existsSync(new URL(`${name}/model.h5`, fixtures)) && !name.endsWith("float16"),
);

/** A copy by the HDF Group's own library: more than eight attributes, arrays in chunks behind each kind of index in turn. */
async function latestCopy(bytes: Uint8Array): Promise<Uint8Array> {
  const { FS } = await ready;
  const [from, to] = ["old", "new"].map((name) => join(tmpdir(), `channelwise-${name}-${process.pid}.h5`));
  FS.writeFile(from!, bytes);
  const [source, target] = [new File(from!, "r"), new File(to!, "w", { libver: "v110" })];
  try {
    for (let index = 0; index < 9; index++) target.create_attribute(`note_${index}`, "x".repeat(index));
    let arrays = 0;
    const texts = openHdf5(bytes);
    const copy = (old: Group, made: Group): void => {
      copyAttributes(texts.get(old.path)!, made);
      for (const name of old.keys()) {
        const child = old.get(name);
        if (child instanceof Group) copy(child, made.create_group(name));
        else if (child instanceof Dataset)
          copyAttributes(texts.get(child.path)!, copyArray(child, made, name, arrays++));
      }
    };
    copy(source, target);
  } finally {
    source.close();
    target.close();
  }
  const copied = FS.readFile(to!);
  FS.unlink(from!);
  FS.unlink(to!);
  return copied;
}

/** Texts are taken from this project's reader: h5wasm has another one for names that are marked as ASCII and are not. */
function copyAttributes(old: Hdf5Object, made: Group | Dataset): void {
  for (const name of old.attributes.names()) {
    const value = old.attributes.get(name)!;
    made.create_attribute(name, Array.isArray(value) && value.length === 0 ? new Float64Array(0) : (value as string[]));
  }
}

function copyArray(old: Dataset, group: Group, name: string, turn: number): Dataset {
  const shape = old.shape!;
  const common = { name, data: old.value as Float32Array, shape, dtype: old.dtype as "<f" };
  if (shape.length === 0 || shape.includes(0)) return group.create_dataset(common);
  const half = shape.map((size) => Math.ceil(size / 2));
  const filter = turn % 3 === 0 ? {} : { compression: "gzip" as const };
  const layouts = [
    { chunks: shape, maxshape: shape },
    { chunks: half, maxshape: shape },
    { chunks: half, maxshape: [null, ...shape.slice(1)] },
    { chunks: half, maxshape: shape.map(() => null) },
  ];
  return group.create_dataset({ ...common, ...layouts[turn % layouts.length]!, ...filter });
}

test.each(names)("%s", async (name) => {
  const original = bytesOf(name);
  const copy = await latestCopy(original);
  for (const signature of ["FRHP", "BTHD"]) expect(Buffer.from(copy).includes(signature), signature).toBe(true);
  expect(Buffer.from(copy).includes("TREE")).toBe(false);
  expect(readModel(copy)).toEqual(readModel(original));
});
