/**
 * toom-cook: convolutions by fewer multiplications against float64, at random shapes, edges included; that a sample's numbers are the
 * same in any batch; and when the direct way is taken instead.
 */
import { describe, expect, test } from "vitest";
import { Model } from "../../src/api/model.ts";
import { runReference } from "../../src/backends/reference/reference.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { KernelMemory } from "../../src/backends/wasm/memory.ts";
import { wrongOption } from "../../src/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { convert, inspect, load, type LoadOptions } from "../../src/index.ts";
import { chooseToomCook, leastGain } from "../../src/ops/toom-cook.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import { conv1d, input, layer, sequential } from "../support/keras-config.ts";
import { floats, random } from "../support/kernels.ts";
import { memoryTree, stored } from "../support/memory-tree.ts";

/** The bound that the documentation states, relative to the largest output. */
const bound = 4e-6;

interface Shape {
  length: number;
  channels: number;
  filters: number;
  taps: number;
  stride: number;
  dilation: number;
  padding: "same" | "valid" | "causal";
}

function graphOf({ length, channels, filters, taps, stride, dilation, padding }: Shape, seed = 1): Graph {
  const options = {
    ...conv1d,
    filters,
    kernel_size: [taps],
    strides: [stride],
    dilation_rate: [dilation],
    padding,
    activation: seed % 2 === 0 ? "relu" : "linear",
  };
  const scale = 1 / Math.sqrt(taps * channels);
  const kernel = floats(taps * channels * filters, seed).map((value) => scale * value);
  const variables = [stored([taps, channels, filters], kernel), stored([filters], floats(filters, seed + 1))];
  const config = sequential([input("x", [length, channels]), layer("Conv1D", "convolution", options)]);
  return kerasGraph({
    config,
    weights: memoryTree([["layers/conv1d", { name: "convolution", variables }]]),
    place: [],
  });
}

function outputLength({ length, taps, stride, dilation, padding }: Shape): number {
  return Math.ceil((padding === "valid" ? length - (taps - 1) * dilation : length) / stride);
}

const choice = (shape: Shape) => chooseToomCook({ ...shape, outLength: outputLength(shape) });

/** The largest difference from float64 relative to the largest output. */
function error(graph: Graph, { length, channels }: Shape, batch: number): number {
  const model = new Model(graph, "", "", kernelModule());
  const x = floats(batch * length * channels, 5);
  const { data } = model.predict(x) as { data: Float32Array };
  const axes = graph.values[0]!.axes.map((axis) => ({ ...axis, size: axis.size ?? batch }));
  const want = runReference(graph, [{ axes, data: Float64Array.from(x) }])[graph.outputs[0]!.value]!.data;
  expect(data.length).toBe(want.length);
  let [worst, largest] = [0, 0];
  want.forEach((value, index) => {
    largest = Math.max(largest, Math.abs(value));
    const difference = Math.abs(value - data[index]!);
    worst = difference > worst || Number.isNaN(difference) ? difference : worst;
  });
  model.dispose();
  return worst / largest;
}

describe("against float64", () => {
  const next = random(41);
  const pick = <T>(...list: readonly T[]): T => list[Math.floor((next() + 1) * 0.5 * list.length)]!;
  const cases = new Map<string, Shape>();
  const found = new Set<number>();
  while (cases.size < 60) {
    const stride = pick(1, 1, 2, 3, 4);
    const shape: Shape = {
      length: pick(1, 2, 5, 12, 13, 24, 31, 50, 77, 128, 200),
      channels: pick(4, 8, 12, 20, 32),
      filters: pick(4, 8, 12, 36),
      taps: pick(2, 3, 4, 5, 6, 7, 9, 11, 16, 21),
      stride,
      dilation: stride > 1 ? 1 : pick(1, 1, 2, 3, 7),
      padding: pick("same", "valid", "causal"),
    };
    if (outputLength(shape) < 1 || (shape.padding === "causal" && stride > 1)) continue;
    const chosen = choice(shape);
    if (!chosen) continue;
    found.add(chosen.form.number);
    cases.set(JSON.stringify(shape), shape);
  }
  test("every form is among the cases", () => expect([...found].sort()).toEqual([0, 1, 2, 3, 4]));

  let seed = 0;
  test.each([...cases])("%s", (_, shape) => {
    seed++;
    expect(error(graphOf(shape, seed), shape, seed % 3 === 0 ? 3 : 1)).toBeLessThan(bound);
  });
});

