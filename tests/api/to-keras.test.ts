/**
 * Models as files of Keras: every variable comes back to the bit, by way of any format, of a state dict, and of a .safetensors with
 * no template. That Keras itself opens the files is checked by tests/python/check_keras.py.
 */
import { inMemory } from "../../src/bytes/file-to-write.ts";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { convert, load, type Model, type Report } from "../../src/index.ts";
import { torchConversion } from "../../src/api/torch-conversion.ts";
import { readGraph, type ReadFile, readWeights } from "../../src/api/load.ts";
import { type KerasSource, rememberSource, sourceOf as noted } from "../../src/api/source.ts";
import { kerasFormats, toKeras, writeKeras } from "../../src/api/to-keras.ts";
import { stateData } from "../../src/backends/torch/state.ts";
import { readNpz } from "../../src/bytes/npz.ts";
import { bytesOf } from "../../src/bytes/numbers.ts";
import { readZip } from "../../src/bytes/zip.ts";
import { filledVariables, inOrder } from "../../src/dialects/keras-store.ts";
import { writeCheckpoint } from "../../src/formats/pytorch.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import { caseFile, caseNames, loadCase } from "../support/fixtures.ts";

const open = (bytes: Uint8Array, name = "model.keras"): ReadFile => readGraph({ bytes, name });
const sourceOf = ({ source }: ReadFile): KerasSource => source.keras!();

/** A model's own file again. */
function written(read: ReadFile, format: (typeof kerasFormats)[number] = "keras"): Uint8Array {
  const keras = sourceOf(read);
  return inMemory(writeKeras(format, keras, filledVariables(keras, read.graph).variables));
}

/** Type, shape and bytes of every variable, as `get_weights()` lists them. */
function variables(read: ReadFile): unknown[] {
  return inOrder(sourceOf(read).variables).map((array) => [
    array.dtype,
    array.shape,
    Buffer.from(bytesOf(array.read())).toString("base64"),
  ]);
}

/** A model written as .keras and verified; no bytes where nothing was written. */
async function kerasOf(model: Model): Promise<{ bytes: Uint8Array; report: Report }> {
  let bytes: Uint8Array = new Uint8Array();
  const report = await toKeras(model, "keras", (_, file) => (bytes = inMemory(file)));
  return { bytes, report };
}

/** The state dict of a conversion as a checkpoint, with changes. */
function checkpoint(read: ReadFile, change = (value: number) => value): Uint8Array {
  const { state } = torchConversion(read.graph).program;
  return writeCheckpoint(
    new Map(
      state.map((entry) => {
        const data = stateData(entry);
        const changed = data instanceof Float32Array && !("constant" in entry.source) ? data.map(change) : data;
        return [entry.name, { dtype: entry.dtype, shape: entry.shape, data: changed }];
      }),
    ),
  );
}

describe("every variable comes back, to the bit", () => {
  test.each(caseNames)("%s", (name) => {
    const { file } = loadCase(name);
    const read = open(file);
    const bytes = written(read);
    expect(variables(open(bytes))).toEqual(variables(read));
    expect(readZip(bytes, []).get("config.json")!.read()).toEqual(
      new TextEncoder().encode(JSON.stringify(sourceOf(read).config)),
    );
    const back = readWeights({ bytes: checkpoint(read), name: "trained.pt" }, { bytes: file, name: "model.keras" });
    expect(Buffer.compare(written(back), bytes)).toBe(0);
  });
});

describe("formats", () => {
  const cases = [
    "seed-experiment",
    "batchnorm-folding",
    "bidirectional",
    "nested-models",
    "grouped-query-attention",
    "quantized-int8",
    // A shared layer holds up others, whose variables come in the order of the list nevertheless.
    "quantized-flatten",
    "policy-bfloat16",
  ];
  // NumPy has no bfloat16.
  const pairs = cases
    .flatMap((name) => kerasFormats.map((format) => [name, format] as const))
    .filter(([name, format]) => format !== "npz" || name !== "policy-bfloat16");

  test.each(caseNames.filter((name) => caseFile(name, "ordered.npz") !== null))("%s as model.get_weights()", (name) => {
    const contents = (bytes: Uint8Array) =>
      Array.from(readNpz(bytes, []), ([key, { dtype, shape, read }]) => [key, dtype, shape, bytesOf(read())]);
    const wanted = contents(caseFile(name, "ordered.npz")!);
    expect(contents(written(open(loadCase(name).file), "npz"))).toEqual(wanted);
  });

  test("bfloat16 as .npz is refused", () => {
    expect(() => written(open(loadCase("policy-bfloat16").file), "npz")).toThrow(/bfloat16 in an \.npy file/);
  });

  test.each(pairs)("%s as %s", (name, format) => {
    const { file } = loadCase(name);
    const read = open(file);
    const bytes = written(read, format);
    const again =
      format === "keras" || format === "h5"
        ? open(bytes)
        : readWeights({ bytes, name: `weights.${format}` }, { bytes: file, name: "model.keras" });
    expect(variables(again)).toEqual(variables(read));
  });

  test.each(["batch-normalization", "lstm", "grouped-query-attention"])("the .h5 of Keras as .keras: %s", (name) => {
    const old = open(caseFile(name, "model.h5")!, "model.h5");
    expect(variables(open(written(old)))).toEqual(variables(open(loadCase(name).file)));
  });
});

