/**
 * Requests as a stranger would send them to break a server: each is refused with a status of 400 to 431 and one line that says why, and
 * the handler then still gives the right answer.
 */
import { afterEach, describe, expect, test, vi } from "vitest";
import { serve } from "../../src/serve.ts";
import { modelOf } from "../support/models.ts";
import { input, layer, sequential } from "../support/keras-config.ts";
import { stored } from "../support/memory-tree.ts";
import {
  answer,
  binaryBody,
  bytesOf,
  fixture,
  float32Input,
  get,
  post,
  postBinary,
  signal,
} from "../support/serving.ts";

const motion = await fixture("activity-recognition-cnn");
const tokens = modelOf(
  sequential([input("tokens", [2], { dtype: "int32" }), layer("Embedding", "rows", { input_dim: 3, output_dim: 1 })]),
  { "layers/embedding": { variables: [stored([3, 1], [0.5, 1.5, 2.5])] } },
);
const errors: unknown[] = [];
const handler = serve({ motion, tokens }, { maxBatch: 4, onError: (error) => errors.push(error) });
const infer = "/v2/models/motion/infer";
const x = signal(60);
const want = motion.predictAll(x)[0]!.data;
const good = { name: "accelerometer", shape: [1, 20, 3], datatype: "FP32", data: Array.from(x) };
const goodBinary = float32Input("accelerometer", [1, 20, 3], x);

/** A refusal: the status, JSON of one line without anything that a terminal obeys, and nothing that only a fault would say. */
async function refused(response: Response, status: number, words: RegExp): Promise<void> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, expect.stringMatching(/^\{"error":"[^\n]*"\}$/)]);
  expect(response.headers.get("content-type")).toBe("application/json");
  const { error } = JSON.parse(text);
  expect(error).toMatch(words);
  expect(error.length).toBeLessThan(500);
  expect(error).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|undefined|\bat \w+ \(/u);
  expect(errors).toEqual([]);
}

afterEach(async () => {
  const got = await answer(await post(handler, infer, { inputs: [good] }));
  expect(got.data.get("dense_1")).toEqual(want);
});

describe("paths and methods", () => {
  test.each([
    ["/", 404],
    ["/v1/models/motion", 404],
    ["/v2/models", 404],
    ["/v2/models/", 404],
    ["/v2/health", 404],
    ["/v2/health/other", 404],
    ["/v2/models/motion/other", 404],
    ["/v2/models/motion/infer/more", 404],
    ["/v2/models/motion/versions", 404],
    ["/v2/models/motion/versions/2/ready", 404],
    ["/v2/models/motion/versions/__proto__/ready", 404],
    ["/v2/models/missing/ready", 404],
    ["/v2/models/__proto__/ready", 404],
    ["/v2/models/constructor/ready", 404],
    ["/v2/models/toString", 404],
    ["/v2/models/%F0%9F%90%B1%E2%80%AE%0A/ready", 404],
    ["/v2/models/..%2f..%2fetc%2fpasswd/ready", 404],
    [`/v2/models/${"a".repeat(5000)}/ready`, 404],
    ["/v2/models/%ff/ready", 400],
    ["/v2/models/%/ready", 400],
    [`/v2/${"x/".repeat(3000)}`, 404],
  ])("GET %.60s is answered %i", async (path, status) => {
    await refused(await get(handler, path), status, /./);
  });

  test.each([
    ["GET", infer, "POST"],
    ["HEAD", infer, "POST"],
    ["DELETE", infer, "POST"],
    ["OPTIONS", infer, "POST"],
    ["POST", "/v2/health/live", "GET, HEAD"],
    ["PUT", "/v2/models/motion", "GET, HEAD"],
    ["PROPFIND", "/v2", "GET, HEAD"],
  ])("%s %s", async (method, path, allow) => {
    const response = await get(handler, path, { method });
    expect(response.headers.get("allow")).toBe(allow);
    await refused(response, 405, /^expected /);
  });

  test("a model that is not there is told before its body is read", async () => {
    let read = false;
    const body = new ReadableStream({ pull: () => (read = true) && undefined }, { highWaterMark: 0 });
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    await refused(await handler(new Request("http://localhost/v2/models/missing/infer", init)), 404, /no model/);
    expect(read).toBe(false);
  });
});

