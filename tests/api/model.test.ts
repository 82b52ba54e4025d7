/** Predicting: what may be given and what comes back, what is refused, and what memory does. */
import { describe, expect, test } from "vitest";
import type { Model } from "../../src/api/model.ts";
import type { Tensor } from "../../src/index.ts";
import { call, conv1d, from, functional, input, layer, sequential } from "../support/keras-config.ts";
import { stored } from "../support/memory-tree.ts";
import { modelOf, sumAndRest } from "../support/models.ts";
import { refused } from "../support/refusals.ts";

const kernel = [1, -2, 0.5, 3, 0, 1, -1, 2, 0.25, 4, -3, 1];
const bias = [0.5, -1];

/** Conv1D with 2 taps from 3 channels to 2. */
function convolution(length: number | null = 4): Model {
  const config = sequential([input("signal", [length, 3]), layer("Conv1D", "conv", { ...conv1d, kernel_size: [2] })]);
  return modelOf(config, { "layers/conv1d": { variables: [stored([2, 3, 2], kernel), stored([2], bias)] } });
}

/** What it gives for one sample, by its definition. */
function convolved(x: ArrayLike<number>, start = 0, length = 4): number[] {
  const y: number[] = [];
  for (let l = 0; l < length - 1; l++) {
    for (let o = 0; o < 2; o++) {
      let sum = bias[o]!;
      for (let k = 0; k < 2; k++)
        for (let i = 0; i < 3; i++) sum += x[start + (l + k) * 3 + i]! * kernel[(k * 3 + i) * 2 + o]!;
      y.push(sum);
    }
  }
  return y;
}

function close(got: ArrayLike<number>, want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  for (const [index, value] of want.entries()) expect(got[index]).toBeCloseTo(value, 5);
}

const counting = (length: number) => Float32Array.from({ length }, (_, index) => ((index * 7) % 11) / 4 - 1);

describe("what a model says of itself", () => {
  test("inputs and outputs with their axes", () => {
    const model = convolution();
    expect(model.name).toBe("model.keras");
    expect(model.inputs).toEqual([{ name: "signal", layout: "NLC", shape: [null, 4, 3], type: "float32" }]);
    expect(model.outputs).toEqual([{ name: "conv", layout: "NLC", shape: [null, 3, 2], type: "float32" }]);
  });

  test("a length that is not known", () => {
    expect(convolution(null).outputs[0]!.shape).toEqual([null, null, 2]);
  });
});

describe("inputs", () => {
  test("a flat array is in the model's layout, and its length says the batch", () => {
    const x = counting(24);
    const y = convolution().predict(x) as Tensor;
    expect([y.layout, y.shape]).toEqual(["NLC", [2, 3, 2]]);
    close(y.data, [...convolved(x), ...convolved(x, 12)]);
  });

  test("a tensor may have its axes in any order", () => {
    const model = convolution();
    const x = counting(12);
    const want = model.predict(x);
    const turned = Float32Array.from({ length: 12 }, (_, index) => x[(index % 4) * 3 + Math.floor(index / 4)]!);
    expect(model.predict({ data: turned, layout: "NCL", shape: [1, 3, 4] })).toEqual(want);
    expect(model.predict({ data: turned, layout: "CLN", shape: [3, 4, 1] })).toEqual(want);
    expect(model.predict({ data: x, layout: "NLC", shape: [1, 4, 3] })).toEqual(want);
  });

  test("a record names them", () => {
    const model = convolution();
    expect(model.predict({ signal: counting(12) })).toEqual(model.predict(counting(12)));
  });

  test("integers are taken as the numbers they are", () => {
    const model = convolution();
    const data = Int32Array.from({ length: 12 }, (_, index) => index - 5);
    expect(model.predict(data)).toEqual(model.predict(Float32Array.from(data)));
  });

  test("no samples give no outputs", () => {
    expect(convolution().predict(new Float32Array(0))).toEqual({
      data: new Float32Array(0),
      layout: "NLC",
      shape: [0, 3, 2],
    });
  });

  test("where the length is open, a flat array is one sample", () => {
    const model = convolution(null);
    for (const length of [2, 3, 9, 4]) {
      const x = counting(length * 3);
      const y = model.predict(x) as Tensor;
      expect(y.shape).toEqual([1, length - 1, 2]);
      close(y.data, convolved(x, 0, length));
    }
  });

  test("the caller's arrays are left alone, and results are the caller's", () => {
    const model = convolution();
    const x = counting(12);
    const first = model.predict(x) as Tensor;
    const kept = first.data.slice();
    model.predict(counting(24).map((value) => value * 3));
    expect(first.data).toEqual(kept);
    expect(x).toEqual(counting(12));
  });

  test("a piece of a larger buffer", () => {
    const all = new Float32Array(20);
    all.set(counting(12), 5);
    const model = convolution();
    expect(model.predict(all.subarray(5, 17))).toEqual(model.predict(counting(12)));
  });
});

describe("outputs", () => {
  const given = { a: Float32Array.of(5, 6, 7), b: Float32Array.of(1, 2, 4) };

  test("several come as a record, or as a list in order", () => {
    const model = sumAndRest();
    const sum = { data: Float32Array.of(6, 8, 11), layout: "NC", shape: [1, 3] };
    const rest = { data: Float32Array.of(4, 4, 3), layout: "NC", shape: [1, 3] };
    expect(model.predict(given)).toEqual({ sum, rest });
    expect(model.predictAll(given)).toEqual([sum, rest]);
  });

  test("of every layer, by name", () => {
    const model = sumAndRest();
    expect([...model.layers(given).keys()]).toEqual(["sum", "rest"]);
    expect(model.layers(given).get("rest")!.data).toEqual(Float32Array.of(4, 4, 3));
  });

  test("that are an input, given on", () => {
    const model = modelOf(
      functional([input("a", [3]), layer("Identity", "same", {}, [call(from("a"))])], ["a", 0, 0], ["same", 0, 0]),
    );
    expect((model.predict(given.a) as Tensor).data).toEqual(given.a);
  });
});

