/**
 * threads: the same bits from any number of threads, on every fixture; and what becomes of memory, of several predictions
 * at once, of the process, and of runtimes without threads
 */
import { readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { load } from "../src/api/load.ts";
import { Model } from "../src/api/model.ts";
import { Pool } from "../src/backends/wasm/pool.ts";
import { ranges } from "../src/backends/wasm/split.ts";
import { toFloat32 } from "../src/bytes/numbers.ts";
import { kerasGraph } from "../src/dialects/keras.ts";
import type { Graph } from "../src/graph/graph.ts";
import { pieces } from "../src/ops/rows.ts";
import { kernelModule } from "../src/platform/kernels.ts";
import type { Tensor } from "../src/tensor.ts";
import { caseFile, caseNames, loadCase } from "./support/fixtures.ts";
import { conv1d, dense, input, layer, sequential } from "./support/keras-config.ts";
import { type Group, memoryTree, stored } from "./support/memory-tree.ts";

const golden = new URL("golden/", import.meta.url);

/** A model on a pool that divides whatever can be divided. */
async function threaded(graph: Graph, threads: number): Promise<Model> {
  const pool = await Pool.open(threads, 1);
  expect(pool).not.toBeNull();
  return new Model(graph, "model", "", kernelModule(), pool);
}

function list(outputs: Tensor | Record<string, Tensor>): Tensor[] {
  return "data" in outputs ? [outputs as Tensor] : Object.values(outputs);
}

/** Bits, so that NaN equals NaN and -0 is not 0; as text, which is compared at once. */
function bits(outputs: Tensor | Record<string, Tensor>): { shape: readonly number[]; bits: string }[] {
  return list(outputs).map(({ shape, data }) => ({
    shape,
    bits: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1"),
  }));
}

/** mulberry32, in -1 .. 1. */
function random(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  });
}

/** A convolution, and what may follow it, over `length` steps. */
function small(length = 50): Graph {
  const layers = [
    layer("Conv1D", "second", { ...conv1d, filters: 7, kernel_size: [4], strides: [2], activation: "tanh" }),
    layer("MaxPooling1D", "pool", { pool_size: [2], strides: [2], padding: "valid", data_format: "channels_last" }),
    layer("Dense", "dense", { ...dense, units: 6, activation: "softmax" }),
  ];
  return convolution(length, random(270), random(10, 2), layers, [
    ["layers/conv1d_1", { name: "second", variables: [stored([4, 10, 7], random(280, 3)), stored([7], random(7, 4))] }],
    ["layers/dense", { name: "dense", variables: [stored([7, 6], random(42, 5)), stored([6], random(6, 6))] }],
  ]);
}

/** A Conv1D of 9 taps with padding "same", and more layers. */
function convolution(
  length: number,
  kernel: Float32Array,
  bias: Float32Array,
  more: readonly object[] = [],
  variables: readonly [string, Group][] = [],
): Graph {
  const first = layer("Conv1D", "first", { ...conv1d, filters: 10, kernel_size: [9], padding: "same" });
  const config = sequential([input("signal", [length, 3]), first, ...more]);
  const own: [string, Group] = [
    "layers/conv1d",
    { name: "first", variables: [stored([9, 3, 10], kernel), stored([10], bias)] },
  ];
  return kerasGraph({ config, weights: memoryTree([own, ...variables]), place: ["model"] });
}

