/** Requests together: what is mixed and what is not, to the bits of a prediction alone, and one bad request among good ones. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { load } from "../../src/api/load.ts";
import type { Model } from "../../src/api/model.ts";
import { convert } from "../../src/api/convert.ts";
import { load as loadSmall } from "../../src/run.ts";
import { type ServedModel, serve } from "../../src/serve.ts";
import type { Tensor } from "../../src/tensor.ts";
import { input, layer, sequential } from "../support/keras-config.ts";
import { caseFile, caseNames } from "../support/fixtures.ts";
import { stored } from "../support/memory-tree.ts";
import { modelOf } from "../support/models.ts";
import {
  answer,
  binaryBody,
  bytesOf,
  fixture,
  float32Input,
  type GivenInput,
  type Handler,
  post,
  postBinary,
  signal,
} from "../support/serving.ts";

/** Requests that pause until so many do. */
const paused = { wanted: 0, held: [] as (() => void)[] };
const { setImmediate } = globalThis;

/** The next so many requests wake together: they pause by setImmediate, which holds them until all have come. */
function gather(requests: number): void {
  paused.wanted = requests;
  vi.stubGlobal("setImmediate", (wake: () => void) => {
    paused.held.push(wake);
    if (paused.held.length < paused.wanted) return;
    vi.stubGlobal("setImmediate", setImmediate);
    paused.wanted = 0;
    for (const action of paused.held.splice(0)) action();
  });
}

afterEach(() => {
  vi.unstubAllGlobals();
  const left = { ...paused };
  Object.assign(paused, { wanted: 0, held: [] });
  expect(left).toEqual({ wanted: 0, held: [] });
});

const motion = await fixture("activity-recognition-cnn");

/** A model that notes how many samples it was asked for at once. @param threads with more than one, answers come in a later turn */
function counted(model: Model, threads = 1): { model: ServedModel; batches: number[] } {
  const batches: number[] = [];
  const count = (inputs: Readonly<Record<string, Tensor>>) => batches.push(Object.values(inputs)[0]!.shape[0]!);
  return {
    batches,
    model: {
      inputs: model.inputs,
      outputs: model.outputs,
      threads,
      predictAll(inputs) {
        count(inputs);
        return model.predictAll(inputs);
      },
      async predictAsync(inputs) {
        count(inputs);
        await new Promise((resolve) => setImmediate(resolve));
        return model.predictAsync(inputs);
      },
    },
  };
}

const binary = { parameters: { binary_data_output: true } };

/** Asks for the motion CNN's answer. @param batch samples */
async function ask(handler: Handler, x: Float32Array, batch = 1) {
  return answer(
    await postBinary(handler, "/v2/models/motion/infer", [float32Input("accelerometer", [batch, 20, 3], x)], binary),
  );
}

const alone = (x: Float32Array) => motion.predictAll(x)[0]!.data;

describe("together", () => {
  test.each([1, 2])("what arrives at once is predicted at once, each to the bit: %i threads", async (threads) => {
    const { model, batches } = counted(motion, threads);
    const handler = serve({ motion: model }, { maxBatch: 16 });
    const given = Array.from({ length: 21 }, (_, seed) => signal(60, seed));
    gather(21);
    const got = await Promise.all(given.map((x) => ask(handler, x)));
    expect(got.map(({ data }) => data.get("dense_1"))).toEqual(given.map(alone));
    expect(batches).toEqual([16, 4, 1]);
  });

  test("batches are powers of two", async () => {
    const { model, batches } = counted(motion);
    const handler = serve({ motion: model }, { maxBatch: 8 });
    gather(15);
    await Promise.all(Array.from({ length: 15 }, (_, seed) => ask(handler, signal(60, seed))));
    expect(batches).toEqual([8, 4, 2, 1]);
  });

  test("requests of several samples get their own", async () => {
    const { model, batches } = counted(motion);
    const handler = serve({ motion: model });
    const sizes = [3, 1, 5, 2, 4, 1];
    const given = sizes.map((size, seed) => signal(60 * size, seed));
    gather(sizes.length);
    const got = await Promise.all(given.map((x, index) => ask(handler, x, sizes[index])));
    expect(got.map(({ data }) => data.get("dense_1"))).toEqual(given.map(alone));
    expect(got.map(({ json }) => json.outputs[0].shape)).toEqual(sizes.map((size) => [size, 4]));
    expect(batches).toEqual([16]);
  });

  test("each keeps its id, its outputs and their form", async () => {
    const handler = serve({ motion });
    gather(2);
    const data = Array.from(signal(60, 3));
    const request = { id: "json", inputs: [{ name: "accelerometer", shape: [1, 20, 3], datatype: "FP32", data }] };
    const [one, other] = await Promise.all([
      post(handler, "/v2/models/motion/infer", request).then(answer),
      ask(handler, signal(60, 4)),
    ]);
    expect(one.json.id).toBe("json");
    expect(one.data.get("dense_1")).toEqual(alone(signal(60, 3)));
    expect(other.json).not.toHaveProperty("id");
    expect(other.data.get("dense_1")).toEqual(alone(signal(60, 4)));
  });
});

