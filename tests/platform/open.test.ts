/**
 * Files read a piece at a time: the same as whole, wherever they are; little of them for what is in them; and a clear error when they
 * change, or when a server lies.
 */
import * as fs from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert, inspect, inspectFile, load, type Model } from "../../src/index.ts";
import { readModelFile } from "../../src/formats/read.ts";
import { RangedBytes, settle } from "../../src/platform/bytes.ts";
import { openSource } from "../../src/platform/open.ts";
import { readModel } from "../attacks/safely.ts";
import { denseModel } from "../support/dense-model.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const modelFile = /\.(keras|h5|hdf5|safetensors|pt|ckpt|bin|npz)$/;
const files = ["keras", "legacy", "stateful", "safetensors", "checkpoints", "npy"]
  .flatMap((folder) =>
    fs.readdirSync(join(fixtures, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((path) => modelFile.test(path) && !path.includes("refused") && !/(in|out)puts|layers/.test(path));
const bytesOf = (path: string) => new Uint8Array(fs.readFileSync(join(fixtures, path)));

describe("every fixture by pieces is what it is whole", () => {
  test("there are some of each kind", () => {
    for (const ending of ["keras", "h5", "safetensors", "pt", "npz"])
      expect(files.filter((path) => path.endsWith(`.${ending}`)).length, ending).toBeGreaterThan(1);
  });

  test.each(files)("%s", async (path) => {
    const bytes = bytesOf(path);
    const expected = outcome(() => readModel(bytes));
    const { bytes: file } = await openSource(join(fixtures, path));
    expect(file).not.toBeInstanceOf(Uint8Array);
    expect(
      isDeepStrictEqual(
        outcome(() => readModel(file)),
        expected,
      ),
    ).toBe(true);
    // As small as to make readers miss what they want many times.
    const block = Math.max(512, Math.ceil(bytes.length / 12));
    const ranged = new RangedBytes(bytes.length, async (start, end) => bytes.slice(start, end), undefined, block);
    expect(isDeepStrictEqual(await settle([ranged], () => readModel(ranged)).catch(String), expected)).toBe(true);
  });
});

/** What was read, or the error's text. */
function outcome<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

// ------------------------------------------------------------------------------------------------------------ URLs

const keras = denseModel(6, 512);
const formats: Record<string, Uint8Array> = { keras, h5: denseModel(6, 512, "h5") };
let expected: Model;
const input = Float32Array.from({ length: 512 }, (_, index) => Math.sin(index));

/** How the server answers, and what it sent. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let sent = { requests: 0, bytes: 0 };
const server = createServer((request, response) => {
  sent.requests++;
  // A connection that is kept may be closed while the tests compute.
  response.setHeader("connection", "close");
  answer(request, response);
});
const url = (name = "model.keras") => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;

/** All numbers of a model file one after another. */
function numbersOf(file: Uint8Array): Buffer {
  const arrays = [...readModel(file).values()].flat().filter((value) => value instanceof Float32Array);
  return Buffer.concat(arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)));
}

interface Lies {
  readonly total?: (total: number, request: number) => number;
  readonly start?: (start: number, request: number) => number;
  readonly body?: (body: Uint8Array, request: number) => Uint8Array;
  readonly tag?: (request: number) => string;
  readonly status?: (request: number) => number;
}

/** Answers with ranges of `bytes`, or lies about them. `request` counts from 1. */
function ranges(bytes: Uint8Array, lies: Lies = {}) {
  sent = { requests: 0, bytes: 0 };
  answer = (request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "")!.map(Number) as number[];
    const end = Math.min(last! + 1, bytes.length);
    const body = lies.body?.(bytes.subarray(first, end), sent.requests) ?? bytes.subarray(first, end);
    const start = lies.start?.(first!, sent.requests) ?? first!;
    const total = lies.total?.(bytes.length, sent.requests) ?? bytes.length;
    sent.bytes += body.length;
    response.writeHead(lies.status?.(sent.requests) ?? 206, {
      "content-range": `bytes ${start}-${start + (end - first!) - 1}/${total}`,
      etag: lies.tag?.(sent.requests) ?? '"one"',
    });
    response.end(body);
  };
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  expected = await load(keras);
  formats.safetensors = (await convert(expected, { to: "safetensors" })).get("model.safetensors")!;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe("a URL", () => {
  test.each(["keras", "h5", "safetensors"])("inspect fetches the headers of .%s alone", async (format) => {
    const bytes = formats[format]!;
    ranges(bytes);
    const found = await inspectFile(url(`model.${format}`), { name: "model" });
    expect(found).toEqual(inspect(await load(bytes)));
    expect(bytes.length).toBeGreaterThan(6 * 2 ** 20);
    expect(sent.bytes).toBeLessThan(0.05 * bytes.length);
    expect(sent.requests).toBeLessThan(8);
  });

  test.each(["keras", "h5", "safetensors"])("load fetches .%s once, and the model is the same", async (format) => {
    const bytes = formats[format]!;
    ranges(bytes);
    const model = await load(url(`model.${format}`));
    expect(model.predict(input)).toEqual(expected.predict(input));
    expect(sent.bytes).toBeLessThan(1.1 * bytes.length + 2 ** 18);
    const converted = await convert(model, { to: "keras" });
    expect(numbersOf(keras).length).toBe(6 * 512 * 513 * 4);
    expect(Buffer.compare(numbersOf(converted.get("model.keras")!), numbersOf(keras))).toBe(0);
  });

  test("a checkpoint on its architecture, both by ranges", async () => {
    const checkpoint = (await convert(expected, { to: "pt" })).get("model.pt")!;
    const whole = await load(checkpoint, { architecture: keras });
    sent = { requests: 0, bytes: 0 };
    const serve = [checkpoint, keras].map((bytes) => {
      ranges(bytes);
      return answer;
    });
    answer = (request, response) => serve[request.url === "/model.pt" ? 0 : 1]!(request, response);
    const model = await load(url("model.pt"), { architecture: url() });
    expect(model.predict(input)).toEqual(whole.predict(input));
  });

  test("of a server without ranges is fetched whole", async () => {
    answer = (_, response) => response.end(keras);
    expect((await load(url())).predict(input)).toEqual(expected.predict(input));
    expect((await inspectFile(url())).parameters).toBe(6 * 512 * 513);
  });

  test("of a small file takes one request", async () => {
    const small = bytesOf("keras/seed-experiment/model.keras");
    ranges(small);
    expect(await inspectFile(url(), { name: "model" })).toEqual(inspect(await load(small)));
    expect(sent.requests).toBe(1);
  });

  test("whose range can't be read is asked for again without one", async () => {
    answer = (request, response) => {
      response.writeHead(request.headers.range ? 206 : 200);
      response.end(request.headers.range ? keras.subarray(0, 100) : keras);
    };
    expect((await load(url())).predict(input)).toEqual(expected.predict(input));
  });

  test("that is not there", async () => {
    answer = (_, response) => {
      response.writeHead(404);
      response.end();
    };
    await expect(load(url())).rejects.toThrow(/unreadable-file.*HTTP status 404/s);
  });

  const later = (wrong: number) => (right: number, request: number) => (request > 1 ? wrong : right);
  const lies: [string, Lies, RegExp][] = [
    ["another length in a later answer", { total: later(keras.length + 1) }, /got \d+ to \d+ of \d+/],
    ["a length that the file does not have", { total: () => 2 ** 40 }, /expected bytes|got/],
    ["a length below what it sends", { total: () => 100_000 }, /corrupt-file|expected/],
    ["another range than asked for", { start: later(5) }, /got 5 to/],
    ["a body cut short", { body: (body, n) => (n > 1 ? body.subarray(1) : body) }, /expected \d+ bytes, got \d+/],
    ["a first body cut short", { body: (body) => body.subarray(1) }, /expected 65536 bytes, got 65535/],
    ["a body too long", { body: (body) => Buffer.concat([body, body]) }, /expected \d+ bytes, got more/],
    ["another file later", { tag: (n) => `"${n}"` }, /it changed/],
    ["an error later", { status: (n) => (n > 1 ? 503 : 206) }, /HTTP status 503/],
    ["all of it later", { status: (n) => (n > 1 ? 200 : 206) }, /HTTP status 200/],
  ];
  test.each(lies)("of a server that gives %s", async (_, lie, message) => {
    ranges(keras, lie);
    const failure = await load(url()).catch((error) => error);
    expect(["unreadable-file", "corrupt-file"]).toContain(failure.code);
    expect(failure.message).toMatch(message);
    expect(sent.bytes).toBeLessThan(3 * keras.length);
  });
});

describe("a Blob", () => {
  test("gives what its bytes give", async () => {
    const blob = new Blob([keras as Uint8Array<ArrayBuffer>]);
    expect(await inspectFile(blob)).toEqual(inspect(expected));
    expect((await load(blob)).predict(input)).toEqual(expected.predict(input));
  });

  test("is not read beyond headers to be inspected", async () => {
    let read = 0;
    class Counted extends Blob {
      override slice(start: number, end: number): Blob {
        read += end - start;
        return super.slice(start, end);
      }
    }
    await inspectFile(new Counted([keras as Uint8Array<ArrayBuffer>]));
    expect(read).toBeLessThan(0.05 * keras.length);
  });

  test("is read in pieces of 16 MiB at most, one after another", async () => {
    const data = Uint8Array.from({ length: 2 ** 25 + 2 ** 17 + 5 }, (_, index) => (index * 2654435761) >>> 24);
    const slices: [number, number][] = [];
    class Told extends Blob {
      override slice(start: number, end: number): Blob {
        slices.push([start, end]);
        return super.slice(start, end);
      }
    }
    const { bytes } = await openSource(new Told([data]), "numbers");
    await settle([bytes], () => bytes.subarray(70_000, data.length - 1));
    expect(Buffer.compare(bytes.subarray(70_000, data.length - 1), data.subarray(70_000, data.length - 1))).toBe(0);
    expect(slices).toEqual([
      [2 ** 16, 2 ** 16 + 2 ** 24],
      [2 ** 16 + 2 ** 24, 2 ** 16 + 2 ** 25],
      [2 ** 16 + 2 ** 25, data.length],
    ]);
  });
});

// ----------------------------------------------------------------------------------------------------------- files

describe("a file", () => {
  const folder = fs.mkdtempSync(join(tmpdir(), "channelwise-open-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const opened = async (name: string) => {
    const path = join(folder, name);
    fs.writeFileSync(path, formats.safetensors!);
    const { bytes } = await openSource(path);
    const file = readModelFile(bytes, [name]);
    if (file.kind !== "safetensors") throw new Error("expected safetensors");
    return { path, kernel: file.tensors.get("dense.weight")! };
  };

  test("that is cut while it is read", async () => {
    const { path, kernel } = await opened("cut.safetensors");
    fs.truncateSync(path, 2 ** 20);
    expect(() => kernel.read()).toThrow(/unreadable-file.*it was changed while it was read/s);
  });

  test("that is written anew while it is read", async () => {
    const { path, kernel } = await opened("anew.safetensors");
    fs.writeFileSync(path, formats.safetensors!);
    fs.utimesSync(path, 0, 0);
    expect(() => kernel.read()).toThrow(/it was changed while it was read/);
  });

  test("that is taken away while it is read", async () => {
    const { path, kernel } = await opened("away.safetensors");
    fs.rmSync(path);
    expect(() => kernel.read()).toThrow(/unreadable-file/);
  });

  test("with wrong bytes in its weights is refused by what uses them, not by inspect", async () => {
    const path = join(folder, "damaged.keras");
    const damaged = keras.slice();
    damaged[2 ** 22]! ^= 1;
    fs.writeFileSync(path, damaged);
    expect((await inspectFile(path)).layers.length).toBe(6);
    await expect(load(path)).rejects.toThrow(/corrupt-file.*the checksum of a zip entry does not match/s);
  });

  test("that is a folder, or is not there", async () => {
    await expect(load(folder)).rejects.toThrow(/unreadable-file|EISDIR/);
    await expect(load(join(folder, "none.keras"))).rejects.toThrow(/unreadable-file/);
  });
});
