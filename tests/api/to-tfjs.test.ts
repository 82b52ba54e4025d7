/**
 * Models as files of TensorFlow.js: what is written, its own library loads, and gives the numbers that Keras gave; what it lacks, or
 * computes otherwise, is refused by name. Every layer of the fixtures is tried as a model of its own too, since one that is refused hides
 * the others of its fixture.
 */
import { readdirSync, readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { convert } from "../../src/api/convert.ts";
import { load, readGraph } from "../../src/api/load.ts";
import { Model } from "../../src/api/model.ts";
import { inputRecord, randomInputs } from "../../src/api/random.ts";
import { type KerasSource, rememberSource } from "../../src/api/source.ts";
import { toFloat32, toInt32 } from "../../src/bytes/numbers.ts";
import { readKeras } from "../../src/dialects/keras.ts";
import { inMemory } from "../../src/bytes/file-to-write.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { writeTfjs } from "../../src/formats/tfjs-write.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import type { TensorData } from "../../src/tensor.ts";
import { layersAlone } from "../support/alone.ts";
import { caseNames, loadCase } from "../support/fixtures.ts";
import { loadInTfjs, predictInTfjs } from "../support/tfjs.ts";

const tolerance = { atol: 1e-5, rtol: 1e-4 };

function modelOf(keras: KerasSource, name = "model"): Model {
  const model = new Model(keras.graph, name, "Keras", kernelModule());
  rememberSource(model, { keras: () => keras });
  return model;
}

/** The files of a model, or why there are none. */
async function filesOf(model: Model): Promise<Map<string, Uint8Array> | string> {
  try {
    return await convert(model, { to: "tfjs" });
  } catch (error) {
    if (!(error instanceof ChannelwiseError) || error.code !== "unsupported-feature") throw error;
    expect(error.fix).not.toBe("");
    return error.summary.replace(/^.*?: TensorFlow\.js has no /, "");
  }
}

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

// --------------------------------------------------------------------------------------------------- training

/** A Sequential of Keras 3 on seven steps; its weights, of the `shapes` in the options, are all of one `row`, by default a sine. */
function sequential(...layers: readonly (readonly [className: string, options: object])[]): Model {
  const entries = layers.map(([className, options], index) => ({
    ...{ module: "keras.layers", class_name: className, registered_name: null },
    config: { name: `${className.toLowerCase()}_${index}`, ...options },
  }));
  const embeds = layers[0]![0] === "Embedding";
  const input = { batch_shape: embeds ? [null, 7] : [null, 7, 3], dtype: embeds ? "int32" : "float32", name: "x" };
  const config = {
    ...{ module: "keras", class_name: "Sequential", registered_name: null },
    config: {
      name: "chain",
      layers: [{ module: "keras.layers", class_name: "InputLayer", config: input }, ...entries],
    },
  };
  const row =
    layers.map(([, { row: own }]: readonly [string, { row?: typeof Math.sin }]) => own).find(Boolean) ?? Math.sin;
  const shapes = layers.flatMap(([, { shapes: own = [] }]: readonly [string, { shapes?: number[][] }]) => own);
  const arrays = shapes.map((shape, index) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => row(7 * index + at));
    return { name: `arr_${index}`, array: { dtype: "float32" as const, shape, read: () => data } };
  });
  const plain = JSON.parse(
    JSON.stringify(config, (key, value) => (key === "shapes" || key === "row" ? undefined : value)),
  );
  const { keras } = readKeras({
    config: plain,
    weights: { kind: "order", place: [], arrays },
    kerasVersion: "3.15.1",
    place: ["chain"],
  });
  return modelOf({ ...keras, version: "3.15.1" }, "chain");
}

