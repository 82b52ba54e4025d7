/** channelwise run: arrays in, arrays out, in files that NumPy reads. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/bytes/npy.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";
import { arrays, channelwise, firstApart, fixture, json, npz, Scratch, swapped, type Json } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Two inputs, two outputs. */
const twoByTwo = "nested-model-with-two-outputs";
/** Series in, a series and a vector out. */
const autoencoder = "convolutional-autoencoder";

describe.concurrent("run", () => {
  test("input_0 in, output_0 out, and what is said", async () => {
    const out = scratch.file("seed.npz");
    const { code, stdout, stderr } = await channelwise(
      "run",
      fixture("seed-experiment"),
      ...["--input", fixture("seed-experiment", "inputs.npz"), "--output", out],
    );
    expect(code).toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toContain("dense  NC = (1, 1)");
    expect(stderr).toMatch(/seed\.npz written, [\d.]+ ms/);
    expect([...arrays(out).keys()]).toEqual(["output_0"]);
    expect(
      firstApart(arrays(out).get("output_0"), arrays(fixture("seed-experiment", "outputs.npz")).get("output_0")!),
    ).toBeNull();
  });

  test("several inputs, by input_N and by name alike, in any order", async () => {
    const given = arrays(fixture(twoByTwo, "inputs.npz"));
    const names: string[] = (await json("inspect", fixture(twoByTwo))).inputs.map((port: Json) => port.name);
    expect(names).toEqual(["left", "right"]);
    const byName = scratch.write(
      "by-name.npz",
      npz(names.map((name, i) => [name, given.get(`input_${i}`)!] as const).reverse()),
    );
    const [numbered, named] = [scratch.file("numbered-out.npz"), scratch.file("named-out.npz")];
    await Promise.all([
      json("run", fixture(twoByTwo), "--input", fixture(twoByTwo, "inputs.npz"), "--output", numbered),
      json("run", fixture(twoByTwo), "--input", byName, "--output", named),
    ]);
    expect(readFileSync(named)).toEqual(readFileSync(numbered));
    for (const [name, want] of arrays(fixture(twoByTwo, "outputs.npz")))
      expect(firstApart(arrays(named).get(name), want), name).toBeNull();
  });

  test(".npy in and out gives the numbers of .npz", async () => {
    const series = arrays(fixture("flatten-dense", "inputs.npz")).get("input_0")!;
    const input = scratch.write("series.npy", writeNpy(series));
    const output = scratch.file("answer.npy");
    const said = await json("run", fixture("flatten-dense"), "--input", input, "--output", output);
    expect(said.output).toBe(output);
    expect(said.outputs[0].layout).toBe("NC");
    const got = readNpy(new Uint8Array(readFileSync(output)), []);
    const want = arrays(fixture("flatten-dense", "outputs.npz")).get("output_0")!;
    expect(firstApart({ dtype: "float32", shape: got.shape, data: toFloat32(got) }, want)).toBeNull();
  });

  test("--layers gives every layer under its name", async () => {
    const layers = scratch.file("layers.npz");
    const output = scratch.file("with-layers.npz");
    const input = fixture("shared-layers-chained", "inputs.npz");
    await json("run", fixture("shared-layers-chained"), "--input", input, "--output", output, "--layers", layers);
    const found = arrays(layers);
    const wanted = arrays(fixture("shared-layers-chained", "layers.npz"));
    expect([...wanted.keys()].some((name) => name.includes("@2"))).toBe(true);
    for (const [name, want] of wanted) expect(firstApart(found.get(name), want), name).toBeNull();
    expect(existsSync(output)).toBe(true);
  });

  test("a batch of none", async () => {
    const { shape } = arrays(fixture("seed-experiment", "inputs.npz")).values().next().value!;
    const empty = scratch.write(
      "empty.npz",
      npz([["input_0", { dtype: "float32", shape: [0, ...shape.slice(1)], data: new Float32Array() }]]),
    );
    const out = scratch.file("of-none.npz");
    await json("run", fixture("seed-experiment"), "--input", empty, "--output", out);
    expect(arrays(out).get("output_0")!.shape).toEqual([0, 1]);
  });

  test("--layout torch takes and gives channels first, the same numbers", async () => {
    const given = arrays(fixture(autoencoder, "inputs.npz")).get("input_0")!;
    const turned = scratch.write("channels-first.npz", npz([["signal", swapped(given)]]));
    const [last, first] = [scratch.file("last.npz"), scratch.file("first.npz")];
    await Promise.all([
      json("run", fixture(autoencoder), "--input", fixture(autoencoder, "inputs.npz"), "--output", last),
      json("run", fixture(autoencoder), "--input", turned, "--output", first, "--layout", "torch"),
    ]);
    const [plain, torch] = [arrays(last), arrays(first)];
    expect(torch.get("output_0")).toEqual(swapped(plain.get("output_0")!));
    expect(torch.get("output_1"), "a vector stays as it is").toEqual(plain.get("output_1"));
  });

  test("a converted .safetensors gives the same bits as the .keras", async () => {
    const name = "ecg-residual-network";
    const converted = scratch.file("ecg.safetensors");
    await json("convert", fixture(name), converted);
    const [left, right] = [scratch.file("ecg-keras.npz"), scratch.file("ecg-safetensors.npz")];
    await Promise.all([
      json("run", fixture(name), "--input", fixture(name, "inputs.npz"), "--output", left),
      json("run", converted, "--input", fixture(name, "inputs.npz"), "--output", right),
    ]);
    expect(readFileSync(right)).toEqual(readFileSync(left));
  });
});

