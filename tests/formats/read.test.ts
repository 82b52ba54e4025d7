/** Opening model files: known by their bytes; whatever is not a model is told by name. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readZip } from "../../src/bytes/zip.ts";
import { writeZip } from "../../src/bytes/zip-writer.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { readModelFile } from "../../src/formats/read.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(path, fixtures)));
const ascii = (text: string) => new TextEncoder().encode(text);
const archive = (...names: string[]) => writeZip(names.map((name) => ({ name, bytes: ascii("{}") })));

test.each(readdirSync(new URL("keras/", fixtures)))("keras/%s", (name) => {
  const model = readModelFile(bytesOf(`keras/${name}/model.keras`), ["model.keras"]);
  if (model.kind !== "keras") throw new Error("not a Keras model");
  expect(model.kerasVersion).toMatch(/^3\./);
  expect(model.config).toHaveProperty("class_name");
});

test("safetensors", () => {
  expect(readModelFile(bytesOf("safetensors/every-type.safetensors")).kind).toBe("safetensors");
});

describe("not a model", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["HDF5", bytesOf("hdf5/shapes.h5"), /unsupported-feature: an HDF5 file without model_config.*\n.*\n.*model\.save/],
    ["npy", bytesOf("npy/f4.npy"), /a NumPy array/],
    ["some JSON", ascii('{"a": 1}'), /a JSON text that is neither/],
    ["a damaged checkpoint", archive("archive/data.pkl", "archive/version"), /no pickle has the opcode/],
    ["an empty file", new Uint8Array(0), /unknown-format.*an empty file/],
    ["a text", ascii("# A README\n"), /a text that starts with "# A README/],
    ["some zip", archive("photo.jpg"), /a zip archive that starts with "photo.jpg"/],
    ["noise", Uint8Array.of(1, 2, 3, 200), /4 bytes that start with 01 02 03 c8/],
  ])("%s", (_, bytes, message) => {
    expect(() => readModelFile(bytes, ["file"])).toThrow(ChannelwiseError);
    expect(() => readModelFile(bytes, ["file"])).toThrow(message);
    expect(() => readModelFile(bytes, ["file"])).toThrow(/where {2}file/);
  });
});

describe("a .keras file that lacks something", () => {
  const entries = readZip(bytesOf("keras/seed-experiment/model.keras"), []);
  const files = [...entries.values()].map((entry) => ({ name: entry.name, bytes: entry.read() }));
  const replace = (name: string, bytes: Uint8Array) =>
    writeZip(files.map((file) => (file.name === name ? { name, bytes } : file)));
  const without = (name: string, ...more: string[]) =>
    writeZip([
      ...files.filter((file) => file.name !== name),
      ...more.map((other) => ({ name: other, bytes: ascii("") })),
    ]);

  test.each<[string, Uint8Array, RegExp]>([
    ["config.json", without("config.json"), /expected an entry config\.json, got metadata\.json/],
    ["metadata.json", without("metadata.json"), /expected an entry metadata\.json/],
    ["weights", without("model.weights.h5"), /expected an entry model\.weights\.h5/],
    [
      "HDF5 weights",
      without("model.weights.h5", "model.weights.npz"),
      /unsupported-feature: weights as model\.weights\.npz/,
    ],
    ["a version", replace("metadata.json", ascii("{}")), /expected the version of Keras/],
    ["valid JSON", replace("config.json", ascii("{")), /model\.keras > config\.json/],
    ["a sound HDF5 file", replace("model.weights.h5", ascii("{")), /model\.keras > model\.weights\.h5/],
  ])("%s", (_, bytes, message) => expect(() => readModelFile(bytes, ["model.keras"])).toThrow(message));
});
