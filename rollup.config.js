/**
 * Bundles build/js (what tsc makes of src/) into dist/: one file per entry, the kernels inlined.
 */
import { chmodSync, copyFileSync } from "node:fs";
import { nodeResolve } from "@rollup/plugin-node-resolve";

/** What the command line needs and the library does not: stays a dependency. */
const external = [/^node:/, "commander", "picocolors"];

const finish = {
  name: "finish",
  writeBundle() {
    copyFileSync("build/kernels.wasm", "dist/kernels.wasm");
    chmodSync("dist/cli.js", 0o755);
  },
};

export default {
  input: { index: "build/js/index.js", run: "build/js/run.js", cli: "build/js/cli/main.js" },
  output: { dir: "dist", format: "esm", chunkFileNames: "shared-[hash].js", hoistTransitiveImports: false },
  external,
  plugins: [nodeResolve({ preferBuiltins: true }), finish],
};
