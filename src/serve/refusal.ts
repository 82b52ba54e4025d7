/**
 * refusal: every answer that is no success, one function each: status, one line that says why, headers
 *
 * Source  RFC 9110 section 15.5 and 15.6, RFC 6585 section 5 (431); the protocol's error object, `{ "error": $string }`
 */
import { printable } from "../bytes/printable.ts";
import { isGone, modelError } from "./model.ts";

/** Thrown by what reads a request, answered by `serve`; never leaves it. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** The request breaks the protocol, or does not fit the model. Names out of it belong through `quoted`. */
export const badRequest = (message: string) => new Refusal(400, message);

/** There is no such path, model or version. */
export const notFound = (what: string) => new Refusal(404, what);

/** The path is there, and takes other methods. */
export const methodNotAllowed = (method: string, allow: string) =>
  new Refusal(405, `expected ${allow}, got ${printable(method)}`, { allow });

/** The body is larger than the server takes. */
export const bodyTooLarge = (mostBytes: number) =>
  new Refusal(413, `the body is larger than ${mostBytes} bytes; send fewer samples at once`);

/** The body is of a kind that is not read here. */
export const unsupportedMediaType = (found: string) =>
  new Refusal(415, `expected content-type application/json or application/octet-stream, got ${printable(found)}`);

/** The body is compressed. */
export const unsupportedEncoding = (found: string) =>
  new Refusal(415, `content-encoding ${printable(found)} is not read; send the body as it is`, {
    "accept-encoding": "identity",
  });

/** The headers are larger than the server takes. */
export const headersTooLarge = (mostBytes: number) =>
  new Refusal(431, `the headers are larger than ${mostBytes} bytes`);

/** As many requests wait as may. */
export const busy = () => new Refusal(503, "too many requests are waiting; try again later", { "retry-after": "1" });

/** The model could not be loaded, or is gone. */
export const unavailable = (model: string) => new Refusal(503, `model ${quoted(model)} is not available`);

/** A fault of the server: what it was is told to `onError` and to nobody else. */
export const fault = () => new Refusal(500, "the server failed; the request may be right");

/** What a model says of the data that it was given, in one line. */
export function refusedByModel(error: unknown, model: string): unknown {
  if (isGone(error)) return unavailable(model);
  const own = modelError(error);
  if (own?.code !== "invalid-input") return error;
  const { summary, fix } = own;
  return badRequest(`${summary}${fix === undefined ? "" : `; ${fix}`}`);
}

/** A name out of a request, as messages show it. */
export const quoted = (name: string) => JSON.stringify(printable(name));