describe("every fixture, bit for bit", () => {
  // The networks with three threads too, the cases of single layers with two.
  const networks = caseNames.filter((name) => readdirSync(golden).includes(`${name}.py`));
  describe.each([
    [2, caseNames],
    [3, networks],
  ])("%i threads", (threads, names) => {
    // One model after the other in the memory of one pool: starting threads takes longer than most of these models.
    let pool: Pool | null = null;
    beforeAll(async () => {
      pool = await Pool.open(threads, 1);
    });
    afterAll(() => pool?.close());
    test.each(names)("%s", async (name) => {
      const { graph: open, inputs } = loadCase(name);
      const graph = open();
      expect(pool).not.toBeNull();
      const model = new Model(graph, name, "", kernelModule(), pool);
      expect(model.threads).toBe(threads);
      const alone = new Model(graph, name, "", kernelModule());
      // The fixture's batch, then a larger one than the plan was made for, then the first again.
      for (const times of [1, 7, 1]) {
        const given = Object.fromEntries(
          model.inputs.map((port, index) => {
            const { shape } = inputs[index]!;
            const once = toFloat32(inputs[index]!);
            const data = new Float32Array(once.length * times);
            for (let copy = 0; copy < times; copy++) data.set(once, copy * once.length);
            return [port.name, { data, layout: port.layout, shape: [shape[0]! * times, ...shape.slice(1)] }];
          }),
        );
        const want = bits(alone.predict(given));
        expect(bits(await model.predictAsync(given))).toEqual(want);
        expect(bits(model.predict(given))).toEqual(want);
      }
    });
  });
});

describe("a convolution of numbers that show what was added in which order", () => {
  const plain = random(270);
  const cases: [string, Float32Array, Float32Array][] = [
    ["infinite weights at the first taps", plain.map((w, at) => (at < 60 ? Number.POSITIVE_INFINITY : w)), random(10)],
    ["infinite weights at the last taps", plain.map((w, at) => (at >= 180 ? Number.POSITIVE_INFINITY : w)), random(10)],
    ["weights of 0 and a bias of -0", new Float32Array(270), new Float32Array(10).fill(-0)],
    ["weights far apart", plain.map((w, at) => w * 10 ** (at % 13)), random(10)],
  ];
  test.each(cases)("%s", async (_, kernel, bias) => {
    for (const length of [6, 20, 37, 50, 66]) {
      const graph = convolution(length, kernel, bias);
      const alone = new Model(graph, "", "", kernelModule());
      const model = await threaded(graph, 3);
      for (const batch of [1, 2, 5]) {
        const signal = random(batch * length * 3).map((value) => -Math.abs(value));
        expect(bits(await model.predictAsync(signal)), `${batch} x ${length}`).toEqual(bits(alone.predict(signal)));
      }
      model.dispose();
    }
  });
});

test("transposes that go through a buffer, each thread by its own", async () => {
  const layers = [
    input("signal", [1024, 65]),
    layer("Permute", "turned", { dims: [2, 1] }),
    layer("Reshape", "cut", { target_shape: [65 * 1024] }),
  ];
  const graph = kerasGraph({ config: sequential(layers), weights: memoryTree([]), place: ["model"] });
  const alone = new Model(graph, "", "", kernelModule());
  const model = await threaded(graph, 3);
  const signal = random(8 * 65 * 1024);
  const bytes = (output: Tensor | Record<string, Tensor>) => Buffer.from((output as Tensor).data.buffer);
  const want = bytes(alone.predict(signal));
  for (let run = 0; run < 10; run++) expect(want.equals(bytes(await model.predictAsync(signal)))).toBe(true);
  model.dispose();
});

test("a Dense of few rows, divided by its columns, and of more, divided by its rows", async () => {
  for (const units of [5, 31, 32, 33, 64, 65, 130]) {
    const layers = [input("features", [11]), layer("Dense", "dense", { ...dense, units, activation: "relu" })];
    const variables = [stored([11, units], random(11 * units, units)), stored([units], random(units, 2))];
    const weights = memoryTree([["layers/dense", { name: "dense", variables }]]);
    const graph = kerasGraph({ config: sequential(layers), weights, place: ["model"] });
    const alone = new Model(graph, "", "", kernelModule());
    const model = await threaded(graph, 3);
    for (let batch = 1; batch <= 9; batch++) {
      const features = random(batch * 11, batch);
      expect(bits(await model.predictAsync(features)), `${batch} x ${units}`).toEqual(bits(alone.predict(features)));
    }
    model.dispose();
  }
});

