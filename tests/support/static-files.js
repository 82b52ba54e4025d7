/**
 * static-files: what the servers of the tests' pages have in common: which file an address is for, of what type, and listening on this machine
 */
import { statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const types = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** The content type of a file, by the ending of its name. @param {string} file */
export const typeOf = (file) => types[extname(file)] ?? "application/octet-stream";

/**
 * The file in a folder that a path of an address is for, index.html where that ends in `/`; null where there is none.
 *
 * @param {string} folder @param {string} path @returns {string | null}
 */
export function fileAt(folder, path) {
  const inside = normalize(`/${decodeURIComponent(path)}`);
  const file = join(folder, inside.endsWith("/") ? `${inside}index.html` : inside);
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : null;
}

/**
 * Answers on a port of this machine, any that is free by default.
 *
 * @param {import("node:http").RequestListener} answer @param {number} [port]
 * @returns {Promise<{ url: string, close(): Promise<void> }>} `url` without a slash at its end; `close` ends open connections too
 */
export async function listen(answer, port = 0) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(null)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${address.port}`, close };
}
