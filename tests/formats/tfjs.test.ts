/** TensorFlow.js layers models: made, saved and run by TensorFlow.js itself, and written again; quantized, cut and damaged here. */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { convert } from "../../src/api/convert.ts";
import { load } from "../../src/api/load.ts";
import type { Model } from "../../src/api/model.ts";
import { ChannelwiseError } from "../../src/error.ts";
import type { Tensor } from "../../src/tensor.ts";
import { loadInTfjs, predictInTfjs } from "../support/tfjs.ts";

const { layers } = tf;

/** What `model.save("file://…")` writes. */
interface Saved {
  json: Record<string, unknown> & { weightsManifest: { paths: string[]; weights: Record<string, unknown>[] }[] };
  data: Uint8Array;
}

async function save(model: tf.LayersModel): Promise<Saved> {
  let saved: Saved | undefined;
  const handler = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData, ...rest }) => {
    const manifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
    const json = JSON.parse(JSON.stringify({ ...rest, modelTopology, weightsManifest: manifest }));
    saved = { json, data: new Uint8Array(weightData as ArrayBuffer) };
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
  });
  await model.save(handler);
  return saved!;
}

const text = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const open = ({ json, data }: Saved): Promise<Model> => load(text(json), { files: { "weights.bin": data } });

/** Numbers that no two weights or inputs share. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => Math.sin(seed * 12.9898 + (index + 1) * 78.233));
}

function withOwnWeights(model: tf.LayersModel): tf.LayersModel {
  model.setWeights(
    model.getWeights().map((weight, index) => {
      const values = numbers(weight.size, index).map((value) => 0.4 * value);
      // The variance of a batch norm has to be positive.
      const positive = model.weights[index]!.originalName.includes("variance")
        ? values.map((value) => 1 + value ** 2)
        : values;
      return tf.tensor(positive, weight.shape);
    }),
  );
  return model;
}

const series = () => tf.input({ shape: [12, 3], name: "x" });

const models: Record<string, () => tf.LayersModel> = {
  "a Sequential of convolutions": () =>
    tf.sequential({
      layers: [
        layers.conv1d({
          inputShape: [12, 3],
          filters: 4,
          kernelSize: 3,
          padding: "same",
          dilationRate: 2,
          activation: "relu",
        }),
        layers.batchNormalization(),
        layers.maxPooling1d({ poolSize: 2 }),
        layers.dropout({ rate: 0.3 }),
        layers.conv1d({ filters: 5, kernelSize: 2, strides: 2, padding: "same", activation: "selu" }),
        layers.flatten(),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
    }),
  "an LSTM with TensorFlow.js' hard sigmoid": () =>
    tf.sequential({
      layers: [
        layers.lstm({ inputShape: [12, 3], units: 4, returnSequences: true }),
        layers.lstm({ units: 3, recurrentActivation: "sigmoid" }),
        layers.dense({ units: 2, activation: "hardSigmoid" }),
      ],
    }),
  "a GRU and both directions": () => {
    const x = series();
    const forward = layers.gru({ units: 4, returnSequences: true }).apply(x) as tf.SymbolicTensor;
    const both = layers
      .bidirectional({ layer: layers.lstm({ units: 3 }) as tf.RNN, mergeMode: "concat" })
      .apply(forward) as tf.SymbolicTensor;
    return tf.model({ inputs: x, outputs: both });
  },
  "branches and a model inside, called twice": () => {
    const inner = tf.sequential({
      name: "inner",
      layers: [
        layers.dense({ inputShape: [12, 3], units: 4 }),
        layers.batchNormalization(),
        layers.dense({ units: 3, useBias: false }),
      ],
    });
    const x = series();
    const once = inner.apply(x) as tf.SymbolicTensor;
    const twice = inner.apply(once) as tf.SymbolicTensor;
    const added = layers.add().apply([x, twice]) as tf.SymbolicTensor;
    const joined = layers.concatenate().apply([added, once]) as tf.SymbolicTensor;
    const pooled = layers.globalAveragePooling1d().apply(joined) as tf.SymbolicTensor;
    return tf.model({ inputs: x, outputs: [layers.dense({ units: 2 }).apply(pooled) as tf.SymbolicTensor, pooled] });
  },
  "tokens that do not count": () =>
    tf.sequential({
      layers: [
        layers.masking({ inputShape: [12, 3], maskValue: 0 }),
        layers.simpleRNN({ units: 4, returnSequences: true, activation: "softsign" }),
        layers.spatialDropout1d({ rate: 0.2 }),
        layers.bidirectional({ layer: layers.gru({ units: 2, goBackwards: true }) as tf.RNN, mergeMode: "mul" }),
      ],
    }),
  "one step at a time": () =>
    tf.sequential({
      layers: [
        layers.timeDistributed({ inputShape: [12, 3], layer: layers.dense({ units: 4 }) }),
        layers.leakyReLU({ alpha: 0.1 }),
        layers.prelu(),
        layers.permute({ dims: [2, 1] }),
        layers.reshape({ targetShape: [6, 8] }),
        layers.activation({ activation: "elu" }),
      ],
    }),
};

beforeAll(() => tf.setBackend("cpu"));

describe("gives what TensorFlow.js gives", () => {
  test.each(Object.entries(models))("%s", async (_, make) => {
    const original = withOwnWeights(make());
    const x = tf.tensor3d(numbers(2 * 12 * 3, 99), [2, 12, 3]);
    const expected = [original.predict(x)].flat();
    const model = await open(await save(original));
    const found = model.predictAll(x.dataSync() as Float32Array);
    expect(found.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    for (const [index, output] of expected.entries()) expectClose(found[index]!, output.dataSync());
    expect(model.origin).toMatch(/^Keras tfjs-layers/);
    const written = predictInTfjs(await loadInTfjs(await convert(model, { to: "tfjs" })), [
      { data: x.dataSync() as Float32Array, shape: x.shape },
    ]);
    for (const [index, output] of expected.entries()) expectClose(written[index]!, output.dataSync());
  });
});

function expectClose({ data }: Pick<Tensor, "data">, wanted: ArrayLike<number>, absolute = 1e-5): void {
  expect(data.length).toBe(wanted.length);
  for (let index = 0; index < data.length; index++)
    expect(Math.abs(data[index]! - wanted[index]!)).toBeLessThanOrEqual(absolute + 1e-4 * Math.abs(wanted[index]!));
}

describe("the files", () => {
  const small = () =>
    withOwnWeights(
      tf.sequential({
        layers: [
          layers.conv1d({ inputShape: [12, 3], filters: 4, kernelSize: 3 }),
          layers.flatten(),
          layers.dense({ units: 3 }),
        ],
      }),
    );
  const x = numbers(12 * 3, 99);
  let original: tf.LayersModel;
  let saved: Saved;
  beforeAll(async () => {
    await tf.setBackend("cpu");
    original = small();
    saved = await save(original);
  });
  const predicted = () => (original.predict(tf.tensor3d(x, [1, 12, 3])) as tf.Tensor).dataSync();
  const changed = (change: (copy: Saved["json"]) => void): Saved["json"] => {
    const copy = structuredClone(saved.json);
    change(copy);
    return copy;
  };

  test("weights over several shards, cut in the midst of a number", async () => {
    const json = changed((copy) => {
      copy.weightsManifest[0]!.paths = ["a.bin", "empty.bin", "b.bin"];
    });
    const files = { "a.bin": saved.data.slice(0, 33), "empty.bin": new Uint8Array(0), "b.bin": saved.data.slice(33) };
    expectClose((await load(text(json), { files })).predictAll(x)[0]!, predicted());
  });

  test("weights in several groups, in another order", async () => {
    const sizes = saved.json.weightsManifest[0]!.weights.map(
      ({ shape }) => 4 * (shape as number[]).reduce((a, b) => a * b, 1),
    );
    const json = changed((copy) => {
      const { weights } = copy.weightsManifest[0]!;
      copy.weightsManifest = weights.map((weight, index) => ({ paths: [`${index}.bin`], weights: [weight] })).reverse();
    });
    let start = 0;
    const files = Object.fromEntries(
      sizes.map((size, index) => [`${index}.bin`, saved.data.slice(start, (start += size))]),
    );
    expectClose((await load(text(json), { files })).predictAll(x)[0]!, predicted());
  });

  test.each([
    ["uint8", 255, (values: number[]) => Uint8Array.from(values)],
    ["uint16", 65535, (values: number[]) => Uint16Array.from(values)],
  ] as const)("quantized to %s", async (dtype, steps, pack) => {
    const whole = new Float32Array(saved.data.buffer.slice(0));
    const quantized: Uint8Array[] = [];
    const restored: number[] = [];
    let at = 0;
    const json = changed((copy) => {
      for (const weight of copy.weightsManifest[0]!.weights) {
        const count = (weight.shape as number[]).reduce((a, b) => a * b, 1);
        const values = Array.from(whole.subarray(at, (at += count)));
        const min = Math.min(...values);
        const scale = (Math.max(...values) - min) / steps;
        const packed = pack(values.map((value) => Math.round((value - min) / scale)));
        restored.push(...Array.from(packed, (value) => Math.fround(value * scale + min)));
        quantized.push(new Uint8Array(packed.buffer));
        weight.quantization = { dtype, scale, min, original_dtype: "float32" };
      }
    });
    const data = new Uint8Array(quantized.flatMap((bytes) => [...bytes]));
    const model = await open({ json, data });
    const weights = model.graph.nodes.flatMap(({ layer, weights }) =>
      weights.map((role) => [...layer.weights[role]!.array.read()]),
    );
    expect(weights.flat()).toEqual(restored);
  });

  test("float16", async () => {
    const json = changed((copy) => {
      const [kernel, ...rest] = copy.weightsManifest[0]!.weights;
      kernel!.quantization = { dtype: "float16", original_dtype: "float32" };
      copy.weightsManifest[0]!.weights = [kernel!, ...rest];
    });
    // 1.5 and -2 in turn, then the others as they were.
    const halves = new Uint8Array(new Uint16Array(36).map((_, index) => (index % 2 === 0 ? 0x3e00 : 0xc000)).buffer);
    const data = new Uint8Array([...halves, ...saved.data.subarray(36 * 4)]);
    const { graph } = await open({ json, data });
    const kernel = graph.nodes[0]!.layer.weights.kernel!.array;
    expect(kernel.dtype).toBe("float32");
    expect([...kernel.read()]).toEqual(Array.from({ length: 36 }, (_, index) => (index % 2 === 0 ? 1.5 : -2)));
  });

  test("a configuration as the converter puts it", async () => {
    const json = changed((copy) => {
      const { class_name, config, ...rest } = copy.modelTopology as Record<string, unknown>;
      copy.modelTopology = { ...rest, model_config: { class_name, config }, training_config: {} };
    });
    const model = await open({ ...saved, json });
    expect(model.notes.join()).toMatch(/not read: compile settings/);
    expectClose(model.predictAll(x)[0]!, predicted());
  });

  test("weights sorted by name", async () => {
    const sizes = saved.json.weightsManifest[0]!.weights.map(
      ({ shape }) => 4 * (shape as number[]).reduce((a, b) => a * b, 1),
    );
    let start = 0;
    const pieces = saved.json.weightsManifest[0]!.weights.map((weight, index) => ({
      weight,
      bytes: saved.data.slice(start, (start += sizes[index]!)),
    }));
    pieces.sort((a, b) => (String(a.weight.name) < String(b.weight.name) ? -1 : 1));
    const json = changed((copy) => {
      copy.weightsManifest[0]!.weights = pieces.map(({ weight }) => weight);
    });
    const data = new Uint8Array(pieces.flatMap(({ bytes }) => [...bytes]));
    expectClose((await open({ json, data })).predictAll(x)[0]!, predicted());
  });

  const refusals: Record<string, [change: (copy: Saved["json"]) => void, message: RegExp]> = {
    "a path out of the folder": [
      (copy) => (copy.weightsManifest[0]!.paths = ["../weights.bin"]),
      /corrupt-file: expected the name of a file beside/,
    ],
    "another host": [
      (copy) => (copy.weightsManifest[0]!.paths = ["https://example.com/w"]),
      /expected the name of a file beside/,
    ],
    "the folder": [(copy) => (copy.weightsManifest[0]!.paths = [".."]), /expected the name of a file beside/],
    "a weight too many": [
      (copy) => copy.weightsManifest[0]!.weights.push({ name: "more/kernel", shape: [9], dtype: "float32" }),
      /corrupt-file: expected 36 bytes at \d+, got 0: it was cut off/,
    ],
    "a weight too few": [
      (copy) => copy.weightsManifest[0]!.weights.pop(),
      /corrupt-file: expected \d+ bytes of weights, got \d+/,
    ],
    "a shape that is none": [(copy) => (copy.weightsManifest[0]!.weights[0]!.shape = [-1, 3]), /expected a shape/],
    "a shape beyond any file": [
      (copy) => (copy.weightsManifest[0]!.weights[0]!.shape = [2 ** 40, 2 ** 40]),
      /too large for any file/,
    ],
    strings: [
      (copy) => (copy.weightsManifest[0]!.weights[0]!.dtype = "string"),
      /unsupported-feature: a weight of dtype "string"/,
    ],
    "an unknown quantization": [
      (copy) => (copy.weightsManifest[0]!.weights[0]!.quantization = { dtype: "int4", scale: 1, min: 0 }),
      /quantized as "int4"/,
    ],
    "a quantization without a scale": [
      (copy) => (copy.weightsManifest[0]!.weights[0]!.quantization = { dtype: "uint8" }),
      /expected quantization with scale and min/,
    ],
    "a weight of no layer": [
      (copy) => (copy.weightsManifest[0]!.weights[0]!.name = "other/kernel"),
      /missing-weight: the variable other\/kernel belongs to no layer/,
    ],
    "two of one name": [
      (copy) => (copy.weightsManifest[0]!.weights[0]!.name = copy.weightsManifest[0]!.weights[1]!.name),
      /two weights of one name/,
    ],
    "a graph model": [(copy) => (copy.format = "graph-model"), /unsupported-feature: a TensorFlow\.js graph model/],
    "no topology": [(copy) => delete copy.modelTopology, /expected modelTopology/],
    "no manifest": [(copy) => delete (copy as Record<string, unknown>).weightsManifest, /expected weightsManifest/],
    "groups of something else": [
      (copy) => ((copy as Record<string, unknown>).weightsManifest = [1]),
      /expected groups with paths and weights/,
    ],
  };
  test.each(Object.entries(refusals))("%s is refused", async (_, [change, message]) => {
    const opened = open({ ...saved, json: changed(change) });
    await expect(opened).rejects.toThrow(ChannelwiseError);
    await expect(opened).rejects.toThrow(message);
  });

  test("shards are asked for where nothing lies beside", async () => {
    await expect(load(text(saved.json))).rejects.toThrow(
      /the file weights\.bin belongs to it.*\n.*\n.*files: \{ "weights\.bin"/,
    );
  });
});
