/**
 * Bundles build/js (what tsc makes of src/) into dist/: one file per entry, the kernels inlined. Each entry is bundled by
 * itself, so that channelwise/run holds what running a model takes and nothing else. What only models with threads need
 * stays in dist/threads.js, which the entries import when it comes to that.
 */
import { chmodSync, copyFileSync } from "node:fs";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import terser from "@rollup/plugin-terser";

/** Besides dist/threads.js, what the command line needs and the library does not: stays a dependency. */
const external = [/^node:/, "#threads", "commander", "picocolors", "cli-progress"];

/** Names are shortened, comments and white space go, and what says the same in fewer letters is said so. */
const small = terser({ module: true, mangle: true, compress: true, format: { comments: false } });

const copyKernels = {
  name: "copy-kernels",
  writeBundle() {
    copyFileSync("build/kernels.wasm", "dist/kernels.wasm");
    copyFileSync("build/threads.js", "dist/threads.js");
  },
};
const makeExecutable = { name: "make-executable", writeBundle: () => chmodSync("dist/cli.js", 0o755) };

const entry = (input, file, plugin) => ({
  input,
  output: { file, format: "esm", inlineDynamicImports: true, paths: { "#threads": "./threads.js" } },
  external,
  plugins: [nodeResolve({ preferBuiltins: true }), small, plugin],
});

export default [
  entry("build/js/index.js", "dist/index.js", copyKernels),
  entry("build/js/run.js", "dist/run.js"),
  entry("build/js/serve.js", "dist/serve.js"),
  entry("build/js/cli/main.js", "dist/cli.js", makeExecutable),
];
