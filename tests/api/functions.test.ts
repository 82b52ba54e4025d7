/** conv1d, gemm, dense and transpose against loops in float64, at and around the kernels' tiles, and what they refuse. */
import { describe, expect, test } from "vitest";
import { conv1d, dense, gemm, type Tensor, tensor, transpose } from "../../src/index.ts";
import { Draw } from "../support/random-draw.ts";
import { refused } from "../support/refusals.ts";

function random<const L extends string>(draw: Draw, layout: L, shape: readonly number[]): Tensor<L> {
  const length = shape.reduce((all, size) => all * size, 1);
  return tensor(
    Float32Array.from({ length }, () => draw.normal()),
    layout,
    shape,
  );
}

/** Within float32's rounding of `want`, whose terms sum up to `terms` in absolute value. */
function close(got: Tensor, want: readonly { readonly sum: number; readonly terms: number }[]): void {
  expect(got.data.length).toBe(want.length);
  want.forEach(({ sum, terms }, index) => {
    expect(Math.abs(got.data[index]! - sum)).toBeLessThanOrEqual(2e-6 * terms + 1e-30);
  });
}

/** A sum, and the sum of its terms' absolute values. */
function total(terms: readonly number[]): { sum: number; terms: number } {
  return {
    sum: terms.reduce((sum, term) => sum + term, 0),
    terms: terms.reduce((sum, term) => sum + Math.abs(term), 0),
  };
}

const range = (length: number) => Array.from({ length }, (_, index) => index);

