/** The proof of a conversion: it holds for what is right, and finds each fault that it is there to find. */
import { describe, expect, test } from "vitest";
import { compareArrays } from "../../src/api/compare.ts";
import { convert } from "../../src/api/convert.ts";
import { torchConversion } from "../../src/api/torch-conversion.ts";
import { verify, verifyProgram } from "../../src/api/verify.ts";
import type { Array64 } from "../../src/backends/torch/interpret.ts";
import { stateData } from "../../src/backends/torch/state.ts";
import { readSafetensors } from "../../src/formats/safetensors.ts";
import { conv1d, dense, input, layer, sequential } from "../support/keras-config.ts";
import { stored } from "../support/memory-tree.ts";
import { modelOf } from "../support/models.ts";
import { Draw } from "../support/random-draw.ts";

const draw = new Draw(5);
const random = (shape: readonly number[]) =>
  stored(shape, Array.from({ length: shape.reduce((all, size) => all * size, 1) }, draw.normal));

/** The experiment that this project starts from, with unequal sizes. */
const model = modelOf(
  sequential([
    input("signal", [7, 3]),
    layer("Conv1D", "conv", { ...conv1d, filters: 4, activation: "relu" }),
    layer("Flatten", "flatten", { data_format: "channels_last" }),
    layer("Dense", "head", { ...dense, units: 6 }),
  ]),
  {
    "layers/conv1d": { variables: [random([3, 3, 4]), random([4])] },
    "layers/dense": { variables: [random([20, 6]), random([6])] },
  },
);

const conversion = torchConversion(model.graph);

function state(
  change: (name: string, data: Float64Array, shape: readonly number[]) => Float64Array = (_, data) => data,
): Map<string, Array64> {
  return new Map(
    conversion.program.state.map((entry) => [
      entry.name,
      {
        shape: entry.shape,
        data: change(entry.name, Float64Array.from(stateData(entry) as Float32Array), entry.shape),
      },
    ]),
  );
}

describe("what is right", () => {
  test.each([
    [{}],
    [{ flatten: "fold" }],
    [{ io: "keras" }],
    [{ flatten: "fold", io: "keras", name: "Ecg" }],
    [{ samples: 5, seed: 9 }],
  ] as const)("%j", async (options) => {
    const report = await verify(model, options);
    expect(report).toMatchObject({ agrees: true, firstDifference: null });
    expect(report.layers.map(({ name, className, layout, shape }) => [name, className, layout, shape])).toEqual([
      ["conv", "Conv1D", "NLC", [report.samples, 5, 4]],
      ["flatten", "Flatten", "N(LC)", [report.samples, 20]],
      ["head", "Dense", "NC", [report.samples, 6]],
    ]);
    expect(report.outputs.map(({ name, shape }) => [name, shape])).toEqual([["head", [report.samples, 6]]]);
    for (const { maxRelative } of report.layers) expect(maxRelative).toBeLessThan(1e-5);
  });

  test("equal seeds give equal reports, others others", async () => {
    const [one, same, other] = [
      await verify(model, { seed: 1 }),
      await verify(model, { seed: 1 }),
      await verify(model, { seed: 2 }),
    ];
    expect(same).toEqual(one);
    expect(other.layers.map(({ maxAbsolute }) => maxAbsolute)).not.toEqual(
      one.layers.map(({ maxAbsolute }) => maxAbsolute),
    );
  });

  test("progress counts up to its end", async () => {
    const seen: number[][] = [];
    await verify(model, { onProgress: (done, total) => seen.push([done, total]) });
    expect(seen.at(-1)![0]).toBe(seen.length);
    expect(seen.at(-1)![0]).toBeLessThanOrEqual(seen.at(-1)![1]!);
  });
});

describe("what is wrong", () => {
  const { source } = conversion.program;

  test("the merge in PyTorch's order", () => {
    const naive = source.replace(/^.*\.permute\(0, 2, 1\).*$/m, "        pass");
    expect(naive).not.toBe(source);
    const report = verifyProgram(model, conversion, {}, { source: naive, state: state() });
    expect(report).toMatchObject({ agrees: false, firstDifference: "head" });
    expect(report.outputs[0]!.maxRelative).toBeGreaterThan(0.01);
  });

  test("the rows of a kernel in another order", () => {
    const swapped = state((name, data) =>
      name === "head.weight"
        ? data.map(
            (_, index) => data[Math.floor(index / 20) * 20 + ((index % 20) % 4) * 5 + Math.floor((index % 20) / 4)]!,
          )
        : data,
    );
    const report = verifyProgram(model, conversion, {}, { source, state: swapped });
    expect(report.layers.map(({ name, agrees }) => [name, agrees])).toEqual([
      ["conv", true],
      ["flatten", true],
      ["head", false],
    ]);
    expect(report.firstDifference).toBe("head");
  });

  test("one number of one kernel, by a thousandth", () => {
    const changed = state((name, data) =>
      name === "conv.weight" ? data.map((value, index) => (index === 17 ? value + 1e-3 : value)) : data,
    );
    expect(verifyProgram(model, conversion, {}, { source, state: changed }).firstDifference).toBe("conv");
  });

  test("a number that is none", () => {
    const changed = state((name, data) => (name === "conv.bias" ? data.map(() => Number.NaN) : data));
    const report = verifyProgram(model, conversion, {}, { source, state: changed });
    expect(report.firstDifference).toBe("conv");
    expect(report.layers[0]!.maxAbsolute).toBe(Number.POSITIVE_INFINITY);
  });

  test("another activation", () => {
    const changed = source.replace("F.relu(", "F.leaky_relu(");
    expect(changed).not.toBe(source);
    expect(verifyProgram(model, conversion, {}, { source: changed, state: state() }).agrees).toBe(false);
  });
});