describe("apart", () => {
  test("what is not finite is predicted alone, and reaches nobody else, then or later", async () => {
    const { model, batches } = counted(motion);
    const handler = serve({ motion: model });
    const bad = signal(60, 1);
    bad[7] = Number.NaN;
    bad[8] = Number.POSITIVE_INFINITY;
    const given = [signal(60, 2), bad, signal(60, 3)];
    gather(3);
    const [first, broken, last] = await Promise.all(given.map((x) => ask(handler, x)));
    expect(batches.toSorted()).toEqual([1, 2]);
    expect(broken!.data.get("dense_1")!.every(Number.isNaN)).toBe(true);
    expect(first!.data.get("dense_1")).toEqual(alone(given[0]!));
    expect(last!.data.get("dense_1")).toEqual(alone(given[2]!));
    expect((await ask(handler, given[0]!)).data.get("dense_1")).toEqual(alone(given[0]!));
  });

  test("an id that is no row of the table fails alone", async () => {
    const table = modelOf(
      sequential([
        input("tokens", [2], { dtype: "int32" }),
        layer("Embedding", "rows", { input_dim: 3, output_dim: 1 }),
      ]),
      { "layers/embedding": { variables: [stored([3, 1], [0.5, 1.5, 2.5])] } },
    );
    const handler = serve({ table });
    gather(3);
    const request = (data: number[]) => ({ inputs: [{ name: "tokens", shape: [1, 2], datatype: "INT32", data }] });
    const got = await Promise.all(
      [
        [0, 1],
        [2, 3],
        [2, 2],
      ].map((ids) => post(handler, "/v2/models/table/infer", request(ids)).then(answer)),
    );
    expect(got.map(({ status }) => status)).toEqual([200, 400, 200]);
    expect(got[1]!.json.error).toMatch(/^input tokens: expected ids from 0 to 2, got 3/);
    expect([got[0]!, got[2]!].map(({ data }) => Array.from(data.get("rows")!))).toEqual([
      [0.5, 1.5],
      [2.5, 2.5],
    ]);
  });

  test("models with states: each request its own, from zero where none is given", async () => {
    const states = await fixture("lstm-initial-state");
    const stateful = modelOf(
      sequential([
        layer("InputLayer", "signal", { batch_shape: [1, 4, 1] }),
        layer("SimpleRNN", "rnn", {
          units: 1,
          stateful: true,
          activation: "linear",
          use_bias: true,
          return_sequences: false,
          go_backwards: false,
        }),
      ]),
      { "layers/simple_rnn/cell": { variables: [stored([1, 1], [1]), stored([1, 1], [1]), stored([1], [0])] } },
    );
    expect(states.inputs.length).toBeGreaterThan(1);
    const { model, batches } = counted(stateful);
    const handler = serve({ rnn: model });
    gather(3);
    const state = stateful.inputs.find((port) => port.state)!;
    const send = (x: number[], before?: number) =>
      postBinary(handler, "/v2/models/rnn/infer", [
        float32Input("signal", [1, 4, 1], Float32Array.from(x)),
        ...(before === undefined ? [] : [float32Input(state.name, [1, 1], Float32Array.of(before))]),
      ]).then(answer);
    const [one, other, third] = await Promise.all([send([1, 2, 3, 4]), send([1, 1, 1, 1], 100), send([1, 2, 3, 4])]);
    expect(one!.data.get("rnn")).toEqual(Float32Array.of(10));
    expect(other!.data.get("rnn")).toEqual(Float32Array.of(104));
    expect(third!.data.get("rnn")).toEqual(Float32Array.of(10));
    expect(one!.data.get(state.name)).toEqual(Float32Array.of(10));
    expect(batches).toEqual([1, 1, 1]);
  });
});