test("long sums are summed in parts", () => {
  const shape: Shape = { length: 240, channels: 200, filters: 32, taps: 16, stride: 4, dilation: 1, padding: "same" };
  expect(choice(shape)!.inner * choice(shape)!.chunks).toBeGreaterThan(3 * 256);
  expect(error(graphOf(shape), shape, 1)).toBeLessThan(bound);
});

test.each([
  { length: 100, channels: 32, filters: 32, taps: 7, stride: 1, dilation: 1, padding: "same" },
  { length: 90, channels: 32, filters: 36, taps: 3, stride: 1, dilation: 4, padding: "causal" },
  { length: 333, channels: 12, filters: 24, taps: 16, stride: 4, dilation: 1, padding: "same" },
] as Shape[])("a sample's numbers are the same in any batch: $taps taps", (shape) => {
  const graph = graphOf(shape);
  expect(choice(shape)).not.toBeNull();
  const model = new Model(graph, "", "", kernelModule());
  const size = shape.length * shape.channels;
  const x = floats(40 * size, 3);
  const { data } = model.predict(x) as { data: Float32Array };
  const own = data.length / 40;
  for (const sample of [0, 1, 7, 38, 39]) {
    const alone = model.predict(x.subarray(sample * size, (sample + 1) * size)) as { data: Float32Array };
    expect(alone.data).toEqual(data.slice(sample * own, (sample + 1) * own));
  }
});

describe("the direct way", () => {
  const shape: Shape = { length: 64, channels: 32, filters: 32, taps: 7, stride: 1, dilation: 1, padding: "same" };
  const direct = (graph: Graph, x: Float32Array) =>
    (new Model(graph, "", "", kernelModule(), null, [], "direct").predict(x) as { data: Float32Array }).data;
  const auto = (graph: Graph, x: Float32Array) =>
    (new Model(graph, "", "", kernelModule()).predict(x) as { data: Float32Array }).data;
  const x = floats(64 * 32, 2);

  test("gives other roundings", () => {
    expect(choice(shape)!.gain).toBeGreaterThan(leastGain);
    expect(direct(graphOf(shape), x)).not.toEqual(auto(graphOf(shape), x));
  });

  test("is taken where little is gained, or a weight is infinite", () => {
    expect(choice({ ...shape, taps: 1 })).toBeNull();
    expect(choice({ ...shape, channels: 3 })).toBeNull();
    expect(choice({ ...shape, length: 1 })).toBeNull();
    const graph = graphOf(shape);
    const kernel = graph.nodes[0]!.layer.weights.kernel!;
    (kernel.array.read() as Float32Array)[7] = Number.POSITIVE_INFINITY;
    expect(direct(graph, x)).toEqual(auto(graph, x));
    expect(auto(graph, x).some((value) => Number.isFinite(value))).toBe(true);
  });

  test("is what `values` and so `verify` run", () => {
    const graph = graphOf(shape);
    const values = new Model(graph, "", "", kernelModule()).values({
      x: { data: x, layout: "NLC", shape: [1, 64, 32] },
    });
    expect(values.get(graph.outputs[0]!.value)!.data).toEqual(direct(graph, x));
  });

  test("is chosen by `load`, which takes no other word", async () => {
    const files = await convert(new Model(graphOf(shape), "", "", kernelModule()), { to: "safetensors" });
    const file = files.get("model.safetensors")!;
    const predict = async (options: LoadOptions) =>
      ((await load(file, options)).predict(x) as { data: Float32Array }).data;
    expect(await predict({})).toEqual(auto(graphOf(shape), x));
    expect(await predict({ convolution: "direct" })).toEqual(direct(graphOf(shape), x));
    const wrong = load(file, { convolution: "winograd" as "auto" });
    await expect(wrong).rejects.toThrow(wrongOption("convolution", ["auto", "direct"], "winograd").message);
  });
});

