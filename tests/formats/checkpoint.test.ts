/**
 * Checkpoints of PyTorch: every file in fixtures/checkpoints holds what PyTorch wrote, every file in its `refused` is refused with
 * the words that expected.json gives (fixtures/make_checkpoints.py makes both).
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32 } from "../../src/bytes/numbers.ts";
import { writeNpz } from "../../src/bytes/npz.ts";
import { writeCheckpoint } from "../../src/formats/pytorch.ts";
import { readModelFile } from "../../src/formats/read.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import type { StateFile } from "../../src/formats/state-dict.ts";
import type { StoredArray } from "../../src/tensor.ts";

const folder = new URL("../fixtures/checkpoints/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const json = (name: string) => JSON.parse(new TextDecoder().decode(bytesOf(name)));

interface Expected {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}
const expected: Record<string, Record<string, Expected>> = json("expected.json");
const refused: Record<string, string> = json("refused/expected.json");

function state(bytes: Uint8Array, parts?: ReadonlyMap<string, Uint8Array>): StateFile {
  const file = readModelFile(bytes, ["model.pt"], parts);
  if (file.kind !== "state") throw new Error(`expected a state dict, got ${file.kind}`);
  return file;
}

/** The numbers as float64, which holds all of them. */
function numbers({ dtype, read }: Pick<StoredArray, "dtype" | "read">): number[] {
  const data = read();
  if (dtype === "float16") return Array.from(float16ToFloat32(data as Uint16Array));
  if (dtype === "bfloat16") return Array.from(bfloat16ToFloat32(data as Uint16Array));
  return Array.from<number | bigint, number>(data, Number);
}

function wanted({ data }: Expected): number[] {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return Array.from(new Float64Array(bytes.buffer));
}

const files = readdirSync(folder).filter((name) => /\.(pt|ckpt|bin)$/.test(name));

test("every file has its expectation", () => {
  expect(files.sort()).toEqual(Object.keys(expected).sort());
  expect(readdirSync(new URL("refused/", folder)).sort()).toEqual([...Object.keys(refused), "expected.json"].sort());
});

test.each(files)("%s", (name) => {
  const { tensors } = state(bytesOf(name));
  expect([...tensors.keys()]).toEqual(Object.keys(expected[name]!));
  for (const [key, tensor] of tensors) {
    const want = expected[name]![key]!;
    expect([key, tensor.dtype, tensor.shape]).toEqual([key, want.dtype, want.shape]);
    expect(numbers({ dtype: tensor.dtype, read: () => tensor.read() }), key).toEqual(wanted(want));
  }
});

test.each(Object.entries(refused))("refuses %s", (name, said) => {
  expect(() => readModelFile(bytesOf(`refused/${name}`), [name])).toThrow(said);
});

test("says what lies beside the state dict", () => {
  expect(state(bytesOf("wrapped.ckpt")).unread).toEqual(["epoch", "loss", "optimizer", "best", "names", "tags"]);
  expect(state(bytesOf("today.pt")).unread).toEqual([]);
});

test("a row-major tensor is a view of the file", () => {
  const bytes = bytesOf("today.pt");
  const data = state(bytes).tensors.get("conv.weight")!.read();
  expect(data.buffer).toBe(bytes.buffer);
});

test("what is written here is read again", () => {
  const data = Float32Array.from({ length: 6 }, (_, index) => index / 4);
  const bytes = writeCheckpoint(new Map([["head.weight", { dtype: "float32" as const, shape: [2, 3], data }]]));
  const tensor = state(bytes).tensors.get("head.weight")!;
  expect([tensor.dtype, tensor.shape, [...tensor.read()]]).toEqual(["float32", [2, 3], [...data]]);
});

test("a state dict as NumPy arrays, by its names", () => {
  const array = { dtype: "float32" as const, shape: [2], data: Float32Array.of(1, 2) };
  expect([...state(writeNpz(new Map([["a.weight", array]]))).tensors.keys()]).toEqual(["a.weight"]);
});

describe("a state dict over several files", () => {
  const array = (value: number) => ({ dtype: "float32" as const, shape: [1], data: Float32Array.of(value) });
  const shard = (name: string, value: number) => new Map([[name, array(value)]]);
  const index = (map: Record<string, string>) => new TextEncoder().encode(JSON.stringify({ weight_map: map }));
  const parts = new Map([
    ["1.safetensors", writeSafetensors(shard("a.weight", 1))],
    ["2.bin", writeCheckpoint(shard("b.weight", 2))],
  ]);

  test("is read from both kinds of shards", () => {
    const { tensors } = state(index({ "a.weight": "1.safetensors", "b.weight": "2.bin" }), parts);
    expect([...tensors].map(([name, tensor]) => [name, tensor.read()[0]])).toEqual([
      ["a.weight", 1],
      ["b.weight", 2],
    ]);
  });

  test.each<readonly [string, Record<string, string>, RegExp]>([
    [
      "a tensor that its file does not hold",
      { "a.weight": "1.safetensors", "b.weight": "1.safetensors" },
      /expected the tensor b\.weight in 1/,
    ],
    [
      "a tensor that the index does not name",
      { "b.weight": "1.safetensors" },
      /a\.weight, which the index does not place here/,
    ],
    ["a file that is not there", { "a.weight": "3.safetensors" }, /expected the file 3\.safetensors/],
    ["a path", { "a.weight": "../1.safetensors" }, /name of a file beside this one/],
  ])("refuses %s", (_, map, message) => {
    expect(() => state(index(map), parts)).toThrow(message);
  });
});
