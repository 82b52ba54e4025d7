/**
 * A static server as simple as any: the files of a folder below a path, gzipped, and a list of what was asked for.
 *
 *     node tests/serve.js FOLDER [PORT]        serves it until it is stopped
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { fileAt, listen, typeOf } from "../../tests/support/static-files.js";

/**
 * @param {string} folder
 * @param {{ path?: string, port?: number }} [options] below which path it is, `/` by default
 * @returns what tells where it is, what was sent since (bytes of bodies, as sent; whether past caches), and ends it
 */
export async function serve(folder, { path = "/", port = 0 } = {}) {
  const sent = [];
  const compressed = new Map();
  const { url, close } = await listen((request, response) => {
    const { pathname } = new URL(request.url, "http://local");
    const file = pathname.startsWith(path) ? fileAt(folder, pathname.slice(path.length)) : null;
    if (file === null) {
      sent.push({ path: pathname, status: 404, bytes: 0 });
      response.writeHead(404).end();
      return;
    }
    if (!compressed.has(file)) compressed.set(file, gzipSync(readFileSync(file), { level: 9 }));
    const body = compressed.get(file);
    const again = request.headers["cache-control"] === "no-cache";
    sent.push({ path: pathname, status: 200, bytes: body.length, again });
    response
      .writeHead(200, { "content-type": typeOf(file), "content-encoding": "gzip", "content-length": body.length })
      .end(body);
  }, port);
  return { url: `${url}${path}`, origin: url, sent, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(process.argv[2] ?? "dist", { port: Number(process.argv[3] ?? 4173) });
  console.log(url);
}
