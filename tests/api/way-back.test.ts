/**
 * The way back: a state dict of the emitted module gives every weight of its Keras model again, to the bit, whatever was done to its
 * axes; one that does not fit is refused by name, layout and shape.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { torchConversion } from "../../src/api/torch-conversion.ts";
import { readWeights } from "../../src/api/load.ts";
import { wayBack } from "../../src/api/way-back.ts";
import { stateData } from "../../src/backends/torch/state.ts";
import { bytesOf, toFloat32 } from "../../src/bytes/numbers.ts";
import { writeCheckpoint } from "../../src/formats/pytorch.ts";
import { type Graph, layersOf } from "../../src/graph/graph.ts";
import type { StoredArray } from "../../src/tensor.ts";
import { caseFile, caseNames, loadCase } from "../support/fixtures.ts";
import { random } from "../attacks/mutate.ts";

type State = Map<string, StoredArray>;

/** The state dict that a conversion writes, with each number changed by `change`. */
function stateOf(graph: Graph, flatten: "permute" | "fold", change = (value: number) => value): State {
  return new Map(
    torchConversion(graph, { flatten }).program.state.map((entry): [string, StoredArray] => {
      const data = stateData(entry);
      const changed = data instanceof Float32Array && !("constant" in entry.source) ? data.map(change) : data;
      return [entry.name, { dtype: entry.dtype, shape: entry.shape, read: () => changed }];
    }),
  );
}

/** Every weight of a graph, as bytes of float32 or int8. */
function weights(graph: Graph): Record<string, Buffer> {
  return Object.fromEntries(
    layersOf(graph).flatMap((layer) =>
      Object.entries(layer.weights).map(([role, { array }]) => {
        const data = array.dtype === "int8" ? array.read() : toFloat32(array);
        return [`${layer.path}/${role}`, Buffer.from(bytesOf(data))];
      }),
    ),
  );
}

describe.each(["permute", "fold"] as const)("Keras to PyTorch to Keras, %s", (flatten) => {
  test.each(caseNames)("%s", (name) => {
    const graph = loadCase(name).graph();
    const back = wayBack(graph, stateOf(graph, flatten), flatten, ["state"]);
    expect(weights(back.graph)).toEqual(weights(graph));
  });
});

/** A number near the given one, and never the same. */
function trained(seed: number): (value: number) => number {
  const next = random(seed);
  return (value) => Math.fround(value + 0.01 * (next() - 0.5));
}

describe("which order a state dict has is told from its weights", () => {
  test.each(["permute", "fold"] as const)("%s", (flatten) => {
    const graph = loadCase("flatten-dense").graph();
    expect(wayBack(graph, stateOf(graph, flatten, trained(1)), undefined, []).flatten).toBe(flatten);
  });

  test.each([
    ["permute", "fold"],
    ["fold", "permute"],
  ] as const)("where %s is said of a state dict of %s, that is doubted", (said, own) => {
    const graph = loadCase("flatten-dense").graph();
    expect(wayBack(graph, stateOf(graph, own, trained(2)), said, []).doubtful).toBe(true);
    for (const flatten of [own, undefined])
      expect(wayBack(graph, stateOf(graph, own, trained(2)), flatten, []).doubtful).toBe(false);
    const bytes = writeCheckpoint(new Map(stateOf(graph, own, trained(2))));
    const keras = { bytes: caseFile("flatten-dense", "model.keras")!, name: "model.keras" };
    const { notes } = readWeights({ bytes, name: "state.pt" }, keras, { flatten: said });
    expect(notes).toContain(
      `these weights are far nearer to the architecture's own as convert --flatten ${own} orders them: is ${said} right?`,
    );
  });

  test("refuses to guess where both are as near", () => {
    const graph = loadCase("flatten-dense").graph();
    const next = random(3);
    const other = stateOf(graph, "fold", () => 100 * (next() - 0.5));
    expect(() => wayBack(graph, other, undefined, ["other.pt"])).toThrow(/do not tell which\n.*other\.pt\n.*flatten/);
    expect(wayBack(graph, other, "fold", []).flatten).toBe("fold");
  });
});

test("trained weights come back in Keras' order, gates and all", () => {
  const graph = loadCase("lstm").graph();
  const change = (value: number) => 2 * value;
  const back = weights(wayBack(graph, stateOf(graph, "permute", change), undefined, []).graph);
  const doubled = Object.entries(weights(graph)).map(([name, bytes]) => {
    const own = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return [name, Buffer.from(bytesOf(own.map(change)))];
  });
  expect(back).toEqual(Object.fromEntries(doubled));
});

