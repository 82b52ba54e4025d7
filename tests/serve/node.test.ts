/** The handler behind node:http: answers, bodies in pieces, and what is no Request. */
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { serve } from "../../src/serve.ts";
import { listen } from "../../src/serve.node.ts";
import { answer, binaryBody, fixture, float32Input, signal } from "../support/serving.ts";

const motion = await fixture("activity-recognition-cnn");
const server = await listen(serve({ motion }, { maxBodyBytes: 10_000 }), { port: 0 });
const { address, port } = server.address() as AddressInfo;
afterAll(() => server.close());

interface Sent {
  readonly method: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly parts?: readonly Uint8Array[];
}

function send({ method, path = "/v2/models/motion/infer", headers = {}, parts = [] }: Sent): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: address, port, method, path, headers, agent: false }, (response) => {
      const body: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => body.push(chunk)).on("error", reject);
      response.on("end", () => {
        const about = { status: response.statusCode!, headers: response.headers as Record<string, string> };
        resolve(new Response(Buffer.concat(body), about));
      });
    });
    sent.on("error", reject);
    for (const part of parts) sent.write(part);
    sent.end();
  });
}

test("this machine alone is listened to", () => {
  expect(address).toBe("127.0.0.1");
});

test("a body in pieces", async () => {
  const x = signal(60);
  const { body, headers } = binaryBody([float32Input("accelerometer", [1, 20, 3], x)]);
  const parts = [body.subarray(0, 50), body.subarray(50, 51), body.subarray(51)];
  const got = await answer(await send({ method: "POST", headers, parts }));
  expect(got.data.get("dense_1")).toEqual(motion.predictAll(x)[0]!.data);
});

test("a body that is too large is answered to its end, and the next request too", async () => {
  const parts = Array.from({ length: 20 }, () => new Uint8Array(100_000));
  expect((await send({ method: "POST", parts })).status).toBe(413);
  expect((await send({ method: "GET", path: "/v2/health/ready" })).status).toBe(200);
});

test("a method that no Request has", async () => {
  expect((await send({ method: "TRACE" })).status).toBe(400);
});

test("a port that is taken, an option that is misspelt", async () => {
  await expect(listen(serve({}), { port })).rejects.toThrow("EADDRINUSE");
  await expect(listen(serve({}), { hostName: "::" } as object)).rejects.toThrow(/hostName.*hostname/);
});
