/** The Open Inference Protocol v2 by its own words: paths, metadata, inference in JSON and in binary, what is echoed. */
import { describe, expect, test } from "vitest";
import type { Model } from "../../src/api/model.ts";
import { type Served, serve } from "../../src/serve.ts";
import { loadCase } from "../support/fixtures.ts";
import { sumAndRest } from "../support/models.ts";
import { answer, bytesOf, fixture, float32Input, get, post, postBinary, signal } from "../support/serving.ts";
import packageJson from "../../package.json" with { type: "json" };

const motion = await fixture("activity-recognition-cnn");
const handler = serve({ motion });
const infer = "/v2/models/motion/infer";

const pair: Model = sumAndRest();
const pairs = serve({ pair });
const a = Float32Array.of(1, 2, 3);
const b = Float32Array.of(0.5, -4, 10);

const json = async (response: Response) => [response.status, await response.json()];

describe("what there is", () => {
  test("the server", async () => {
    const said = { name: "channelwise", version: packageJson.version, extensions: ["binary_tensor_data"] };
    expect(await json(await get(handler, "/v2"))).toEqual([200, said]);
    expect(await json(await get(handler, "/v2/"))).toEqual([200, said]);
  });

  test.each([
    ["/v2/health/live", { live: true }],
    ["/v2/health/ready", { live: true, ready: true }],
    ["/v2/models/motion/ready", { name: "motion", ready: true }],
    ["/v2/models/motion/versions/1/ready", { name: "motion", ready: true }],
  ])("%s", async (path, said) => {
    expect(await json(await get(handler, path))).toEqual([200, said]);
    expect((await get(handler, path, { method: "HEAD" })).status).toBe(200);
  });

  test.each(["/v2/models/motion", "/v2/models/motion/versions/1"])("%s", async (path) => {
    expect(await json(await get(handler, path))).toEqual([
      200,
      {
        name: "motion",
        versions: ["1"],
        platform: "channelwise_wasm",
        inputs: [{ name: "accelerometer", datatype: "FP32", shape: [-1, 20, 3] }],
        outputs: [{ name: "dense_1", datatype: "FP32", shape: [-1, 4] }],
      },
    ]);
  });

  test("names as URLs spell them", async () => {
    const odd = serve({ "a/b ü": motion });
    expect((await get(odd, `/v2/models/${encodeURIComponent("a/b ü")}/ready`)).status).toBe(200);
    expect((await get(odd, "/v2/models/a/b/ready")).status).toBe(404);
  });
});

