/**
 * Whole model files of strangers: damaged ones, and ones whose configuration lies. `load` reads them or throws a ChannelwiseError,
 * soon and in little memory; the command line says one clear sentence and exits 3.
 */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { convert } from "../../src/api/convert.ts";
import { load } from "../../src/api/load.ts";
import { Model } from "../../src/api/model.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { readKerasFile } from "../../src/formats/keras.ts";
import type { WeightTree } from "../../src/formats/weight-tree.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import { type Finished, fixture, layerOf, program, Scratch, start, withConfig, type Json } from "../cli/command.ts";
import { kerasMutations, type Mutation, repack, thoroughness } from "./mutate.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const original = (name: string) => new Uint8Array(readFileSync(fixture(name)));

// --------------------------------------------------------------------------------------------- damaged files

/** Longest load and predict, on a machine that has other things to do. */
const longestMilliseconds = 5000;
const largestGrowthBytes = 512 * 2 ** 20;
const longestMessage = 2000;

/** What the process holds outside of JavaScript's own heap too: WebAssembly's memory is in no other count. */
const residentBytes = () => process.memoryUsage().rss;

/** Loads a damaged file, and runs it where it still is a model. Gives whether it did. */
async function attempt({ name, bytes }: Mutation): Promise<boolean> {
  const [started, before] = [performance.now(), residentBytes()];
  let loaded = false;
  try {
    const model = await load(bytes);
    loaded = true;
    const inputs = model.inputs.map((port) => {
      const shape = port.shape.map((size, axis) => (axis === 0 ? 2 : (size ?? 7)));
      const length = shape.reduce((product, size) => product * size, 1);
      const data = port.type === "int32" ? new Int32Array(length) : new Float32Array(length).fill(0.5);
      return [port.name, { data, shape, layout: port.layout }] as const;
    });
    const outputs = model.predictAll(Object.fromEntries(inputs));
    for (const { data, shape } of outputs)
      expect(data.length, name).toBe(shape.reduce((product, size) => product * size, 1));
    model.dispose();
  } catch (error) {
    if (!(error instanceof ChannelwiseError))
      throw new Error(`${name}: ${error instanceof Error ? error.stack : error}`);
    if (error.message.length > longestMessage || /[^\P{Cc}\n]/u.test(error.message))
      throw new Error(`${name}: a message that can't be shown: ${error.message.slice(0, longestMessage)}`);
  }
  const [milliseconds, growth] = [performance.now() - started, residentBytes() - before];
  if (milliseconds > longestMilliseconds) throw new Error(`${name}: took ${milliseconds} ms`);
  if (growth > largestGrowthBytes) throw new Error(`${name}: took ${growth} bytes`);
  return loaded;
}

describe("damaged files, load and predict", () => {
  test.each([
    ["seed-experiment", 11],
    ["flatten-batchnorm-dense", 12],
    ["nested-model-with-two-outputs", 13],
    ["conv1d-groups", 14],
  ])("%s", async (name, seed) => {
    let loaded = 0;
    const files = [...kerasMutations(original(name), seed, 60)];
    for (const mutation of files) if (await attempt(mutation)) loaded++;
    // Some turn a weight or a name, and are models still; most are not.
    expect(loaded).toBeLessThan(files.length);
  });
});

// ------------------------------------------------------------------------------------------- the command line

/** Reports the most memory that the process ever held, in its last line on stderr. */
const watch =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS+"\\n"))';
/** What Node itself needs is about 60 MB. */
const largestPeakBytes = 400 * 2 ** 20;

/** Runs a command on a hostile file; fails if it does not end well. */
async function run(name: string, ...args: readonly string[]): Promise<Finished> {
  const started = performance.now();
  const { code, stdout, stderr: all } = await start(process.execPath, ["--import", watch, program, ...args]);
  const [, stderr = all, peak] = /^([\s\S]*)peak (\d+)\n$/.exec(all) ?? [];
  expect(code, `${name}: ended by itself\n${all}`).toBeGreaterThanOrEqual(0);
  expect(Number(peak) * 1024, `${name}: bytes at the peak`).toBeLessThan(largestPeakBytes);
  expect(performance.now() - started, `${name}: milliseconds`).toBeLessThan(15_000);
  expect(stderr, `${name}: a stack trace`).not.toMatch(/\n {4}at |internal error/);
  return { code, stdout, stderr };
}

