/**
 * Random Keras models on every backend, where fixtures end: each seed is a model of its own, drawn from the layers of a
 * convolutional network with all their options, see support/random-keras.ts. Models of every layer that is read are made by real
 * Keras, in tests/python/random_keras.py.
 *
 *     CHANNELWISE_SEED=17 npx vitest run tests/random-models.test.ts         one seed
 *     CHANNELWISE_SEED=300-3000 npx vitest run tests/random-models.test.ts   others than usual
 */
import { describe, expect, test } from "vitest";
import { convert } from "../src/api/convert.ts";
import { torchConversion } from "../src/api/torch-conversion.ts";
import { Model } from "../src/api/model.ts";
import { programInputs } from "../src/api/verify.ts";
import { inOrder, lettersOf, rearrangeArray, sizedAxes } from "../src/axes.ts";
import { runReference } from "../src/backends/reference/reference.ts";
import { runTorchProgram } from "../src/backends/torch/interpret.ts";
import { stateData } from "../src/backends/torch/state.ts";
import { kerasGraph } from "../src/dialects/keras.ts";
import { graphFromState } from "../src/dialects/state.ts";
import { readSafetensors } from "../src/formats/safetensors.ts";
import type { Graph } from "../src/graph/graph.ts";
import { activationNames } from "../src/ops/activation.ts";
import { planLayout } from "../src/plan/layout.ts";
import { kernelModule } from "../src/platform/kernels.ts";
import { plannedInputs, runReferencePlanned, sourceOutput } from "./support/planned.ts";
import { type RandomModel, randomKerasModel } from "./support/random-keras.ts";

const wanted = process.env.CHANNELWISE_SEED;
const [first = 0, last = first] = (wanted ?? "0-249").split("-").map(Number);
const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);

interface Opened {
  readonly keras: RandomModel;
  readonly graph: Graph;
  readonly model: Model;
}

const opened = new Map<number, Opened>();

/** The model of a seed, made once for all tests of it. */
function open(seed: number): Opened {
  const known = opened.get(seed);
  if (known) return known;
  const keras = randomKerasModel(seed);
  const graph = kerasGraph({
    config: JSON.parse(JSON.stringify(keras.config)),
    weights: keras.weights,
    place: [`seed ${seed}`, "config.json"],
  });
  const made = { keras, graph, model: new Model(graph, `seed ${seed}`, "", kernelModule()) };
  opened.set(seed, made);
  return made;
}

function float64Inputs({ inputs }: RandomModel): { shape: readonly number[]; data: Float64Array }[] {
  return inputs.map(({ shape, data }) => ({ shape, data: Float64Array.from(data) }));
}

function record({ inputs }: RandomModel, model: Model) {
  return Object.fromEntries(
    inputs.map(({ name, shape, data }, index) => [name, { data, shape, layout: model.inputs[index]!.layout }]),
  );
}

/** The largest of |got - want| - ofLargest * max|want| - ofElement * |want|; not above 0 where both agree. */
function excess(got: ArrayLike<number>, want: ArrayLike<number>, ofLargest: number, ofElement = 0): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < want.length; i++) largest = Math.max(largest, Math.abs(want[i]!));
  let over = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!) - ofLargest * Math.max(largest, 1) - ofElement * Math.abs(want[i]!);
    over = Math.max(over, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return over;
}

/** float64 on both sides: only the order of sums differs. */
const exact = 1e-9;

describe("the reference computes what Keras defines", () => {
  test.each(seeds)("seed %i", (seed) => {
    const { keras, graph } = open(seed);
    expect(graph.inputs.map((port) => port.name)).toEqual(keras.inputs.map((input) => input.name));
    const inputs = float64Inputs(keras);
    const given = graph.inputs.map(({ value }, index) => ({
      axes: sizedAxes(graph.values[value]!.axes, inputs[index]!.shape),
      data: inputs[index]!.data,
    }));
    const values = runReference(graph, given);
    for (const call of graph.calls) {
      call.outputs.forEach((value, index) => {
        const name = index === 0 ? call.name : `${call.name}:${index}`;
        const want = keras.layers.get(name);
        if (!want) return;
        const { axes, data } = values[value]!;
        expect(
          axes.map((axis) => axis.size),
          name,
        ).toEqual(want.shape);
        expect(excess(data, want.data, exact), name).toBeLessThanOrEqual(0);
      });
    }
    graph.outputs.forEach(({ value }, index) => {
      const want = keras.outputs[index]!;
      expect(values[value]!.axes.map((axis) => axis.size)).toEqual(want.shape);
      expect(excess(values[value]!.data, want.data, exact)).toBeLessThanOrEqual(0);
      const known = want.shape.map((size, axis) => (axis === 0 || want.open[axis] !== null ? null : size));
      expect(graph.values[value]!.axes.map((axis) => axis.size)).toEqual(known);
    });
    const found = new Set(
      graph.calls.flatMap((call) =>
        call.outputs.map((_, index) => (index === 0 ? call.name : `${call.name}:${index}`)),
      ),
    );
    expect([...keras.layers.keys()].filter((name) => !found.has(name))).toEqual([]);
  });
});

