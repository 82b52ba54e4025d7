/** HDF5 files written here hold the same for this project's reader and for the HDF5 library (h5wasm). */
import { describe, expect, test } from "vitest";
import { openHdf5 } from "../../src/bytes/hdf5/index.ts";
import { type ArrayToWrite, type GroupToWrite, mostTextsInAttribute, writeHdf5 } from "../../src/bytes/hdf5/write.ts";
import { typedArray } from "../../src/bytes/numbers.ts";
import { bytesPerElement, type DType, elements } from "../../src/tensor.ts";
import { expectSame } from "./hdf5-same.ts";

const group = (children: Record<string, GroupToWrite | ArrayToWrite>, attributes = {}): GroupToWrite => ({
  attributes,
  children: new Map(Object.entries(children)),
});

function array(dtype: DType, shape: readonly number[], attributes = {}): ArrayToWrite {
  const data = typedArray(dtype, new Uint8Array(elements(shape) * bytesPerElement[dtype]));
  for (let index = 0; index < data.length; index++)
    data[index] = dtype === "bool" ? index % 2 : typeof data[0] === "bigint" ? BigInt(index + 1) : index + 1;
  return { attributes, array: { dtype, shape, read: () => data } };
}

const types = Object.keys(bytesPerElement) as DType[];
const files: readonly (readonly [string, GroupToWrite])[] = [
  ["an empty root", group({})],
  ["every type", group(Object.fromEntries(types.map((dtype) => [dtype, array(dtype, [2, 3])])))],
  [
    "scalars, and arrays without elements",
    group({ scalar: array("int64", []), none: array("float32", [0, 4]), one: array("float64", [1]) }),
  ],
  ["rank 5", group({ deep: array("float32", [2, 1, 3, 2, 2]) })],
  [
    "groups in groups",
    group({ a: group({ b: group({ c: array("int8", [3]) }), d: group({}) }), e: array("uint8", [5]) }),
  ],
  [
    "300 children",
    group(
      Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`child_${index}`, array("int16", [index % 4])])),
    ),
  ],
  ["names outside of ASCII", group({ größe: array("float32", [2]), "層 1.2:3": group({}) })],
  [
    "attributes",
    group(
      { dataset: array("float32", [2], { dtype: "float32", names: ["a", "größe", "a"] }) },
      { text: "x", empty: "", none: [], one: ["y"], long: "z".repeat(100_000) },
    ),
  ],
  [
    "as many texts as fit",
    group({}, { names: Array.from({ length: mostTextsInAttribute }, (_, index) => `layer_${index}`) }),
  ],
];

describe("what is written is read by both", () => {
  test.each(files)("%s", (_, root) => expectSame(writeHdf5(root)));
});

test("elements are aligned, and equal content gives equal bytes", () => {
  const root = group({ odd: array("int8", [3]), even: array("float32", [7]) }, { name: "x" });
  const bytes = writeHdf5(root);
  expect(writeHdf5(root)).toEqual(bytes);
  const even = openHdf5(bytes).get("even");
  const data = even?.kind === "dataset" ? even.read() : null;
  expect(data!.buffer).toBe(bytes.buffer);
  expect(data!.byteOffset % 64).toBe(0);
});

test("each array is read once, when its turn comes", () => {
  const order: string[] = [];
  const counted = (name: string): ArrayToWrite => ({
    array: { dtype: "float32", shape: [1], read: () => Float32Array.of(order.push(name)) },
  });
  writeHdf5(group({ a: counted("a"), b: group({ c: counted("c") }), d: counted("d") }));
  expect(order).toEqual(["a", "c", "d"]);
});

test.each<readonly [string, GroupToWrite, RegExp]>([
  [
    "more texts than an attribute holds",
    group({}, { names: Array.from({ length: 5000 }, String) }),
    /an HDF5 message of \d+ bytes/,
  ],
  [
    "elements that are not as many as the shape says",
    group({ a: { array: { dtype: "float32", shape: [3], read: () => new Float32Array(2) } } }),
    /expected 12 bytes/,
  ],
])("refuses %s", (_, root, message) => {
  expect(() => writeHdf5(root, ["model.h5"])).toThrow(message);
});