/**
 * `inspect` on a hostile file: of each eight, one by the command line, and the others by `load`, whose error it prints as it is. A
 * thorough run has a process for each.
 */
async function inspect(name: string, path: string, index: number): Promise<Finished> {
  if (index % 8 === 0 || thoroughness > 1) return run(name, "inspect", path);
  const started = performance.now();
  const refused = await load(path).then(
    () => null,
    (error: unknown) => error,
  );
  expect(refused, name).toBeInstanceOf(ChannelwiseError);
  expect(performance.now() - started, `${name}: milliseconds`).toBeLessThan(longestMilliseconds);
  return { code: 3, stdout: "", stderr: `${(refused as ChannelwiseError).message}\n` };
}

/** One clear sentence with a way out, and nothing else. */
function expectRefusal(name: string, { code, stdout, stderr }: Finished): void {
  expect(code, `${name}\n${stderr}`).toBe(3);
  expect(stdout, name).toBe("");
  expect(stderr.match(/channelwise: /g), `${name}\n${stderr}`).toHaveLength(1);
  expect(stderr, name).toMatch(/^channelwise: [a-z-]+: \S[^\n]*\n( {2}where {2}[^\n]+\n)? {2}fix {4}\S[^\n]*\n$/);
  expect(stderr.length, name).toBeLessThan(longestMessage);
}

describe("damaged files, command line", () => {
  const chosen = [...kerasMutations(original("flatten-dense"), 21, 75)].filter((_, index) => index % 10 === 0);
  test.concurrent.each(
    chosen.map((mutation, index) => ({ ...mutation, path: scratch.write(`damaged-${index}.keras`, mutation.bytes) })),
  )("$name", async ({ name, path }) => {
    const args = ["--input", fixture("flatten-dense", "inputs.npz"), "--output", `${path}.npz`];
    const finished = await run(name, "run", path, ...args);
    if (finished.code !== 0) expectRefusal(name, finished);
  });
});

// ------------------------------------------------------------------------------------------ lying configurations

type Change = (config: Json) => void;
const layer =
  (className: string, change: (layer: Json) => void): Change =>
  (config) =>
    change(layerOf(config, className));
const option = (className: string, name: string, value: unknown): Change =>
  layer(className, ({ config }) => {
    config[name] = value;
  });
const named = (className: string, name: unknown): Change =>
  layer(className, (entry) => {
    entry.name = name;
    entry.config.name = name;
  });
const shape = (...sizes: unknown[]): Change =>
  layer("InputLayer", ({ config }) => {
    config.batch_shape = sizes;
  });

const lambda = {
  module: "builtins",
  class_name: "function",
  config: "__import__('os').system('touch /tmp/hacked')",
  registered_name: "function",
};

