/**
 * How the weights of a model start and what is asked of them in training, as TensorFlow.js itself takes it out of the files.
 */
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { filesOf, sequential } from "../support/tfjs-models.ts";
import { loadInTfjs } from "../support/tfjs.ts";

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
