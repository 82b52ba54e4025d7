/**
 * HDF5 files of Keras: the same model saved as `.keras` and as HDF5, or as weights and configuration apart, is the same graph with
 * the same numbers.
 */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readGraph, readWeights } from "../../src/api/load.ts";
import { partsOf } from "../../src/formats/read.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { type Graph, layersOf } from "../../src/graph/graph.ts";
import { caseFile } from "../support/fixtures.ts";

const names = readdirSync(new URL("../fixtures/keras/", import.meta.url));
const having = (file: string) => names.filter((name) => caseFile(name, file) !== null);

const file = (name: string, path: string) => ({ bytes: caseFile(name, path)!, name: path });

/** A graph as text and its weights' numbers, by layer and role. */
function content(graph: Graph): object {
  const weights = layersOf(graph).flatMap(({ path, weights }) =>
    Object.entries(weights).map(([role, { array, axes }]) => [`${path} ${role}`, array.dtype, axes, array.read()]),
  );
  const nodes = graph.nodes.map(({ layer, ...node }) => ({ ...node, layer: layer.path }));
  const calls = graph.calls.map(({ name, outputs }) => ({ name, outputs }));
  return { values: graph.values, nodes, calls, inputs: graph.inputs, outputs: graph.outputs, weights };
}

describe("a whole model", () => {
  test.each(having("model.h5"))("%s", (name) => {
    const found = readGraph(file(name, "model.h5"));
    expect(found.origin).toMatch(/^Keras 3\./);
    expect(content(found.graph)).toEqual(content(readGraph(file(name, "model.keras")).graph));
  });
});

describe("weights and configuration", () => {
  test.each(having("model.weights.h5"))("%s", (name) => {
    const whole = content(readGraph(file(name, "model.keras")).graph);
    const on = (weights: string, architecture: string) =>
      content(readWeights(file(name, weights), file(name, architecture)).graph);
    expect(on("model.weights.h5", "model.json")).toEqual(whole);
    expect(on("model.weights.h5", "model.keras")).toEqual(whole);
    if (!caseFile(name, "model.h5")) return;
    expect(on("model.weights.h5", "model.h5")).toEqual(whole);
    expect(on("model.h5", "model.json")).toEqual(whole);
  });

  /** A map of shards with the files that it names. */
  const sharded = (name: string) => {
    const map = file(name, "sharded.weights.json");
    return { ...map, parts: new Map(partsOf(map.bytes).map((part) => [part, caseFile(name, part)!])) };
  };
  test.each(having("sharded.weights.json"))("in shards: %s", (name) => {
    const whole = content(readGraph(file(name, "model.keras")).graph);
    const { parts } = sharded(name);
    expect(parts.size).toBeGreaterThan(1);
    expect(content(readWeights(sharded(name), file(name, "model.keras")).graph)).toEqual(whole);
    const [one] = parts.keys();
    const lacking = new Map([...parts].filter(([part]) => part !== one));
    expect(() => readWeights({ ...sharded(name), parts: lacking }, file(name, "model.keras"))).toThrow(
      /corrupt-file: expected the file sharded_00000\.weights\.h5 beside it/,
    );
  });

  test.each(having("ordered.npz"))("as NumPy arrays: %s", (name) => {
    const whole = content(readGraph(file(name, "model.keras")).graph);
    for (const path of ["ordered.npz", "named.npz"])
      expect(content(readWeights(file(name, path), file(name, "model.keras")).graph)).toEqual(whole);
  });
  test.each(["ordered.npz", "named.npz"])("as NumPy arrays of int8, for a model of floats: %s", (path) => {
    const floats = { bytes: file("nested-models", "model.json").bytes, name: "model.json" };
    const read = () => readWeights(file("quantized-flatten", path), floats);
    expect(read).toThrow(
      /shape-mismatch: the weights were quantized to int8, and the architecture is one of floats\n.*\n.*saved after quantize/,
    );
  });

  test.each(["ordered.npz", "named.npz"])("as NumPy arrays of floats, for a model of int8: %s", (path) => {
    expect(() => readWeights(file("nested-models", path), file("quantized-flatten", "model.keras"))).toThrow(
      /shape-mismatch: the weights are floats, and the architecture was quantized to int8\n.*\n.*saved before quantize/,
    );
  });

  test("as NumPy arrays of another model", () => {
    expect(() => readWeights(file("nested-models", "ordered.npz"), file("prelu", "model.keras"))).toThrow(
      /missing-weight|shape-mismatch/,
    );
    expect(() => readWeights(file("nested-models", "named.npz"), file("prelu", "model.keras"))).toThrow(
      /missing-weight: the variable middle_conv\/kernel belongs to no layer/,
    );
  });

  test("a configuration alone asks for its weights", () => {
    expect(() => readGraph(file("prelu", "model.json"))).toThrow(
      /configuration and no weights.*\n.*\n.*--architecture/,
    );
    expect(() => readWeights(file("prelu", "model.json"), file("prelu", "model.keras"))).toThrow(/no weights/);
  });

  test("alone are asked for their architecture", () => {
    expect(() => readGraph(file("prelu", "model.weights.h5"))).toThrow(ChannelwiseError);
    expect(() => readGraph(file("prelu", "model.weights.h5"))).toThrow(/--architecture/);
  });
});