describe("headers", () => {
  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
    "",
  ])("content-type %j", async (type) => {
    await refused(
      await post(handler, infer, { inputs: [good] }, { "content-type": type }),
      415,
      /^expected content-type/,
    );
  });

  test.each(["gzip", "br", "deflate, gzip", "x"])("content-encoding %s", async (encoding) => {
    const response = await post(handler, infer, { inputs: [good] }, { "content-encoding": encoding });
    expect(response.headers.get("accept-encoding")).toBe("identity");
    await refused(response, 415, /content-encoding/);
  });

  test.each([
    ["one", { "x-large": "a".repeat(20_000) }],
    ["many", Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`x-header-${at}`, "0123456789"]))],
  ])("%s larger than a server takes", async (_, headers) => {
    await refused(await post(handler, infer, { inputs: [good] }, headers), 431, /headers are larger/);
    await refused(await get(handler, "/v2/health/live", { headers }), 431, /headers are larger/);
  });

  test.each(
    ["-1", "1e3", "0x10", "12, 13", "9".repeat(400), "NaN", "１２"].filter((text) => /^[\x20-\x7e]*$/.test(text)),
  )("a length of %.20s", async (length) => {
    for (const name of ["content-length", "inference-header-content-length"])
      await refused(await post(handler, infer, { inputs: [good] }, { [name]: length }), 400, /not a number of bytes/);
  });

  test.each([
    ["0", /expected a body|does not start with JSON/],
    ["1", /does not start with JSON/],
    ["999999999999", /and the body has/],
  ])("inference-header-content-length %s", async (length, words) => {
    const headers = { "inference-header-content-length": length };
    await refused(await post(handler, infer, { inputs: [good] }, headers), 400, words);
  });

  test.each([
    ["7", 400, /content-length is 7, and the body has/],
    ["4000000", 400, /content-length is 4000000/],
    ["99999999999", 413, /larger than 4194304 bytes/],
  ])("content-length %s of another body", async (length, status, words) => {
    await refused(await post(handler, infer, { inputs: [good] }, { "content-length": length }), status, words);
  });
});

describe("bodies", () => {
  const small = serve({ motion }, { maxBodyBytes: 1000 });
  const stream = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => void) =>
    new Request(`http://localhost${infer}`, {
      method: "POST",
      body: new ReadableStream({ pull }),
      duplex: "half",
    } as RequestInit);

  test("none", async () => {
    await refused(await get(handler, infer, { method: "POST" }), 400, /expected a body/);
  });

  test("one without an end is read to the first byte too many", async () => {
    let sent = 0;
    const endless = stream((controller) => {
      sent += 100;
      controller.enqueue(new Uint8Array(100).fill(0x20));
    });
    await refused(await small(endless), 413, /larger than 1000 bytes/);
    expect(sent).toBeLessThan(2000);
  });

  test("one that breaks off", async () => {
    let sent = 0;
    const broken = stream((controller) => {
      if (sent++ > 0) controller.error(new Error("connection reset"));
      else controller.enqueue(new Uint8Array(10).fill(0x20));
    });
    await refused(await handler(broken), 400, /ended too early/);
  });

  test("exactly as many bytes as may be", async () => {
    const text = JSON.stringify({ inputs: [{ ...good, data: Array(60).fill(1) }] });
    expect((await post(small, infer, text.padEnd(1000))).status).toBe(200);
    await refused(await post(small, infer, text.padEnd(1001)), 413, /larger/);
  });

  test.each([
    ["no JSON", "hello"],
    ["cut off", JSON.stringify({ inputs: [good] }).slice(0, -3)],
    ["NaN", JSON.stringify({ inputs: [good] }).replace("[1,", "[NaN,")],
    ["two documents", "{}{}"],
    ["a byte order mark of UTF-16", "\ufffe{}"],
  ])("%s", async (_, text) => {
    await refused(await post(handler, infer, text), 400, /does not start with JSON/);
  });

  test("no UTF-8", async () => {
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0xc0, 0x22, 0x7d]);
    await refused(await get(handler, infer, { method: "POST", body }), 400, /JSON in UTF-8/);
  });

  test.each(["[", '{"a":', '[{"":'])("nested without end: %s", async (open) => {
    const parse = vi.spyOn(JSON, "parse");
    try {
      const text = open.repeat(Math.floor(4_000_000 / open.length));
      await refused(await post(handler, infer, text), 400, /nested more than 32 deep/);
      // The parser would be busy for seconds: it is never given the text.
      expect(parse.mock.calls.filter(([given]) => given.length > 1000)).toEqual([]);
    } finally {
      parse.mockRestore();
    }
  });

  test("brackets in texts are no nesting", async () => {
    const id = `${"[{".repeat(200)}\\"`;
    const got = await answer(await post(handler, infer, { id, inputs: [good] }));
    expect(got.json.id).toBe(id);
  });
});

