/**
 * body: the bytes of a request, apart: JSON and the binary tensors behind it
 *
 *     0                         Inference-Header-Content-Length     Content-Length
 *     | JSON, UTF-8             | tensors, one after another        |
 *
 * No more than `mostBytes` of a body is ever held, whatever its headers claim. JSON nested deeper than any tensor is refused before
 * it is parsed: 4 MB of brackets keep V8's parser busy for two seconds.
 *
 * Source  Triton's docs/protocol/extension_binary_data.md; without the header, all of the body is JSON
 */
import type { Arrival } from "./arrivals.ts";
import { badRequest, bodyTooLarge, headersTooLarge, unsupportedEncoding, unsupportedMediaType } from "./refusal.ts";

/** A request's body. */
export interface Body {
  readonly json: unknown;
  /** What lies behind the JSON. */
  readonly binary: Uint8Array<ArrayBuffer>;
}

/** Refuses headers of more than so many characters, names and values together. */
export function checkHeaders(headers: Headers, mostBytes: number): void {
  let bytes = 0;
  for (const [name, value] of headers) bytes += name.length + value.length;
  if (bytes > mostBytes) throw headersTooLarge(mostBytes);
}

/** Reads a request's body to its end, or to the first byte too many. @param arrival where it is kept while it comes */
export async function readBody(request: Request, arrival: Arrival, mostBytes: number): Promise<Body> {
  const { headers } = request;
  checkType(headers);
  const claimed = lengthIn(headers, "content-length");
  if (claimed !== null && claimed > mostBytes) throw bodyTooLarge(mostBytes);
  await readStream(await streamOf(request), arrival, mostBytes);
  const { bytes } = arrival;
  if (claimed !== null && claimed !== bytes.length)
    throw badRequest(`content-length is ${claimed}, and the body has ${bytes.length} bytes`);
  const end = lengthIn(headers, "inference-header-content-length") ?? bytes.length;
  if (end > bytes.length)
    throw badRequest(`inference-header-content-length is ${end}, and the body has ${bytes.length} bytes`);
  return { json: parse(bytes.subarray(0, end)), binary: bytes.subarray(end) };
}

/** Clients in Python send no type at all; browsers' forms have to, and can reach any server without asking. */
function checkType(headers: Headers): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.trim().toLowerCase() !== "identity") throw unsupportedEncoding(encoding);
  const type = headers.get("content-type");
  if (type === null) return;
  const [essence = ""] = type.split(";");
  if (!["application/json", "application/octet-stream"].includes(essence.trim().toLowerCase()))
    throw unsupportedMediaType(type);
}

function lengthIn(headers: Headers, name: string): number | null {
  const text = headers.get(name);
  if (text === null) return null;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name} is not a number of bytes`);
  return Number(text);
}

/** Firefox gives a request's body only as a whole: as a Blob, so that it is not in memory before its size is known. */
async function streamOf(request: Request): Promise<ReadableStream<Uint8Array> | null> {
  return "body" in request
    ? request.body
    : ((await (request as Request).blob()).stream() as ReadableStream<Uint8Array>);
}

async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  arrival: Arrival,
  mostBytes: number,
): Promise<void> {
  if (!stream) return;
  const reader = stream.getReader();
  for (;;) {
    const step = await reader.read().catch(() => null);
    if (step === null) throw badRequest("the body ended too early");
    if (step.done) return;
    try {
      if (arrival.bytes.length + step.value.length > mostBytes) throw bodyTooLarge(mostBytes);
      arrival.add(step.value);
    } catch (refusal) {
      // Whether the sender hears of it does not matter: no more will be read.
      reader.cancel().catch(() => {});
      throw refusal;
    }
  }
}

function parse(bytes: Uint8Array): unknown {
  checkDepth(bytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw badRequest(bytes.length === 0 ? "expected a body, got none" : "the body does not start with JSON in UTF-8");
  }
}

/** The protocol's own objects are five deep; a tensor's data has a level for each of its axes. */
const mostDepth = 32;

function checkDepth(bytes: Uint8Array): void {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (inText) {
      if (byte === 0x5c)
        at++; // a backslash and what it escapes
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > mostDepth) throw badRequest(`the JSON is nested more than ${mostDepth} deep`);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}