describe("the engine agrees with it, layer by layer", () => {
  test.each(seeds)("seed %i", (seed) => {
    const { keras, graph, model } = open(seed);
    const inputs = float64Inputs(keras);
    const given = graph.inputs.map(({ value }, index) => ({
      axes: sizedAxes(graph.values[value]!.axes, inputs[index]!.shape),
      data: inputs[index]!.data,
    }));
    const values = runReference(graph, given);
    const got = model.layers(record(keras, model));
    for (const call of graph.calls) {
      call.outputs.forEach((value, index) => {
        const name = index === 0 ? call.name : `${call.name}:${index}`;
        expect(got.get(name)!.shape, name).toEqual(values[value]!.axes.map((axis) => axis.size));
        expect(excess(got.get(name)!.data, values[value]!.data, 1e-5, 1e-4), name).toBeLessThanOrEqual(0);
      });
    }
    // With memory shared between values, where `layers` keeps them all.
    model.predictAll(record(keras, model)).forEach(({ data, shape }, index) => {
      expect(shape).toEqual(keras.outputs[index]!.shape);
      expect(excess(data, keras.outputs[index]!.data, 1e-5, 1e-4), `output ${index}`).toBeLessThanOrEqual(0);
    });
  });
});

describe.each([
  ["torch", "permute", "torch"],
  ["torch", "fold", "torch"],
  ["torch", "permute", "source"],
  ["torch", "fold", "source"],
  ["wasm", "permute", "source"],
] as const)("a plan for %s, %s, io %s means the same", (target, flatten, io) => {
  test.each(seeds)("seed %i", (seed) => {
    const { keras, graph } = open(seed);
    const plan = planLayout(graph, { target, flatten, io });
    const values = runReferencePlanned(plan, graph, plannedInputs(plan, graph, float64Inputs(keras)));
    graph.outputs.forEach((_, index) => {
      expect(excess(sourceOutput(plan, graph, values, index), keras.outputs[index]!.data, exact)).toBeLessThanOrEqual(
        0,
      );
    });
  });
});

describe.each([
  ["permute", "torch"],
  ["fold", "torch"],
  ["permute", "keras"],
  ["fold", "keras"],
] as const)("emitted PyTorch, --flatten %s --io %s", (flatten, io) => {
  test.each(seeds)("seed %i", (seed) => {
    const { keras, graph, model } = open(seed);
    const conversion = torchConversion(graph, { flatten, io });
    const given = programInputs(
      conversion,
      model,
      keras.inputs.map(({ shape, data }) => ({ shape: [...shape], data })),
    );
    const state = new Map(
      conversion.program.state.map((entry) => [entry.name, { shape: entry.shape, data: stateData(entry) }]),
    );
    const results = runTorchProgram({ source: conversion.program.source, state, inputs: given });
    expect(results.length).toBe(keras.outputs.length);
    results.forEach((result, index) => {
      const held = sizedAxes(
        conversion.plan.graph.values[conversion.plan.graph.outputs[index]!.value]!.axes,
        result.shape,
      );
      const to = inOrder(held, lettersOf(graph.values[graph.outputs[index]!.value]!.axes));
      expect(to.map((axis) => axis.size)).toEqual(keras.outputs[index]!.shape);
      const got = rearrangeArray(Float64Array.from(result.data as ArrayLike<number>), held, to);
      expect(excess(got, keras.outputs[index]!.data, 1e-7), `output ${index}`).toBeLessThanOrEqual(0);
    });
  });
});

describe("as safetensors and back, the engine's outputs are the same bits", () => {
  test.each(seeds)("seed %i", async (seed) => {
    const { keras, model } = open(seed);
    const files = await convert(model, { to: "safetensors", flatten: seed % 2 === 0 ? "permute" : "fold" });
    const graph = graphFromState(readSafetensors(files.get("model.safetensors")!), [`seed ${seed}`]);
    const back = new Model(graph, "model.safetensors", "", kernelModule());
    expect(back.inputs).toEqual(model.inputs);
    expect(back.outputs).toEqual(model.outputs);
    const given = record(keras, model);
    expect(back.predictAll(given)).toEqual(model.predictAll(given));
  });
});

describe.skipIf(wanted !== undefined)("coverage", () => {
  const text = () => seeds.map((seed) => JSON.stringify(open(seed).keras.config)).join();

  test("every activation occurs", () => {
    const all = text();
    expect(activationNames.filter((name) => !all.includes(`"activation":"${name}"`))).toEqual([]);
  });
});