/** flatten-dense is InputLayer (N, 10, 2), Conv1D(3, 3), Flatten, Dense(4). What each message has to name stands first. */
const lies: Record<string, readonly [names: RegExp, change: Change]> = {
  "a billion filters": [/conv1d/, option("Conv1D", "filters", 1e9)],
  "2^53 filters": [/conv1d/, option("Conv1D", "filters", 2 ** 53)],
  "no filters": [/conv1d/, option("Conv1D", "filters", 0)],
  "negative filters": [/conv1d/, option("Conv1D", "filters", -3)],
  "half a filter": [/conv1d/, option("Conv1D", "filters", 2.5)],
  "filters as text": [/conv1d/, option("Conv1D", "filters", "3")],
  "filters as a list": [/conv1d/, option("Conv1D", "filters", [3])],
  "no filters given": [/conv1d/, layer("Conv1D", ({ config }) => delete config.filters)],
  "a billion taps": [/conv1d/, option("Conv1D", "kernel_size", [1e9])],
  "taps along two axes": [/conv1d/, option("Conv1D", "kernel_size", [3, 3])],
  "a negative stride": [/conv1d/, option("Conv1D", "strides", [-1])],
  "a stride of zero": [/conv1d/, option("Conv1D", "strides", [0])],
  "a dilation of a billion": [/conv1d/, option("Conv1D", "dilation_rate", [1e9])],
  "no groups": [/conv1d/, option("Conv1D", "groups", 0)],
  "more groups than channels": [/conv1d/, option("Conv1D", "groups", 1e6)],
  "padding of another kind": [/conv1d/, option("Conv1D", "padding", "reflect")],
  "padding that is an object": [/conv1d/, option("Conv1D", "padding", { toString: 1 })],
  "an activation nobody knows": [/conv1d/, option("Conv1D", "activation", "hologram")],
  "an activation named constructor": [/conv1d/, option("Conv1D", "activation", "constructor")],
  "an activation named __proto__": [/conv1d/, option("Conv1D", "activation", "__proto__")],
  "a lambda as activation": [
    /conv1d/,
    option("Conv1D", "activation", { class_name: "__lambda__", config: { value: "4wEAAAA=" } }),
  ],
  "Python code as activation": [/conv1d/, option("Conv1D", "activation", lambda)],
  "channels that are nowhere": [/conv1d/, option("Conv1D", "data_format", "channels_middle")],
  "a billion units": [/dense/, option("Dense", "units", 1e9)],
  "units as text": [/dense/, option("Dense", "units", "4 or so")],
  "units that are true": [/dense/, option("Dense", "units", true)],
  "a precision nobody knows": [/dense/, option("Dense", "dtype", "float7")],
  "a Reshape to petabytes": [
    /flatten/,
    layer("Flatten", (entry) => {
      entry.class_name = "Reshape";
      entry.config.target_shape = [2 ** 20, 2 ** 20, 2 ** 10];
    }),
  ],
  "a Reshape to a negative size": [
    /flatten/,
    layer("Flatten", (entry) => {
      entry.class_name = "Reshape";
      entry.config.target_shape = [-2, 12];
    }),
  ],
  "a Reshape with two open sizes": [
    /flatten/,
    layer("Flatten", (entry) => {
      entry.class_name = "Reshape";
      entry.config.target_shape = [-1, -1];
    }),
  ],
  "an upsampling by a billion": [
    /flatten/,
    layer("Flatten", (entry) => {
      entry.class_name = "UpSampling1D";
      entry.config.size = 1e9;
    }),
  ],
  "a padding by 2^40": [
    /flatten/,
    layer("Flatten", (entry) => {
      entry.class_name = "ZeroPadding1D";
      entry.config.padding = [2 ** 40, 2 ** 40];
    }),
  ],
  "a Lambda layer": [
    /Lambda[\s\S]*flatten/,
    layer("Flatten", (entry) => {
      entry.class_name = "Lambda";
      entry.config.function = {
        class_name: "__lambda__",
        config: { code: "4wEAAAAAAAA=", defaults: null, closure: null },
      };
    }),
  ],
  "a class nobody knows": [
    /FlattenSideways[\s\S]*flatten/,
    layer("Flatten", (entry) => (entry.class_name = "FlattenSideways")),
  ],
  "a class named constructor": [
    /constructor[\s\S]*flatten/,
    layer("Flatten", (entry) => (entry.class_name = "constructor")),
  ],
  "a class named __proto__": [/__proto__[\s\S]*flatten/, layer("Flatten", (entry) => (entry.class_name = "__proto__"))],
  "a class that is a number": [/flatten|class_name/, layer("Flatten", (entry) => (entry.class_name = 7))],
  "a class of someone's own": [
    /OwnFlatten[\s\S]*flatten/,
    layer("Flatten", (entry) =>
      Object.assign(entry, { class_name: "OwnFlatten", module: "os", registered_name: "own>OwnFlatten" }),
    ),
  ],
  "a layer without configuration": [/flatten|config/, layer("Flatten", (entry) => delete entry.config)],
  "a layer that is null": [/layer/, (config) => (config.config.layers[1] = null)],
  "a layer that is a list": [/layer/, (config) => (config.config.layers[1] = [1, 2])],
  "no layers at all": [/layer/, (config) => (config.config.layers = [])],
  "layers that are an object": [/layers/, (config) => (config.config.layers = { length: 1e9 })],
  "a layer's name that is a number": [/name|layer/, named("Conv1D", 7)],
  "two layers of one name": [/dense/, named("Conv1D", "dense")],
  "an input of negative length": [/input_layer/, shape(null, -10, 2)],
  "an input of no axes": [/input_layer|axes|conv1d/, shape()],
  "an input of eleven axes": [/input_layer|conv1d/, shape(null, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2)],
  "an input with sizes as text": [/input_layer/, shape(null, "10", 2)],
  "an input of half a length": [/input_layer/, shape(null, 10.5, 2)],
  "an input of 2^53 steps": [/input_layer|conv1d|flatten|dense/, shape(null, 2 ** 53, 2)],
  "an input of 2 billion steps": [/input_layer|conv1d|flatten|dense/, shape(null, 2e9, 2)],
  "an input of 2 billion channels": [/input_layer|conv1d/, shape(null, 10, 2e9)],
  "an input of a type nobody knows": [/input_layer/, option("InputLayer", "dtype", "complex64")],
  "a model of a class nobody knows": [/class|Megamodel/, (config) => (config.class_name = "Megamodel")],
  "a model that is a list": [/./, (config) => Object.assign(config, { config: [] })],
};