describe("a model with threads", () => {
  let model: Model;
  let alone: Model;
  beforeAll(async () => {
    model = await threaded(small(), 2);
    alone = new Model(small(), "", "", kernelModule());
  });
  afterAll(() => model.dispose());

  test("takes several predictions at once, in order, each with the numbers of its call", async () => {
    const signal = random(150);
    const results: Promise<Tensor | Record<string, Tensor>>[] = [];
    const wanted: unknown[] = [];
    const order: number[] = [];
    for (let call = 0; call < 20; call++) {
      signal.set(random(150, call));
      wanted.push(bits(alone.predict(signal)));
      results.push(model.predictAsync(signal));
      results[call]!.then(() => order.push(call));
    }
    signal.fill(0);
    expect((await Promise.all(results)).map(bits)).toEqual(wanted);
    expect(order).toEqual(order.map((_, index) => index));
  });

  test("predicts in the caller's thread while a prediction is under way", async () => {
    const [one, other] = [random(150 * 40), random(150 * 40, 9)];
    const running = model.predictAsync(one);
    await Promise.resolve();
    expect(bits(model.predict(other))).toEqual(bits(alone.predict(other)));
    expect(bits(await running)).toEqual(bits(alone.predict(one)));
  });

  test("makes room in the shared memory while threads are there", async () => {
    const before = model.memoryBytes;
    const signal = random(150 * 3000);
    expect(bits(await model.predictAsync(signal))).toEqual(bits(alone.predict(signal)));
    expect(model.memoryBytes).toBeGreaterThan(before + signal.byteLength);
    expect(bits(await model.predictAsync(random(150)))).toEqual(bits(alone.predict(random(150))));
  });

  test("gives nothing for no samples", async () => {
    expect(await model.predictAsync(new Float32Array(0))).toEqual(alone.predict(new Float32Array(0)));
  });

  test("rejects what predict throws, and goes on", async () => {
    await expect(model.predictAsync(new Float32Array(7))).rejects.toMatchObject({ code: "invalid-input" });
    expect(bits(await model.predictAsync(random(150)))).toEqual(bits(alone.predict(random(150))));
  });
});

test("a small program is left to the caller's thread", async () => {
  const pool = (await Pool.open(2))!;
  const run = vi.spyOn(pool, "run");
  const model = new Model(small(), "", "", kernelModule(), pool);
  await model.predictAsync(random(150));
  await model.predictAsync(random(150 * 20));
  expect(run).not.toHaveBeenCalled();
  await model.predictAsync(random(150 * 3000));
  expect(run).toHaveBeenCalledOnce();
  model.dispose();
});

test("no thread writes to what kernels keep for themselves", async () => {
  const pool = (await Pool.open(2, 1))!;
  const end = pool.memory.kernels as unknown as { heapBase(): number };
  const own = () => pool.memory.integers().slice(0, end.heapBase() / 4);
  const model = new Model(small(), "", "", kernelModule(), pool);
  const before = own();
  await model.predictAsync(random(150 * 8));
  expect(own()).toEqual(before);
  model.dispose();
});

describe("dispose", () => {
  test("rejects a prediction under way and those that wait, and all later ones", async () => {
    const model = await threaded(small(), 2);
    const [running, waiting] = [model.predictAsync(random(150 * 500)), model.predictAsync(random(150))];
    // The threads have their orders after some turns of the promises; their answer takes an event.
    for (let turn = 0; turn < 20; turn++) await null;
    model.dispose();
    model.dispose();
    await expect(running).rejects.toMatchObject({ code: "disposed" });
    await expect(waiting).rejects.toMatchObject({ code: "disposed" });
    await expect(model.predictAsync(random(150))).rejects.toMatchObject({ code: "disposed" });
    expect(() => model.predict(random(150))).toThrow(/disposed/);
    expect(model.memoryBytes).toBe(0);
  });
});

test("a thread that breaks rejects this prediction and later ones; predict goes on", async () => {
  const pool = (await Pool.open(2, 1))!;
  const model = new Model(small(), "", "", kernelModule(), pool);
  const lost = pool.enqueue(() => pool.run([{ after: 0, calls: [["noSuchKernel"]] }]));
  await expect(lost).rejects.toMatchObject({ code: "thread-broken" });
  await expect(model.predictAsync(random(150))).rejects.toMatchObject({ code: "thread-broken" });
  expect(model.predict(random(150))).toBeDefined();
  model.dispose();
});

