/** channelwise convert: what is written by which option, and that a failure leaves everything as it was. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, test } from "vitest";
import { convertInto } from "../../src/api/convert.ts";
import { load } from "../../src/api/load.ts";
import { type EngineSide, engineSide } from "../../src/api/verify.ts";
import { inMemory } from "../../src/bytes/file-to-write.ts";
import { SideThread } from "../../src/cli/side-thread.ts";
import { readZip } from "../../src/bytes/zip.ts";
import { readSafetensors } from "../../src/formats/safetensors.ts";
import {
  arrays,
  channelwise,
  contents,
  fixture,
  json,
  layerOf,
  program,
  Scratch,
  swapped,
  withConfig,
  type Json,
} from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const seed = fixture("seed-experiment");
const text = (path: string) => readFileSync(path, "utf8");

describe.concurrent("convert writes", () => {
  test("a folder by default, and says what was verified", async () => {
    const out = scratch.file("not", "yet", "there");
    const { code, stdout, stderr } = await channelwise("convert", seed, out);
    expect(code).toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toContain("flatten: NCL to NLC, as Keras' Flatten merges it");
    expect(stderr).toMatch(/verified {2}3 layers on 2 random inputs, outputs at most \S+ apart/);
    expect(stderr).toMatch(/model\.py \(\d+ bytes\), model\.safetensors \(\d+ bytes\), check\.npz \(\d+ bytes\)/);
    expect(readdirSync(out).sort()).toEqual(["check.npz", "model.py", "model.safetensors"]);
    expect(text(`${out}/model.py`)).toContain("x = x.permute(0, 2, 1)");
    expect([...arrays(`${out}/check.npz`).keys()]).toEqual(["input_0", "output_0"]);
  });

  test("--json: the files and the report", async () => {
    const out = scratch.file("with-json");
    const said = await json("convert", seed, out);
    expect(said.to).toBe("pytorch");
    for (const { name, bytes } of said.written) expect(readFileSync(`${out}/${name}`), name).toHaveLength(bytes);
    expect(said.report.agrees).toBe(true);
    expect(said.report.layers.map((layer: Json) => layer.name)).toEqual(["conv1d", "flatten", "dense"]);
  });

  test("--flatten fold: no permute, and other rows in the weights", async () => {
    const [folded, permuted] = [scratch.file("folded"), scratch.file("permuted")];
    const name = fixture("flatten-dense");
    await Promise.all([json("convert", name, folded, "--flatten", "fold"), json("convert", name, permuted)]);
    expect(text(`${folded}/model.py`)).not.toContain("permute");
    const state = (folder: string) =>
      readSafetensors(new Uint8Array(readFileSync(`${folder}/model.safetensors`)), []).tensors;
    expect([...state(folded).keys()]).toEqual([...state(permuted).keys()]);
    expect(state(folded).get("dense.weight")).not.toEqual(state(permuted).get("dense.weight"));
    expect(state(folded).get("conv1d.weight")!.shape).toEqual(state(permuted).get("conv1d.weight")!.shape);
  });

  test("the way back: a checkpoint with --template, and a .safetensors without, give the model's own file", async () => {
    const name = fixture("flatten-dense");
    const [checkpoint, converted] = [scratch.file("way.pt"), scratch.file("way.safetensors")];
    const [own, back, direct] = [scratch.file("own.keras"), scratch.file("back.keras"), scratch.file("direct.keras")];
    await Promise.all([
      json("convert", name, checkpoint, "--flatten", "fold"),
      json("convert", name, converted),
      json("convert", name, own),
    ]);
    const { code, stderr } = await channelwise("convert", checkpoint, back, "--template", name);
    expect(code).toBe(0);
    expect(stderr).toContain("weights of PyTorch, as convert --flatten fold orders them");
    await json("convert", converted, direct);
    expect(readFileSync(back).equals(readFileSync(own))).toBe(true);
    expect(readFileSync(direct).equals(readFileSync(own))).toBe(true);
  });

  test.each(["h5", "weights.h5", "npz"])("a file by its ending: .%s", async (ending) => {
    const out = scratch.file(`ending.${ending}`);
    expect((await json("convert", seed, out)).to).toBe(ending);
    const weightsAlone = ending === "h5" ? [] : ["--architecture", seed];
    expect(await json("verify", out, ...weightsAlone)).toMatchObject({ agrees: true });
  });

  test("--io keras: inputs and outputs as Keras has them", async () => {
    const [keras, torch] = [scratch.file("io-keras"), scratch.file("io-torch")];
    const name = fixture("convolutional-autoencoder");
    await Promise.all([json("convert", name, keras, "--io", "keras"), json("convert", name, torch)]);
    expect(text(`${keras}/model.py`)).toContain('INPUTS = {"signal": "NLC"}');
    expect(text(`${torch}/model.py`)).toContain('INPUTS = {"signal": "NLC -> NCL"}');
    expect(text(`${torch}/model.py`)).toContain('OUTPUTS = {"restored": "NLC -> NCL", "code": "NC"}');
    const [last, first] = [arrays(`${keras}/check.npz`), arrays(`${torch}/check.npz`)];
    expect(first.get("input_0")).toEqual(swapped(last.get("input_0")!));
    expect(first.get("output_0")).toEqual(swapped(last.get("output_0")!));
    expect(first.get("output_1")).toEqual(last.get("output_1"));
  });

  test("--name and --weights pt", async () => {
    const out = scratch.file("named");
    const said = await json("convert", seed, out, "--name", "SeedNet", "--weights", "pt");
    expect(said.written.map((file: Json) => file.name)).toEqual(["model.py", "model.pt", "check.npz"]);
    expect(text(`${out}/model.py`)).toContain("class SeedNet(nn.Module):");
    expect(text(`${out}/model.py`)).toContain("torch.load(path, weights_only=True)");
    expect(text(`${out}/model.py`)).not.toContain("safetensors");
  });

  test("by OUT's ending: .safetensors, .pt", async () => {
    const [tensors, checkpoint] = [scratch.file("model.safetensors"), scratch.file("Model.PT")];
    const said = await Promise.all([json("convert", seed, tensors), json("convert", seed, checkpoint)]);
    expect(said.map((document) => document.to)).toEqual(["safetensors", "pt"]);
    const read = readSafetensors(new Uint8Array(readFileSync(tensors)), []);
    expect([...read.tensors.keys()].sort()).toEqual(["conv1d.bias", "conv1d.weight", "dense.bias", "dense.weight"]);
    expect(
      [...readZip(new Uint8Array(readFileSync(checkpoint)), []).keys()].some((name) => name.endsWith("data.pkl")),
    ).toBe(true);
  });

  test("by --to, whatever OUT's ending", async () => {
    const [folder, file] = [scratch.file("odd.pt"), scratch.file("weights.bin")];
    await Promise.all([
      json("convert", seed, folder, "--to", "pytorch"),
      json("convert", seed, file, "--to", "safetensors"),
    ]);
    expect(existsSync(`${folder}/model.py`)).toBe(true);
    expect(readSafetensors(new Uint8Array(readFileSync(file)), []).tensors.size).toBe(4);
  });

  test("--to tfjs: a folder that is read again, and cleared of an earlier one's shards", async () => {
    const out = scratch.file("web");
    const said = await json("convert", seed, out, "--to", "tfjs");
    expect(said.written.map((file: Json) => file.name)).toEqual(["model.json", "group1-shard1of1.bin"]);
    expect(said.report.agrees).toBe(true);
    writeFileSync(`${out}/group1-shard2of2.bin`, "of another model");
    await json("convert", seed, out, "--to", "tfjs");
    expect(Object.keys(contents(out))).toEqual(["group1-shard1of1.bin", "model.json"]);
    expect(await json("verify", `${out}/model.json`)).toMatchObject({ agrees: true });
    await json("convert", `${out}/model.json`, scratch.file("web.keras"));
  });

  test("into a folder of any name: one that is there, one with a slash behind it, one that ends in a version", async () => {
    const [there, slash] = [scratch.file("folder.there"), scratch.file("folder.slash")];
    const version = scratch.file("folder-1.2");
    mkdirSync(there);
    const said = await Promise.all([there, `${slash}/`, version].map((out) => json("convert", seed, out)));
    expect(said.map(({ to }) => to)).toEqual(["pytorch", "pytorch", "pytorch"]);
    for (const folder of [there, slash, version]) expect(existsSync(`${folder}/model.py`), folder).toBe(true);
  });

  test("the same bytes twice, over what was there", async () => {
    const out = scratch.file("twice");
    await json("convert", seed, out, "--flatten", "fold");
    writeFileSync(`${out}/notes.txt`, "mine");
    await json("convert", seed, out);
    const first = contents(out);
    await json("convert", seed, out);
    expect(contents(out)).toEqual(first);
    expect(Object.keys(first)).toEqual(["check.npz", "model.py", "model.safetensors", "notes.txt"]);
  });
});

describe.concurrent("a second conversion into a folder", () => {
  test("says which files it replaced and removed", async () => {
    const out = scratch.file("again");
    expect((await channelwise("convert", seed, out)).stderr).not.toMatch(/replaced|removed/);
    const { code, stderr } = await channelwise("convert", seed, out, "--weights", "pt");
    expect(code).toBe(0);
    expect(stderr).toContain(
      "\nreplaced  model.py, check.npz\nkept  model.safetensors, which model.py does not load\n",
    );
  });
});

describe.concurrent("a conversion that fails leaves everything as it was:", () => {
  /** A folder with an older conversion in it. */
  function older(name: string): string {
    const folder = scratch.file(name);
    mkdirSync(folder);
    for (const file of ["model.py", "model.safetensors", "check.npz"])
      writeFileSync(`${folder}/${file}`, `old ${file}, converted from Keras by channelwise`);
    return folder;
  }
  const fails = async (code: number, message: RegExp, ...args: readonly string[]) => {
    const finished = await channelwise("convert", ...args);
    expect(finished.stderr).toMatch(message);
    expect(finished.stderr.match(/channelwise:/g)).toHaveLength(1);
    expect(finished.stdout).toBe("");
    expect(finished.code).toBe(code);
  };

  test("a model.py that somebody else wrote is in the way", async () => {
    const folder = scratch.file("theirs");
    mkdirSync(folder);
    writeFileSync(`${folder}/model.py`, "my_code = 1");
    const before = contents(folder);
    await fails(2, /usage: .*model\.py is there already/, seed, folder);
    expect(contents(folder)).toEqual(before);
  });

  test("a model.json that somebody else wrote, or a layer that TensorFlow.js has not", async () => {
    const folder = scratch.file("their-web");
    mkdirSync(folder);
    writeFileSync(`${folder}/model.json`, "{}");
    const before = contents(folder);
    await fails(2, /usage: .*model\.json is there already/, seed, folder, "--to", "tfjs");
    expect(contents(folder)).toEqual(before);
    const out = scratch.file("no-web");
    const why =
      /unsupported-feature: gru: TensorFlow\.js has no GRU with reset_after=true\n {2}fix {4}train the layer with/;
    await fails(3, why, fixture("multi-input-multi-output"), out, "--to", "tfjs");
    expect(existsSync(out)).toBe(false);
  });

  test.each([
    ["model.onnx", /OUT: expected a folder \(with a \/ behind .* or \.npz, got "[^"]*model\.onnx"\n/],
    ["model.xyz", /OUT: expected a folder .*model\.xyz"\n/],
    ["model.safetensor", /OUT: expected .*; \.safetensors is the nearest\n/],
    ["model.kera", /OUT: expected .*; \.keras is the nearest\n/],
    ["model.json --to tfjs", /OUT: expected a folder \(with a \/ behind .*\) for tfjs, got "[^"]*model\.json"\n/],
    ["model.pt/ --to pt", /OUT: expected the name of a file, for pt, got/],
  ])("OUT's ending promises something else: %s", async (line, message) => {
    const [name, ...options] = line.split(" ") as [string, ...string[]];
    await fails(2, message, seed, scratch.file("endings", name), ...options);
    expect(existsSync(scratch.file("endings"))).toBe(false);
  });

  test("a layer that is not supported", async () => {
    const model = scratch.write(
      "unsupported.keras",
      withConfig(seed, (config) => {
        layerOf(config, "Conv1D").class_name = "ConvHologram";
      }),
    );
    const folder = older("unsupported");
    const before = contents(folder);
    await fails(3, /unsupported-layer: .*ConvHologram[\s\S]*conv1d/, model, folder);
    expect(contents(folder)).toEqual(before);
  });

  test("a file that was cut off", async () => {
    const model = scratch.write("cut.keras", readFileSync(seed).subarray(0, -100));
    const folder = older("cut");
    const before = contents(folder);
    await fails(3, /corrupt-file/, model, folder);
    await fails(3, /corrupt-file/, model, scratch.file("cut.safetensors"));
    expect(contents(folder)).toEqual(before);
    expect(existsSync(scratch.file("cut.safetensors"))).toBe(false);
  });

  test("a state dict that does not fit its template, by name, layout and shape", async () => {
    const other = scratch.file("other.pt");
    await json("convert", fixture("flatten-dense"), other);
    const out = scratch.file("misfit.keras");
    await fails(3, /conv1d\.weight: expected OIK = /, other, out, "--template", seed);
    await fails(3, /holds weights and no model.*\n.*\n.*--template/, other, out);
    expect(existsSync(out)).toBe(false);
  });

  test("a class name that is none", () =>
    fails(2, /option name: expected the name of a Python class, got "a b"/, seed, scratch.file("x1"), "--name", "a b"));

  test("OUT is a file where a folder is needed", async () => {
    const out = scratch.write("a-file", "mine");
    await fails(2, /expected .*a-file to be a folder/, seed, out);
    expect(text(out)).toBe("mine");
  });

  test("OUT is a folder where a file is needed", async () => {
    const out = scratch.file("a-folder.safetensors");
    mkdirSync(out);
    await fails(
      3,
      /cannot write .*a-folder\.safetensors: it is a folder\n {2}fix {4}give the name of a file$/m,
      seed,
      out,
    );
    expect(readdirSync(out)).toEqual([]);
  });

  test.each(["folder", "one.safetensors", "one.pt"])("OUT is below a file: %s", async (name) => {
    const file = scratch.write(`plain-${name}`, "mine");
    const why =
      /^channelwise: unreadable-file: cannot write .*: a part of the path is a file, where folders should be\n/;
    await fails(3, why, seed, `${file}/${name}`);
    expect(text(file)).toBe("mine");
  });

  test("one of several files can't be written", async () => {
    const folder = scratch.file("blocked");
    mkdirSync(`${folder}/check.npz`, { recursive: true });
    writeFileSync(`${folder}/model.py`, "old, converted from Keras by channelwise");
    const before = contents(folder);
    await fails(3, /cannot write/, seed, folder);
    expect(contents(folder)).toEqual(before);
  });
});

