/** Loading: from wherever the bytes are, by what the bytes are, through both entries. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { convert, inspectFile, load, type LoadOptions, type Tensor, verify } from "../../src/index.ts";
import { readNpz } from "../../src/bytes/npz.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";
import * as run from "../../src/run.ts";
import { Model } from "../../src/api/model.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import { conv1d, input, layer, sequential } from "../support/keras-config.ts";
import { floats } from "../support/kernels.ts";
import { memoryTree, stored } from "../support/memory-tree.ts";

const folder = new URL("../fixtures/keras/seed-experiment/", import.meta.url);
const path = fileURLToPath(new URL("model.keras", folder));
const bytes = new Uint8Array(readFileSync(path));
const signal = toFloat32(readNpz(new Uint8Array(readFileSync(new URL("inputs.npz", folder)))).get("input_0")!);

/** Keras' answer to the experiment that this project starts from; a conversion that only transposes gives -0.0667. */
const answer = 0.4468644;

describe("sources", () => {
  test.each<readonly [string, () => Parameters<typeof load>[0], string]>([
    ["a path", () => path, "model.keras"],
    ["a file URL", () => pathToFileURL(path), "model.keras"],
    ["a file URL as text", () => pathToFileURL(path).href, "model.keras"],
    ["bytes", () => bytes, "model"],
    ["a piece of a larger buffer", () => new Uint8Array([1, 2, 3, ...bytes, 4]).subarray(3, 3 + bytes.length), "model"],
    ["an ArrayBuffer", () => bytes.slice().buffer, "model"],
    ["a Blob", () => new Blob([bytes]), "model"],
    ["a File", () => new File([bytes], "mine.keras"), "mine.keras"],
    ["a Response", () => new Response(bytes), "model"],
    ["a data URL", () => `data:application/zip;base64,${Buffer.from(bytes).toString("base64")}`, ""],
  ])("%s", async (_, source, name) => {
    const model = await load(source());
    if (name !== "") expect(model.name).toBe(name);
    expect(model.origin).toMatch(/^Keras 3\./);
    expect((model.predict(signal) as Tensor).data[0]).toBeCloseTo(answer, 6);
  });

  test("a name of one's own", async () => {
    expect((await load(bytes, { name: "ecg" })).name).toBe("ecg");
  });

  const kernelsAt = new URL("../../build/kernels.wasm", import.meta.url);
  const kernelBytes = readFileSync(kernelsAt);
  test.each<readonly [string, () => LoadOptions["kernels"] & {}]>([
    ["a module", () => new WebAssembly.Module(kernelBytes)],
    ["bytes", () => kernelBytes],
    ["a Response", () => new Response(kernelBytes, { headers: { "content-type": "application/wasm" } })],
    ["a URL", () => kernelsAt],
    ["a path", () => fileURLToPath(kernelsAt)],
  ])("kernels from %s", async (_, kernels) => {
    const model = await load(bytes, { kernels: kernels() });
    expect((model.predict(signal) as Tensor).data[0]).toBeCloseTo(answer, 6);
    expect(model.kernels).not.toBe(kernelModule());
  });

  /** The kernels with another id, as those of another version have. */
  const older = Uint8Array.from(kernelBytes, (byte, index) => (index === kernelBytes.length - 1 ? byte ^ 1 : byte));
  test.each<readonly [string, LoadOptions["kernels"] & {}, string, RegExp]>([
    ["of another version", older, "usage", /option kernels: expected those of this version, got build [0-9a-f]{16}\n/],
    ["another module", Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), "usage", /got another module/],
    ["no module", kernelBytes.subarray(1), "unsupported-feature", /the kernels do not compile here: /],
    ["a page that is not there", new Response("", { status: 404 }), "unreadable-file", /404/],
  ])("no kernels from %s", async (_, kernels, code, message) => {
    const refused = load(bytes, { kernels });
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(message);
  });

  test.each([
    ["load", (options: object) => load(bytes, options), { thread: 2 }, "threads"],
    ["inspectFile", (options: object) => inspectFile(bytes, options), { custom_layers: {} }, "customLayers"],
    ["run's load", (options: object) => run.load(bytes, options), { convolutions: "direct" }, "convolution"],
    ["convert", async (options: object) => convert(await load(bytes), options), { flaten: "fold" }, "flatten"],
    ["verify", async (options: object) => verify(await load(bytes), options), { sample: 3 }, "samples"],
  ])("%s refuses an option that it has not: %#", async (_, call, options, nearest) => {
    const refused = call(options);
    await expect(refused).rejects.toMatchObject({ code: "usage" });
    await expect(refused).rejects.toThrow(`there is no option ${Object.keys(options)[0]}; ${nearest} is the nearest`);
  });

  test("options that are undefined are left out", async () => {
    expect((await load(bytes, { threads: undefined } as object)).threads).toBe(1);
  });

  test.each<readonly [string, () => Parameters<typeof load>[0], string, RegExp]>([
    ["no such file", () => "/nowhere/model.keras", "unreadable-file", /\/nowhere\/model\.keras: there is no such file/],
    ["a folder", () => fileURLToPath(folder), "unreadable-file", /it is a folder/],
    ["a page that is not there", () => new Response("", { status: 404 }), "unreadable-file", /404/],
    ["an empty file", () => new Uint8Array(0), "unknown-format", /got an empty file/],
    ["text", () => new TextEncoder().encode("not a model"), "unknown-format", /a text that starts with "not a model"/],
    ["half a file", () => bytes.subarray(0, bytes.length >> 1), "corrupt-file", /./],
  ])("refuses %s", async (_, source, code, message) => {
    await expect(load(source())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe("the small entry", () => {
  test("runs what convert wrote, with the same bits", async () => {
    const model = await load(bytes);
    const files = await convert(model, { to: "safetensors" });
    const served = await run.load(files.get("model.safetensors")!);
    expect(served.origin).toBe("channelwise safetensors");
    expect(served.predict(signal)).toEqual(model.predict(signal));
    const loaded = await load(files.get("model.safetensors")!);
    expect(loaded.predict(signal)).toEqual(model.predict(signal));
  });

  test.each(["model.keras", "model.h5"])("reads nothing else, and says what to do with a %s", async (name) => {
    const refused = run.load(fileURLToPath(new URL(name, folder)));
    await expect(refused).rejects.toMatchObject({ name: "ChannelwiseError", code: "unknown-format", where: [name] });
    await expect(refused).rejects.toThrow(/reads only the \.safetensors that channelwise writes\n/);
    await expect(refused).rejects.toThrow(
      /fix {4}convert it \(channelwise convert .*, or import load from "channelwise"/,
    );
  });
});

test("a model out of a file needs the file no longer, whatever comes in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "channelwise-"));
  try {
    // Weights that lie apart, so that a block of the file does not hold all of them.
    const path = join(folder, "model.safetensors");
    const layers = [
      input("x", [null, 64]),
      layer("Conv1D", "one", { ...conv1d, filters: 64, kernel_size: [8], padding: "same" }),
    ];
    const variables = [stored([8, 64, 64], floats(8 * 64 * 64, 1)), stored([64], floats(64, 2))];
    const weights = memoryTree([["layers/conv1d", { name: "one", variables }]]);
    const made = new Model(kerasGraph({ config: sequential(layers), weights, place: [] }), "", "", kernelModule());
    writeFileSync(path, (await convert(made, { to: "safetensors" })).get("model.safetensors")!);
    const model = await load(path);
    rmSync(path);
    for (const [batch, length] of [
      [1, 20],
      [2, 20],
      [1, 90],
    ] as const) {
      const x = { data: floats(batch * length * 64, 3), layout: "NLC", shape: [batch, length, 64] };
      expect(model.predict(x)).toEqual(made.predict(x));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
