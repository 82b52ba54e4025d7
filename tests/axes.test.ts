/** Layout texts, and the copies that bring an array from one order of axes to another, against index by index. */
import { describe, expect, test } from "vitest";
import {
  type Axes,
  describeAxes,
  isView,
  layoutRank,
  layoutText,
  namedAxes,
  parseLayout,
  positionalLetters,
  product,
  rearrangeArray,
  rearrangement,
  shapeText,
} from "../src/axes.ts";
import { copyStrided } from "../src/strided.ts";
import { ChannelwiseError } from "../src/error.ts";
import { Draw } from "./support/random-draw.ts";

/** Axes of a layout text with the size of each letter; segments and merged sizes follow. */
function axes(text: string, sizes: Readonly<Record<string, number | null>>): Axes {
  return parseLayout(text).map((segments) => {
    const [[letter]] = segments as [[string]];
    const size = (name: string) => (name === "1" ? 1 : sizes[name]!);
    if (segments.length === 1 && segments[0]!.length === 1) return { letter, size: size(letter) };
    const parts = segments.map((names) => names.map((name) => ({ letter: name, size: size(name) })));
    const sums = parts.map((own) => product(own.map((part) => part.size)));
    return { letter: "F", size: sums.includes(null) ? null : sums.reduce((a, b) => a! + b!), segments: parts };
  });
}

const counting = (length: number) => Float64Array.from({ length }, (_, index) => index);

describe("parseLayout", () => {
  test.each([
    ["", []],
    ["NLC", [[["N"]], [["L"]], [["C"]]]],
    ["N(LC)", [[["N"]], [["L", "C"]]]],
    ["(LC|C)O", [[["L", "C"], ["C"]], [["O"]]]],
    ["N1C", [[["N"]], [["1"]], [["C"]]]],
  ])("%s", (text, parsed) => {
    expect(parseLayout(text)).toEqual(parsed);
    expect(layoutRank(parseLayout(text))).toBe(parsed.length);
  });

  test.each([
    ["nlc", 1],
    ["NLc", 3],
    ["N L", 2],
    ["N(LC", 2],
    ["N()C", 2],
    ["N(L|)", 2],
    ["N(L(C))", 2],
    ["NL)", 3],
    ["N2", 2],
    ["NÄ", 2],
  ])("refuses %s at character %i", (text, character) => {
    const refusal = expect(() => parseLayout(text));
    refusal.toThrow(ChannelwiseError);
    refusal.toThrow(new RegExp(`layout-mismatch.*${text.replace(/[()|]/g, "\\$&")}.*character ${character}\\n`));
  });
});

describe("texts", () => {
  test.each(["NLC", "N(LC)", "N(LC|C)", "(CL)O"])("layoutText gives %s back", (text) => {
    expect(layoutText(axes(text, { N: 2, L: 5, C: 3, O: 4 }))).toBe(text);
  });

  test("sizes that are not known", () => {
    expect(describeAxes(axes("NLC", { N: null, L: null, C: 9 }))).toBe("NLC = (N, ?, 9)");
    expect(shapeText(axes("N(LC)", { N: 3, L: null, C: 9 }))).toBe("3, ?");
  });

  test("letters by position", () => {
    expect([1, 2, 3, 4, 5, 8].map(positionalLetters)).toEqual(["N", "NC", "NLC", "NTLC", "NSTLC", "NPQRSTLC"]);
    expect(() => positionalLetters(9)).toThrow(/unsupported-feature: expected an array of at most 8 dimensions, got 9/);
  });
});