describe("conv1d", () => {
  type Padding = "valid" | "same" | "causal" | readonly [number, number];
  interface Geometry {
    readonly length: number;
    readonly inputs: number;
    readonly outputs: number;
    readonly taps: number;
    readonly stride?: number;
    readonly dilation?: number;
    readonly groups?: number;
    readonly padding?: Padding;
    readonly bias?: boolean;
    readonly batch?: number;
  }

  /** Zeros in front, from Keras' own words. */
  function leftOf({ length, taps, stride = 1, dilation = 1, padding = "valid" }: Geometry): [number, number] {
    if (typeof padding !== "string") return [...padding];
    const extent = (taps - 1) * dilation + 1;
    if (padding === "valid") return [0, 0];
    if (padding === "causal") return [extent - 1, 0];
    const needed = Math.max((Math.ceil(length / stride) - 1) * stride + extent - length, 0);
    return [Math.floor(needed / 2), Math.ceil(needed / 2)];
  }

  function check(geometry: Geometry, seed = 1): void {
    const {
      length,
      inputs,
      outputs,
      taps,
      stride = 1,
      dilation = 1,
      groups = 1,
      padding,
      bias = true,
      batch = 2,
    } = geometry;
    const draw = new Draw(seed);
    const x = random(draw, "NLC", [batch, length, inputs * groups]);
    const kernel = random(draw, "KIO", [taps, inputs, outputs * groups]);
    const biases = random(draw, "O", [outputs * groups]);
    const options = {
      stride,
      dilation,
      groups,
      ...(padding === undefined ? {} : { padding }),
      ...(bias ? { bias: biases } : {}),
    };
    const y = conv1d(x, kernel, options);
    const [left, right] = leftOf(geometry);
    const outLength = Math.floor((length + left + right - (taps - 1) * dilation - 1) / stride) + 1;
    expect(y.shape).toEqual([batch, outLength, outputs * groups]);
    expect(y.layout).toBe("NLC");
    const want = range(batch).flatMap((n) =>
      range(outLength).flatMap((l) =>
        range(outputs * groups).map((o) => {
          const terms = [bias ? biases.data[o]! : 0];
          for (let k = 0; k < taps; k++) {
            const at = l * stride + k * dilation - left;
            if (at < 0 || at >= length) continue;
            for (let i = 0; i < inputs; i++) {
              const channel = Math.floor(o / outputs) * inputs + i;
              terms.push(
                x.data[(n * length + at) * inputs * groups + channel]! *
                  kernel.data[(k * inputs + i) * outputs * groups + o]!,
              );
            }
          }
          return total(terms);
        }),
      ),
    );
    close(y, want);
  }

  // Tiles are 3 rows by 12 columns, or 6 by 8.
  test.each([1, 2, 3, 4, 5, 6, 7, 11, 12, 13])("a length of %i", (length) =>
    check({ length, inputs: 5, outputs: 7, taps: 1 }),
  );
  test.each([1, 3, 4, 7, 8, 9, 11, 12, 13, 16, 17, 23, 24, 25])("%i outputs", (outputs) =>
    check({ length: 10, inputs: 3, outputs, taps: 2 }),
  );
  test.each([1, 2, 3, 4, 5, 8, 13])("%i inputs", (inputs) => check({ length: 10, inputs, outputs: 6, taps: 3 }));
  test.each([1, 2, 3, 4, 5, 7, 15])("%i taps", (taps) => check({ length: 17, inputs: 3, outputs: 4, taps }));
  test.each([1, 2, 3, 5, 18])("stride %i", (stride) => check({ length: 17, inputs: 3, outputs: 4, taps: 3, stride }));
  test.each([1, 2, 3, 5])("dilation %i", (dilation) => check({ length: 17, inputs: 3, outputs: 4, taps: 3, dilation }));
  test.each([2, 3, 4])("%i groups", (groups) => check({ length: 9, inputs: 2, outputs: 5, taps: 3, groups }));
  test.each([1, 2, 3])("every channel by itself, %i outputs each", (outputs) =>
    check({ length: 9, inputs: 1, outputs, taps: 3, groups: 6 }),
  );
  test.each(["valid", "same", "causal", [0, 0], [4, 0], [0, 5], [7, 9]] as const)("padding %j", (padding) => {
    for (const stride of [1, 2, 3])
      for (const dilation of [1, 2]) check({ length: 8, inputs: 3, outputs: 4, taps: 3, stride, dilation, padding });
  });
  test.each([1, 5])("a window wider than the series, dilation %i", (dilation) =>
    check({ length: 2, inputs: 3, outputs: 4, taps: 5, dilation, padding: "same" }),
  );
  test.each([0, 1, 3])("a batch of %i", (batch) => check({ length: 8, inputs: 3, outputs: 4, taps: 3, batch }));
  test("no bias", () => check({ length: 8, inputs: 3, outputs: 4, taps: 3, bias: false }));
  test.each(range(40))("random geometry %i", (seed) => {
    const draw = new Draw(seed);
    check(
      {
        length: draw.integer(10, 40),
        inputs: draw.integer(1, 9),
        outputs: draw.integer(1, 14),
        taps: draw.integer(1, 6),
        stride: draw.integer(1, 3),
        dilation: draw.integer(1, 2),
        groups: draw.pick([1, 1, 2, 3]),
        padding: draw.pick<Padding>(["same", "causal", [draw.integer(3, 5), draw.integer(3, 9)]]),
        bias: draw.chance(0.7),
      },
      seed,
    );
  });

  test("integers are taken as the numbers they are", () => {
    const x = tensor(Int32Array.of(1, 2, 3, 4), "NLC", [1, 4, 1]);
    const kernel = tensor(Int32Array.of(10, 1), "KIO", [2, 1, 1]);
    expect(conv1d(x, kernel)).toEqual({ data: Float32Array.of(12, 23, 34), layout: "NLC", shape: [1, 3, 1] });
  });

  const draw = new Draw(0);
  const x = random(draw, "NLC", [1, 8, 6]);
  const kernel = random(draw, "KIO", [3, 6, 4]);
  test.each<readonly [string, () => unknown, string, RegExp]>([
    [
      "a series with its channels first",
      () => conv1d({ ...x, layout: "NCL" } as unknown as Tensor<"NLC">, kernel),
      "layout-mismatch",
      /conv1d: expected x in NLC, got NCL/,
    ],
    [
      "a kernel as PyTorch holds it",
      () => conv1d(x, { ...kernel, layout: "OIK" } as unknown as Tensor<"KIO">),
      "layout-mismatch",
      /conv1d: expected kernel in KIO, got OIK/,
    ],
    [
      "other channels",
      () => conv1d(x, random(draw, "KIO", [3, 5, 4])),
      "shape-mismatch",
      /KIO = \(K, 6, .*got \(3, 5, 4\)/,
    ],
    [
      "groups that the kernel is not of",
      () => conv1d(x, kernel, { groups: 2 }),
      "shape-mismatch",
      /KIO = \(K, 3, a multiple of 2\), got \(3, 6, 4\)/,
    ],
    [
      "outputs that the groups do not divide",
      () => conv1d(x, random(draw, "KIO", [3, 2, 4]), { groups: 3 }),
      "shape-mismatch",
      /a multiple of 3/,
    ],
    [
      "another bias",
      () => conv1d(x, kernel, { bias: random(draw, "O", [3]) }),
      "shape-mismatch",
      /bias O = \(4\), got \(3\)/,
    ],
    [
      "too short a series",
      () => conv1d(x, random(draw, "KIO", [9, 6, 4])),
      "shape-mismatch",
      /length of at least 9, got 8/,
    ],
    [
      "a stride of none",
      () => conv1d(x, kernel, { stride: 0 }),
      "shape-mismatch",
      /stride to be an integer from 1, got 0/,
    ],
    [
      "half a dilation",
      () => conv1d(x, kernel, { dilation: 1.5 }),
      "shape-mismatch",
      /dilation to be an integer from 1, got 1\.5/,
    ],
    ["padding below zero", () => conv1d(x, kernel, { padding: [-1, 0] }), "shape-mismatch", /padding/],
    ["a padding that is none", () => conv1d(x, kernel, { padding: "full" as "same" }), "usage", /padding/],
  ])("refuses %s", (_, action, code, message) => refused(action, code, message));
});

describe("gemm and dense", () => {
  function check(rows: number, columns: number, inner: number, bias: boolean): void {
    const draw = new Draw(rows * 10_000 + columns * 100 + inner);
    const a = random(draw, "NI", [rows, inner]);
    const b = random(draw, "IO", [inner, columns]);
    const biases = random(draw, "O", [columns]);
    const options = bias ? { bias: biases } : {};
    const want = range(rows).flatMap((n) =>
      range(columns).map((o) =>
        total([
          bias ? biases.data[o]! : 0,
          ...range(inner).map((i) => a.data[n * inner + i]! * b.data[i * columns + o]!),
        ]),
      ),
    );
    const c = gemm(a, b, options);
    expect([c.layout, c.shape]).toEqual(["NO", [rows, columns]]);
    close(c, want);
    const merged = dense(tensor(a.data, "N(LC)", a.shape), tensor(b.data, "(LC)O", b.shape), options);
    expect(merged).toEqual(c);
  }

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 12, 13])("%i rows", (rows) => check(rows, 5, 7, true));
  test.each([1, 7, 8, 9, 11, 12, 13, 16, 17, 23, 24, 25])("%i columns", (columns) => check(4, columns, 7, true));
  test.each([1, 2, 3, 4, 5, 16, 100])("%i terms", (inner) => check(4, 5, inner, false));

  const draw = new Draw(0);
  test.each<readonly [string, () => unknown, string, RegExp]>([
    [
      "another inner size",
      () => gemm(random(draw, "NI", [2, 3]), random(draw, "IO", [4, 5])),
      "shape-mismatch",
      /gemm: expected 3 rows in IO, got 4/,
    ],
    [
      "another bias",
      () => gemm(random(draw, "NI", [2, 3]), random(draw, "IO", [3, 5]), { bias: random(draw, "O", [4]) }),
      "shape-mismatch",
      /bias O = \(5\), got \(4\)/,
    ],
    [
      "a matrix as PyTorch holds it",
      () => gemm(random(draw, "NI", [2, 3]), random(draw, "OI", [3, 5]) as unknown as Tensor<"IO">),
      "layout-mismatch",
      /expected b in IO, got OI/,
    ],
    [
      "a value flattened in another order",
      () => dense(random(draw, "N(CL)", [2, 6]), random(draw, "(LC)O", [6, 4]) as never),
      "layout-mismatch",
      /expected a kernel \(CL\)O for a value N\(CL\), got \(LC\)O/,
    ],
    [
      "a series that is not flattened",
      () => dense(random(draw, "NLC", [2, 3, 2]) as never, random(draw, "LCO", [3, 2, 4]) as never),
      "layout-mismatch",
      /NLC/,
    ],
    [
      "a value without a batch",
      () => dense(random(draw, "(LC)N", [6, 2]) as never, random(draw, "(LC)O", [6, 4]) as never),
      "layout-mismatch",
      /\(LC\)N/,
    ],
  ])("refuses %s", (_, action, code, message) => refused(action, code, message));
});