describe("JSON that is no request", () => {
  const input = (change: object) => ({ inputs: [{ ...good, ...change }] });
  const shape = /^input "accelerometer": expected the shape \(-1, 20, 3\)/;

  test.each<[string, unknown, RegExp]>([
    ["null", null, /expected a JSON object/],
    ["a list", [good], /expected a JSON object/],
    ["a number", 7, /expected a JSON object/],
    ["nothing in it", {}, /^inputs: expected a list/],
    ["inputs of a prototype", '{"__proto__": {"inputs": []}}', /^inputs: expected a list/],
    ["inputs as an object", { inputs: { 0: good, length: 1 } }, /^inputs: expected a list/],
    ["no inputs", { inputs: [] }, /"accelerometer" is missing/],
    ["an input that is null", { inputs: [null] }, /^inputs\[0\]: expected a JSON object/],
    ["an input twice", { inputs: [good, good] }, /given twice/],
    [
      "one input too many",
      { inputs: [good, { ...good, name: "more" }] },
      /^expected inputs "accelerometer", got "more"/,
    ],
    ["a name of a prototype", input({ name: "__proto__" }), /got "__proto__"/],
    ["a name that is a number", input({ name: 7 }), /got no name/],
    ["a name that terminals obey", input({ name: "\u001b[2J\u202e\ud800\n" }), /got "\\\\u\{1b\}/],
    ["a long name", input({ name: "n".repeat(100_000) }), /got "nnn/],
    ["an id that is a number", { id: 7, inputs: [good] }, /^id: expected a text/],
    ["no shape", input({ shape: undefined }), shape],
    ["a shape of texts", input({ shape: ["1", "20", "3"] }), shape],
    ["too few axes", input({ shape: [20, 3] }), shape],
    ["too many axes", input({ shape: [1, 1, 20, 3] }), shape],
    ["a million axes", input({ shape: Array(1e6).fill(1) }), shape],
    ["axes in another order", input({ shape: [1, 3, 20] }), shape],
    ["an empty batch", input({ shape: [0, 20, 3], data: [] }), shape],
    ["a negative batch", input({ shape: [-1, 20, 3] }), shape],
    ["half a sample", input({ shape: [0.5, 20, 3] }), shape],
    ["a huge batch", input({ shape: [1e308, 20, 3] }), shape],
    ["a batch of 2^53 - 1", input({ shape: [2 ** 53 - 1, 20, 3] }), /batch of at most 4/],
    ["a batch too large", input({ shape: [5, 20, 3], data: Array(300).fill(0) }), /batch of at most 4, got 5/],
    ["no datatype", input({ datatype: null }), /expected datatype as a text/],
    ["an unknown datatype", input({ datatype: "fp32" }), /expected FP32, got an unknown datatype/],
    ["a datatype of a prototype", input({ datatype: "constructor" }), /got an unknown datatype/],
    ["texts", input({ datatype: "BYTES", data: ["a"] }), /expected FP32, got BYTES/],
    ["booleans", input({ datatype: "BOOL", data: Array(60).fill(true) }), /expected FP32, got BOOL/],
    ["FP16 in JSON", input({ datatype: "FP16" }), /FP16 is taken as binary data only/],
    [
      "FP64 that FP32 can't hold",
      input({ datatype: "FP64", data: Array(60).fill(0.1) }),
      /element 0 of FP64 is 0\.1, which no FP32 is/,
    ],
    ["INT64 that FP32 can't hold", input({ datatype: "INT64", data: Array(60).fill(2 ** 24 + 1) }), /which no FP32 is/],
    ["INT8 beyond 8 bits", input({ datatype: "INT8", data: Array(60).fill(200) }), /element 0 is no INT8/],
    ["UINT8 below zero", input({ datatype: "UINT8", data: Array(60).fill(-1) }), /element 0 is no UINT8/],
    ["no data", input({ data: undefined }), /expected either data or the parameter/],
    ["data and binary data", input({ parameters: { binary_data_size: 240 } }), /expected either data or/],
    ["data as an object", input({ data: { length: 60 } }), /expected data as a list/],
    ["data as text", input({ data: "AAAA" }), /expected data as a list/],
    ["too few numbers", input({ data: good.data.slice(1) }), /expected 60 elements, got 59/],
    ["too many numbers", input({ data: [...good.data, 1] }), /expected 60 elements, got 61/],
    ["numbers as texts", input({ data: good.data.map(String) }), /element 0 is no FP32/],
    ["null for a number", input({ data: [...good.data.slice(1), null] }), /element 59 is no FP32/],
    ["a number beyond float32", input({ data: [...good.data.slice(1), 1e39] }), /element 59 is larger than any FP32/],
    [
      "a number beyond float64",
      JSON.stringify(input({ data: Array(60).fill(7) })).replace("[7,", "[1e999,"),
      /element 0 is larger/,
    ],
    ["ragged lists", input({ data: [[[1, 2, 3]], ...Array(19).fill([1, 2, 3])] }), /expected lists of/],
    ["lists one level too deep", input({ data: [[Array(20).fill([1, 2, [3]])]] }), /expected lists of/],
    ["a list in a flat list", input({ data: [...good.data.slice(1), [1]] }), /element 59 is no FP32/],
    ["parameters as a list", { inputs: [good], parameters: [] }, /parameters: expected a JSON object/],
    ["a flag that is a text", { inputs: [good], parameters: { binary_data_output: "yes" } }, /to be true or false/],
    ["a sequence", { inputs: [good], parameters: { sequence_id: 1 } }, /sequence_id is not supported/],
    ["shared memory", input({ parameters: { shared_memory_region: "r" } }), /shared_memory_region is not supported/],
    ["outputs as a text", { inputs: [good], outputs: "dense_1" }, /^outputs: expected a list/],
    [
      "an output that is not there",
      { inputs: [good], outputs: [{ name: "logits" }] },
      /^expected outputs "dense_1", got "logits"/,
    ],
    ["an output twice", { inputs: [good], outputs: [{ name: "dense_1" }, { name: "dense_1" }] }, /asked for twice/],
    [
      "a classification",
      { inputs: [good], outputs: [{ name: "dense_1", parameters: { classification: 2 } }] },
      /classification is not supported/,
    ],
    [
      "binary data that is not there",
      input({ data: undefined, parameters: { binary_data_size: 240 } }),
      /expected 240 bytes of binary data, got 0/,
    ],
  ])("%s", async (_, body, words) => {
    await refused(await post(handler, infer, body as object), 400, words);
  });

  test("numbers whose answer JSON has no word for", async () => {
    const given = [
      float32Input(
        "accelerometer",
        [1, 20, 3],
        x.map((value, index) => (index === 7 ? Number.NaN : value)),
      ),
    ];
    await refused(await postBinary(handler, infer, given), 400, /^output "dense_1": element 0 is NaN, for which JSON/);
  });
});

describe("binary data", () => {
  const send = (change: object, rest: Uint8Array = goodBinary.bytes) => {
    const { bytes: _, ...input } = goodBinary;
    const json = new TextEncoder().encode(JSON.stringify({ inputs: [{ ...input, ...change }] }));
    const headers = { "inference-header-content-length": String(json.length) };
    return get(handler, infer, { method: "POST", headers, body: new Uint8Array([...json, ...rest]) });
  };
  const sized = (size: unknown) => ({ parameters: { binary_data_size: size } });

  test.each<[string, object, Uint8Array, RegExp]>([
    ["a byte too few", sized(240), goodBinary.bytes.subarray(1), /expected 240 bytes of binary data, got 239/],
    ["none", sized(240), new Uint8Array(0), /got 0/],
    ["a byte too many", sized(240), new Uint8Array(241), /expected 240 bytes of binary data behind the JSON, got 241/],
    [
      "a size that does not fit the shape",
      sized(239),
      new Uint8Array(239),
      /expected binary_data_size 240 .*, got 239/,
    ],
    ["a huge size", sized(1e300), new Uint8Array(8), /expected binary_data_size 240/],
    ["a negative size", sized(-240), new Uint8Array(8), /expected binary_data_size 240/],
    ["a size that is a text", sized("240"), new Uint8Array(240), /got string/],
    [
      "a shape that claims more",
      { shape: [4, 20, 3], ...sized(240) },
      new Uint8Array(240),
      /expected binary_data_size 960/,
    ],
    [
      "FP64 that FP32 can't hold",
      { datatype: "FP64", ...sized(480) },
      bytesOf(new Float64Array(60).fill(0.1)),
      /element 0 of FP64 is 0\.1/,
    ],
    [
      "FP64 beyond FP32",
      { datatype: "FP64", ...sized(480) },
      bytesOf(new Float64Array(60).fill(1e300)),
      /which no FP32 is/,
    ],
    [
      "INT64 beyond FP32",
      { datatype: "INT64", ...sized(480) },
      bytesOf(new BigInt64Array(60).fill(2n ** 62n + 1n)),
      /4611686018427387905, which no FP32 is/,
    ],
    [
      "behind JSON that names none",
      { data: good.data },
      new Uint8Array(4),
      /expected 0 bytes of binary data behind the JSON, got 4/,
    ],
  ])("%s", async (_, change, rest, words) => {
    await refused(await send(change, rest), 400, words);
  });

  test.each<[string, Uint8Array]>([
    ["FP64", bytesOf(Float64Array.from(x))],
    ["INT64", bytesOf(BigInt64Array.from(x, (value) => BigInt(Math.round(value))))],
    ["INT8", bytesOf(Int8Array.from(x, Math.round))],
    ["FP16", new Uint8Array(120)],
    ["BF16", new Uint8Array(120)],
  ])("%s whose numbers FP32 has is taken as they are", async (datatype, bytes) => {
    const numbers = { FP64: x, FP16: new Float32Array(60), BF16: new Float32Array(60) }[datatype] ?? x.map(Math.round);
    const got = await answer(await postBinary(handler, infer, [{ ...goodBinary, datatype, bytes }]));
    expect(got.data.get("dense_1")).toEqual(motion.predictAll(numbers)[0]!.data);
  });

  test("NaN and infinities come through as what they are, and stay in their own answer", async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const input = float32Input("accelerometer", [1, 20, 3], new Float32Array(60).fill(value));
      const got = await answer(await postBinary(handler, infer, [input], { parameters: { binary_data_output: true } }));
      expect(got.data.get("dense_1")!.every(Number.isNaN)).toBe(true);
    }
  });

  test.each([
    ["JSON", { data: [0, 1.5] }],
    ["an id below 0", { data: [0, -1] }],
    ["an id past the table", { data: [0, 3] }],
    ["an id past 32 bits", { data: [0, 2 ** 40], datatype: "INT64" }],
  ])("ids: %s", async (_, change) => {
    const request = { inputs: [{ name: "tokens", shape: [1, 2], datatype: "INT32", ...change }] };
    await refused(await post(handler, "/v2/models/tokens/infer", request), 400, /^input "?tokens/);
  });

  test("a body of every length up to its own is refused", async () => {
    const { body, headers } = binaryBody([goodBinary]);
    for (let length = 0; length < body.length; length += 7) {
      const request = new Request(`http://localhost${infer}`, { method: "POST", headers, body: body.slice(0, length) });
      await refused(await handler(request), 400, /./);
    }
  });

  test("bytes changed at random never fail the server", async () => {
    const { body, headers } = binaryBody([goodBinary]);
    const length = Number(headers["inference-header-content-length"]);
    for (let seed = 1; seed <= 300; seed++) {
      const changed = body.slice();
      for (let at = 0; at < 3; at++) changed[(seed * 7919 + at * 104_729) % length] = (seed * 31 + at * 17) & 0xff;
      const response = await handler(
        new Request(`http://localhost${infer}`, { method: "POST", headers, body: changed }),
      );
      expect([200, 400]).toContain(response.status);
      if (response.status === 400) await refused(response, 400, /./);
    }
  });
});
