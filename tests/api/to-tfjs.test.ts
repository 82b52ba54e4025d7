/**
 * Models as files of TensorFlow.js: what is written, its own library loads, and gives the numbers that Keras gave; what it lacks, or
 * computes otherwise, is refused by name. Every layer of the fixtures is tried as a model of its own too, since one that is refused hides
 * the others of its fixture.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { convert } from "../../src/api/convert.ts";
import { load, readGraph } from "../../src/api/load.ts";
import { inputRecord, randomInputs } from "../../src/api/random.ts";
import type { KerasSource } from "../../src/api/source.ts";
import { toFloat32, toInt32 } from "../../src/bytes/numbers.ts";
import { inMemory } from "../../src/bytes/file-to-write.ts";
import { writeTfjs } from "../../src/formats/tfjs-write.ts";
import type { TensorData } from "../../src/tensor.ts";
import { layersAlone } from "../support/alone.ts";
import { caseNames, loadCase } from "../support/fixtures.ts";
import { filesOf, modelOf, sequential } from "../support/tfjs-models.ts";
import { loadInTfjs, predictInTfjs } from "../support/tfjs.ts";

const tolerance = { atol: 1e-5, rtol: 1e-4 };

interface Array {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Equal names and bytes; element by element would take seconds. */
function expectSame(found: Map<string, Uint8Array> | string, wanted: Map<string, Uint8Array> | string): void {
  const files = [found, wanted].map((given) => [...(given as Map<string, Uint8Array>)]) as [string, Uint8Array][][];
  expect(files[0]!.map(([name]) => name)).toEqual(files[1]!.map(([name]) => name));
  files[0]!.forEach(([name, bytes], index) => {
    expect(Buffer.compare(bytes, files[1]![index]![1]), name).toBe(0);
  });
}

function expectClose(found: readonly Array[], wanted: readonly Array[]): void {
  expect(found.map(({ shape }) => shape)).toEqual(wanted.map(({ shape }) => shape));
  wanted.forEach(({ data }, output) => {
    const got = found[output]!.data;
    let excess = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < data.length; index++) {
      const over = Math.abs(got[index]! - data[index]!) - tolerance.atol - tolerance.rtol * Math.abs(data[index]!);
      excess = Math.max(excess, Number.isNaN(over) ? Number.POSITIVE_INFINITY : over);
    }
    expect(excess).toBeLessThanOrEqual(0);
  });
}

// ------------------------------------------------------------------------------------------- what it has not