describe("compareArrays", () => {
  const { POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minus, NaN: none } = Number;

  test.each<readonly [string, number[], number[], boolean]>([
    ["nothing", [], [], true],
    ["the same", [1, -2], [1, -2], true],
    ["within the rounding of the largest", [1000.004, 0.005], [1000, 0], true],
    ["beyond it", [1000, 0.02], [1000, 0], false],
    ["other lengths", [1], [1, 1], false],
    ["NaN on both sides", [none], [none], true],
    ["NaN on one side", [none], [1], false],
    ["NaN on the other", [1], [none], false],
    ["infinity on both sides", [infinity, 1], [infinity, 1], true],
    ["unlike infinities", [infinity], [minus], false],
    ["infinity for a number", [infinity], [1], false],
    ["a number for infinity", [1e30], [infinity], false],
    ["zeros of both signs", [0], [-0], true],
    ["something for nothing", [1e-30], [0], false],
  ])("%s", (_, got, want, agrees) => {
    expect(compareArrays(got, want).agrees).toBe(agrees);
  });

  test("says how far apart", () => {
    expect(compareArrays([1, 5], [1, 4])).toEqual({ maxAbsolute: 1, maxRelative: 0.25, agrees: false });
  });
});

describe("convert", () => {
  test("gives the files of a program, verified", async () => {
    let agrees: boolean | undefined;
    const files = await convert(model, { to: "pytorch", onVerified: (report) => (agrees = report.agrees) });
    expect([...files.keys()].sort()).toEqual(["check.npz", "model.py", "model.safetensors"]);
    expect(agrees).toBe(true);
    const text = new TextDecoder().decode(files.get("model.py"));
    expect(text).toContain("class ");
    expect(text).toMatch(/INPUTS = \{"signal": "NLC -> NCL"\}/);
    expect(text).toMatch(/OUTPUTS = \{"head": "NC"\}/);
    const { tensors, metadata } = readSafetensors(files.get("model.safetensors")!);
    expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual({
      "conv.weight": [4, 3, 3],
      "conv.bias": [4],
      "head.weight": [6, 20],
      "head.bias": [6],
    });
    expect(metadata.format).toBe("pt");
  });

  test("equal models give equal bytes", async () => {
    const [one, other] = [await convert(model, { to: "pytorch" }), await convert(model, { to: "pytorch" })];
    expect(other).toEqual(one);
  });

  test("kernels are held in PyTorch's order, and folded where asked", async () => {
    const kernelOf = async (flatten: "permute" | "fold") =>
      readSafetensors((await convert(model, { to: "safetensors", flatten })).get("model.safetensors")!)
        .tensors.get("head.weight")!
        .read();
    const keras = model.graph.nodes.find(({ kind }) => kind === "dense")!.layer.weights.kernel!.array.read();
    const [permuted, folded] = [await kernelOf("permute"), await kernelOf("fold")];
    for (let o = 0; o < 6; o++) {
      for (let l = 0; l < 5; l++) {
        for (let c = 0; c < 4; c++) {
          const want = keras[(l * 4 + c) * 6 + o];
          expect(permuted[o * 20 + l * 4 + c]).toBe(want);
          expect(folded[o * 20 + c * 5 + l]).toBe(want);
        }
      }
    }
  });

  test.each<readonly [string, object, RegExp]>([
    ["to", { to: "onnx" }, /option to: expected pytorch or .*, got "onnx"/],
    ["flatten", { to: "pytorch", flatten: "naive" }, /option flatten: expected permute or fold, got "naive"/],
    ["io", { to: "pytorch", io: "source" }, /option io: expected torch or keras, got "source"/],
    ["name", { to: "pytorch", name: "class" }, /option name: expected the name of a Python class, got "class"/],
    ["name with more in it", { to: "pytorch", name: "Net:\n    pass" }, /option name/],
  ])("refuses an option %s", async (_, options, message) => {
    await expect(convert(model, options as never)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(message),
    });
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 60])("refuses %d samples", async (samples) => {
    await expect(verify(model, { samples })).rejects.toMatchObject({ code: "usage" });
  });
});