test("a prediction that is refused leaves the model as it was", () => {
  const first = { ...conv1d, filters: 32, kernel_size: [4], padding: "same" };
  const second = { ...first, kernel_size: [30], padding: "valid" };
  const layers = [input("x", [null, 32]), layer("Conv1D", "one", first), layer("Conv1D", "two", second)];
  const variables = (taps: number, seed: number) => [
    stored([taps, 32, 32], floats(taps * 1024, seed)),
    stored([32], floats(32, seed)),
  ];
  const weights = memoryTree([
    ["layers/conv1d", { name: "one", variables: variables(4, 1) }],
    ["layers/conv1d_1", { name: "two", variables: variables(30, 2) }],
  ]);
  const graph = kerasGraph({ config: sequential(layers), weights, place: [] });
  const predict = (model: Model, length: number) =>
    (model.predict({ data: floats(length * 32, 3), layout: "NLC", shape: [1, length, 32] }) as { data: Float32Array })
      .data;
  const model = new Model(graph, "", "", kernelModule());
  const before = predict(model, 33);
  expect(() => predict(model, 21)).toThrow();
  expect(predict(model, 33)).toEqual(before);
  expect(predict(model, 37)).toEqual(predict(new Model(graph, "", "", kernelModule()), 37));
});

test("planes are bounded by the convolution's own input and output", () => {
  const draw = random(5);
  const between = (low: number, high: number) => low + Math.floor(((draw() + 1) / 2) * (high - low + 1));
  const { kernels } = new KernelMemory(kernelModule());
  let chosen = 0;
  for (let index = 0; index < 2000; index++) {
    const [stride, dilation] = draw() < 0 ? [between(1, 4), 1] : [1, between(1, 4)];
    const [channels, filters] = [4 * between(1, 64), 4 * between(1, 64)];
    const shape = { outLength: between(1, 400), channels, filters, taps: between(2, 600), stride, dilation };
    const found = chooseToomCook(shape);
    if (!found) continue;
    chosen++;
    const { form, inner, chunks, block } = found;
    // Beside the planes, a part of one and a tile at the edge.
    const beside = block * filters + form.factors.length * Math.max(inner, filters);
    const planes = kernels.toomCookWork(form.number, inner, filters, chunks, block) - beside;
    expect(planes, JSON.stringify(shape)).toBeLessThanOrEqual(10 * shape.outLength * (inner + filters));
  }
  expect(chosen).toBeGreaterThan(500);
});

test("a plan names the form", () => {
  const shape: Shape = { length: 120, channels: 32, filters: 32, taps: 3, stride: 1, dilation: 1, padding: "same" };
  const { plan } = inspect(new Model(graphOf(shape), "", "", kernelModule()), { plan: true });
  expect(plan).toEqual([{ layer: "convolution", kernels: ["toomCook F(6, 3)"] }]);
});

test("G of F(4, 4) at the point 2", () => {
  // As a fraction: 2^j / (2 * 1 * 3 * 3/2 * 5/2).
  const form = choice({
    length: 64,
    channels: 32,
    filters: 32,
    taps: 4,
    stride: 1,
    dilation: 1,
    padding: "same",
  })!.form;
  expect(form.taps).toBe(4);
  expect(form.factors[5]).toEqual([0, 1, 2, 3].map((tap) => 2 ** tap / 22.5));
});