describe("transpose", () => {
  const permutations = (text: string): string[] =>
    text.length < 2
      ? [text]
      : [...text].flatMap((letter, index) =>
          permutations(text.slice(0, index) + text.slice(index + 1)).map((rest) => letter + rest),
        );

  function check(from: string, to: string, shape: readonly number[]): void {
    const length = shape.reduce((all, size) => all * size, 1);
    const x = tensor(
      Float32Array.from({ length }, (_, index) => index),
      from as string,
      shape,
    );
    const y = transpose(x, to as never) as Tensor;
    const sizes = [...to].map((letter) => shape[from.indexOf(letter)]!);
    expect([y.layout, y.shape]).toEqual([to, sizes]);
    y.data.forEach((value, place) => {
      const index: Record<string, number> = {};
      for (let axis = to.length - 1, rest = place; axis >= 0; axis--) {
        index[to[axis]!] = rest % sizes[axis]!;
        rest = Math.floor(rest / sizes[axis]!);
      }
      expect(value).toBe([...from].reduce((offset, letter, axis) => offset * shape[axis]! + index[letter]!, 0));
    });
  }

  test.each(permutations("NLC"))("NLC to %s", (to) => check("NLC", to, [2, 5, 3]));
  test.each(permutations("NTLC"))("NTLC to %s", (to) => check("NTLC", to, [2, 4, 5, 3]));
  // Blocks are 4 by 4.
  test.each([1, 3, 4, 5, 7, 8, 9].flatMap((rows) => [1, 3, 4, 5, 8, 9].map((columns) => [rows, columns] as const)))(
    "%i by %i",
    (rows, columns) => check("LC", "CL", [rows, columns]),
  );

  test("nothing in it", () => {
    expect(transpose(tensor(new Float32Array(0), "NLC", [0, 4, 3]), "NCL")).toEqual({
      data: new Float32Array(0),
      layout: "NCL",
      shape: [0, 3, 4],
    });
  });

  test("the result is a copy, also where no byte moves", () => {
    const x = tensor(Float32Array.of(1, 2, 3), "NLC", [1, 1, 3]);
    const y = transpose(x, "LNC");
    expect(y.data).toEqual(x.data);
    expect(y.data).not.toBe(x.data);
  });

  test("integers keep all their bits", () => {
    // As float32 these are NaNs of several kinds.
    const data = Int32Array.of(0x7fa00001, -1, 0x7fc00002, -2147483648, 0x7f800001, 5);
    const y = transpose(tensor(data, "LC", [2, 3]), "CL");
    expect(y.data).toEqual(Int32Array.of(data[0]!, data[3]!, data[1]!, data[4]!, data[2]!, data[5]!));
  });

  test("a piece of a larger buffer", () => {
    const all = Float32Array.from({ length: 12 }, (_, index) => index);
    const y = transpose(tensor(all.subarray(3, 9), "LC", [2, 3]), "CL");
    expect(y.data).toEqual(Float32Array.of(3, 6, 4, 7, 5, 8));
  });

  test.each<readonly [string, string, string, readonly number[]]>([
    ["other letters", "NLC", "NCK", [1, 2, 3]],
    ["fewer letters", "NLC", "NC", [1, 2, 3]],
    ["a letter twice", "NLC", "NCC", [1, 2, 3]],
    ["merged axes", "N(LC)", "(LC)N", [1, 6]],
  ])("refuses %s", (_, from, to, shape) => {
    const x = tensor(new Float32Array(6), from as string, shape);
    refused(() => transpose(x, to as never), "layout-mismatch", /expected an order of the letters of/);
  });
});

