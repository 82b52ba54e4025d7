/**
 * What the tests of channelwise/serve ask with: requests as the protocol has them, and their answers taken apart.
 */
import { readFileSync } from "node:fs";
import { load } from "../../src/api/load.ts";
import type { Model } from "../../src/api/model.ts";
import type { TensorData } from "../../src/tensor.ts";

export type Handler = (request: Request) => Promise<Response>;

/** The model of a case of tests/fixtures/keras. */
export function fixture(name: string): Promise<Model> {
  return load(new Uint8Array(readFileSync(new URL(`../fixtures/keras/${name}/model.keras`, import.meta.url))));
}

/** Numbers that differ from one another and from sample to sample. */
export function signal(count: number, seed = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => Math.sin(index * 12.9898 + seed * 78.233) * 2);
}

const origin = "http://localhost:8000";

export function get(handler: Handler, path: string, init: RequestInit = {}): Promise<Response> {
  return handler(new Request(origin + path, init));
}

/** Posts JSON. */
export function post(handler: Handler, path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const all = { "content-type": "application/json", ...headers };
  return handler(new Request(origin + path, { method: "POST", body: text, headers: all }));
}

/** A tensor of a request, with its bytes where they go behind the JSON. */
export interface GivenInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly bytes: Uint8Array;
}

/** The body that Triton's client sends: JSON, and the tensors' bytes behind it. */
export function binaryBody(inputs: readonly GivenInput[], more: object = {}) {
  const json = JSON.stringify({
    inputs: inputs.map(({ bytes, ...input }) => ({ ...input, parameters: { binary_data_size: bytes.length } })),
    ...more,
  });
  const header = new TextEncoder().encode(json);
  const body = new Uint8Array(Buffer.concat([header, ...inputs.map(({ bytes }) => bytes)]));
  return { body, headers: { "inference-header-content-length": String(header.length) } };
}

export function postBinary(handler: Handler, path: string, inputs: readonly GivenInput[], more: object = {}) {
  const { body, headers } = binaryBody(inputs, more);
  return handler(new Request(origin + path, { method: "POST", body, headers }));
}

export const bytesOf = (data: ArrayBufferView) =>
  new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);

/** A FP32 input as binary data. */
export const float32Input = (name: string, shape: readonly number[], data: Float32Array): GivenInput => ({
  name,
  shape,
  datatype: "FP32",
  bytes: bytesOf(data),
});

interface Output {
  readonly name: string;
  readonly shape: number[];
  readonly datatype: string;
  readonly data?: number[];
  readonly parameters?: { readonly binary_data_size: number };
}

/** An answer's JSON, and per output its numbers. */
export async function answer(response: Response) {
  const body = new Uint8Array(await response.arrayBuffer());
  const length = Number(response.headers.get("inference-header-content-length") ?? body.length);
  const json = JSON.parse(new TextDecoder().decode(body.subarray(0, length)));
  let start = length;
  const data = new Map<string, TensorData>();
  for (const output of (json.outputs ?? []) as Output[]) {
    const own = output.datatype === "INT32" ? Int32Array : Float32Array;
    const size = output.parameters?.binary_data_size;
    if (size === undefined) data.set(output.name, own.from(output.data!));
    else {
      data.set(output.name, new own(body.slice(start, start + size).buffer));
      start += size;
    }
  }
  return { status: response.status, headers: response.headers, json, data, rest: body.length - start };
}
