/** Files of the safetensors library, listed by folder; files written here; and each restriction of the format. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isSafetensors, readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { type ExpectedArray, expectArray } from "../bytes/expected.ts";

interface Expected {
  readonly metadata: Record<string, string>;
  readonly tensors: Record<string, ExpectedArray>;
}

const folder = new URL("../fixtures/safetensors/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const expected: Record<string, Expected> = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8"));

const dense = (name: string) =>
  new Map(
    Array.from(readSafetensors(bytesOf(name)).tensors, ([key, { dtype, shape, read }]) => [
      key,
      { dtype, shape, data: read() },
    ]),
  );

describe("files of the library", () => {
  test.each(Object.keys(expected))("%s", (name) => {
    const { tensors, metadata } = readSafetensors(bytesOf(name));
    expect(isSafetensors(bytesOf(name))).toBe(true);
    expect(metadata).toEqual(expected[name]!.metadata);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected[name]!.tensors).sort());
    for (const [key, tensor] of tensors) expectArray(tensor, expected[name]!.tensors[key]!);
  });

  test.each(readdirSync(new URL("refused/", folder)))("refuses %s by name", (name) => {
    expect(() => readSafetensors(bytesOf(`refused/${name}`), [name])).toThrow(/unsupported-feature: the dtype/);
  });
});

describe("writing", () => {
  test.each(Object.keys(expected))("the tensors of %s, read again, aligned", (name) => {
    const tensors = dense(name);
    const file = writeSafetensors(tensors, { metadata: expected[name]!.metadata });
    const again = readSafetensors(file);
    expect(again.metadata).toEqual(expected[name]!.metadata);
    expect([...again.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [key, { dtype, shape, read }] of again.tensors) {
      expect({ dtype, shape, data: read() }).toEqual(tensors.get(key));
      expect(read().buffer).toBe(file.buffer);
    }
    expect(new DataView(file.buffer).getUint32(0, true) % 64).toBe(56);
  });

  test("equal content gives equal bytes, whatever the order", () => {
    const tensors = dense("every-type.safetensors");
    expect(writeSafetensors(new Map([...tensors].reverse()))).toEqual(writeSafetensors(tensors));
  });

  test("refuses data that does not fill its shape", () => {
    const broken = new Map([["a", { dtype: "float32", shape: [3], data: new Float32Array(2) } as const]]);
    expect(() => writeSafetensors(broken)).toThrow(/expected 12 bytes/);
  });
});

describe("refused", () => {
  const build = (header: unknown, dataBytes = 12, length?: number): Uint8Array => {
    const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
    const file = new Uint8Array(8 + text.length + dataBytes);
    new DataView(file.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
    file.set(text, 8);
    return file;
  };
  const f32 = (shape: unknown, offsets: unknown) => ({ dtype: "F32", shape, data_offsets: offsets });

  test("the good one is read", () => expect(readSafetensors(build({ a: f32([3], [0, 12]) })).tensors.size).toBe(1));

  test.each<[string, Uint8Array, RegExp]>([
    ["a header beyond the file", build({}, 0, 1000), /expected 1000 bytes/],
    ["a header beyond 100 MB", build({}, 0, 100_000_001), /at most 100000000/],
    ["a header beyond 2^53", build({}, 0, Number.MAX_SAFE_INTEGER + 1), /below 2\^53/],
    ["a hole in front", build({ a: f32([2], [4, 12]) }), /at byte 0/],
    ["a hole at the end", build({ a: f32([2], [0, 8]) }), /cover 12 bytes/],
    ["an overlap", build({ a: f32([2], [0, 8]), b: f32([2], [4, 12]) }), /at byte 8/],
    ["a key twice", build('{"a": {}, "a": {}}'), /twice/],
    ["too few bytes for the shape", build({ a: f32([4], [0, 12]) }), /expected 16 bytes/],
    ["offsets behind the end", build({ a: f32([4], [0, 16]) }), /of 12/],
    ["offsets the wrong way round", build({ a: f32([3], [12, 0]) }), /corrupt-file/],
    ["negative offsets", build({ a: f32([3], [-12, 0]) }), /lists of counts/],
    ["a negative size", build({ a: f32([-3], [0, 12]) }), /lists of counts/],
    ["a size with a fraction", build({ a: f32([1.5, 2], [0, 12]) }), /lists of counts/],
    ["a size as text", build({ a: f32(["3"], [0, 12]) }), /lists of counts/],
    ["sizes whose product is beyond 2^53", build({ a: f32([2 ** 40, 2 ** 40], [0, 12]) }), /too large/],
    ["three offsets", build({ a: f32([3], [0, 6, 12]) }), /lists of counts/],
    ["an unknown dtype", build({ a: { ...f32([3], [0, 12]), dtype: "F4" } }), /the dtype F4/],
    ["no dtype", build({ a: { shape: [3], data_offsets: [0, 12] } }), /the dtype undefined/],
    ["a tensor that is no object", build({ a: 3 }), /expected \{dtype/],
    ["metadata that is no text", build({ __metadata__: { a: 1 }, b: f32([3], [0, 12]) }), /texts under/],
    ["a list as header", build("[]", 0), /JSON object/],
    ["nothing", new Uint8Array(0), /expected 8 bytes/],
  ])("%s", (_, file, message) => expect(() => readSafetensors(file, ["model.safetensors"])).toThrow(message));
});