describe("load", () => {
  const file = caseFile(caseNames[0]!, "model.keras")!;

  test("has one thread unless asked", async () => {
    const model = await load(file);
    expect(model.threads).toBe(1);
    const { inputs } = loadCase(caseNames[0]!);
    const given = inputs.map(toFloat32)[0]!;
    const tensor = { data: given, layout: model.inputs[0]!.layout, shape: inputs[0]!.shape };
    expect(bits(await model.predictAsync(tensor))).toEqual(bits(model.predict(tensor)));
  });

  test("starts as many as asked for", async () => {
    const model = await load(file, { threads: 2 });
    expect(model.threads).toBe(2);
    model.dispose();
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d threads", async (threads) => {
    await expect(load(file, { threads })).rejects.toMatchObject({ code: "usage" });
  });

  test("has one thread with kernels of the caller's own", async () => {
    expect((await load(file, { threads: 2, kernels: kernelModule() })).threads).toBe(1);
  });

  test.each([
    ["shared memory", "SharedArrayBuffer", undefined],
    ["isolation from other origins", "crossOriginIsolated", false],
  ])("falls back to one thread without %s", async (_, name, value) => {
    vi.stubGlobal(name, value);
    try {
      expect((await load(file, { threads: 2 })).threads).toBe(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe("a process with live threads", () => {
  /** What a program prints that loads a model with threads through the built package, and ends by itself. */
  function run(program: string): string {
    const script = `
      import { readFileSync } from "node:fs";
      import { load } from ${JSON.stringify(new URL("../dist/index.node.js", import.meta.url).href)};
      const bytes = readFileSync(${JSON.stringify(fileURLToPath(new URL(`fixtures/keras/${caseNames[0]}/model.keras`, import.meta.url)))});
      ${program}
    `;
    return execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", timeout: 20_000 });
  }

  test("ends by itself", () => {
    expect(run("const model = await load(bytes, { threads: 2 }); console.log(model.threads);")).toBe("2\n");
  });

  test("waits for a prediction", () => {
    const predict = `
      const model = await load(bytes, { threads: 2 });
      const size = model.inputs[0].shape.reduce((all, size) => all * (size ?? 1), 1);
      model.predictAsync(new Float32Array(size)).then(() => console.log("done"));
    `;
    expect(run(predict)).toBe("done\n");
  });
});

test("ranges cover all rows once, begin at multiples of four, and are worth their while", () => {
  for (const threads of [1, 2, 3, 8])
    for (let rows = 0; rows < 200; rows++) {
      const cuts = ranges(rows, rows * 10, { threads, leastWork: 100 });
      expect(cuts[0]![0]).toBe(0);
      expect(cuts.at(-1)![1]).toBe(rows);
      cuts.slice(1).forEach(([from], index) => {
        expect(from % 4).toBe(0);
        expect(from).toBe(cuts[index]![1]);
        expect(from).toBeGreaterThan(cuts[index]![0]);
      });
      if (threads === 1) expect(cuts.length).toBe(1);
      expect(cuts.length).toBeLessThanOrEqual(Math.max(1, rows / 10));
    }
});

test("pieces are whole samples and parts of one", () => {
  for (const [from, to, rows] of [
    [0, 30, 10],
    [4, 8, 10],
    [4, 10, 10],
    [4, 32, 10],
    [8, 12, 10],
    [20, 40, 10],
    [0, 0, 10],
    [3, 9, 1],
  ] as const) {
    const covered = pieces(from, to, rows).flatMap(({ sample, samples, first, last }) => {
      if (samples > 1) expect([first, last]).toEqual([0, rows]);
      const count = samples > 1 ? samples * rows : last - first;
      return Array.from({ length: count }, (_, index) => sample * rows + first + index);
    });
    expect(covered).toEqual(Array.from({ length: to - from }, (_, index) => from + index));
  }
  expect(pieces(0, 30, 10)).toHaveLength(1);
  expect(pieces(4, 32, 10)).toHaveLength(3);
});
