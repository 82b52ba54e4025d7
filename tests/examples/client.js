/**
 * client: what the servers of the examples are asked, all of them the same, with answers compared to a prediction in this process
 */
import { ok, deepStrictEqual as same } from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { load } from "../../dist/index.node.js";
import { caseFile, check } from "./support.js";

export const motion = await load(caseFile("activity-recognition-cnn"));

/** One sample of the motion CNN. @param {number} seed */
export const sample = (seed) =>
  Float32Array.from({ length: 60 }, (_, index) => Math.sin(index * 12.9898 + seed * 78.233) * 2);

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** A request as Triton's client makes it: binary in, binary out. @param {Float32Array} x @param {number} batch */
export function binaryRequest(x, batch = 1) {
  const header = new TextEncoder().encode(
    JSON.stringify({
      inputs: [
        {
          name: "accelerometer",
          shape: [batch, 20, 3],
          datatype: "FP32",
          parameters: { binary_data_size: x.byteLength },
        },
      ],
      parameters: { binary_data_output: true },
    }),
  );
  const body = new Uint8Array(header.length + x.byteLength);
  body.set(header);
  body.set(bytesOf(x), header.length);
  return { method: "POST", body, headers: { "inference-header-content-length": String(header.length) } };
}

/** The numbers of a binary answer. @param {Response} response */
export async function numbersOf(response) {
  const body = await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${response.status} ${new TextDecoder().decode(body)}`);
  return new Float32Array(body.slice(Number(response.headers.get("inference-header-content-length"))));
}

/**
 * Refuses an answer that is not near a prediction in this process: runtimes with relaxed SIMD have other last bits than Node 20.
 *
 * @param {Float32Array} got @param {Float32Array} x
 */
export function near(got, x) {
  const { data } = motion.predict(x);
  same(got.length, data.length);
  for (const [index, value] of got.entries())
    ok(Math.abs(value - data[index]) < 1e-6, `${value} is not ${data[index]}`);
}

/**
 * What fetch does, over a connection of its own: over one that is kept, a request may meet the server's closing of it.
 *
 * @param {URL | string} url @param {{ method?: string, headers?: Record<string, string>, body?: string | Uint8Array }} [init]
 * @returns {Promise<Response>}
 */
export function ask(url, { method = "GET", headers = {}, body = "" } = {}) {
  return new Promise((resolve, reject) => {
    const length = method === "GET" ? {} : { "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method, headers: { ...headers, ...length }, agent: false }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part)).on("error", reject);
      response.on("end", () => {
        resolve(new Response(Buffer.concat(parts), { status: response.statusCode, headers: response.headers }));
      });
    });
    sent.on("error", reject).end(body);
  });
}

/** The checks of a server. @param {string} name @param {URL | string} base */
export async function checkServer(name, base) {
  const at = (path) => new URL(path, base).href;
  const infer = at("/v2/models/motion/infer");
  const json = async (path) => (await ask(at(path))).json();

  await check(`${name}: metadata and health`, async () => {
    same(await json("/v2/health/live"), { live: true });
    same(await json("/v2/health/ready"), { live: true, ready: true });
    same((await json("/v2")).extensions, ["binary_tensor_data"]);
    const { inputs, outputs } = await json("/v2/models/motion");
    same(inputs, [{ name: "accelerometer", datatype: "FP32", shape: [-1, 20, 3] }]);
    same(outputs, [{ name: "dense_1", datatype: "FP32", shape: [-1, 4] }]);
  });

  const alone = async (seed) => numbersOf(await ask(infer, binaryRequest(sample(seed))));

  await check(`${name}: JSON and binary say the same, which is what this process computes`, async () => {
    const data = Array.from(sample(1));
    const inputs = [{ name: "accelerometer", shape: [1, 20, 3], datatype: "FP32", data }];
    const headers = { "content-type": "application/json" };
    const response = await ask(infer, { method: "POST", headers, body: JSON.stringify({ id: "7", inputs }) });
    const { id, outputs } = await response.json();
    same(id, "7");
    same(Float32Array.from(outputs[0].data), await alone(1));
    near(await alone(1), sample(1));
  });

  await check(`${name}: 200 requests at once have the bits of requests alone`, async () => {
    const seeds = Array.from({ length: 200 }, (_, seed) => seed);
    const single = [];
    for (const seed of seeds) single.push(await alone(seed));
    for (const seed of seeds) near(single[seed], sample(seed));
    same(await Promise.all(seeds.map(alone)), single);
  });

  await check(`${name}: what is wrong is refused in one line, and the server lives`, async () => {
    const large = new Uint8Array(5_000_000);
    const wrong = [
      [404, at("/v2/models/other/infer"), { method: "POST", body: "{}" }],
      [405, infer, {}],
      [415, infer, { method: "POST", body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } }],
      [400, infer, { method: "POST", body: "{", headers: { "content-type": "application/json" } }],
      [413, infer, { method: "POST", body: large, headers: { "content-type": "application/octet-stream" } }],
      [400, infer, { ...binaryRequest(sample(1)), body: binaryRequest(sample(1)).body.slice(0, -1) }],
    ];
    for (const [status, url, init] of wrong) {
      // A server that answers before a large body has come may cut it off, and then whoever sends does not always get to the answer.
      const response = await ask(url, init).catch((error) => {
        if (status !== 413) throw error;
      });
      if (!response) continue;
      const text = await response.text();
      same(
        [response.status, /^\{"error":"[^\n]+"\}$/.test(text)],
        [status, true],
        `${url}: ${response.status} ${text}`,
      );
    }
    near(await alone(3), sample(3));
  });
}

/** What only a socket can send. @param {string} name @param {URL | string} base */
export async function checkSockets(name, base) {
  const { hostname, port } = new URL(base);
  const line = "POST /v2/models/motion/infer HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

  await check(
    `${name}: broken HTTP, lengths that lie, connections that end: 4xx or none, and the server lives`,
    async () => {
      const wrong = [
        ["no HTTP", "hello\r\n\r\n", /^HTTP\/1\.1 400|^$/],
        ["huge headers", `${line}x-large: ${"a".repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 4(00|31)|^$/],
        ["a length that is none", `${line}content-length: 1e3\r\n\r\n{}`, /^HTTP\/1\.1 400|^$/],
        ["two lengths", `${line}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, /^HTTP\/1\.1 400|^$/],
        ["a huge length", `${line}content-length: 99999999999\r\n\r\n{}`, /^HTTP\/1\.1 413/],
        ["a body shorter than its length", `${line}content-length: 500\r\n\r\n{}`, /^HTTP\/1\.1 400|^$/],
        ["a chunk that is none", `${line}transfer-encoding: chunked\r\n\r\nzz\r\n`, /^HTTP\/1\.1 400|^$/],
        ["a path that is none", "GET \u0001\u0002 HTTP/1.1\r\nhost: x\r\n\r\n", /^HTTP\/1\.1 400|^$/],
        [
          "another host's path",
          "GET http://other/v2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
          /^HTTP\/1\.1 [24]/,
        ],
      ];
      for (const [what, text, answer] of wrong) {
        const said = await exchange(hostname, Number(port), text);
        ok(answer.test(said), `${what}: ${said.slice(0, 200)}`);
      }
      const url = new URL("/v2/models/motion/infer", base).href;
      near(await numbersOf(await ask(url, binaryRequest(sample(3)))), sample(3));
    },
  );
}

/**
 * Clients that go in the middle of a request, among others that stay.
 *
 * @param {string} name @param {URL | string} base
 */
export async function checkCutOff(name, base) {
  const { hostname, port } = new URL(base);
  await check(`${name}: 300 requests cut off among 300 that are not, which are all answered`, async () => {
    const { body, headers } = binaryRequest(sample(1));
    const length = headers["inference-header-content-length"];
    const head = `POST /v2/models/motion/infer HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\ninference-header-content-length: ${length}\r\n\r\n`;
    const whole = Buffer.concat([Buffer.from(head), body]);
    const url = new URL("/v2/models/motion/infer", base).href;
    const pair = async (turn) => {
      await cutOff(hostname, Number(port), whole.subarray(0, Math.ceil((whole.length * (turn + 1)) / 300)));
      near(await numbersOf(await ask(url, binaryRequest(sample(turn)))), sample(turn));
    };
    // Together with those cut off, fewer at once than may wait; all cut off, more.
    for (let turn = 0; turn < 300; turn += 100)
      await Promise.all(Array.from({ length: 100 }, (_, index) => pair(turn + index)));
  });
}

/** Sends `bytes` and resets the connection. */
function cutOff(host, port, bytes) {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => socket.write(bytes, () => socket.resetAndDestroy()));
    socket.on("error", () => {}).on("close", resolve);
  });
}

/** Sends `text` and ends; gives what comes back, at most until a second has passed. */
function exchange(host, port, text) {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(port, host, () => socket.end(text, "latin1"));
    socket.setEncoding("latin1").on("data", (part) => (said += part));
    socket.setTimeout(1000, () => socket.destroy()).on("error", () => {});
    socket.on("close", () => resolve(said));
  });
}
