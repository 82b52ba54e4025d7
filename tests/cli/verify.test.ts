/** channelwise verify: agrees with what it converted, and says where an altered conversion parts from the model. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { channelwise, fixture, json, Scratch } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const seed = fixture("seed-experiment");
const converted = scratch.file("converted");
beforeAll(async () => {
  await json("convert", seed, converted);
});

/** A copy of the conversion with one file changed. */
function altered(name: string, file: string, change: (bytes: Buffer) => string | Uint8Array): string {
  const folder = scratch.file(name);
  cpSync(converted, folder, { recursive: true });
  writeFileSync(`${folder}/${file}`, change(readFileSync(`${folder}/${file}`)));
  return folder;
}

describe("verify", () => {
  test.concurrent("for people", async () => {
    const { code, stdout, stderr } = await channelwise("verify", seed);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^layer +class +axes +max abs +max rel$/m);
    expect(stdout).toMatch(/^conv1d +Conv1D +NLC = \(2, 127, 2\) +\S+ +\S+ +agrees$/m);
    expect(stdout).toMatch(/^dense +output +NC = \(2, 1\) +\S+ +\S+ +agrees$/m);
    expect(stdout).toContain("All layers agree.  2 random inputs, seed 0");
  });

  test.concurrent("--json, --samples, --seed, --flatten, --io", async () => {
    const options = ["--samples", "3", "--seed", "7", "--flatten", "fold", "--io", "keras"];
    const report = await json("verify", fixture("keyword-spotting-cnn"), ...options);
    expect(report).toMatchObject({ agrees: true, firstDifference: null, samples: 3, seed: 7 });
    for (const layer of [...report.layers, ...report.outputs]) {
      expect(layer.agrees, layer.name).toBe(true);
      expect(layer.maxAbsolute, layer.name).toBeLessThan(1e-4);
      expect(layer.shape[0], layer.name).toBe(3);
    }
  });

  test.concurrent("--against a folder", async () => {
    expect(await json("verify", seed, "--against", converted)).toMatchObject({ agrees: true });
  });

  test.concurrent.each([
    ["--flatten", "fold"],
    ["--io", "keras"],
    ["--name", "Other"],
  ])("--against a folder of convert %s %s, with no options of its own", async (...options) => {
    const name = fixture("convolutional-autoencoder");
    const folder = scratch.file(options.join(""));
    await json("convert", name, folder, ...options);
    expect(await json("verify", name, "--against", folder)).toMatchObject({ agrees: true });
  });

  test.concurrent("--against weights alone", async () => {
    expect(await json("verify", seed, "--against", `${converted}/model.safetensors`)).toMatchObject({ agrees: true });
  });

  test.concurrent("--against a folder with a checkpoint, and against the checkpoint alone", async () => {
    const folder = scratch.file("checkpoint");
    await json("convert", seed, folder, "--weights", "pt");
    expect(await json("verify", seed, "--against", folder)).toMatchObject({ agrees: true });
    expect(await json("verify", seed, "--against", `${folder}/model.pt`)).toMatchObject({ agrees: true });
    expect(await json("verify", `${folder}/model.pt`, "--architecture", seed)).toMatchObject({ agrees: true });
  });

  test.concurrent("a converted .safetensors is a model like any other", async () => {
    expect(await json("verify", `${converted}/model.safetensors`)).toMatchObject({ agrees: true });
  });
});

describe("verify --against exits 1", () => {
  const differs = async (folder: string, first: string) => {
    const { code, stdout, stderr } = await channelwise("verify", seed, "--against", folder, "--json");
    expect(stderr).toMatch(/^channelwise: outputs-differ: .* differs from model\.keras first at/);
    expect(stderr).toContain(`first at ${first}`);
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ agrees: false, firstDifference: first });
    expect(report.outputs[0]).toMatchObject({ name: "dense", agrees: false });
  };

  test.concurrent("when the last weight was altered", async () => {
    const folder = altered("weights", "model.safetensors", (bytes) => {
      const copy = Buffer.from(bytes);
      // The data section ends the file; its last tensor in order of names is dense.weight.
      for (let at = copy.length - 40; at < copy.length; at += 4) copy.writeFloatLE(3, at);
      return copy;
    });
    await differs(folder, "dense");
  });

  test.concurrent("when the permute was removed, the bug that this is about", async () => {
    const folder = altered("no-permute", "model.py", (bytes) => bytes.toString().replace(/.*permute.*\n/, ""));
    await differs(folder, "dense");
  });

  test.concurrent("when an activation was added, for people", async () => {
    const folder = altered("relu", "model.py", (bytes) => bytes.toString().replace("return x", "return x.relu() + 1"));
    const { code, stdout, stderr } = await channelwise("verify", seed, "--against", folder);
    expect(code).toBe(1);
    expect(stdout).toContain("DIFFERS");
    expect(stdout).toContain("The first layer that differs is");
    expect(stderr).toContain("convert the model again, or look at what was changed since");
  });
});

describe("verify --against refuses", () => {
  const refused = async (folder: string, message: RegExp) => {
    const { code, stderr } = await channelwise("verify", seed, "--against", folder);
    expect(stderr).toMatch(message);
    expect(stderr.match(/channelwise:/g)).toHaveLength(1);
    expect(code).toBe(3);
  };

  test.concurrent("what is not there", () => refused(scratch.file("nowhere"), /cannot read .*nowhere/));
  test.concurrent("a folder without model.py", () => refused(scratch.folder, /cannot read .*model\./));
  test.concurrent("the conversion of another model", async () => {
    const other = scratch.file("other");
    await json("convert", fixture("keyword-spotting-cnn"), other);
    await refused(other, /channelwise: (?!internal)/);
  });
  test.concurrent("a program that does more than PyTorch: it is read, never run", async () => {
    const folder = altered("import-os", "model.py", (bytes) =>
      bytes.toString().replace("return x", "__import__('os').abort()\n        return x"),
    );
    await refused(folder, /channelwise: (?!internal)/);
  });
});