test("nothing above left a part behind", () => {
  const names = readdirSync(scratch.folder, { recursive: true }).map(String);
  expect(names.filter((name) => name.endsWith(".part"))).toEqual([]);
  expect(names).toContain("twice/notes.txt");
});

describe("the thread that computes one side of a large model's proof", () => {
  const thread = (path: string) =>
    new Promise<EngineSide>((resolve, reject) => {
      const worker = new Worker(program, { workerData: { sideOf: { path, options: {} } }, stderr: true });
      worker.once("message", resolve).once("error", reject);
    });

  test("gives what this one would compute", async () => {
    const given = await thread(seed);
    const own = engineSide(await load(seed));
    expect(given.values).toEqual(own.values);
    expect(given.outputs).toEqual(own.outputs);
  });

  test("is believed in the proof", async () => {
    const model = await load(seed);
    const convertWith = (side: EngineSide | undefined) =>
      convertInto(
        model,
        { to: "safetensors" },
        (_, file) => inMemory(file),
        () => Promise.resolve(side),
      );
    const side = engineSide(model);
    await convertWith(side);
    await convertWith(undefined);
    for (const { data } of side.values.values()) data[0]! += 1;
    await expect(convertWith(side)).rejects.toThrow(/differs from the model first at conv1d/);
  });

  describe("is started", () => {
    const built = pathToFileURL(program);
    const start = (path: string, own = built, least = 0) => new SideThread(path, {}, own, least).start();

    test("for a file that is large enough", async () => {
      expect((await start(seed))!.values).toEqual(engineSide(await load(seed)).values);
      expect(await start(seed, built, 2 ** 28)).toBeUndefined();
    });

    test("and gives nothing where it fails, or there is no such file", async () => {
      expect(await start(scratch.write("broken.keras", "nothing"))).toBeUndefined();
      expect(await start(seed, pathToFileURL(scratch.write("other.mjs", "process.exit(3)")))).toBeUndefined();
      expect(await start(seed, pathToFileURL(scratch.file("none.mjs")))).toBeUndefined();
      for (const path of [scratch.file("none.keras"), "http://localhost:1/model.keras", pathToFileURL(seed).href])
        expect(await start(path), path).toBeUndefined();
    });

    test("in vain where the conversion is refused", async () => {
      const model = await load(seed);
      const failing = () => Promise.reject(new Error("no thread"));
      await expect(convertInto(model, { name: "1bad" }, () => new Uint8Array(), failing)).rejects.toThrow(/name/);
      await convertInto(model, {}, (_, file) => inMemory(file), failing);
    });
  });

  test("into what is read, shards beside it included, is refused", async () => {
    const folder = scratch.file("web-source");
    await json("convert", seed, folder, "--to", "tfjs");
    const before = contents(folder);
    for (const args of [
      [`${folder}/model.json`, `${folder}/group1-shard1of1.bin`, "--to", "keras"],
      [`${folder}/model.json`, folder, "--to", "tfjs"],
    ]) {
      const { code, stderr } = await channelwise("convert", ...args);
      expect(stderr).toMatch(/^channelwise: usage: .* would replace .*, which is read/);
      expect(code).toBe(2);
      expect(contents(folder)).toEqual(before);
    }
  });

  test("a name that is empty is refused", async () => {
    for (const out of ["", " "]) {
      const { code, stderr } = await channelwise("convert", seed, out);
      expect(stderr).toMatch(/^channelwise: usage: option OUT: expected the name of a folder or a file/);
      expect(code).toBe(2);
    }
  });

  test("a model by its URL", async () => {
    await json("convert", pathToFileURL(seed).href, scratch.file("by-url"));
    const { code, stderr } = await channelwise(
      "convert",
      pathToFileURL(seed).href,
      scratch.file("bad"),
      "--name",
      "1bad",
    );
    expect(stderr).toMatch(/^channelwise: usage: /);
    expect(code).toBe(2);
  });
});
