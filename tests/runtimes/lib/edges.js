/**
 * edges: workerd, through miniflare, and edge-light, through @edge-runtime/vm, on what esbuild makes of the suite with their conditions
 *
 * Both refuse to compile bytes, and get the kernels as their deployments give them: workerd as a module beside the script, edge-light as
 * Next does it, where what is imported as `….wasm?module` is a global that its runtime has compiled.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { EdgeVM } from "@edge-runtime/vm";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { within } from "./within.js";

const require = createRequire(import.meta.url);
const versionOf = (/** @type {string} */ name) =>
  JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")).version;

/**
 * Bundles a host for a runtime by its condition.
 *
 * @param {string} folder @param {string} name @param {string} condition @param {"esm" | "iife"} format @param {import("esbuild").Plugin} wasm
 */
async function bundled(folder, name, condition, format, wasm) {
  mkdirSync(join(folder, "edges"), { recursive: true });
  const outfile = join(folder, "edges", `${name}.js`);
  const { warnings } = await build({
    entryPoints: [join(folder, "hosts", `${name}.js`)],
    bundle: true,
    outfile,
    format,
    conditions: [condition],
    target: "es2022",
    plugins: [wasm],
    logLevel: "silent",
  });
  if (warnings.length > 0) throw new Error(`esbuild warns: ${warnings[0].text}`);
  return readFileSync(outfile, "utf8");
}

/** Modules of WebAssembly stay imports, of the files that are named in `found`. @param {Map<string, string>} found @returns {import("esbuild").Plugin} */
const besideScript = (found) => ({
  name: "beside-script",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
      found.set(basename(path), join(resolveDir, path));
      return { path: `./${basename(path)}`, external: true };
    });
  },
});

/** @param {string} folder @param {string} data the address of the data folder */
export async function runWorkerd(folder, data) {
  /** @type {Map<string, string>} */
  const wasm = new Map();
  const script = await bundled(folder, "workerd", "workerd", "esm", besideScript(wasm));
  const miniflare = new Miniflare({
    modules: [
      { type: "ESModule", path: "workerd.js", contents: script },
      ...Array.from(wasm, ([path, file]) => ({
        type: /** @type {const} */ ("CompiledWasm"),
        path,
        contents: readFileSync(file),
      })),
    ],
    compatibilityDate: "2026-01-01",
  });
  try {
    const lines = await within(
      60,
      miniflare.dispatchFetch("http://localhost/", { method: "POST", body: data }).then((response) => response.text()),
    );
    return { version: versionOf("workerd"), lines };
  } finally {
    await miniflare.dispose();
  }
}

/** @param {string} folder @param {string} data the address of the data folder */
export async function runEdgeLight(folder, data) {
  /** @type {Map<string, WebAssembly.Module>} */
  const globals = new Map();
  /** @type {import("esbuild").Plugin} */
  const asNext = {
    name: "as-next",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
        path: join(resolveDir, path.replace("?module", "")),
        namespace: "wasm",
      }));
      onLoad({ filter: /.*/, namespace: "wasm" }, ({ path }) => {
        const name = `wasm_${basename(path).replaceAll(/\W/g, "_")}`;
        globals.set(name, new WebAssembly.Module(readFileSync(path)));
        return { contents: `export default globalThis.${name};` };
      });
    },
  };
  const script = await bundled(folder, "edge-light", "edge-light", "iife", asNext);
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, Object.fromEntries(globals)),
    initialCode: script,
  });
  const lines = await within(
    60,
    vm.dispatchFetch("http://localhost/", { method: "POST", body: data }).then((response) => response.text()),
  );
  return { version: versionOf("@edge-runtime/vm"), lines };
}
