/**
 * Every fixture on every backend: the plain-loop reference, the same on planned graphs, the engine, and the emitted
 * PyTorch in the float64 interpreter, each against what Keras computed.
 */
import { describe, expect, test } from "vitest";
import { toFloat32 } from "../src/bytes/numbers.ts";
import { inOrder, rearrangeArray, sizedAxes } from "../src/axes.ts";
import { torchConversion } from "../src/api/torch-conversion.ts";
import { Model } from "../src/api/model.ts";
import { programInputs, verify } from "../src/api/verify.ts";
import { runTorchProgram } from "../src/backends/torch/interpret.ts";
import { stateData } from "../src/backends/torch/state.ts";
import { readNpz } from "../src/bytes/npz.ts";
import { kernelModule } from "../src/platform/kernels.ts";
import { runReference } from "../src/backends/reference/reference.ts";
import { foldGraph } from "../src/plan/fold.ts";
import { planLayout } from "../src/plan/layout.ts";
import { caseFile, caseNames, loadCase } from "./support/fixtures.ts";
import { plannedInputs, runReferencePlanned, sourceOutput } from "./support/planned.ts";

function largestExcess(
  got: ArrayLike<number>,
  want: Float32Array,
  { atol, rtol }: { atol: number; rtol: number },
): number {
  let excess = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < want.length; i++) {
    const over = Math.abs(got[i]! - want[i]!) - (atol + rtol * Math.abs(want[i]!));
    excess = Math.max(excess, Number.isNaN(over) ? Number.POSITIVE_INFINITY : over);
  }
  return excess;
}

describe("reference", () => {
  test.each(caseNames)("%s", (name) => {
    const { graph: open, inputs, outputs, tolerance } = loadCase(name);
    const graph = open();
    const given = graph.inputs.map((port, index) => ({
      axes: sizedAxes(graph.values[port.value]!.axes, inputs[index]!.shape),
      data: Float64Array.from(toFloat32(inputs[index]!)),
    }));
    const values = runReference(graph, given);
    graph.outputs.forEach((port, index) => {
      const got = values[port.value]!;
      expect(got.axes.map((axis) => axis.size)).toEqual(outputs[index]!.shape);
      expect(largestExcess(got.data, toFloat32(outputs[index]!), tolerance), port.name).toBeLessThanOrEqual(0);
    });
  });
});

describe("a folded graph means the same", () => {
  test.each(caseNames)("%s", (name) => {
    const { graph: open, inputs, outputs, tolerance } = loadCase(name);
    const graph = foldGraph(open());
    const given = graph.inputs.map((port, index) => ({
      axes: sizedAxes(graph.values[port.value]!.axes, inputs[index]!.shape),
      data: Float64Array.from(toFloat32(inputs[index]!)),
    }));
    const values = runReference(graph, given);
    graph.outputs.forEach((port, index) => {
      expect(
        largestExcess(values[port.value]!.data, toFloat32(outputs[index]!), tolerance),
        port.name,
      ).toBeLessThanOrEqual(0);
    });
  });
});

describe("engine", () => {
  test.each(caseNames)("%s", (name) => {
    const { graph: open, inputs, outputs, tolerance } = loadCase(name);
    const model = new Model(open(), name, "", kernelModule());
    const given = Object.fromEntries(
      model.inputs.map((port, index) => [
        port.name,
        { data: toFloat32(inputs[index]!), layout: port.layout, shape: inputs[index]!.shape },
      ]),
    );
    model.predictAll(given).forEach((got, index) => {
      expect(got.shape).toEqual(outputs[index]!.shape);
      expect(
        largestExcess(got.data, toFloat32(outputs[index]!), tolerance),
        model.outputs[index]!.name,
      ).toBeLessThanOrEqual(0);
    });
    const layers = caseFile(name, "layers.npz");
    if (!layers) return;
    const found = model.layers(given);
    for (const [layer, want] of readNpz(layers)) {
      const got = found.get(layer);
      expect(got?.shape, layer).toEqual(want.shape);
      expect(largestExcess(got!.data, toFloat32(want), tolerance), layer).toBeLessThanOrEqual(0);
    }
  });
});

describe.each([
  ["permute", "torch"],
  ["fold", "torch"],
  ["permute", "keras"],
] as const)("emitted PyTorch, --flatten %s --io %s", (flatten, io) => {
  test.each(caseNames)("%s", async (name) => {
    const { graph: open, inputs, outputs, tolerance } = loadCase(name);
    const model = new Model(open(), name, "", kernelModule());
    const report = await verify(model, { flatten, io });
    expect(report.firstDifference).toBeNull();
    const conversion = torchConversion(model.graph, { flatten, io });
    const given = programInputs(
      conversion,
      model,
      inputs.map((input) => ({ data: toFloat32(input), shape: [...input.shape] })),
    );
    const state = new Map(
      conversion.program.state.map((entry) => [entry.name, { shape: entry.shape, data: stateData(entry) }]),
    );
    const results = runTorchProgram({ source: conversion.program.source, state, inputs: given });
    conversion.plan.graph.outputs.forEach(({ value }, index) => {
      const held = sizedAxes(conversion.plan.graph.values[value]!.axes, results[index]!.shape);
      const back = model.graph.values[model.graph.outputs[index]!.value]!.axes;
      const to = inOrder(held, back.map((axis) => axis.letter).join(""));
      const got = rearrangeArray(results[index]!.data as Float64Array, held, to);
      expect(to.map((axis) => axis.size)).toEqual(outputs[index]!.shape);
      expect(largestExcess(got, toFloat32(outputs[index]!), tolerance)).toBeLessThanOrEqual(0);
    });
  });
});

describe.each([
  ["torch", "permute", "torch"],
  ["torch", "fold", "torch"],
  ["torch", "permute", "source"],
  ["wasm", "permute", "source"],
] as const)("a plan for %s, %s, io %s means the same", (target, flatten, io) => {
  test.each(caseNames)("%s", (name) => {
    const { graph: open, inputs, outputs, tolerance } = loadCase(name);
    const source = open();
    const plan = planLayout(source, { target, flatten, io });
    const given = plannedInputs(
      plan,
      source,
      inputs.map((input) => ({ shape: input.shape, data: Float64Array.from(toFloat32(input)) })),
    );
    const values = runReferencePlanned(plan, source, given);
    outputs.forEach((want, index) => {
      expect(largestExcess(sourceOutput(plan, source, values, index), toFloat32(want), tolerance)).toBeLessThanOrEqual(
        0,
      );
    });
  });
});
