/** The weights of a Keras file by path, in the spellings of all its versions. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openHdf5 } from "../../src/bytes/hdf5/index.ts";
import { readKerasFile } from "../../src/formats/keras.ts";
import { weightTree } from "../../src/formats/weight-tree.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(path, fixtures)));

test("order by number, not by text", () => {
  const tree = weightTree(openHdf5(bytesOf("hdf5/many-children.h5")));
  const first = tree.variables("").map((variable) => variable.read()[0]);
  expect(first).toEqual(Array.from({ length: 40 }, (_, index) => index));
});

test("names, children, and what is not there", () => {
  const { weights: tree } = readKerasFile(bytesOf("keras/nested-models/model.keras"), ["model.keras"]);
  expect(tree.place).toEqual(["model.keras", "model.weights.h5"]);
  expect(tree.children("")).toContain("layers");
  expect(tree.children("layers").length).toBeGreaterThan(2);
  expect(tree.has("layers")).toBe(true);
  expect(tree.has("layers/nothing")).toBe(false);
  expect(tree.name("layers/nothing")).toBeUndefined();
  expect(tree.variables("layers/nothing")).toEqual([]);
  expect(tree.children("layers/nothing")).toEqual([]);
});

describe("every variable of a case is reached", () => {
  /**
   * Numbers that Keras writes a second time: SpectralNormalization holds its layer's kernel as a variable of its own. And those
   * that it does not write: the two matrices of LoRA, whose product it adds to the kernel.
   */
  const otherwise: Record<string, number> = {
    "other-normalization": 4 * 3 + 2 * 4 * 3,
    "low-rank-additions": -2 * (11 + 4 + (3 * 4 + 5) + (5 + 3) + (5 * 2 + 3)),
  };

  test.each(readdirSync(new URL("keras/", fixtures)))("%s", (name) => {
    const { weights: tree } = readKerasFile(bytesOf(`keras/${name}/model.keras`));
    const { parameters } = JSON.parse(readFileSync(new URL(`keras/${name}/case.json`, fixtures), "utf8"));
    let count = 0;
    const visit = (path: string): void => {
      for (const variable of tree.variables(path)) count += variable.read().length;
      for (const child of tree.children(path)) {
        if (path !== "" || child === "layers") visit(path === "" ? child : `${path}/${child}`);
      }
    };
    visit("");
    expect(count).toBe(parameters + (otherwise[name] ?? 0));
  });
});

describe("older spellings", () => {
  test.each(["windows", "tensorflow-2.13"])("%s", (name) => {
    const tree = weightTree(openHdf5(bytesOf(`hdf5/layers-${name}.h5`)));
    expect(tree.children("")).toEqual(["layers"]);
    expect(tree.children("layers").sort()).toEqual(["conv1d", "functional"]);
    expect(tree.children("layers/functional")).toEqual(["layers"]);
    expect(tree.variables("layers/conv1d").map((variable) => variable.shape)).toEqual([[3, 2, 4], [4]]);
    expect(tree.variables("layers/functional")).toEqual([]);
    expect(tree.variables("layers/functional/layers/dense").map((variable) => variable.shape)).toEqual([[4, 5], [5]]);
    expect(tree.name("layers/conv1d")).toBeUndefined();
    expect(tree.has("layers/functional/layers/dense")).toBe(true);
    expect(tree.has("layers/conv")).toBe(false);
  });
});

test("names with backslashes that are no paths stay whole", () => {
  const tree = weightTree(openHdf5(bytesOf("hdf5/backslashes.h5")));
  const names = tree.children("");
  expect(names.sort()).toEqual(["\\", "\\a", "a\\", "a\\\\b", Array(300).fill("a").join("\\")].sort());
  for (const name of names) expect(tree.variables(name)[0]!.read()).toEqual(Float32Array.of(name.length));
});