describe.concurrent("run refuses", () => {
  const seed = fixture("seed-experiment");
  const refused = async (input: string, message: RegExp) => {
    const output = scratch.file(`refused-${Math.random()}.npz`);
    const { code, stderr } = await channelwise("run", seed, "--input", input, "--output", output);
    expect(stderr).toMatch(message);
    expect(stderr.match(/channelwise:/g)).toHaveLength(1);
    expect(code).toBe(3);
    expect(existsSync(output)).toBe(false);
  };

  test("an array that no input takes", () =>
    refused(fixture(twoByTwo, "inputs.npz"), /expected input_layer or input_0, got input_1/));
  test("an input that is missing", () => refused(scratch.write("none.npz", npz([])), /input input_layer is missing/));
  test("another shape", () =>
    refused(
      fixture("flatten-dense", "inputs.npz"),
      /input input_layer: expected NLC = \(N, 128, 1\), got NLC = \(2, 10, 2\)/,
    ));
  test("inputs that are no arrays", () => refused(scratch.write("text.npz", "text"), /text\.npz/));
  test("inputs that are not there", () =>
    refused(scratch.file("nowhere.npz"), /cannot read .*nowhere\.npz: there is no such file/));

  test("channels first where channels last are expected", async () => {
    const turned = scratch.write(
      "turned.npz",
      npz([["input_0", swapped(arrays(fixture("seed-experiment", "inputs.npz")).get("input_0")!)]]),
    );
    await refused(turned, /expected NLC = \(N, 128, 1\), got NLC = \(1, 1, 128\)/);
  });

  test("one file for outputs and layers, as wrong usage", async () => {
    const given = ["run", fixture("seed-experiment"), "--input", fixture("seed-experiment", "inputs.npz")];
    const { code, stderr } = await channelwise(
      ...given,
      "--output",
      scratch.file("z.npz"),
      "--layers",
      scratch.file("./z.npz"),
    );
    expect(stderr).toMatch(/^channelwise: usage: option layers: expected another file than .*z\.npz/);
    expect(code).toBe(2);
    expect(existsSync(scratch.file("z.npz"))).toBe(false);
  });

  test("one .npy for two outputs, as wrong usage", async () => {
    const output = scratch.file("two.npy");
    const { code, stderr } = await channelwise(
      "run",
      fixture(twoByTwo),
      "--input",
      fixture(twoByTwo, "inputs.npz"),
      "--output",
      output,
    );
    expect(stderr).toMatch(/expected a \.npz file, for \d outputs/);
    expect(code).toBe(2);
    expect(existsSync(output)).toBe(false);
  });

  test.each([
    ["out.txt", [], /option output: expected a \.npz file or \.npy where there is one output, got ".*out\.txt"/],
    ["out", [], /option output: expected/],
    ["out.npz", ["--layers", "layers.npy"], /option layers: expected a \.npz file, got "layers\.npy"/],
    ["out.npz", ["--layers", "layers.txt"], /option layers: expected/],
  ])("an ending that says nothing known: --output %s %s", async (name, more, message) => {
    const output = scratch.file(`ending-${more.length}-${name}`);
    const input = fixture("seed-experiment", "inputs.npz");
    const { code, stderr } = await channelwise("run", seed, "--input", input, "--output", output, ...more);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(existsSync(output)).toBe(false);
  });

  test("to leave --layers behind when the outputs can't be written", async () => {
    const layers = scratch.file("left-behind.npz");
    const below = `${scratch.write("plain", "x")}/out.npz`;
    const input = fixture("seed-experiment", "inputs.npz");
    const { code, stderr } = await channelwise("run", seed, "--input", input, "--output", below, "--layers", layers);
    expect(stderr).toMatch(/^channelwise: \S+: cannot write .*out\.npz/);
    expect(code).toBe(3);
    expect(existsSync(layers)).toBe(false);
  });
});