describe("tensor", () => {
  test("holds what it is given", () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const shape = [1, 6];
    const made = tensor(data, "N(LC)", shape);
    expect(made).toEqual({ data, layout: "N(LC)", shape: [1, 6] });
    expect(made.data).toBe(data);
    expect(made.shape).not.toBe(shape);
  });

  test.each<readonly [string, string, readonly number[], string, RegExp]>([
    [
      "an axis too few",
      "NL",
      [1, 2, 3],
      "layout-mismatch",
      /one axis of the layout per entry of the shape, got NL and \(1, 2, 3\)/,
    ],
    ["a text that is no layout", "nlc", [1, 2, 3], "layout-mismatch", /breaks at character 1/],
    ["too many elements", "NLC", [1, 2, 4], "shape-mismatch", /NLC = \(1, 2, 4\) with 8 elements, got 6/],
    ["a size below zero", "NLC", [-1, -2, 3], "shape-mismatch", /\(-1, -2, 3\)/],
    ["half a size", "NLC", [1.5, 2, 2], "shape-mismatch", /\(1\.5, 2, 2\)/],
  ])("refuses %s", (_, layout, shape, code, message) =>
    refused(() => tensor(new Float32Array(6), layout as string, shape), code, message),
  );
});

test("memory grows for what is large and serves what is small", () => {
  const draw = new Draw(3);
  const small = random(draw, "NI", [2, 3]);
  const matrix = random(draw, "IO", [3, 4]);
  const before = gemm(small, matrix);
  const large = gemm(random(draw, "NI", [200_000, 3]), matrix);
  expect(large.data.length).toBe(800_000);
  expect(gemm(small, matrix)).toEqual(before);
  // Results are copies: a later call changes none.
  expect(before).toEqual(gemm(small, matrix));
});
