/**
 * isolates: Workers that one process of workerd starts one after the other, and how long each takes from its code to its first answer
 *
 * A Worker loads others (workerd's worker loader) and asks them; the clock of a Worker goes on whenever it has waited for something, in whole
 * milliseconds.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Miniflare } from "miniflare";

/** A Worker's modules by name, the first of which is its script; endings say what they are. @typedef {Record<string, Uint8Array>} Modules */

const loader = `
  const kinds = { js: "js", wasm: "wasm" };
  const kindOf = (name) => kinds[name.slice(name.lastIndexOf(".") + 1)] ?? "data";
  export default {
    async fetch(request, env) {
      const { id, names } = await request.json();
      const modules = {};
      for (const name of names) {
        const response = await env.FILES.fetch("http://files/" + id + "/" + name);
        const kind = kindOf(name);
        modules[name] = { [kind]: kind === "js" ? await response.text() : await response.arrayBuffer() };
      }
      const began = performance.now();
      const worker = env.LOADER.get(id, () => ({ compatibilityDate: "2026-01-01", mainModule: names[0], modules }));
      const response = await worker.getEntrypoint().fetch("http://worker/");
      const answer = await response.json();
      return Response.json({ milliseconds: performance.now() - began, answer });
    },
  };
`;

/** The version of workerd. */
export const workerd = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve("workerd/package.json"), "utf8"),
).version;

export async function startIsolates() {
  let count = 0;
  /** @type {Modules} */
  let asked = {};
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: "loader.js", contents: loader }],
    compatibilityDate: "2026-01-01",
    workerLoaders: { LOADER: {} },
    serviceBindings: { FILES: (request) => new Response(asked[new URL(request.url).pathname.split("/")[2]]) },
  });
  return {
    /** Starts a Worker of its own and asks it once. @param {Modules} modules @returns {Promise<{ milliseconds: number, answer: any }>} */
    async start(modules) {
      asked = modules;
      const body = JSON.stringify({ id: `worker${count++}`, names: Object.keys(modules) });
      const response = await miniflare.dispatchFetch("http://loader/", { method: "POST", body });
      if (!response.ok) throw new Error(await response.text());
      return /** @type {any} */ (await response.json());
    },
    stop: () => miniflare.dispose(),
  };
}
