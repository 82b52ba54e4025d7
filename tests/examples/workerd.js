/**
 * workerd: a Worker as `wrangler deploy` would send it, run by miniflare in workerd
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Miniflare } from "miniflare";
import WebSocket from "ws";
import { bin, run } from "./support.js";

/** Kinds of modules by the endings of their names. */
const kinds = { ".js": "ESModule", ".wasm": "CompiledWasm", ".safetensors": "Data" };

/**
 * Bundles a Worker with wrangler.
 *
 * @param {string} folder with its wrangler.toml
 * @returns {{ modules: { type: string, path: string, contents: Buffer }[], gzippedBytes: number }} the Worker's file first; the bytes of code and
 *   kernels, models aside
 */
export function bundle(folder) {
  const out = join(folder, "out");
  const env = { ...process.env, CI: "true", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
  run(bin("wrangler"), ["deploy", "--dry-run", "--minify", "--outdir", out], { cwd: folder, env });
  const modules = readdirSync(out)
    .flatMap((name) => {
      const type = Object.entries(kinds).find(([ending]) => name.endsWith(ending))?.[1];
      return type ? [{ type, path: name, contents: readFileSync(join(out, name)) }] : [];
    })
    .sort((a, b) => Number(b.path === "worker.js") - Number(a.path === "worker.js"));
  const code = modules.filter(({ type }) => type !== "Data");
  return {
    modules,
    gzippedBytes: code.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0),
  };
}

/** The compatibility date of a Worker's wrangler.toml. @param {string} folder */
export function compatibilityDate(folder) {
  return /compatibility_date = "([\d-]+)"/.exec(readFileSync(join(folder, "wrangler.toml"), "utf8"))[1];
}

/** Starts a bundled Worker. @param {string} folder @param {{ modules: object[] }} bundled @param {object} [options] of miniflare */
export async function startWorker(folder, { modules }, options = {}) {
  const miniflare = new Miniflare({ modules, compatibilityDate: compatibilityDate(folder), port: 0, ...options });
  return { miniflare, url: await miniflare.ready, stop: () => miniflare.dispose() };
}

/**
 * What the isolate of a Worker's own code holds: V8's heap, garbage that waits for its collection included, and buffers, WebAssembly memory among
 * them. The Worker has to be started with an `inspectorPort`.
 *
 * @param {Miniflare} miniflare @returns {Promise<number>} bytes
 */
export async function isolateBytes(miniflare) {
  const address = await miniflare.getInspectorURL();
  const targets = await (await fetch(new URL("/json", `http://${address.host}`))).json();
  const socket = new WebSocket(
    targets.find(({ id, title }) => `${id} ${title}`.includes("core:user")).webSocketDebuggerUrl,
  );
  try {
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    socket.send(JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" }));
    const { usedSize, backingStorageSize } = await new Promise((resolve) => {
      socket.on("message", (text) => {
        const { id, result } = JSON.parse(text);
        if (id === 1) resolve(result);
      });
    });
    return usedSize + backingStorageSize;
  } finally {
    socket.close();
  }
}
