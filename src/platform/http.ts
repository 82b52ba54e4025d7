/**
 * http: a fetch handler, (request: Request) => Promise<Response>, behind node:http
 *
 * A body is handed on as it comes and no faster than it is read. What a handler leaves unread is received and dropped, so that the
 * sender gets to the answer; node:http ends a request that takes longer than `requestTimeout`.
 */
import type * as http from "node:http";
import { type OptionNames, requireKnown } from "../options.ts";

/** Where `listen` listens. */
export interface ListenOptions {
  /** 0 is any that is free. Default 8000. */
  readonly port?: number;
  /** Default 127.0.0.1: this machine alone. */
  readonly hostname?: string;
}

const listenOptions: OptionNames<ListenOptions> = { port: true, hostname: true };

/** What is served: the handler of `serve`, or any other that answers a Request. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** Connections that are open at once, and milliseconds that a request may take to come. */
const limits = { maxConnections: 1024, requestTimeout: 30_000 };

/**
 * Serves a handler by `node:http`, in Node and whatever else has that.
 *
 * @returns the server, which listens
 * @throws the error of `node:http` where it can't listen: the port is taken, for one
 */
export async function listen(handler: FetchHandler, options: ListenOptions = {}): Promise<http.Server> {
  requireKnown(options, listenOptions);
  const { port = 8000, hostname = "127.0.0.1" } = options;
  const { createServer } = await import("node:http");
  const server = createServer({ requestTimeout: limits.requestTimeout }, (incoming, outgoing) =>
    answer(handler, incoming, outgoing),
  );
  server.maxConnections = limits.maxConnections;
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, hostname, resolve));
  return server;
}

async function answer(handler: FetchHandler, incoming: http.IncomingMessage, outgoing: http.ServerResponse) {
  try {
    const response = await handler(requestOf(incoming));
    const body = new Uint8Array(await response.arrayBuffer());
    const headers = { ...Object.fromEntries(response.headers), "content-length": body.length };
    outgoing.writeHead(response.status, headers).end(body);
  } catch {
    // No Request can be made of it (TRACE, for one), or the connection is gone.
    if (!outgoing.headersSent) outgoing.writeHead(400).end();
  }
  incoming.removeAllListeners("data").resume();
}

function requestOf(incoming: http.IncomingMessage): Request {
  const { method = "GET", url = "/", rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  const bodiless = method === "GET" || method === "HEAD";
  const body = { body: bodiless ? null : bodyOf(incoming), duplex: "half" };
  return new Request(`http://localhost${url.startsWith("/") ? url : "/"}`, { method, headers, ...body } as RequestInit);
}

function bodyOf(incoming: http.IncomingMessage): ReadableStream<Uint8Array> {
  let started = false;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (!started) {
          incoming.on("data", (chunk: Uint8Array) => {
            controller.enqueue(chunk);
            incoming.pause();
          });
          incoming.once("end", () => controller.close());
          incoming.once("error", (error) => controller.error(error));
          started = true;
        }
        incoming.resume();
      },
      cancel() {
        incoming.removeAllListeners();
        incoming.on("error", () => {}).resume();
      },
    },
    { highWaterMark: 0 },
  );
}
