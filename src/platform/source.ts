/**
 * How the bytes of a model are had, wherever they are: a path, a URL, a Response, a Blob, or bytes.
 */
import { unreadable } from "../error.ts";

/** What `load` takes. A string is a URL if it starts with a scheme such as `https:`, else a path (not in browsers: there a URL). */
export type Source = string | URL | Response | Blob | ArrayBuffer | Uint8Array;

/** Bytes, what messages call them, and where files beside them are: null where nothing is beside. */
export interface SourceBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly beside: ((name: string) => Source) | null;
}

/** The bytes of a source. */
export async function readSource(source: Source): Promise<SourceBytes> {
  // A view of its own: the `slice` of a Buffer, a Uint8Array too, does not copy.
  if (source instanceof Uint8Array)
    return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength), name: "model", beside: null };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), name: "model", beside: null };
  if (source instanceof Blob)
    return {
      bytes: new Uint8Array(await source.arrayBuffer()),
      name: "name" in source ? String(source.name) : "model",
      beside: null,
    };
  if (source instanceof Response)
    return {
      bytes: await body(source),
      name: source.url || "model",
      beside: source.url === "" ? null : besideUrl(source.url),
    };
  const text = String(source);
  const name = text.split(/[/\\]/).pop() || text;
  if (text.startsWith("file:") || (!/^[a-z][a-z0-9+.-]+:/i.test(text) && !inBrowser()))
    return {
      bytes: await readFile(text.startsWith("file:") ? new URL(text) : text),
      name,
      beside: text.startsWith("file:") ? besideUrl(text) : (other) => text.slice(0, text.length - name.length) + other,
    };
  const response = await request(text);
  // A browser's relative address is known in full by the answer.
  return { bytes: await body(response), name, beside: besideUrl(response.url || text) };
}

const besideUrl = (url: string) => (name: string) => new URL(encodeURIComponent(name), url);

/** Browsers and their workers have a location and no file system. */
function inBrowser(): boolean {
  return typeof location !== "undefined" && !("process" in globalThis);
}

async function readFile(path: string | URL): Promise<Uint8Array> {
  // Named by a variable, so that bundlers for browsers don't look for it.
  const module = "node:fs/promises";
  try {
    const { readFile: read } = await import(module);
    const buffer: Uint8Array = await read(path);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (cause) {
    throw unreadable(String(path), cause);
  }
}

async function request(url: string): Promise<Response> {
  try {
    return await fetch(url);
  } catch (cause) {
    throw unreadable(url, cause);
  }
}

async function body(response: Response): Promise<Uint8Array> {
  if (!response.ok) throw unreadable(response.url, new Error(`HTTP status ${response.status}`));
  return new Uint8Array(await response.arrayBuffer());
}
