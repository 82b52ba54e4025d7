/**
 * A static server as simple as any: the files of a folder below a path, gzipped, and a list of what was asked for.
 *
 *     node tests/serve.js FOLDER [PORT]        serves it until it is stopped
 */
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const types = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

/**
 * @param {string} folder
 * @param {{ path?: string, port?: number }} [options] below which path it is, `/` by default
 * @returns what tells where it is, what was sent since (bytes of bodies, as sent; whether past caches), and ends it
 */
export async function serve(folder, { path = "/", port = 0 } = {}) {
  const sent = [];
  const compressed = new Map();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://local");
    const own = pathname.startsWith(path) ? normalize(`/${decodeURIComponent(pathname.slice(path.length))}`) : null;
    const file = own === null ? null : join(folder, own.endsWith("/") ? `${own}index.html` : own);
    if (file === null || !isFile(file)) {
      sent.push({ path: pathname, status: 404, bytes: 0 });
      response.writeHead(404).end();
      return;
    }
    if (!compressed.has(file)) compressed.set(file, gzipSync(readFileSync(file), { level: 9 }));
    const body = compressed.get(file);
    const again = request.headers["cache-control"] === "no-cache";
    sent.push({ path: pathname, status: 200, bytes: body.length, again });
    const type = types[extname(file)] ?? "application/octet-stream";
    response
      .writeHead(200, { "content-type": type, "content-encoding": "gzip", "content-length": body.length })
      .end(body);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}${path}`;
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url, origin: new URL(url).origin, sent, close };
}

function isFile(path) {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(process.argv[2] ?? "dist", { port: Number(process.argv[3] ?? 4173) });
  console.log(url);
}
