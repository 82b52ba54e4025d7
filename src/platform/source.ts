/**
 * How the bytes of a model are had, wherever they are: a path, a URL, a Response, a Blob, or bytes.
 */
import { unreadable } from "../error.ts";
import { files } from "./host.ts";

/**
 * What `load` takes. A string is a URL if it starts with a scheme such as `https:`, else a path in Node, Deno and Bun, and anywhere
 * else a URL too, from where the page is.
 */
export type Source = string | URL | Response | Blob | ArrayBuffer | Uint8Array;

/** Bytes, what messages call them, and where files beside them are: null where nothing is beside. */
export interface SourceBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly beside: ((name: string) => Source) | null;
}

/** Where the bytes of a source are. */
type Location =
  | { readonly bytes: Uint8Array }
  | { readonly blob: Blob }
  | { readonly response: Response }
  | { readonly path: string | URL }
  | { readonly url: string };

/** Where a source is, and what it is called. */
export function locate(source: Source): { readonly at: Location } & Omit<SourceBytes, "bytes"> {
  // A view of its own: the `slice` of a Buffer, a Uint8Array too, does not copy.
  if (source instanceof Uint8Array) {
    const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    return { at: { bytes }, name: "model", beside: null };
  }
  if (source instanceof ArrayBuffer) return { at: { bytes: new Uint8Array(source) }, name: "model", beside: null };
  if (source instanceof Blob)
    return { at: { blob: source }, name: "name" in source ? String(source.name) : "model", beside: null };
  if (source instanceof Response) {
    const { url } = source;
    return { at: { response: source }, name: url || "model", beside: url === "" ? null : besideUrl(url) };
  }
  const text = String(source);
  const name = text.split(/[/\\]/).pop() || text;
  const path = files?.locate(text) ?? null;
  const beside =
    typeof path === "string" ? (other: string) => text.slice(0, text.length - name.length) + other : besideUrl(text);
  return { at: path === null ? { url: text } : { path }, name, beside };
}

/** The bytes of a source, all of them. */
export async function readSource(source: Source): Promise<SourceBytes> {
  const { at, name, beside } = locate(source);
  if ("bytes" in at) return { bytes: at.bytes, name, beside };
  if ("blob" in at) return { bytes: new Uint8Array(await at.blob.arrayBuffer()), name, beside };
  if ("response" in at) return { bytes: await body(at.response), name, beside };
  if ("path" in at) return { bytes: await files!.read(at.path), name, beside };
  const response = await request(at.url);
  // A browser's relative address is known in full by the answer.
  return { bytes: await body(response), name, beside: besideUrl(response.url || at.url) };
}

export const besideUrl = (url: string) => (name: string) => new URL(encodeURIComponent(name), url);

/** Asks for a URL. */
export async function request(url: string): Promise<Response> {
  try {
    return await fetch(url);
  } catch (cause) {
    throw unreadable(url, cause);
  }
}

/** The bytes of an answer. */
export async function body(response: Response): Promise<Uint8Array> {
  if (!response.ok) throw unreadable(response.url, new Error(`HTTP status ${response.status}`));
  return new Uint8Array(await response.arrayBuffer());
}