describe("refused", () => {
  const model = convolution();
  const open = convolution(null);
  const both = sumAndRest();
  const numbers = (length: number) => new Float32Array(length);
  const tensor = (layout: string, shape: readonly number[], length = 12) => ({ data: numbers(length), layout, shape });

  test.each<readonly [string, () => unknown, RegExp]>([
    [
      "a part of a sample",
      () => model.predict(numbers(13)),
      /input signal: expected NLC = \(N, 4, 3\), got 13 numbers, not a multiple of 12/,
    ],
    [
      "a part of a step",
      () => open.predict(numbers(13)),
      /expected NLC = \(N, \?, 3\), got 13 numbers, not a multiple of 3/,
    ],
    ["axes called otherwise", () => model.predict(tensor("NLK", [1, 4, 3])), /expected NLC = \(N, 4, 3\), got NLK/],
    ["an axis too many", () => model.predict(tensor("NLCT", [1, 4, 3, 1])), /got NLCT/],
    ["an axis twice", () => model.predict(tensor("NLL", [1, 4, 3])), /got NLL/],
    ["other sizes", () => model.predict(tensor("NLC", [1, 3, 4])), /got NLC = \(1, 3, 4\)/],
    [
      "a shape for other numbers",
      () => model.predict(tensor("NLC", [1, 4, 3], 11)),
      /got NLC = \(1, 4, 3\) with 11 numbers/,
    ],
    ["a shape without an axis", () => model.predict(tensor("NLC", [4, 3])), /got NLC = \(4, 3\)/],
    [
      "sizes below zero",
      () => open.predict(tensor("NLC", [-1, -4, 3])),
      /expected NLC = \(N, \?, 3\), got NLC = \(-1, -4, 3\)/,
    ],
    ["half a batch", () => open.predict(tensor("NLC", [0.5, 8, 3])), /got NLC = \(0\.5, 8, 3\)/],
    ["a name that is none", () => model.predict({ noise: numbers(12) }), /expected inputs signal, got noise/],
    [
      "a name out of JavaScript's own",
      () => model.predict(JSON.parse('{"__proto__": 3}')),
      /expected inputs signal, got __proto__/,
    ],
    [
      "a name too many",
      () => model.predict({ signal: numbers(12), noise: numbers(12) }),
      /expected inputs signal, got noise/,
    ],
    ["a name missing", () => both.predict({ a: numbers(3) }), /input b is missing/],
    ["one array for two inputs", () => both.predict(numbers(3)), /expected a record with a, b, got one array/],
    [
      "unlike batches",
      () => both.predict({ a: numbers(3), b: numbers(6) }),
      /one batch size in all inputs, got 1 and 2/,
    ],
    [
      "text for numbers",
      () => model.predict({ signal: "1 2 3" } as never),
      /input signal: expected NLC = \(N, 4, 3\), got string/,
    ],
    ["float64", () => model.predict({ signal: new Float64Array(12) } as never), /input signal: expected NLC/],
    ["nothing", () => model.predict(undefined as never), /./],
    ["null", () => model.predict(null as never), /./],
    ["a number", () => model.predict(3 as never), /./],
    [
      "a tensor without sizes",
      () => model.predict({ data: numbers(12), layout: "NLC" } as never),
      /input signal: expected NLC/,
    ],
  ])("%s", (_, action, message) => refused(action, "invalid-input", message));

  test("too short a series", () =>
    refused(() => open.predict(numbers(3)), "shape-mismatch", /conv1d: expected a length of at least 2 .*got 1/));

  test("the model still works afterwards", () => {
    expect((model.predict(counting(12)) as Tensor).data[0]).toBeCloseTo(convolved(counting(12))[0]!, 5);
    expect((open.predict(counting(12)) as Tensor).data[0]).toBeCloseTo(convolved(counting(12))[0]!, 5);
  });
});

describe("memory", () => {
  test("grows for a large batch and serves small ones as before", () => {
    const model = convolution();
    const small = model.predict(counting(12));
    const bytes = model.memoryBytes;
    expect(bytes).toBeGreaterThan(0);
    const large = model.predict(counting(12 * 50_000)) as Tensor;
    expect(large.shape).toEqual([50_000, 3, 2]);
    expect(model.memoryBytes).toBeGreaterThan(bytes);
    close(large.data.slice(-6), convolved(counting(12 * 50_000), 12 * 49_999));
    const grown = model.memoryBytes;
    expect(model.predict(counting(12))).toEqual(small);
    expect(model.predict(counting(12 * 50_000))).toEqual(large);
    expect(model.memoryBytes, "the same sizes need no more").toBe(grown);
  });

  test("is given back, once and for all", () => {
    const model = convolution();
    model.dispose();
    expect(model.memoryBytes).toBe(0);
    refused(() => model.predict(counting(12)), "disposed", /the model was used after dispose\(\)/);
    refused(() => model.layers(counting(12)), "disposed", /after dispose/);
    expect(() => model.dispose()).not.toThrow();
  });

  test("of two models is apart", () => {
    const [one, other] = [convolution(), convolution()];
    const want = other.predict(counting(12));
    one.predict(counting(24));
    one.dispose();
    expect(other.predict(counting(12))).toEqual(want);
  });
});