describe("inference", () => {
  const x = signal(2 * 60);
  const want = motion.predictAll(x)[0]!;
  const asJson = { name: "accelerometer", shape: [2, 20, 3], datatype: "FP32", data: Array.from(x) };

  test("what Keras computed", async () => {
    const { inputs, outputs, tolerance } = loadCase("activity-recognition-cnn");
    const data = Array.from(inputs[0]!.read() as Float32Array);
    const request = { inputs: [{ name: "accelerometer", shape: inputs[0]!.shape, datatype: "FP32", data }] };
    const got = await answer(await post(handler, infer, request));
    const keras = outputs[0]!.read() as Float32Array;
    expect(got.json.outputs[0].shape).toEqual(outputs[0]!.shape);
    got.data.get("dense_1")!.forEach((value, index) => {
      expect(Math.abs(value - keras[index]!)).toBeLessThanOrEqual(
        tolerance.atol + tolerance.rtol * Math.abs(keras[index]!),
      );
    });
  });

  test("JSON to JSON, to the bit", async () => {
    const got = await answer(await post(handler, infer, { id: "42", inputs: [asJson] }));
    expect(got.headers.get("content-type")).toBe("application/json");
    expect(got.headers.has("inference-header-content-length")).toBe(false);
    expect(got.json).toEqual({
      model_name: "motion",
      model_version: "1",
      id: "42",
      outputs: [{ name: "dense_1", shape: [2, 4], datatype: "FP32", data: Array.from(want.data) }],
    });
    expect(got.data.get("dense_1")).toEqual(want.data);
  });

  test("no id, none in the answer", async () => {
    expect((await answer(await post(handler, infer, { inputs: [asJson] }))).json).not.toHaveProperty("id");
  });

  test("nested data", async () => {
    const rows = (list: readonly unknown[], size: number) =>
      Array.from({ length: list.length / size }, (_, at) => list.slice(at * size, (at + 1) * size));
    const data = rows(rows(asJson.data, 3), 20);
    const got = await answer(await post(handler, infer, { inputs: [{ ...asJson, data }] }));
    expect(got.data.get("dense_1")).toEqual(want.data);
  });

  test("binary to binary", async () => {
    const given = [float32Input("accelerometer", [2, 20, 3], x)];
    const got = await answer(await postBinary(handler, infer, given, { parameters: { binary_data_output: true } }));
    expect(got.headers.get("content-type")).toBe("application/octet-stream");
    expect(got.json.outputs).toEqual([
      { name: "dense_1", shape: [2, 4], datatype: "FP32", parameters: { binary_data_size: 32 } },
    ]);
    expect(got.data.get("dense_1")).toEqual(want.data);
    expect(got.rest).toBe(0);
  });

  test("binary to JSON, by a version", async () => {
    const given = [float32Input("accelerometer", [2, 20, 3], x)];
    const got = await answer(await postBinary(handler, "/v2/models/motion/versions/1/infer", given));
    expect(got.data.get("dense_1")).toEqual(want.data);
    expect(got.json.outputs[0]).not.toHaveProperty("parameters");
  });

  test("one input in JSON, one in binary, in another order; one output in each", async () => {
    const header = {
      inputs: [
        { name: "b", shape: [1, 3], datatype: "FP32", parameters: { binary_data_size: 12 } },
        { name: "a", shape: [1, 3], datatype: "FP32", data: Array.from(a) },
      ],
      outputs: [{ name: "rest", parameters: { binary_data: true } }, { name: "sum" }],
    };
    const bytes = new TextEncoder().encode(JSON.stringify(header));
    const body = new Uint8Array([...bytes, ...bytesOf(b)]);
    const headers = { "inference-header-content-length": String(bytes.length) };
    const url = "http://localhost/v2/models/pair/infer";
    const got = await answer(await pairs(new Request(url, { method: "POST", body, headers })));
    expect(got.json.outputs.map(({ name }: { name: string }) => name)).toEqual(["rest", "sum"]);
    expect(got.data.get("sum")).toEqual(Float32Array.of(1.5, -2, 13));
    expect(got.data.get("rest")).toEqual(Float32Array.of(0.5, 6, -7));
    expect(got.rest).toBe(0);
  });

  test("binary inputs lie in the order of their names in the JSON", async () => {
    const given = [float32Input("b", [1, 3], b), float32Input("a", [1, 3], a)];
    const parameters = { parameters: { binary_data_output: true } };
    const got = await answer(await postBinary(pairs, "/v2/models/pair/infer", given, parameters));
    expect(got.data.get("rest")).toEqual(Float32Array.of(0.5, 6, -7));
  });

  test("binary_data of an output comes before binary_data_output", async () => {
    const given = [float32Input("a", [1, 3], a), float32Input("b", [1, 3], b)];
    const more = {
      parameters: { binary_data_output: true },
      outputs: [{ name: "sum", parameters: { binary_data: false } }, { name: "rest" }],
    };
    const { json } = await answer(await postBinary(pairs, "/v2/models/pair/infer", given, more));
    expect(json.outputs[0].data).toEqual([1.5, -2, 13]);
    expect(json.outputs[1].parameters).toEqual({ binary_data_size: 12 });
  });

  test("hints are taken for what they are", async () => {
    const parameters = { priority: 3, timeout: 1000, of_my_own: "x" };
    expect((await post(handler, infer, { inputs: [asJson], parameters })).status).toBe(200);
  });

  test.each([undefined, "application/json; charset=utf-8", "application/octet-stream", "Application/JSON"])(
    "content-type %s",
    async (type) => {
      const body = new TextEncoder().encode(JSON.stringify({ inputs: [asJson] }));
      const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
      const request = new Request(`http://localhost${infer}`, { method: "POST", body, headers });
      expect((await handler(request)).status).toBe(200);
    },
  );
});

test("a model of open length takes any up to maxLength", async () => {
  const open = serve({ open: await fixture("variable-length") }, { maxLength: 40 });
  const { inputs } = (await (await get(open, "/v2/models/open")).json()) as {
    inputs: { name: string; shape: number[] }[];
  };
  const [port] = inputs as [{ name: string; shape: number[] }];
  expect(port.shape).toContain(-1);
  for (const [length, status] of [
    [30, 200],
    [40, 200],
    [41, 400],
  ] as const) {
    const shape = port.shape.map((size, axis) => (axis === 0 ? 2 : size === -1 ? length : size));
    const data = signal(shape.reduce((all, size) => all * size, 1));
    expect((await postBinary(open, "/v2/models/open/infer", [float32Input(port.name, shape, data)])).status).toBe(
      status,
    );
  }
});

