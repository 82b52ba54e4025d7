/**
 * Nothing that lies in lent memory is kept once the loan is over: here every array is lent, however small, and overwritten when it
 * is taken back. Conversions of files that are read piece by piece have to come out as they do of files in memory.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Target } from "../../src/formats/kinds.ts";
import type { Bytes } from "../../src/platform/bytes.ts";
import { caseFile } from "../support/fixtures.ts";

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
async function converted(name: string, to: Target, inLent: boolean): Promise<Map<string, Buffer>> {
  spoiling = inLent;
  const { convertInto, readGraph, Model, rememberSource, inMemory, kernelModule } = own;
  const bytes = caseFile(name, "model.keras")!;
  const read = readGraph({ bytes: inLent ? inPieces(bytes) : bytes, name: "model.keras" });
  const model = new Model(read.graph, "model.keras", read.origin, kernelModule());
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
