/** Arrays as NumPy saves them, listed by folder, and the bytes that are written for the same arrays. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/bytes/npy.ts";
import { readNpz, writeNpz } from "../../src/bytes/npz.ts";
import { ChannelwiseError } from "../../src/error.ts";
import type { StoredArray } from "../../src/tensor.ts";
import { type ExpectedArray, expectArray } from "./expected.ts";

const folder = new URL("../fixtures/npy/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const expected: Record<string, Record<string, ExpectedArray>> = JSON.parse(
  readFileSync(new URL("expected.json", folder), "utf8"),
);
const open = (name: string): Map<string, StoredArray> =>
  name.endsWith(".npz") ? readNpz(bytesOf(name)) : new Map([["", readNpy(bytesOf(name))]]);
const dense = ({ dtype, shape, read }: StoredArray) => ({ dtype, shape, data: read() });

test.each(Object.keys(expected))("%s", (name) => {
  const arrays = open(name);
  expect([...arrays.keys()]).toEqual(Object.keys(expected[name]!));
  for (const [key, array] of arrays) expectArray(array, expected[name]![key]!);
});

test.each(readdirSync(new URL("refused/", folder)))("refuses %s by name", (name) => {
  expect(() => readNpy(bytesOf(`refused/${name}`), [name])).toThrow(/unsupported-feature/);
});

describe("writing", () => {
  const plain = Object.keys(expected).filter((name) => !/big-endian|fortran|version|python|npz/.test(name));
  test.each(plain)("%s byte for byte as NumPy does", (name) => {
    expect(writeNpy(dense(readNpy(bytesOf(name))))).toEqual(bytesOf(name));
  });

  test("an archive, read again, aligned and without a copy", () => {
    const arrays = new Map([...open("stored.npz")].map(([name, array]) => [name, dense(array)]));
    const archive = writeNpz(arrays);
    const again = readNpz(archive);
    expect([...again.keys()]).toEqual([...arrays.keys()]);
    for (const [name, array] of again) {
      expect(dense(array)).toEqual(arrays.get(name));
      expect(array.read().buffer).toBe(archive.buffer);
    }
    expect(writeNpz(arrays)).toEqual(archive);
  });

  test("refuses data that does not fill its shape, and bfloat16", () => {
    expect(() => writeNpy({ dtype: "float32", shape: [2, 3], data: new Float32Array(5) })).toThrow(ChannelwiseError);
    expect(() => writeNpy({ dtype: "bfloat16", shape: [1], data: new Uint16Array(1) })).toThrow(/unsupported-feature/);
  });
});

describe("headers that NumPy would not write", () => {
  const withHeader = (header: string, data = new Uint8Array(24)) =>
    Uint8Array.from([
      ...[..."\x93NUMPY\x01\x00"].map((letter) => letter.charCodeAt(0)),
      header.length & 255,
      header.length >> 8,
      ...[...header].map((letter) => letter.charCodeAt(0)),
      ...data,
    ]);
  const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

  test("the good one is read", () => expect(readNpy(withHeader(good)).shape).toEqual([2, 3]));

  test.each([
    ["code", "__import__('os').system('true')"],
    ["a missing entry", "{'descr': '<f4', 'shape': (2, 3)}"],
    ["an entry twice", good.replace("'shape'", "'descr': '<f4', 'shape'")],
    ["a further entry", good.replace("'shape'", "'more': False, 'shape'")],
    ["a negative size", good.replace("2, 3", "-2, -3")],
    ["a size with a point", good.replace("2, 3", "2.0, 3")],
    ["a huge size", good.replace("2, 3", "999999999999999, 999999999999999")],
    ["more elements than there are", good.replace("2, 3", "2, 4")],
    ["fewer elements than there are", good.replace("2, 3", "2, 2")],
    ["too many axes", good.replace("2, 3", "1, ".repeat(40))],
    ["a missing brace", good.replace("}", "")],
    ["text behind", `${good}x`],
    ["an empty shape list", good.replace("2, 3", ",")],
    ["nothing", ""],
  ])("refuses %s", (_, header) => {
    expect(() => readNpy(withHeader(header))).toThrow(ChannelwiseError);
  });

  test.each(["1".repeat(60_000), "1,".repeat(30_000), " ".repeat(60_000), "(".repeat(60_000), "1 ".repeat(30_000)])(
    "takes linear time",
    (filling) => {
      const start = performance.now();
      expect(() => readNpy(withHeader(good.replace("2, 3", filling)))).toThrow(ChannelwiseError);
      expect(() => readNpy(withHeader(filling))).toThrow(ChannelwiseError);
      expect(performance.now() - start).toBeLessThan(500);
    },
  );
});
