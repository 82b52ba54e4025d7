/**
 * Nothing that lies in lent memory is kept once the loan is over: here every array is lent, however small, and overwritten when it
 * is taken back. Conversions of files that are read piece by piece have to come out as they do of files in memory.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Target } from "../../src/formats/kinds.ts";
import type { Bytes } from "../../src/platform/bytes.ts";
import { convert } from "../../src/api/convert.ts";
import { caseFile } from "../support/fixtures.ts";
import { input, layer, sequential } from "../support/keras-config.ts";
import { stored } from "../support/memory-tree.ts";
import { modelOf } from "../support/models.ts";

/** What stands in for platform/scratch.ts. */
const loans: Uint8Array[][] = [];
let spoiling = false;
let lentBytes = 0;

const reuseMemory = <T>(work: () => T): T => work();

function lendMemory<T>(work: () => T): T {
  loans.push([]);
  try {
    return work();
  } finally {
    for (const bytes of loans.pop()!) bytes.fill(0xff);
  }
}

function lent(type: Float32ArrayConstructor | Uint8ArrayConstructor, length: number): Float32Array | Uint8Array {
  const array = new type(length);
  const loan = loans.at(-1);
  if (loan && spoiling) {
    loan.push(new Uint8Array(array.buffer));
    lentBytes += array.byteLength;
  }
  return array;
}

/** The modules under test, made anew with that in them: those of other test files have the real one. */
async function modules() {
  vi.resetModules();
  vi.doMock("../../src/platform/scratch.ts", () => ({ reuseMemory, lendMemory, lent }));
  const [{ convertInto }, { readGraph }, { Model }, { rememberSource }, { inMemory }, { kernelModule }] =
    await Promise.all([
      import("../../src/api/convert.ts"),
      import("../../src/api/load.ts"),
      import("../../src/api/model.ts"),
      import("../../src/api/source.ts"),
      import("../../src/bytes/file-to-write.ts"),
      import("../../src/platform/kernels.ts"),
    ]);
  return { convertInto, readGraph, Model, rememberSource, inMemory, kernelModule };
}

let own: Awaited<ReturnType<typeof modules>>;
beforeAll(async () => {
  own = await modules();
});
afterAll(() => {
  vi.doUnmock("../../src/platform/scratch.ts");
  vi.resetModules();
});

/** Layers whose weights come in pieces, in other orders, in 16 bits, in int8, tied, or are read at every step. */
const cases = [
  "flatten-concatenate-with-vector",
  "crnn-bidirectional-gru",
  "deep-conv-lstm",
  "transformer-encoder",
  "squeeze-excite-residual",
  "flatten-shared-dense",
  "quantized-flatten",
  "policy-bfloat16",
  "embedding",
];

/** A file of which every piece is lent. */
const inPieces = (bytes: Uint8Array): Bytes => ({
  length: bytes.length,
  subarray(start, end) {
    const piece = lent(Uint8Array, Math.min(end, bytes.length) - Math.min(start, bytes.length));
    piece.set(bytes.subarray(start, end));
    return piece as Uint8Array;
  },
});

/** The files that a conversion writes, by name. What was written is read again, in pieces too. */
const converted = (name: string, to: Target, inLent: boolean) =>
  convertedFile(caseFile(name, "model.keras")!, "model.keras", to, inLent);

async function convertedFile(bytes: Uint8Array, name: string, to: Target, inLent: boolean) {
  spoiling = inLent;
  const { convertInto, readGraph, Model, rememberSource, inMemory, kernelModule } = own;
  const read = readGraph({ bytes: inLent ? inPieces(bytes) : bytes, name });
  const model = new Model(read.graph, name, read.origin, kernelModule());
  rememberSource(model, read.source);
  const files = new Map<string, Buffer>();
  await convertInto(model, { to, flatten: "fold" }, (file, content) => {
    const written = inMemory(content);
    files.set(file, Buffer.from(written));
    return inLent ? inPieces(written) : written;
  });
  model.dispose();
  return files;
}

const conv = { filters: 301, kernel_size: [3], padding: "same" };

const noise = (shape: number[]) => {
  const count = shape.reduce((all, size) => all * size, 1);
  return stored(
    shape,
    Float32Array.from({ length: count }, (_, index) => Math.sin(index * 1.7) / 20),
  );
};

/** What .npy has no type for. */
const notInNpz = ["policy-bfloat16"];

describe.each(["safetensors", "pt", "keras", "h5", "npz"] as const)("%s", (to) => {
  test.each(to === "npz" ? cases.filter((name) => !notInNpz.includes(name)) : cases)("of %s", async (name) => {
    const wanted = await converted(name, to, false);
    lentBytes = 0;
    const found = await converted(name, to, true);
    expect(lentBytes).toBeGreaterThan(0);
    expect([...found.keys()]).toEqual([...wanted.keys()]);
    for (const [file, bytes] of wanted) expect(Buffer.compare(found.get(file)!, bytes), file).toBe(0);
  });
});

test.each(["safetensors", "pt", "pytorch"] as const)("matrices of many pieces, to %s", async (to) => {
  const source = modelOf(
    sequential([input("signal", [5, 501]), layer("Dense", "wide", { units: 403 }), layer("Conv1D", "narrow", conv)]),
    {
      "layers/dense": { variables: [noise([501, 403]), noise([403])] },
      "layers/conv1d": { variables: [noise([3, 403, 301]), noise([301])] },
    },
  );
  const [bytes] = (await convert(source, { to: "safetensors" })).values();
  source.dispose();
  const wanted = await convertedFile(bytes!, "model.safetensors", to, false);
  const found = await convertedFile(bytes!, "model.safetensors", to, true);
  for (const [file, content] of wanted) expect(Buffer.compare(found.get(file)!, content), file).toBe(0);
});