describe("from a .safetensors, with no template", () => {
  test.each([
    "seed-experiment",
    "lstm",
    "other-normalization",
    "multi-head-attention",
    "policy-float16",
    "shared-layers-chained",
  ])("%s", async (name) => {
    const model = await load(loadCase(name).file);
    const [bytes] = [...(await convert(model, { to: "safetensors", flatten: "fold" })).values()];
    const read = open(bytes!, "model.safetensors");
    expect(Buffer.compare(written(read), written(open(loadCase(name).file)))).toBe(0);
  });

  test("what the file does not hold is not made up", async () => {
    const large = loadCase("quantized-weights-only");
    const model = await load(large.file);
    const [bytes] = [...(await convert(model, { to: "safetensors" })).values()];
    const read = open(bytes!, "model.safetensors");
    expect(variables(read)).toEqual(variables(open(large.file)));
  });

  test("a model that never was one of Keras", async () => {
    const model = await load(loadCase("seed-experiment").file);
    const state = new Map(
      torchConversion(model.graph).program.state.map(
        (entry) => [entry.name, { ...entry, data: stateData(entry) }] as const,
      ),
    );
    const bare = writeSafetensors(state);
    await expect(load(bare)).rejects.toThrow(/holds weights and no model/);
    const back = await load(bare, { architecture: loadCase("seed-experiment").file });
    expect([...(await convert(back, { to: "keras" })).keys()]).toEqual(["model.keras"]);
  });
});

describe("trained weights", () => {
  const trained = async (name: string, change: (value: number) => number) => {
    const { file } = loadCase(name);
    return load(checkpoint(open(file), change), { architecture: file });
  };

  test("are run on both sides and come back in Keras' order", async () => {
    const model = await trained("flatten-dense", (value) => value * 1.01);
    const { bytes, report } = await kerasOf(model);
    expect(report.agrees).toBe(true);
    expect(report.layers.length).toBeGreaterThan(2);
    const before = inOrder(sourceOf(open(loadCase("flatten-dense").file)).variables);
    const after = inOrder(sourceOf(open(bytes)).variables);
    expect(after.map((array) => Array.from(array.read() as Float32Array))).toEqual(
      before.map((array) => Array.from(array.read() as Float32Array, (value) => Math.fround(value * 1.01))),
    );
  });

  test("of 16 bits are rounded as their variables are", async () => {
    const { report } = await kerasOf(await trained("policy-float16", (value) => value * 1.01));
    expect(report.agrees).toBe(true);
  });

  test("of int8 are refused by name", async () => {
    const model = await trained("quantized-int8", (value) => value * 1.01);
    await expect(kerasOf(model)).rejects.toThrow(/embeddings: other numbers than in the template/);
  });

  test("that are not those of the state dict are found by the verification", async () => {
    const model = await trained("seed-experiment", (value) => value * 1.01);
    const { state, ...source } = noted(model);
    const tensors = new Map(state!.tensors);
    tensors.set("dense.bias", { dtype: "float32", shape: [1], read: () => Float32Array.of(3) });
    rememberSource(model, { ...source, state: { ...state!, tensors } });
    const { bytes, report } = await kerasOf(model);
    expect([report.agrees, report.firstDifference, bytes.length]).toEqual([false, "dense", 0]);
    await expect(convert(model, { to: "keras" })).rejects.toThrow(/outputs-differ/);
  });
});

describe("files of Keras 1 and 2 as .keras", () => {
  const folder = new URL("../fixtures/legacy/", import.meta.url);
  const whole = (name: string) => readdirSync(new URL(`${name}/`, folder)).includes("model.h5");
  // Whose masks beside initial states Keras 3 can't be told in any meaning.
  const cases = readdirSync(folder).filter((name) => whole(name) && name !== "tf-keras-states");
  const legacy = (name: string, meaning: "original" | "keras3") =>
    readGraph(
      { bytes: new Uint8Array(readFileSync(new URL(`${name}/model.h5`, folder))), name: "model.h5" },
      { meaning },
    );

  test.each(cases)("%s, as Keras 3 takes it", (name) => {
    const read = legacy(name, "keras3");
    const again = open(written(read));
    expect(variables(again)).toEqual(variables(read));
    expect(again.origin).toBe("Keras 3.15.1");
    // Nothing is left to be said about the file: it means what Keras 3 takes it for.
    expect(again.notes).toEqual([]);
  });

  test("a meaning that Keras 3 has no word for is refused", () => {
    expect(() => written(legacy("keras1-sequential", "original"))).toThrow(
      /Keras 3 has no hard_sigmoid.*\n.*--meaning keras3/,
    );
    expect(() => written(legacy("tf-keras-states", "original"))).toThrow(
      /decoder: Keras 3 has no mask that goes along with a series where initial states are given\n {2}fix {4}convert to PyTorch/,
    );
  });
});