test("more than may wait are turned away at once, and those before them answered", async () => {
  const handler = serve({ motion }, { maxWaiting: 4 });
  const given = Array.from({ length: 7 }, (_, seed) => signal(60, seed));
  gather(4);
  const got = await Promise.all(given.map((x) => ask(handler, x)));
  const statuses = got.map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([200, 200, 200, 200, 503, 503, 503]);
  const busy = got.find(({ status }) => status === 503)!;
  expect(busy.json).toEqual({ error: "too many requests are waiting; try again later" });
  expect(busy.headers.get("retry-after")).toBe("1");
  got.forEach(({ status, data }, index) => {
    if (status === 200) expect(data.get("dense_1")).toEqual(alone(given[index]!));
  });
  expect((await ask(handler, given[0]!)).status).toBe(200);
});

/** A request whose body comes when it is told to. */
function slowRequest(x: Float32Array) {
  const { body, headers } = binaryBody([float32Input("accelerometer", [1, 20, 3], x)], binary);
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let hungry = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(own) {
        controller = own;
      },
      pull() {
        hungry = true;
      },
    },
    { highWaterMark: 0 },
  );
  const init = { method: "POST", headers, body: stream, duplex: "half" };
  return {
    request: new Request("http://localhost/v2/models/motion/infer", init as RequestInit),
    /** Until somebody has read all that was sent, and wants more. */
    reading: () => vi.waitFor(() => expect(hungry).toBe(true)),
    send(start: number, end = body.length) {
      hungry = false;
      for (let at = start; at < end; at++) controller.enqueue(body.slice(at, at + 1));
      if (end === body.length) controller.close();
    },
    end: () => controller.close(),
  };
}

describe("bodies that come slowly", () => {
  test("byte by byte", async () => {
    const slow = slowRequest(signal(60, 1));
    slow.send(0);
    expect((await answer(await serve({ motion })(slow.request))).data.get("dense_1")).toEqual(alone(signal(60, 1)));
  });

  test("count among those that wait, and the longest silent gives up its place", async () => {
    const handler = serve({ motion }, { maxWaiting: 2 });
    const [slow, silent] = [slowRequest(signal(60, 2)), slowRequest(signal(60, 1))];
    const slowAnswer = handler(slow.request);
    await slow.reading();
    const silentAnswer = handler(silent.request);
    await silent.reading();
    slow.send(0, 100);
    await slow.reading();
    expect((await ask(handler, signal(60, 3))).data.get("dense_1")).toEqual(alone(signal(60, 3)));
    silent.send(0, 1);
    slow.send(100);
    const [lost, got] = [await answer(await silentAnswer), await answer(await slowAnswer)];
    expect([lost.status, lost.json]).toEqual([503, { error: "too many requests are waiting; try again later" }]);
    expect(got.data.get("dense_1")).toEqual(alone(signal(60, 2)));
  });

  test("one that sends nothing any more, and then ends", async () => {
    const handler = serve({ motion }, { maxWaiting: 1 });
    const silent = slowRequest(signal(60, 1));
    const lost = handler(silent.request);
    await silent.reading();
    expect((await ask(handler, signal(60, 3))).status).toBe(200);
    silent.end();
    expect((await lost).status).toBe(503);
  });
});

test("with threads, requests gather while a batch is under way, and no more of them than may wait", async () => {
  const { model, batches } = counted(motion, 2);
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const slow: ServedModel = { ...model, predictAsync: (inputs) => ended.then(() => model.predictAsync(inputs)) };
  const handler = serve({ motion: slow }, { maxWaiting: 4 });
  const given = Array.from({ length: 7 }, (_, seed) => signal(60, seed));
  gather(1);
  const first = ask(handler, given[0]!);
  await vi.waitFor(() => expect(paused.wanted).toBe(0));
  gather(4);
  const others = given.slice(1).map((x) => ask(handler, x));
  const turnedAway = await Promise.any(others);
  end();
  const got = await Promise.all([first, ...others]);
  expect(turnedAway.status).toBe(503);
  expect(got.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 503, 503]);
  expect(batches).toEqual([1, 4]);
  got.forEach(({ status, data }, index) => {
    if (status === 200) expect(data.get("dense_1")).toEqual(alone(given[index]!));
  });
});