describe("rearrangement by hand", () => {
  test("a transpose", () => {
    const [from, to] = [namedAxes("LC", [2, 3]), namedAxes("CL", [3, 2])];
    expect(rearrangeArray(Float32Array.of(0, 1, 2, 10, 11, 12), from, to)).toEqual(
      Float32Array.of(0, 10, 1, 11, 2, 12),
    );
  });

  test("what Keras flattens, in PyTorch's order", () => {
    const sizes = { N: 1, L: 2, C: 3 };
    const source = Int32Array.of(0, 1, 2, 10, 11, 12);
    expect(rearrangeArray(source, axes("N(LC)", sizes), axes("N(CL)", sizes))).toEqual(
      Int32Array.of(0, 10, 1, 11, 2, 12),
    );
    expect(rearrangeArray(source, axes("NLC", sizes), axes("N(CL)", sizes))).toEqual(
      Int32Array.of(0, 10, 1, 11, 2, 12),
    );
  });

  test("the rows of a kernel, and its axes", () => {
    const sizes = { L: 2, C: 2, O: 2 };
    const source = Float64Array.of(0, 1, 10, 11, 100, 101, 110, 111);
    const rows = rearrangeArray(source, axes("(LC)O", sizes), axes("(CL)O", sizes));
    expect(rows).toEqual(Float64Array.of(0, 1, 100, 101, 10, 11, 110, 111));
    const turned = rearrangeArray(source, axes("(LC)O", sizes), axes("O(CL)", sizes));
    expect(turned).toEqual(Float64Array.of(0, 100, 10, 110, 1, 101, 11, 111));
  });

  test("merged pieces end to end, each by itself", () => {
    const sizes = { N: 2, L: 2, C: 3 };
    const row = [0, 1, 2, 10, 11, 12, 70, 71, 72];
    const source = Float32Array.from([...row, ...row.map((value) => value + 100)]);
    const turned = [0, 10, 1, 11, 2, 12, 70, 71, 72];
    const target = Float32Array.from([...turned, ...turned.map((value) => value + 100)]);
    expect(rearrangeArray(source, axes("N(LC|C)", sizes), axes("N(CL|C)", sizes))).toEqual(target);
    expect(rearrangement(axes("N(LC|C)", sizes), axes("N(CL|C)", sizes)).length).toBe(2);
  });

  test("a piece of one element between others", () => {
    const one = [{ letter: "K", size: 1 }];
    const parts = { L: { letter: "L", size: 2 }, C: { letter: "C", size: 3 } };
    const axesOf = (...order: ("L" | "C")[]): Axes => {
      const pieces = order.map((letter) => parts[letter]);
      return [{ letter: "F", size: 14, segments: [one, pieces, one, pieces] }];
    };
    const row = [0, 1, 2, 10, 11, 12];
    const turned = [0, 10, 1, 11, 2, 12];
    const source = Float32Array.from([-1, ...row, -2, ...row]);
    expect(rearrangeArray(source, axesOf("L", "C"), axesOf("C", "L"))).toEqual(
      Float32Array.from([-1, ...turned, -2, ...turned]),
    );
  });

  test("nothing in it", () => {
    const [from, to] = [namedAxes("NLC", [0, 4, 3]), namedAxes("NCL", [0, 3, 4])];
    expect(rearrangeArray(new Float32Array(0), from, to)).toEqual(new Float32Array(0));
  });

  test("axes that are not there, or pieces that are not the same", () => {
    const sizes = { N: 2, L: 5, C: 3, K: 4 };
    expect(() => rearrangement(axes("NLC", sizes), axes("NKC", sizes))).toThrow(
      /cannot rearrange NLC = \(2, 5, 3\) to NKC/,
    );
    expect(() => rearrangement(axes("N(LC)", sizes), axes("N(LK)", sizes))).toThrow(/cannot rearrange/);
    expect(() => rearrangement(axes("NLC", sizes), axes("NL", sizes))).toThrow(/cannot rearrange/);
  });
});