/** Why models, and layers by themselves, are refused; each stands for something that TensorFlow.js lacks or takes otherwise. */
const reasons: readonly RegExp[] = [
  // Layers and functions that are not there.
  /^layer (AdaptiveAveragePooling1D|AdaptiveMaxPooling1D|AdditiveAttention|Attention|Conv1DTranspose)$/,
  /^layer (Cropping1D|DepthwiseConv1D|EinsumDense|GroupNormalization|GroupQueryAttention|MultiHeadAttention)$/,
  /^layer (Normalization|RMSNormalization|SeparableConv1D|SpectralNormalization|Subtract|UnitNormalization|UpSampling1D)$/,
  /^layer ZeroPadding1D$/,
  /^operations such as keras\.ops \w+$/,
  /^\w+ with activation="(celu|exponential|glu|hard_shrink|hard_silu|hard_tanh|leaky_relu|log_sigmoid|soft_shrink)"$/,
  /^\w+ with activation="(sparse_plus|sparse_sigmoid|sparsemax|squareplus|tanh_shrink)"$/,
  /^\w+ with activation=\{"module":"keras\.layers"/,
  // Options that are not there, or are not heeded.
  /^Conv1D with (groups=\d|padding="causal")$/,
  /^\w+ with data_format="channels_first"$/,
  /^(GlobalAveragePooling1D|GlobalMaxPooling1D) with keepdims=true$/,
  /^(GRU|GRUCell) with reset_after=true$/,
  /^(ELU with alpha=0\.7|ReLU with negative_slope=0\.\d)$/,
  /^(BatchNormalization with axis=1|BatchNormalization with \d axes|Softmax with axis=(1|\[1,2\]))$/,
  /^Bidirectional whose backward_layer is another than the forward one turned round$/,
  /^Rescaling with scale=\{"class_name":"__numpy__"/,
  /^\w+ with the call argument mask$/,
  /^(LSTM|GRU|SimpleRNN|Bidirectional) with another mask than its input brings along there$/,
  // Other meanings, precisions and names.
  /^\w+ with hard_sigmoid as Keras 3 computes it, clip\(x \/ 6 \+ 0\.5, 0, 1\): its own is clip\(0\.2 x \+ 0\.5, 0, 1\)$/,
  /^\w+ with the precision (mixed_)?b?float\d+$/,
  /^\w+ with the precision int8_from_float32$/,
  /^layers of the name (my input|conv 1\.a:0|Ünïcode-head_1|нормировка|激活→relu)$/,
  /^calls of a shared layer in this order$/,
];

/** Those of a fixture as a whole that are written. */
const written: string[] = [];
const used = new Set<RegExp>();

function expectReason(why: string): void {
  const reason = reasons.find((known) => known.test(why));
  expect(reason, why).toBeDefined();
  used.add(reason!);
}

describe("a fixture is written, and gives what Keras gave, or is refused", () => {
  test.each(caseNames)("%s", async (name) => {
    const { file, inputs, outputs } = loadCase(name);
    const model = await load(file);
    const files = await filesOf(model);
    if (typeof files === "string") return expectReason(files);
    written.push(name);
    const given = inputs.map((array, index) => ({
      data: (model.inputs[index]!.type === "int32" ? toInt32(array) : toFloat32(array)) as TensorData,
      shape: array.shape,
    }));
    const found = predictInTfjs(await loadInTfjs(files), given);
    expectClose(
      found,
      outputs.map((array) => ({ data: toFloat32(array), shape: array.shape })),
    );
    // And ours -> tfjs -> ours -> tfjs.
    const again = await load(files.get("model.json")!, { files: Object.fromEntries(files) });
    expectSame(await filesOf(again), files);
  });

  test("most of those that have only its layers are", () => {
    expect(written.length).toBeGreaterThan(35);
    // Its masks are what it is about.
    expect(written).toContain("masked-branches");
  });
});

describe("each layer of a fixture by itself is written, and gives what the engine gives, or is refused", () => {
  // One of each: names, sizes and how to train make no other layer.
  const seen = new Set<string>();
  const kind = ({ config }: KerasSource) =>
    JSON.stringify((config.config as { layers: unknown[] }).layers.at(-1), (key, value) =>
      /^(name|shape|units|filters|momentum|build_config|shared_object_id|.*_(initializer|regularizer))$/.test(key)
        ? undefined
        : value,
    );
  let count = 0;
  test.each(caseNames)("%s", async (name) => {
    const keras = readGraph({ bytes: loadCase(name).file, name }).source.keras!();
    for (const [layer, own] of layersAlone(keras)) {
      if (seen.has(kind(own))) continue;
      seen.add(kind(own));
      const model = modelOf(own, layer);
      const files = await filesOf(model);
      if (typeof files === "string") {
        expectReason(files);
        continue;
      }
      count++;
      const inputs = randomInputs(model.graph, 2, 7);
      const wanted = model.predictAll(inputRecord(model.graph, inputs));
      expectClose(predictInTfjs(await loadInTfjs(files), inputs), wanted);
    }
  });

  test("most of those that it has are, and every reason is one of some layer", () => {
    expect(count).toBeGreaterThan(200);
    expect(reasons.filter((reason) => !used.has(reason))).toEqual([]);
  });
});

describe("files of Keras 1 and 2 are written with the meaning that they had, or refused", () => {
  const folder = new URL("../fixtures/legacy/", import.meta.url);
  const open = (name: string) => {
    const file = (own: string) => new Uint8Array(readFileSync(new URL(`${name}/${own}`, folder)));
    const whole = readdirSync(new URL(`${name}/`, folder)).includes("model.h5");
    return whole ? load(file("model.h5")) : load(file("weights.h5"), { architecture: file("architecture.json") });
  };
  const ofOthers: Readonly<Record<string, RegExp>> = {
    "tf-keras-attention": /^layer Attention$/,
    "tf-keras-functions": /^operations such as keras\.ops Subtract$/,
    "tf-keras-sequential": /^Conv1D with padding="causal"$/,
    "tf-keras-shapes": /^layer UpSampling1D$/,
    "tf-keras-shared-model": /^operations such as keras\.ops Multiply$/,
    "tf-keras-states": /^LSTM with a mask and initial states, as Keras computes it$/,
  };
  test.each(readdirSync(folder))("%s", async (name) => {
    const model = await open(name);
    const files = await filesOf(model);
    if (Object.hasOwn(ofOthers, name)) return expect(files).toMatch(ofOthers[name]!);
    expect(files).toBeInstanceOf(Map);
    const inputs = randomInputs(model.graph, 2, 7);
    const wanted = model.predictAll(inputRecord(model.graph, inputs));
    expectClose(predictInTfjs(await loadInTfjs(files as Map<string, Uint8Array>), inputs), wanted);
  });
});

// ------------------------------------------------------------------------------------------------------ masks

describe("masks in a chain", () => {
  const embedding = ["Embedding", { input_dim: 5, output_dim: 3, mask_zero: true, shapes: [[5, 3]] }] as const;
  const masking = ["Masking", { mask_value: 0.5 }] as const;
  const lstm = (sequences: boolean, inputs: number, more: object = {}) =>
    ["LSTM", { units: 2, return_sequences: sequences, ...more, shapes: [[inputs, 8], [2, 8], [8]] }] as const;
  const inner = (sequences: boolean) => ({
    class_name: "SimpleRNN",
    module: "keras.layers",
    config: { name: "forward_rnn", units: 2, return_sequences: sequences },
  });
  const both = (sequences: boolean) => {
    const layer = inner(sequences);
    const backward = { ...layer, config: { ...layer.config, name: "backward_rnn", go_backwards: true } };
    const shapes = [[3, 2], [2, 2], [2], [3, 2], [2, 2], [2]];
    return ["Bidirectional", { layer, backward_layer: backward, merge_mode: "ave", shapes }] as const;
  };
  const cellOf = (className: string, units: number) => ({
    ...{ class_name: className, module: "keras.layers", registered_name: null },
    config: { name: className.toLowerCase(), units },
  });
  const gates = { LSTMCell: 4, SimpleRNNCell: 1 } as const;
  const cell = (className: keyof typeof gates, units: number, inputs = 3) => ({
    cell: cellOf(className, units),
    shapes: [[inputs, units], [units, units], [units]].map((shape) => [
      ...shape.slice(0, -1),
      gates[className] * units,
    ]),
  });
  const stacked = (...[first, second]: readonly [keyof typeof gates, keyof typeof gates]) => {
    const [below, above] = [cell(first, 2), cell(second, 3, 2)];
    const inner = { name: "stacked", cells: [below.cell, above.cell] };
    const whole = { class_name: "StackedRNNCells", module: "keras.layers", registered_name: null, config: inner };
    return { cell: whole, shapes: [...below.shapes, ...above.shapes] };
  };
  /** Which TensorFlow.js would start with, and refuse where it is not square. */
  const asIdentity = () => {
    const { cell: whole, shapes } = stacked("SimpleRNNCell", "SimpleRNNCell");
    const [below, above] = whole.config.cells as [object, object];
    const config = {
      ...(below as { config: object }).config,
      kernel_initializer: { class_name: "Identity", config: {} },
    };
    return { cell: { ...whole, config: { ...whole.config, cells: [{ ...below, config }, above] } }, shapes };
  };
  const cells = (own: { cell: object; shapes: number[][] }, sequences = false) =>
    ["RNN", { ...own, return_sequences: sequences }] as const;
  const dense = (inputs: number) => ["Dense", { units: 3, activation: "tanh", shapes: [[inputs, 3], [3]] }] as const;

  /** Steps at the end, in the midst and all of a sample that do not count. */
  const tokens = Int32Array.of(1, 2, 0, 3, 4, 0, 0, 1, 1, 2, 2, 3, 3, 4, 0, 0, 0, 0, 0, 0, 0);
  const steps = Float32Array.from({ length: 3 * 7 * 3 }, (_, index) =>
    tokens[Math.floor(index / 3)] === 0 ? 0.5 : Math.cos(index),
  );

  test.each([
    [
      "through two recurrences",
      sequential(embedding, lstm(true, 3), ["Dropout", { rate: 0.5 }], lstm(false, 2), dense(2)),
    ],
    ["past a Dense, the other way round", sequential(masking, dense(3), lstm(true, 3, { go_backwards: true }))],
    ["into both directions", sequential(masking, both(false), dense(2))],
    ["into a cell", sequential(masking, cells(cell("SimpleRNNCell", 3)), dense(3))],
    ["into a cell of two states, all steps of it", sequential(masking, cells(cell("LSTMCell", 2), true), dense(2))],
    ["into cells that start as the identity", sequential(masking, cells(asIdentity()), dense(3))],
    ["into stacked cells", sequential(masking, cells(stacked("LSTMCell", "SimpleRNNCell")), dense(3))],
    ["into stacked cells, all steps", sequential(masking, cells(stacked("LSTMCell", "SimpleRNNCell"), true), dense(3))],
    ["lost before the end, where nobody looks", sequential(embedding, ["GlobalMaxPooling1D", {}], dense(3))],
    [
      "a step that says nothing of itself",
      sequential(masking, ["LayerNormalization", { shapes: [[3], [3]] }], lstm(false, 3)),
    ],
  ])("%s", async (_, model) => {
    const files = await filesOf(model);
    expect(files).toBeInstanceOf(Map);
    const embeds = model.inputs[0]!.type === "int32";
    const given = embeds ? { data: tokens, shape: [3, 7] } : { data: steps, shape: [3, 7, 3] };
    const wanted = model.predictAll(given.data);
    expectClose(predictInTfjs(await loadInTfjs(files as Map<string, Uint8Array>), [given]), wanted);
  });

  test.each([
    [
      "LSTM without a mask after maxpooling1d_1, which has one",
      sequential(embedding, ["MaxPooling1D", { pool_size: 2 }], lstm(false, 3)),
    ],
    [
      "LSTM without a mask after lstm_1, which has one",
      sequential(embedding, lstm(false, 3), ["RepeatVector", { n: 3 }], lstm(false, 2)),
    ],
    ["LeakyReLU behind a mask, as Keras computes it", sequential(masking, ["LeakyReLU", {}], lstm(false, 3))],
    [
      "GlobalAveragePooling1D behind a mask, as Keras computes it",
      sequential(embedding, ["GlobalAveragePooling1D", {}]),
    ],
    ["Bidirectional that gives zeros where the mask is", sequential(masking, both(true))],
    ["LSTM that gives zeros where the mask is", sequential(masking, lstm(true, 3, { zero_output_for_mask: true }))],
  ])("%s is refused", async (why, model) => {
    expect(await filesOf(model)).toBe(why);
  });
});

// ------------------------------------------------------------------------------------------------------ files

describe("the files", () => {
  const big = (count: number) => ({
    name: "dense/kernel",
    array: {
      dtype: "float32" as const,
      shape: [count],
      read: () => Float32Array.from({ length: count }, (_, index) => index),
    },
  });

  test("weights in shards of 4 MiB", () => {
    const names = (count: number) =>
      [...writeTfjs({}, [big(count)])].map(([name, { sizeBytes }]) => [name, sizeBytes]).slice(1);
    expect(names(0)).toEqual([]);
    expect(names(2 ** 20)).toEqual([["group1-shard1of1.bin", 2 ** 22]]);
    expect(names(2 ** 20 + 1)).toEqual([
      ["group1-shard1of2.bin", 2 ** 22],
      ["group1-shard2of2.bin", 4],
    ]);
  });

  test("a model over several shards, cut in the midst of an array", async () => {
    const toWrite = writeTfjs({ class_name: "Sequential", config: { name: "large", layers: largeLayers } }, [
      { name: "table/embeddings", array: { ...big(2 ** 20 + 3).array, shape: [2 ** 20 + 3, 1] } },
    ]);
    const files = new Map(Array.from(toWrite, ([name, file]) => [name, inMemory(file)]));
    expect([...files.keys()]).toEqual(["model.json", "group1-shard1of2.bin", "group1-shard2of2.bin"]);
    const model = await load(files.get("model.json")!, { files: Object.fromEntries(files) });
    expect([...model.predictAll(Int32Array.of(2 ** 20 + 2))[0]!.data]).toEqual([2 ** 20 + 2]);
    expectSame(await filesOf(model), files);
  });

  const largeLayers = [
    { class_name: "InputLayer", config: { batch_input_shape: [null, 1], dtype: "int32", sparse: false, name: "x" } },
    {
      class_name: "Embedding",
      config: {
        ...{ name: "table", trainable: true, dtype: "float32" },
        ...{ input_dim: 2 ** 20 + 3, output_dim: 1, mask_zero: false },
        embeddings_initializer: { class_name: "RandomUniform", config: { minval: -0.05, maxval: 0.05 } },
      },
    },
  ];

  test("layers of one name in two models are refused, since weights go by it", async () => {
    const keras = readGraph({ bytes: loadCase("nested-models").file, name: "nested" }).source.keras!();
    const text = JSON.stringify(keras.config).replaceAll('"inner_conv"', '"middle_conv"');
    const twice = { ...keras, config: JSON.parse(text) };
    expect(await filesOf(modelOf(twice))).toBe("two layers of one name, in other models too: middle_conv/kernel twice");
  });

  test("a state dict's weights, by way of the template", async () => {
    const file = loadCase("flatten-dense").file;
    const [checkpoint] = [...(await convert(await load(file), { to: "pt", flatten: "fold" })).values()];
    const back = await load(checkpoint!, { architecture: file });
    expectSame(await filesOf(back), await filesOf(await load(file)));
  });
});