describe("how the weights start and are trained", () => {
  const dense = (options: object) => ["Dense", { units: 3, ...options, shapes: [[3, 3], [3]] }] as const;
  const of = (name: string, config: object = {}) => ({
    module: "keras",
    class_name: name,
    config,
    registered_name: null,
  });
  const loaded = async (...layers: readonly (readonly [string, object])[]) => {
    const files = await filesOf(sequential(...layers));
    expect(files).toBeInstanceOf(Map);
    return loadInTfjs(files as Map<string, Uint8Array>);
  };
  const scaling = (scale: number, mode: string, distribution: string, seed?: number) => ({
    className: "VarianceScaling",
    config: { scale, mode, distribution, ...(seed === undefined ? {} : { seed }) },
  });

  test.each<readonly [unknown, object]>([
    // The defaults of Keras, which are not those of TensorFlow.js.
    [undefined, scaling(1, "fanAvg", "uniform")],
    [of("GlorotUniform", { seed: null }), scaling(1, "fanAvg", "uniform")],
    ["glorot_normal", scaling(1, "fanAvg", "normal")],
    [of("HeNormal", { seed: 3 }), scaling(2, "fanIn", "normal", 3)],
    ["HeUniform", scaling(2, "fanIn", "uniform")],
    [of("LecunNormal", { seed: 5 }), scaling(1, "fanIn", "normal", 5)],
    [of("LecunUniform"), scaling(1, "fanIn", "uniform")],
    [
      of("VarianceScaling", { scale: 0.3, mode: "fan_out", distribution: "uniform", seed: 0 }),
      scaling(0.3, "fanOut", "uniform", 0),
    ],
    [of("VarianceScaling", { scale: 2, distribution: "truncated_normal" }), scaling(2, "fanIn", "normal")],
    [
      of("RandomNormal", { mean: 0, stddev: 0.2, seed: 9 }),
      { className: "RandomNormal", config: { mean: 0, stddev: 0.2, seed: 9 } },
    ],
    [
      of("TruncatedNormal", { mean: 1, stddev: 0.1 }),
      { className: "TruncatedNormal", config: { mean: 1, stddev: 0.1 } },
    ],
    [of("RandomUniform", { minval: -1, maxval: 2 }), { className: "RandomUniform", config: { minval: -1, maxval: 2 } }],
    [of("Constant", { value: 0.25 }), { className: "Constant", config: { value: 0.25 } }],
    [of("Zeros"), { className: "Zeros", config: {} }],
    [of("Ones"), { className: "Ones", config: {} }],
    [of("Identity", { gain: 2 }), { className: "Identity", config: { gain: 2 } }],
    [of("OrthogonalInitializer", { gain: 0.5, seed: null }), { className: "Orthogonal", config: { gain: 0.5 } }],
  ])("the initializer %j", async (given, wanted) => {
    const initial = given === undefined ? {} : { kernel_initializer: given };
    const model = await loaded(dense({ ...initial, bias_initializer: of("Constant", { value: 2 }) }));
    const found = JSON.parse(JSON.stringify(model.layers.at(-1)!.getConfig()));
    expect(found.kernelInitializer).toEqual(wanted);
    expect(found.biasInitializer).toEqual({ className: "Constant", config: { value: 2 } });
  });

  test.each([
    // It takes the zero for "not set".
    of("RandomUniform", { minval: 0, maxval: 1 }),
    of("RandomNormal", { stddev: 0 }),
    of("VarianceScaling", { distribution: "untruncated_normal" }),
    of("STFT"),
    of("Constant", { value: [1, 2, 3] }),
    { module: "mine", class_name: "Mine", config: {}, registered_name: "mine>Mine" },
  ])("the initializer %j is left out", async (given) => {
    const files = (await filesOf(sequential(dense({ kernel_initializer: given })))) as Map<string, Uint8Array>;
    const text = new TextDecoder().decode(files.get("model.json"));
    expect(text).toContain("bias_initializer");
    expect(text).not.toContain("kernel_initializer");
    await loadInTfjs(files);
  });

  test("of every layer that has weights", async () => {
    const constant = (value: number) => of("Constant", { value });
    const model = await loaded(
      [
        "Conv1D",
        {
          filters: 3,
          kernel_size: 1,
          kernel_initializer: constant(1),
          bias_initializer: constant(2),
          shapes: [[1, 3, 3], [3]],
        },
      ],
      [
        "BatchNormalization",
        {
          ...{ gamma_initializer: constant(3), beta_initializer: constant(4), moving_mean_initializer: constant(5) },
          ...{
            moving_variance_initializer: constant(6),
            gamma_regularizer: of("L1", { l1: 0.5 }),
            shapes: [[3], [3], [3], [3]],
          },
          row: (at: number) => 2 + Math.sin(at),
        },
      ],
      [
        "LayerNormalization",
        { gamma_initializer: constant(7), beta_regularizer: of("L2", { l2: 0.5 }), shapes: [[3], [3]] },
      ],
      ["PReLU", { alpha_initializer: constant(8), alpha_regularizer: of("L1L2", { l1: 1, l2: 2 }), shapes: [[7, 3]] }],
      [
        "LSTM",
        {
          ...{ units: 2, return_sequences: true, kernel_initializer: constant(9), recurrent_initializer: constant(10) },
          ...{
            bias_initializer: constant(11),
            recurrent_regularizer: of("L2", { l2: 3 }),
            shapes: [[3, 8], [2, 8], [8]],
          },
        },
      ],
    );
    const [, conv, norm, layerNorm, prelu, lstm] = JSON.parse(
      JSON.stringify(model.layers.map((own) => own.getConfig())),
    );
    const constantOf = (initializer: { config: { value: number } }) => initializer.config.value;
    expect([conv.kernelInitializer, conv.biasInitializer].map(constantOf)).toEqual([1, 2]);
    const own = [
      norm.gammaInitializer,
      norm.betaInitializer,
      norm.movingMeanInitializer,
      norm.movingVarianceInitializer,
    ];
    expect(own.map(constantOf)).toEqual([3, 4, 5, 6]);
    expect(norm.gammaRegularizer.config).toEqual({ l1: 0.5, l2: 0 });
    expect([layerNorm.gammaInitializer, prelu.alphaInitializer].map(constantOf)).toEqual([7, 8]);
    expect([layerNorm.betaRegularizer.config, prelu.alphaRegularizer.config]).toEqual([
      { l1: 0, l2: 0.5 },
      { l1: 1, l2: 2 },
    ]);
    expect([lstm.kernelInitializer, lstm.recurrentInitializer].map(constantOf)).toEqual([9, 10]);
    expect(lstm.recurrentRegularizer.config).toEqual({ l1: 0, l2: 3 });
    expect(JSON.stringify(lstm.biasInitializer)).toContain("11");
  });

  test.each([
    [of("L1", { l1: 0.1 }), 0.1, 0],
    [of("L2", { l2: 0.3 }), 0, 0.3],
    [of("L1L2", { l1: 0.1, l2: 0.2 }), 0.1, 0.2],
    ["l2", 0, 0.01],
    [of("OrthogonalRegularizer", { factor: 0.1, mode: "rows" }), 0, 0],
  ])("the regularizer %j is part of the loss", async (given, l1, l2) => {
    const model = await loaded(dense({ kernel_regularizer: given, activity_regularizer: of("L2", { l2: 1 }) }));
    const loss = async (regularized: tf.LayersModel) => {
      regularized.compile({ optimizer: "sgd", loss: "meanSquaredError" });
      return (await regularized.trainOnBatch(tf.zeros([1, 7, 3]), tf.zeros([1, 7, 3]))) as number;
    };
    const kernel = Array.from({ length: 9 }, (_, at) => Math.sin(at));
    const sum = (term: (value: number) => number) => kernel.reduce((total, value) => total + term(value), 0);
    const penalty = l1 * sum(Math.abs) + l2 * sum((value) => value * value);
    expect((await loss(model)) - (await loss(await loaded(dense({}))))).toBeCloseTo(penalty, 5);
  });

  test.each<readonly [string, unknown, object | null]>([
    ["kept", of("MaxNorm", { max_value: 3, axis: 0 }), { className: "MaxNorm", config: { maxValue: 3, axis: 0 } }],
    [
      "kept",
      of("MinMaxNorm", { min_value: 0.1, max_value: 3, rate: 0.5, axis: -1 }),
      { className: "MinMaxNorm", config: { minValue: 0.1, maxValue: 3, rate: 0.5, axis: -1 } },
    ],
    [
      "kept along two axes",
      of("MaxNorm", { max_value: 3, axis: [0, 1] }),
      { className: "MaxNorm", config: { maxValue: 3, axis: [0, 1] } },
    ],
    ["broken", of("MaxNorm", { max_value: 1, axis: 0 }), null],
    ["broken along two axes", of("MaxNorm", { max_value: 2, axis: [0, 1] }), null],
    ["broken", of("MinMaxNorm", { min_value: 2, max_value: 3 }), null],
    ["broken", of("UnitNorm", { axis: 0 }), null],
    ["broken", of("NonNeg"), null],
    ["unknown", of("Mine"), null],
  ])("a constraint that is %s: %j", async (_, given, wanted) => {
    const model = await loaded(dense({ kernel_constraint: given }));
    const layer = model.layers.at(-1)!;
    const kernel = layer.getWeights()[0]!.dataSync();
    expect(JSON.parse(JSON.stringify(layer.getConfig().kernelConstraint))).toEqual(wanted);
    kernel.forEach((value, at) => {
      const weight = Math.fround(Math.sin(at));
      if (wanted) expect(Math.abs(value - weight)).toBeLessThan(1e-6);
      else expect(value).toBe(weight);
    });
  });

  test("constraints that the weights keep: none negative, each of length one, in both directions", async () => {
    const positive = await loaded(dense({ kernel_constraint: of("NonNeg"), row: (at: number) => at % 4 }));
    expect(JSON.stringify(positive.layers.at(-1)!.getConfig().kernelConstraint)).toContain("NonNeg");
    const unit = await loaded(
      dense({ kernel_constraint: of("UnitNorm"), row: (at: number) => (at % 4 === 0 ? 1 : 0) }),
    );
    expect(JSON.stringify(unit.layers.at(-1)!.getConfig().kernelConstraint)).toContain("UnitNorm");
    const both = async (limit: number) => {
      const inner = { name: "forward_rnn", units: 2, kernel_constraint: of("MaxNorm", { max_value: limit }) };
      const layer = { class_name: "SimpleRNN", module: "keras.layers", config: inner };
      const backward = { ...layer, config: { ...inner, name: "backward_rnn", go_backwards: true } };
      const shapes = [[3, 2], [2, 2], [2], [3, 2], [2, 2], [2]];
      // The backward kernel has the longer columns.
      const row = (at: number) => (at < 20 ? 0.1 : 1);
      const model = await loaded([
        "Bidirectional",
        { layer, backward_layer: backward, merge_mode: "ave", shapes, row },
      ]);
      return JSON.stringify(model.layers.at(-1)!.getConfig());
    };
    expect(await both(2)).toContain("MaxNorm");
    expect(await both(1)).not.toContain("MaxNorm");
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