test("PyTorch's second bias is added to Keras' only one", () => {
  const graph = loadCase("lstm").graph();
  const state = stateOf(graph, "permute");
  const name = [...state.keys()].find((key) => key.includes("bias_hh"))!;
  const { dtype, shape } = state.get(name)!;
  const second = Float32Array.from({ length: shape[0]! }, (_, index) => index / 8);
  const back = wayBack(graph, new Map([...state, [name, { dtype, shape, read: () => second }]]), undefined, []);
  const [layer] = layersOf(graph).filter(({ path }) => name.startsWith(path));
  const [own] = layersOf(back.graph).filter(({ path }) => path === layer!.path);
  const [before, after] = [layer!, own!].map(({ weights: all }) => toFloat32(all.bias!.array));
  expect([...after!]).toEqual(Array.from(before!, (value, index) => Math.fround(value + second[index]!)));
});

describe("names", () => {
  const graph = loadCase("seed-experiment").graph();
  const prefixed = (prefix: string): State =>
    new Map([...stateOf(graph, "permute")].map(([name, array]) => [prefix + name, array]));

  test.each(["module.", "_orig_mod.", "model.", "module.model.", "_orig_mod.module."])("behind %s", (prefix) => {
    expect(weights(wayBack(graph, prefixed(prefix), "permute", []).graph)).toEqual(weights(graph));
  });

  test.each<readonly [string, (state: State) => void, RegExp]>([
    ["missing", (state) => state.delete("conv1d.weight"), /missing: conv1d\.weight: expected OIK = \(2, \d+, 2\)/],
    ["spare", (state) => state.set("head.weight", state.get("conv1d.bias")!), /spare: head\.weight \(2\)/],
    [
      "misshapen",
      (state) => state.set("conv1d.weight", { ...state.get("conv1d.weight")!, shape: [2, 2, 3] }),
      /of another shape or type: conv1d\.weight: expected OIK = .*, got \(2, 2, 3\)/,
    ],
    [
      "of integers",
      (state) => state.set("conv1d.bias", { ...state.get("conv1d.bias")!, dtype: "int64" }),
      /conv1d\.bias: expected O = \(2\) of float32, got int64/,
    ],
  ])("%s", (_, change, message) => {
    const state = stateOf(graph, "permute");
    change(state);
    expect(() => wayBack(graph, state, undefined, ["trained.pt"])).toThrow(message);
    expect(() => wayBack(graph, state, undefined, ["trained.pt"])).toThrow(/where {2}trained\.pt > state dict/);
  });

  test("a constant that was trained, for which Keras has no weight", () => {
    const constant = loadCase("batch-normalization").graph();
    const state = stateOf(constant, "permute");
    const entry = torchConversion(constant).program.state.find(
      ({ source, dtype }) => "constant" in source && dtype === "float32",
    )!;
    state.set(entry.name, {
      dtype: "float32",
      shape: entry.shape,
      read: () => new Float32Array(entry.shape[0]!).fill(2),
    });
    expect(() => wayBack(constant, state, undefined, [])).toThrow(/since the source's layer has no such weight/);
  });
});

test("a checkpoint is a model on the architecture that it came from", () => {
  const { file } = loadCase("seed-experiment");
  const graph = loadCase("seed-experiment").graph();
  const state = torchConversion(graph).program.state.map(
    (entry) => [entry.name, { dtype: entry.dtype, shape: entry.shape, data: stateData(entry) }] as const,
  );
  const read = readWeights(
    { bytes: writeCheckpoint(new Map(state)), name: "trained.pt" },
    { bytes: file, name: "model.keras" },
  );
  expect(weights(read.graph)).toEqual(weights(graph));
  expect(read.origin).toMatch(/^PyTorch weights on Keras 3\./);
  const wrapped = new Uint8Array(readFileSync(new URL("../fixtures/checkpoints/wrapped.ckpt", import.meta.url)));
  expect(() => readWeights({ bytes: wrapped, name: "other.ckpt" }, { bytes: file, name: "model.keras" })).toThrow(
    /missing: conv1d\.weight.*spare: module\.conv\.weight/,
  );
});