describe("lying configurations", () => {
  test.concurrent.each(Object.entries(lies).map(([name, [names, change]], index) => ({ name, names, change, index })))(
    "$name",
    async ({ name, names, change, index }) => {
      const path = scratch.write(`lie-${index}.keras`, withConfig(fixture("flatten-dense"), change));
      const finished = await inspect(name, path, index);
      expectRefusal(name, finished);
      expect(finished.stderr.replaceAll(/lie-\d+\.keras > config\.json/g, "")).toMatch(names);
    },
  );

  const raw: Record<string, string> = {
    "of NaN": '{"class_name": "Sequential", "config": {"layers": NaN}}',
    "of 1e999": '{"class_name": "Sequential", "config": {"name": 1e999, "layers": []}}',
    "nested a hundred thousand deep": `${'{"config":'.repeat(1e5)}1${"}".repeat(1e5)}`,
    "of a list of models": "[{}]",
    "of a number": "17",
    "of nothing": "",
    "with __proto__": '{"__proto__": {"class_name": "Sequential"}, "config": {"layers": []}}',
    "of models in models, a thousand deep": `${'{"class_name":"Sequential","config":{"name":"s","layers":['.repeat(1000)}${"]}}".repeat(1000)}`,
  };
  test.concurrent.each(Object.entries(raw).map(([name, text], index) => ({ name, text, index })))(
    "a configuration $name",
    async ({ name, text, index }) => {
      const bytes = repack(original("flatten-dense"), { "config.json": new TextEncoder().encode(text) });
      expectRefusal(name, await run(name, "inspect", scratch.write(`raw-${index}.keras`, bytes)));
    },
  );

  test.concurrent("nested models, each three times in the next: 3^40 layers", async () => {
    let model: Json = { class_name: "Activation", config: { name: "a", activation: "relu" }, module: "keras.layers" };
    let text = JSON.stringify(model);
    for (let depth = 0; depth < 11; depth++) {
      model = { class_name: "Sequential", config: { name: `m${depth}`, layers: "LAYERS" }, module: "keras" };
      text = JSON.stringify(model).replace('"LAYERS"', `[${text},${text},${text}]`);
    }
    const bytes = repack(original("flatten-dense"), { "config.json": new TextEncoder().encode(text) });
    expectRefusal("3^11", await run("3^11", "inspect", scratch.write("nested.keras", bytes)));
  });
});

