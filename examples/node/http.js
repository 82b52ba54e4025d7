/**
 * http: a fetch handler, (request: Request) => Promise<Response>, behind node:http
 *
 * A body is handed on as it comes and no faster than it is read. What a handler leaves unread is received and dropped, so that the sender
 * gets to the answer; node:http ends a request that takes longer than `requestTimeout`.
 */
import { createServer } from "node:http";

/**
 * Serves `handler`; resolves when it listens.
 *
 * @param {(request: Request) => Promise<Response>} handler
 * @param {{ port?: number, hostname?: string }} [options] port 0 is any that is free
 * @returns {Promise<import("node:http").Server>}
 */
export async function listen(handler, { port = 8000, hostname = "127.0.0.1" } = {}) {
  const server = createServer({ requestTimeout: 30_000 }, (incoming, outgoing) => answer(handler, incoming, outgoing));
  server.maxConnections = 1024;
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, hostname, resolve));
  return server;
}

async function answer(handler, incoming, outgoing) {
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

function requestOf(incoming) {
  const { method, url, rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at], rawHeaders[at + 1]);
  const bodiless = method === "GET" || method === "HEAD";
  return new Request(`http://localhost${url.startsWith("/") ? url : "/"}`, {
    method,
    headers,
    ...(!bodiless && { body: bodyOf(incoming), duplex: "half" }),
  });
}

function bodyOf(incoming) {
  let started = false;
  return new ReadableStream(
    {
      pull(controller) {
        if (!started) {
          incoming.on("data", (chunk) => {
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