describe("rearrangement in random orders, index by index", () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))("seed %i", (seed) => {
    const draw = new Draw(seed);
    const rank = draw.integer(1, 5);
    const letters = "NLCKO".slice(0, rank);
    const pool = draw.shuffled([1, 2, 3, 4, 5]).slice(0, rank);
    const from = namedAxes(letters, pool);
    const order = draw.shuffled([...letters]);
    const to = namedAxes(
      order.join(""),
      order.map((letter) => pool[letters.indexOf(letter)]!),
    );
    const source = counting(product(pool)!);
    const target = rearrangeArray(source, from, to);
    target.forEach((value, place) => {
      const index: Record<string, number> = {};
      for (let axis = rank - 1, rest = place; axis >= 0; axis--) {
        index[to[axis]!.letter] = rest % to[axis]!.size!;
        rest = Math.floor(rest / to[axis]!.size!);
      }
      expect(value).toBe(from.reduce((offset, { letter, size }) => offset * size! + index[letter]!, 0));
    });
    expect(rearrangeArray(target, to, from)).toEqual(source);
    if (isView(from, to)) expect(target).toBe(source);
    else expect(target).not.toEqual(source);
  });

  test.each(Array.from({ length: 60 }, (_, seed) => seed))("merged pieces, seed %i", (seed) => {
    const draw = new Draw(1000 + seed);
    const segments = Array.from({ length: draw.integer(1, 3) }, () =>
      [..."LCK"].slice(0, draw.integer(1, 3)).map((letter) => ({ letter, size: draw.integer(1, 4) })),
    );
    const turned = segments.map((parts) => draw.shuffled(parts));
    const total = segments.reduce((sum, parts) => sum + product(parts.map((part) => part.size))!, 0);
    const merged = (own: typeof segments): Axes => [
      { letter: "N", size: 2 },
      { letter: "F", size: total, segments: own },
      { letter: "O", size: 3 },
    ];
    const source = counting(2 * total * 3);
    const target = rearrangeArray(source, merged(segments), merged(turned));
    let place = 0;
    for (let n = 0; n < 2; n++) {
      let start = 0;
      segments.forEach((parts, which) => {
        const size = product(parts.map((part) => part.size))!;
        for (let row = 0; row < size; row++) {
          const index: Record<string, number> = {};
          let inner = 1;
          for (const part of turned[which]!.toReversed()) {
            index[part.letter] = Math.floor(row / inner) % part.size;
            inner *= part.size;
          }
          const from = parts.reduce((offset, part) => offset * part.size + index[part.letter]!, 0);
          for (let o = 0; o < 3; o++) expect(target[place++]).toBe((n * total + start + from) * 3 + o);
        }
        start += size;
      });
    }
    expect(rearrangeArray(target, merged(turned), merged(segments))).toEqual(source);
  });
});

describe("isView", () => {
  const sizes = { N: 2, L: 5, C: 3, K: 1, U: null, V: null };
  test.each([
    ["NLC", "NLC", true],
    ["NLC", "N(LC)", true],
    ["NLC", "(NL)C", true],
    ["NLC", "NCL", false],
    ["NLC", "N(CL)", false],
    ["NLK", "NKL", true],
    ["NKC", "N(CK)", true],
    ["N(LK)", "N(KL)", true],
    ["N(LC)", "N(CL)", false],
    ["N(LC|C)", "N(LC|C)", true],
    ["N(LC|C)", "N(CL|C)", false],
    ["NUC", "NCU", false],
    ["NUV", "NVU", false],
    ["NLC", "N1LC", true],
  ])("%s as %s: %s", (from, to, expected) => {
    const source = axes(from, sizes);
    // A new axis of size one is in no source.
    expect(isView(source, axes(to, sizes))).toBe(expected);
  });

  test("an array that keeps its order is not copied", () => {
    const source = counting(30);
    expect(rearrangeArray(source, axes("NLC", sizes), axes("N(LC)", sizes))).toBe(source);
  });
});

test("copyStrided goes by its strides, broadcasts by 0 and backwards by negative ones", () => {
  const target = new Float64Array(6);
  copyStrided([1, 2, 3], target, {
    sizes: [2, 3],
    sourceOffset: 2,
    targetOffset: 0,
    sourceStrides: [0, -1],
    targetStrides: [3, 1],
  });
  expect(target).toEqual(Float64Array.of(3, 2, 1, 3, 2, 1));
  const single = new Float64Array(2);
  copyStrided([7, 8], single, { sizes: [], sourceOffset: 1, targetOffset: 1, sourceStrides: [], targetStrides: [] });
  expect(single).toEqual(Float64Array.of(0, 8));
});