/** Functional models: `inbound_nodes` say what reads what. */
describe("lying graphs", () => {
  const source = "flatten-relu-two-heads";
  const node = (config: Json, className: string) => layerOf(config, className).inbound_nodes;
  const history = (config: Json, className: string) => node(config, className)[0].args[0].config;
  const graphs: Record<string, Change> = {
    "a layer that reads its own output": (config) => {
      history(config, "Flatten").keras_history[0] = layerOf(config, "Flatten").config.name;
    },
    "a layer that reads the last one": (config) => {
      history(config, "Conv1D").keras_history[0] = layerOf(config, "Dense").config.name;
    },
    "a layer that reads nobody": (config) => {
      history(config, "Flatten").keras_history[0] = "nobody";
    },
    "a layer that reads ../../etc/passwd": (config) => {
      history(config, "Flatten").keras_history[0] = "../../etc/passwd";
    },
    "a call that was never made": (config) => {
      history(config, "Flatten").keras_history[1] = 1e9;
    },
    "an output that is none": (config) => {
      history(config, "Flatten").keras_history[2] = -1;
    },
    "a history that is text": (config) => {
      history(config, "Flatten").keras_history = "conv1d";
    },
    "a tensor of another class": (config) => {
      node(config, "Flatten")[0].args[0].class_name = "Tensor";
    },
    "nodes that are text": (config) => {
      layerOf(config, "Flatten").inbound_nodes = "conv1d";
    },
    "a layer without nodes": (config) => {
      layerOf(config, "Flatten").inbound_nodes = [];
    },
    "a layer with two inputs too many": (config) => {
      const [first] = node(config, "Flatten");
      first.args.push(first.args[0], first.args[0]);
    },
    "an output of nobody": (config) => {
      config.config.output_layers[0][0] = "nobody";
    },
    "outputs that are a number": (config) => {
      config.config.output_layers = 3;
    },
    "no outputs": (config) => {
      config.config.output_layers = [];
    },
    "inputs that are no inputs": (config) => {
      config.config.input_layers = [[layerOf(config, "Dense").config.name, 0, 0]];
    },
  };
  test.concurrent.each(Object.entries(graphs).map(([name, change], index) => ({ name, change, index })))(
    "$name",
    async ({ name, change, index }) => {
      const path = scratch.write(`graph-${index}.keras`, withConfig(fixture(source), change));
      expectRefusal(name, await inspect(name, path, index));
    },
  );
});

describe("names", () => {
  const hostile = 'x"""; import os; os.abort() #\n\\u0022';

  test("that lead elsewhere are shown as text", async () => {
    const path = scratch.write(
      "names.keras",
      withConfig(fixture("flatten-dense"), named("Flatten", "../../../tmp/hacked\u001b[2J\n")),
    );
    const { code, stdout, stderr } = await run("names", "inspect", path);
    expect([0, 3]).toContain(code);
    expect(`${stdout}${stderr}`).not.toContain("\u001b[2J");
  });

  test("that are code become names, in model.py too", async () => {
    const file = readKerasFile(original("flatten-dense"), ["attack"]);
    const all = ["input_layer", "conv1d", "flatten", "dense"];
    let text = JSON.stringify(file.config);
    for (const name of all) text = text.replaceAll(JSON.stringify(name), JSON.stringify(`${name}${hostile}`));
    const config = JSON.parse(text);
    config.config.name = hostile;
    // The file says the layers' names a second time, beside their weights.
    const variables = file.weights;
    const weights: WeightTree = {
      variables: (path) => variables.variables(path),
      has: (path) => variables.has(path),
      children: (path) => variables.children(path),
      name: () => undefined,
      place: variables.place,
    };
    const model = new Model(kerasGraph({ config, weights, place: ["attack"] }), hostile, "", kernelModule());
    // convert() reads model.py back and runs it: it is refused if it were more than a network.
    const files = await convert(model, { to: "pytorch" });
    const source = new TextDecoder().decode(files.get("model.py"));
    const outsideOfText = source.replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""').replaceAll(/#.*/g, "");
    expect(outsideOfText).not.toMatch(/import os|abort\(/);
    expect(source.split("\n").filter((line) => line.includes('"""'))).toHaveLength(3);
  });
});

/** Sizes that a file may claim without holding them: no weight depends on the length of a series, nothing on the batch. */
describe("sizes of billions", () => {
  const sized = (...sizes: readonly number[]) =>
    withConfig(fixture("conv1d-strides"), (config) => {
      for (const entry of config.config.layers) if (entry.class_name === "InputLayer") entry.config.batch_shape = sizes;
    });
  test.concurrent.each([
    ["inspect", null, 2e9],
    ["verify", null, 2e9],
    ["explain", null, 2e9],
    ["convert", null, 2e9],
    ["inspect", null, 2 ** 52],
    ["convert", null, 2 ** 52],
    ["inspect", 2e9, 19],
    ["convert", 2e9, 19],
  ] as const)("%s, batch %s, length %d: takes no memory", async (command, batch, length) => {
    const name = `${command}-${batch}-${length}`;
    const path = scratch.write(`${name}.keras`, sized(batch as number, length, 3));
    const finished = await run(name, command, path, ...(command === "convert" ? [scratch.file(name)] : []));
    // To describe a long series costs nothing, and a batch is as large as its user's; to run a series of billions is refused.
    if (finished.code !== 0 || (command !== "inspect" && length > 1e6)) expectRefusal(command, finished);
  });
});
