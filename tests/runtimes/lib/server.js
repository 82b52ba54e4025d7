/**
 * server: the installed folder over HTTP, under one of several policies, and the ears for what pages report
 *
 * The first part of a path says the policy that its answers come with; the rest is the file. Ranges are given, as most servers do.
 */
import { createReadStream, statSync } from "node:fs";
import { fileAt, listen, typeOf } from "../../support/static-files.js";

/** What of a page's code is let be: files of its own site, and WebAssembly. */
const scripts = "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'";
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Headers by the first part of a path. */
export const policies = {
  /** The policy that the package has to do with. */
  strict: { "content-security-policy": scripts },
  /** The same where memory may be shared, but no worker started that is no file: one thread. */
  "isolated-strict": { "content-security-policy": scripts, ...isolation },
  /** And where threads may be started. */
  isolated: { "content-security-policy": `${scripts}; worker-src 'self' blob:`, ...isolation },
  /** One that allows no WebAssembly. */
  refusing: { "content-security-policy": "script-src 'self'" },
  /** No policy, for what is no page. */
  plain: {},
};

/**
 * @param {string} folder
 * @returns {Promise<{ url: string, reports(hear: ((report: { place: string, lines: string }) => void) | null): void, close(): Promise<void> }>}
 */
export async function serveFolder(folder) {
  /** @type {((report: { place: string, lines: string }) => void) | null} */
  let hear = null;
  const { url, close } = await listen((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/report") {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        response.end();
        hear?.(JSON.parse(body));
      });
      return;
    }
    const [, policy, ...path] = pathname.split("/");
    if (!Object.hasOwn(policies, policy)) return void response.writeHead(404).end();
    sendFile(fileAt(folder, path.join("/")), policies[policy], request, response);
  });
  return { url, reports: (listener) => (hear = listener), close };
}

/** @param {string | null} file @param {Record<string, string>} policy @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
function sendFile(file, policy, request, response) {
  if (!file) return void response.writeHead(404, policy).end();
  const { size } = statSync(file);
  const headers = { ...policy, "content-type": typeOf(file), "cache-control": "no-store", "accept-ranges": "bytes" };
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  if (from === undefined) {
    response.writeHead(200, { ...headers, "content-length": size });
    return void createReadStream(file).pipe(response);
  }
  const [start, end] = [Number(from), Math.min(Number(to), size - 1)];
  response.writeHead(206, {
    ...headers,
    "content-length": end - start + 1,
    "content-range": `bytes ${start}-${end}/${size}`,
  });
  createReadStream(file, { start, end }).pipe(response);
}