describe("loading", () => {
  test("when first asked for, once", async () => {
    let loads = 0;
    const lazy = serve({
      motion: () => {
        loads++;
        return fixture("activity-recognition-cnn");
      },
    });
    expect((await get(lazy, "/v2/health/live")).status).toBe(200);
    expect(loads).toBe(0);
    const ready = await Promise.all([get(lazy, "/v2/health/ready"), get(lazy, "/v2/models/motion/ready")]);
    expect(ready.map(({ status }) => status)).toEqual([200, 200]);
    expect(loads).toBe(1);
  });

  test.each<[string, () => Model | Promise<Model>]>([
    ["a promise that is rejected", () => Promise.reject(new Error("secret place"))],
    [
      "an error that is thrown",
      () => {
        throw new Error("secret place");
      },
    ],
  ])("a failure is told, and tried again: %s", async (_, fails) => {
    const errors: unknown[] = [];
    const served = [fails, () => motion];
    const flaky = serve({ motion: () => served.shift()!() }, { onError: (error) => errors.push(error) });
    const [status, said] = await json(await get(flaky, "/v2/health/ready"));
    expect([status, said]).toEqual([503, { live: true, ready: false, error: 'not available: "motion"' }]);
    expect(errors.map(String)).toEqual(["Error: secret place"]);
    expect((await get(flaky, "/v2/health/ready")).status).toBe(200);
  });

  test("readiness names all models that are missing, and each by itself; others are served", async () => {
    const missing = () => Promise.reject(new Error("no file"));
    const server = serve({ one: missing, motion: () => motion, other: missing });
    const all = { live: true, ready: false, error: 'not available: "one", "other"' };
    expect(await json(await get(server, "/v2/health/ready"))).toEqual([503, all]);
    expect((await get(server, "/v2/health/ready", { method: "HEAD" })).status).toBe(503);
    const one = { name: "one", ready: false, error: 'not available: "one"' };
    expect(await json(await get(server, "/v2/models/one/ready"))).toEqual([503, one]);
    expect(await json(await get(server, "/v2/models/motion/ready"))).toEqual([200, { name: "motion", ready: true }]);
    expect(await json(await get(server, "/v2/models/none/ready"))).toEqual([
      404,
      { error: 'there is no model "none"' },
    ]);
    expect(await json(await get(server, "/v2/health/live"))).toEqual([200, { live: true }]);
  });

  test.each<[string, () => void]>([
    [
      "throws",
      () => {
        throw new Error("no log");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no log"))],
  ])("an onError that %s takes no answer away", async (_, onError) => {
    const broken: Served = {
      inputs: motion.inputs,
      outputs: motion.outputs,
      threads: 1,
      predictAll: () => {
        throw new TypeError("unexpected");
      },
      predictAsync: () => Promise.reject(new TypeError("unexpected")),
    };
    const server = serve({ missing: () => Promise.reject(new Error("no file")), broken }, { onError });
    expect((await get(server, "/v2/models/missing/ready")).status).toBe(503);
    const given = [float32Input("accelerometer", [1, 20, 3], signal(60))];
    expect((await postBinary(server, "/v2/models/broken/infer", given)).status).toBe(500);
  });
});

describe("a model that is gone", () => {
  const given = [float32Input("accelerometer", [1, 20, 3], signal(60))];
  const statuses = async (server: (request: Request) => Promise<Response>) => [
    (await postBinary(server, infer, given)).status,
    (await get(server, "/v2/health/ready")).status,
    (await get(server, "/v2/models/motion/ready")).status,
    (await postBinary(server, infer, given)).status,
  ];

  test("is no longer ready, and told once", async () => {
    const own = await fixture("activity-recognition-cnn");
    const errors: unknown[] = [];
    const server = serve({ motion: own }, { onError: (error) => errors.push(error) });
    expect(await statuses(server)).toEqual([200, 200, 200, 200]);
    own.dispose();
    expect(await statuses(server)).toEqual([503, 503, 503, 503]);
    expect(errors).toEqual([expect.objectContaining({ code: "disposed" })]);
  });

  test("is loaded again by the function that loaded it", async () => {
    const loaded: Model[] = [];
    const server = serve({
      motion: async () => {
        loaded.push(await fixture("activity-recognition-cnn"));
        return loaded.at(-1)!;
      },
    });
    expect(await statuses(server)).toEqual([200, 200, 200, 200]);
    loaded[0]!.dispose();
    expect(await statuses(server)).toEqual([503, 200, 200, 200]);
    expect(loaded).toHaveLength(2);
  });
});

test.each([
  ["maxBatch", 0],
  ["maxBodyBytes", 1.5],
  ["batchWindow", -1],
  ["maxWaiting", "9"],
])("option %s can't be %s", (name, value) => {
  expect(() => serve({}, { [name]: value })).toThrow(`option ${name}`);
});
