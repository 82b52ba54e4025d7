/** What every command has: help with examples, exit codes, messages on stderr, and readers that stop early. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { channelwise, fixture, layerOf, npz, program, Scratch, start, withConfig } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const seed = fixture("seed-experiment");
const commands = ["inspect", "run", "convert", "verify", "explain"] as const;

describe.concurrent("what is read is not written over", () => {
  test.each([
    ["convert", "the model"],
    ["run", "the input"],
  ])("%s: %s", async (command, what) => {
    const bytes = readFileSync(seed);
    const path = scratch.write(`own-${command}.keras`, bytes);
    const input = scratch.write(`own-${command}.npz`, "never read");
    const args = command === "convert" ? [path, path] : [path, "--input", input, "--output", input];
    const { code, stderr } = await channelwise(command, ...args);
    expect(code, what).toBe(2);
    expect(stderr).toContain("which is read\n  fix    give another name");
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readFileSync(input, "utf8")).toBe("never read");
  });
});

describe.concurrent("help", () => {
  test("lists commands, exit codes and examples", async () => {
    const { code, stdout, stderr } = await channelwise("--help");
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
    expect(stdout).toContain("Exit codes: 0 done, 1 outputs differ, 2 wrong usage, 3 file refused");
    expect(stdout).toMatch(/Examples:\n {2}channelwise /);
  });

  test.each(commands)("%s --help has every option and examples", async (name) => {
    const { code, stdout, stderr } = await channelwise(name, "--help");
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatch(new RegExp(`Examples:\\n {2}channelwise ${name} `));
    const options = {
      inspect: [],
      run: ["--input", "--output", "--layers", "--layout"],
      convert: ["--to", "--flatten", "--weights", "--io", "--name"],
      verify: ["--against", "--samples", "--seed"],
      explain: ["--input"],
    }[name];
    for (const option of ["--json", "--architecture", ...options]) expect(stdout, option).toContain(option);
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await channelwise("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe.concurrent("exit code 2, wrong usage:", () => {
  const out = () => scratch.file(`out-${Math.random()}`);
  test.each<[string, RegExp, readonly string[]]>([
    ["no command", /Usage: channelwise/, []],
    ["an unknown command", /unknown command 'transmogrify'/, ["transmogrify"]],
    ["an unknown option", /unknown option '--flat'/, ["convert", seed, out(), "--flat", "fold"]],
    [
      "an unknown choice of --flatten",
      /--flatten.*invalid.*permute, fold/,
      ["convert", seed, out(), "--flatten", "sideways"],
    ],
    ["an unknown choice of --to", /--to.*invalid.*pytorch/, ["convert", seed, out(), "--to", "onnx"]],
    [
      "an unknown choice of --layout",
      /--layout.*invalid.*keras, torch/,
      ["run", seed, "--input", "a", "--output", "b", "--layout", "NLC"],
    ],
    [
      "a misspelt choice of --to",
      /--to.*invalid.*\n\(Did you mean pytorch\?\)/,
      ["convert", seed, out(), "--to", "pytroch"],
    ],
    ["a misspelt choice of --flatten", /--flatten.*\n\(Did you mean fold\?\)/, ["verify", seed, "--flatten", "fodl"]],
    ["no model", /missing required argument 'model'/, ["inspect"]],
    ["no OUT", /missing required argument 'out'/, ["convert", seed]],
    ["one argument too many", /too many arguments/, ["inspect", seed, seed]],
    ["run without --input", /'--input <file>' not specified/, ["run", seed, "--output", out()]],
    [
      "run without --output",
      /'--output <file>' not specified/,
      ["run", seed, "--input", fixture("seed-experiment", "inputs.npz")],
    ],
    ["an option without its value", /'--seed <number>' argument missing/, ["verify", seed, "--seed"]],
    ["no number of samples", /expected an integer from \d to \d+, got "some"/, ["verify", seed, "--samples", "some"]],
    ["no samples at all", /samples/, ["verify", seed, "--samples", "0"]],
    ["a negative seed", /expected an integer from 0 to \d+, got "-1"/, ["verify", seed, "--seed=-1"]],
  ])("%s", async (_, message, args) => {
    const { code, stdout, stderr } = await channelwise(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("points to the help of the command that was given", async () => {
    const [unknown, value, none] = await Promise.all([
      channelwise("convert", seed, out(), "--flat", "fold"),
      channelwise("verify", seed, "--samples", "0"),
      channelwise("transmogrify"),
    ]);
    expect(unknown.stderr).toContain("\n(channelwise convert --help lists its options)\n");
    expect(value.stderr).toContain("\n  fix    `channelwise verify --help` lists its options\n");
    expect(none.stderr).toContain("\n(channelwise --help lists commands and options)\n");
  });
});

describe.concurrent("exit code 3, a file is refused:", () => {
  const unsupported = () =>
    withConfig(seed, (config) => {
      layerOf(config, "Flatten").class_name = "FlattenDiagonally";
    });
  test.each<[string, RegExp, string]>([
    ["missing", /unreadable-file: cannot read .*nowhere\.keras: there is no such file/, scratch.file("nowhere.keras")],
    ["a folder", /unreadable-file: .*it is a folder\n {2}fix {4}give the name of a file/, scratch.folder],
    ["below a file", /unreadable-file: .*a part of the path is a file, where folders should be/, `${seed}/model.keras`],
    ["empty", /unknown-format/, scratch.write("empty.keras", "")],
    [
      "garbage",
      /unknown-format: .*\n {2}where {2}garbage\.keras/,
      scratch.write(
        "garbage.keras",
        Uint8Array.from({ length: 999 }, (_, i) => (i * 7919) & 255),
      ),
    ],
    [
      "a .keras that was cut off",
      /corrupt-file: [\s\S]*where {2}cut\.keras/,
      scratch.write("cut.keras", readFileSync(seed).subarray(0, 3000)),
    ],
    [
      "an archive of something else",
      /channelwise: [\s\S]*where {2}arrays\.keras/,
      scratch.write("arrays.keras", npz([])),
    ],
    [
      "a layer that is not supported",
      /unsupported-layer: .*FlattenDiagonally[\s\S]*where {2}odd\.keras > .*flatten/,
      scratch.write("odd.keras", unsupported()),
    ],
  ])("%s", async (_, message, path) => {
    const { code, stdout, stderr } = await channelwise("inspect", path);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\n {2}fix {4}\S/);
    expect(stderr.match(/channelwise: /g)).toHaveLength(1);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(stdout).toBe("");
    expect(code).toBe(3);
  });

  test.each(commands)("%s says so alike", async (name) => {
    const rest = {
      inspect: [],
      run: ["--input", "a.npz", "--output", "b.npz"],
      convert: [scratch.file("out")],
      verify: [],
      explain: [],
    }[name];
    const { code, stdout, stderr } = await channelwise(name, scratch.file("nowhere.keras"), ...rest, "--json");
    expect(stderr).toMatch(/^channelwise: unreadable-file: cannot read /);
    expect(code).toBe(3);
    expect(stdout).toBe("");
  });
});

describe.concurrent("a reader that stops early", () => {
  // 4000 answers as JSON are more than a pipe holds.
  const samples = 4000;
  const data = Float32Array.from({ length: samples * 128 }, (_, i) => Math.sin(i));
  const input = scratch.write("many.npz", npz([["input_0", { dtype: "float32", shape: [samples, 128, 1], data }]]));
  const shell = (line: string) => start("bash", ["-c", `set -o pipefail; ${line}`]);

  test("is no failure", async () => {
    const command = `'${process.execPath}' '${program}' explain '${seed}' --input '${input}' --json`;
    const finished = await shell(`${command} | head -1`);
    expect(finished).toEqual({ code: 0, stdout: "{\n", stderr: "" });
  });

  test("nor is one that reads nothing", async () => {
    const finished = await shell(`'${process.execPath}' '${program}' inspect '${seed}' | true`);
    expect(finished.stderr).toBe("");
    expect(finished.code).toBe(0);
  });
});
