/**
 * open: a source as bytes that are read a piece at a time.
 *
 *   a path            read from the file when asked for, if it is large or little is needed of it
 *   a Blob            slices
 *   a URL             ranges, where the server gives them (RFC 9110, section 14); else fetched whole
 *   anything else     is in memory, or a Response, which has no pieces
 *
 * What a server says is not believed: every answer has to be the range that was asked for, of a file of the same length and tag.
 */
import { unreadable } from "../error.ts";
import { type Bytes, joined, RangedBytes } from "./bytes.ts";
import { files } from "./host.ts";
import type { Need } from "./runtime.ts";
import { besideUrl, body, locate, readSource, request, type Source } from "./source.ts";

/** A source, opened; see `SourceBytes`. */
export interface OpenedSource {
  readonly bytes: Bytes;
  readonly name: string;
  readonly beside: ((name: string) => Source) | null;
}

/** What the first request to a server asks for. */
const firstBytes = 2 ** 16;

/** Opens a source; as little as possible of it is read, except of files that are not large. */
export async function openSource(source: Source, need: Need = "headers"): Promise<OpenedSource> {
  const { at, name, beside } = locate(source);
  if ("path" in at) {
    const bytes = await files!.open(at.path, need);
    if (bytes) return { bytes, name, beside };
  }
  if ("blob" in at) return { bytes: rangesOfBlob(at.blob, name), name, beside };
  if ("url" in at) return { name, ...(await openUrl(at.url)) };
  return readSource(source);
}

/** What is read of a Blob at once: whoever gives one that tells of its slices learns how far it is. */
const mostBytesAtOnce = 2 ** 24;

function rangesOfBlob(blob: Blob, name: string): Bytes {
  const read = async (start: number, end: number) => {
    const bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
    if (bytes.length === end - start) return bytes;
    throw new Error(`expected ${end - start} bytes at ${start}, got ${bytes.length}`);
  };
  return new RangedBytes(blob.size, async (start, end) => {
    try {
      if (end - start <= mostBytesAtOnce) return await read(start, end);
      const bytes = new Uint8Array(end - start);
      for (let at = start; at < end; at += mostBytesAtOnce)
        bytes.set(await read(at, Math.min(at + mostBytesAtOnce, end)), at - start);
      return bytes;
    } catch (cause) {
      throw unreadable(name, cause);
    }
  });
}

// ---------------------------------------------------------------------------------------------------------- URLs

async function openUrl(url: string): Promise<Omit<OpenedSource, "name">> {
  const first = await requestRange(url, 0, firstBytes).catch(() => null);
  const range = first && rangeOf(first);
  if (first && range?.start === 0) {
    const bytes = await exactBody(first, range.end);
    const ranges = new RangedBytes(range.total, fetcher(url, range.total, tagOf(first)), bytes);
    return { bytes: range.end === range.total ? bytes : ranges, beside: besideUrl(first.url || url) };
  }
  // Without ranges, or with some that nobody may read (from another origin, Content-Range has to be exposed).
  if (first?.status === 200) return { bytes: await body(first), beside: besideUrl(first.url || url) };
  await first?.body?.cancel();
  const response = await request(url);
  return { bytes: await body(response), beside: besideUrl(response.url || url) };
}

function requestRange(url: string, start: number, end: number): Promise<Response> {
  return fetch(url, { headers: { range: `bytes=${start}-${end - 1}` } });
}

function fetcher(url: string, total: number, tag: string | null) {
  return async (start: number, end: number): Promise<Uint8Array> => {
    let response: Response;
    try {
      response = await requestRange(url, start, end);
    } catch (cause) {
      throw unreadable(url, cause);
    }
    const range = rangeOf(response);
    if (range?.start !== start || range.end !== end || range.total !== total || tagOf(response) !== tag) {
      await response.body?.cancel();
      const got = range ? `${range.start} to ${range.end} of ${range.total}` : `HTTP status ${response.status}`;
      throw unreadable(
        url,
        new Error(`expected bytes ${start} to ${end} of ${total}, got ${got}: it changed, or the server errs`),
      );
    }
    return exactBody(response, end - start);
  };
}

/** What a partial answer says that it holds: bytes `[start, end)` of `total`. Null for any other answer. */
function rangeOf(response: Response): { start: number; end: number; total: number } | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(response.headers.get("content-range") ?? "");
  if (response.status !== 206 || !match) return null;
  const [start, last, total] = match.slice(1).map(Number) as [number, number, number];
  return start <= last && last < total ? { start, end: last + 1, total } : null;
}

function tagOf({ headers }: Response): string | null {
  return headers.get("etag") ?? headers.get("last-modified");
}

/** The body of a partial answer, which has to be as long as it said. No more than that is taken in. */
async function exactBody(response: Response, expected: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  try {
    const reader = response.body!.getReader();
    for (let step = await reader.read(); !step.done && received <= expected; step = await reader.read()) {
      chunks.push(step.value);
      received += step.value.length;
    }
    await reader.cancel();
  } catch (cause) {
    throw unreadable(response.url, cause);
  }
  if (received !== expected)
    throw unreadable(
      response.url,
      new Error(`expected ${expected} bytes, got ${received > expected ? "more" : received}`),
    );
  return chunks.length === 1 ? chunks[0]! : joined(chunks);
}
