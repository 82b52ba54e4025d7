/**
 * Bundles build/js (what tsc makes of src/) into dist/: each entry by itself for each kind of runtime, so that channelwise/run
 * holds what running a model takes and nothing else, and nobody gets what another runtime needs.
 *
 *     dist/ENTRY.js              pages and whatever is none of the following; also by its URL, without a bundler
 *     dist/ENTRY.node.js         Node, Deno, Bun
 *     dist/ENTRY.workerd.js      imports kernels.relaxed.wasm beside it
 *     dist/ENTRY.edge-light.js   imports kernels.wasm beside it
 *
 * `exports` of package.json says who gets which. What only models with threads need stays in dist/threads.js, which the entries
 * import when it comes to that.
 */
import { chmodSync, copyFileSync } from "node:fs";
import { resolve } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { minifySync } from "oxc-minify";

/** What stands in for src/platform/host.ts, and the ending of its bundles. */
const hosts = { web: "", node: ".node", edge: ".workerd" };

/**
 * What the edge imports as the compiled kernels. Edge functions of Vercel and Next want `?module` behind a .wasm, and `next dev` runs
 * them in Node, of which version 20 has no relaxed SIMD.
 */
const kernels = { workerd: "./kernels.relaxed.wasm", "edge-light": "./kernels.wasm?module" };

/** The public entries, by their files in src/, and the kinds of runtime that each has bundles for. */
const entries = {
  index: ["web", "node", "edge"],
  run: ["web", "node", "edge"],
  /** Holds no engine, and nothing that a runtime does its own way: one for all. */
  serve: ["web"],
  /** For Node by its name, and so in one bundle too. */
  "serve.node": ["web"],
};

/** Imported when the bundle runs: from beside it, and what the command line needs and the library does not. */
const external = [/^node:/, "#threads", "#kernels/module", "commander", "picocolors", "cli-progress"];

/** Where Deno and JSR find the types of a file that is imported by its URL. */
const typesOf = (entry) => `/* @ts-self-types="./types/${entry}.d.ts" */`;

/** Names are shortened, comments and white space go, and what says the same in fewer letters is said so. @param entry gets a line for its types */
const small = (entry) => ({
  name: "small",
  renderChunk(text, { name, fileName }) {
    const { code, errors } = minifySync(fileName, text, { module: true, compress: { target: "es2022" }, mangle: true });
    if (errors.length > 0) this.error(errors[0].message);
    // Tools that look for what is imported, and don't parse, know quotes alone.
    const quoted = code.replace(/\bimport\(`([\w:./-]+)`\)/g, 'import("$1")');
    return { code: name === entry ? `${typesOf(entry)}\n${quoted}` : quoted, map: null };
  },
});

/** They only make what stands in a table, so that a table that nobody reads goes with them. */
const tableMakers = [
  "oneOf",
  "listOf",
  "relu",
  "plain",
  "dropped",
  "Object.entries",
  "Object.fromEntries",
  "Object.keys",
];

const hosted = (host) => ({
  name: "hosted",
  resolveId: (id) => (/\/host\.js$/.test(id) ? resolve(`build/js/platform/${host}.js`) : null),
});

const finished = {
  name: "finished",
  writeBundle(_options, written) {
    for (const file of ["kernels.wasm", "kernels.relaxed.wasm", "threads.js"])
      copyFileSync(`build/${file}`, `dist/${file}`);
    copyFileSync("build/kernels.wasm.d.ts", "dist/types/kernels.wasm.d.ts");
    if (written["cli.js"]) chmodSync("dist/cli.js", 0o755);
  },
};

/** The bundles for edge-light are those for workerd, but for the kernels. */
const twins = {
  name: "twins",
  generateBundle(_options, written) {
    for (const { fileName, code } of Object.values(written).filter(({ fileName }) =>
      fileName.endsWith(".workerd.js"),
    )) {
      const parts = code.split(kernels.workerd);
      if (parts.length !== 2) this.error(`${fileName} names ${kernels.workerd} ${parts.length - 1} times, not once`);
      this.emitFile({
        type: "asset",
        fileName: fileName.replace(".workerd.js", ".edge-light.js"),
        source: parts.join(kernels["edge-light"]),
      });
    }
  },
};

/** @param more what is bundled together with the entry: what both need becomes a file of its own */
const bundle = (entry, host, more) => ({
  input: { [entry]: `build/js/${entry}.js`, ...more },
  output: {
    dir: "dist",
    format: "esm",
    entryFileNames: ({ name }) => (name === entry ? `${entry}${hosts[host]}.js` : "[name].js"),
    chunkFileNames: "shared.js",
    paths: { "#threads": "./threads.js", "#kernels/module": kernels.workerd },
  },
  external,
  treeshake: { manualPureFunctions: tableMakers },
  plugins: [hosted(host), nodeResolve({ preferBuiltins: true }), small(entry), twins, finished],
});

/** The command line takes nearly all of the library with it: that lies in the package once. */
const commands = { cli: "build/js/cli/main.js" };

export default Object.entries(entries).flatMap(([entry, kinds]) =>
  kinds.map((host) => bundle(entry, host, entry === "index" && host === "node" ? commands : {})),
);