test("by threads of its own", async () => {
  const threaded = await load(caseFile("activity-recognition-cnn", "model.keras")!, { threads: 2 });
  try {
    expect(threaded.threads).toBe(2);
    const handler = serve({ motion: threaded });
    const given = Array.from({ length: 9 }, (_, seed) => signal(60, seed));
    const got = await Promise.all(given.map((x) => ask(handler, x)));
    expect(got.map(({ data }) => data.get("dense_1"))).toEqual(given.map(alone));
  } finally {
    threaded.dispose();
  }
});

test("a model of channelwise/run, out of its .safetensors", async () => {
  const [file] = (await convert(motion, { to: "safetensors" })).values();
  const handler = serve({ motion: () => loadSmall(file!) });
  expect((await ask(handler, signal(60))).data.get("dense_1")).toEqual(alone(signal(60)));
});

test("a model that is gone is not available, and its faults are told to nobody but the server", async () => {
  const gone = await fixture("activity-recognition-cnn");
  const handler = serve({ motion: gone });
  gone.dispose();
  expect(await ask(handler, signal(60))).toMatchObject({
    status: 503,
    json: { error: /* of any */ expect.any(String) },
  });
  const errors: unknown[] = [];
  const broken: ServedModel = {
    ...counted(motion).model,
    predictAll: () => {
      throw new TypeError("at /home/secret");
    },
  };
  const got = await ask(serve({ motion: broken }, { onError: (error) => errors.push(error) }), signal(60));
  expect([got.status, got.json]).toEqual([500, { error: "the server failed; the request may be right" }]);
  expect(errors).toHaveLength(1);
});

describe("every case of the fixtures, three requests of one, two and three samples in one batch, to the bit", () => {
  test.each(caseNames)("%s", async (name) => {
    const model = await fixture(name);
    const sizes = [1, 2, 3];
    const made = sizes.map((batch, seed) => inputsFor(model, batch, seed));
    const { model: noted, batches } = counted(model);
    const handler = serve({ model: noted });
    gather(3);
    const got = await Promise.all(
      made.map((given) => postBinary(handler, "/v2/models/model/infer", given, binary).then(answer)),
    );
    const mixes = [...model.inputs, ...model.outputs].every(({ shape }) => !shape.slice(1).includes(null));
    if (mixes) expect(batches.length).toBeLessThan(3);
    got.forEach(({ status, json, data }, index) => {
      expect(json.error).toBeUndefined();
      expect(status).toBe(200);
      const record = made[index]!.map(({ name: own, shape, datatype, bytes }) => {
        const port = model.inputs.find((one) => one.name === own)!;
        const floats = datatype === "BOOL" ? Float32Array.from(bytes) : new Float32Array(bytes.slice().buffer);
        const numbers = datatype === "INT32" ? new Int32Array(bytes.slice().buffer) : floats;
        return [own, { data: numbers, shape, layout: port.layout }] as const;
      });
      model.predictAll(Object.fromEntries(record)).forEach((want, output) => {
        expect(data.get(model.outputs[output]!.name)).toEqual(want.data);
      });
    });
  });

  function inputsFor(model: Model, batch: number, seed: number): GivenInput[] {
    return model.inputs.map(({ name, shape: open, type }) => {
      const shape = open.map((size, axis) => (axis === 0 ? batch : (size ?? 7)));
      const count = shape.reduce((all, size) => all * size, 1);
      if (type === "float32") return float32Input(name, shape, signal(count, seed));
      const small = Int32Array.from({ length: count }, (_, index) => (index * 7 + seed) % (type === "bool" ? 2 : 3));
      if (type === "bool") return { name, shape, datatype: "BOOL", bytes: Uint8Array.from(small) };
      return { name, shape, datatype: "INT32", bytes: bytesOf(small) };
    });
  }
});
