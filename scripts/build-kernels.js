/**
 * Builds assembly/ into build/: kernels.wasm (plain SIMD), kernels.relaxed.wasm, and kernels.js, which carries the plain
 * build as base64 text, so that a bundle needs no second file. With --debug also kernels.debug.wasm, with assertions and a
 * source map.
 */
import { readFile, writeFile } from "node:fs/promises";
import { main, version } from "assemblyscript/asc";

const targets = ["release", "relaxed"];
if (process.argv.includes("--debug")) targets.push("debug");

for (const target of targets) {
  const { error, stderr } = await main(["--config", "asconfig.json", "--target", target]);
  if (error) {
    console.error(stderr.toString());
    process.exit(1);
  }
}

const header = `// Generated from assembly/ by scripts/build-kernels.js with asc ${version}. Not edited by hand.\n`;
const wasm = await readFile("build/kernels.wasm");
const relaxed = await readFile("build/kernels.relaxed.wasm");
await writeFile(
  "build/kernels.js",
  `${header}/** The plain SIMD build of assembly/, in base64. */\nexport const kernelsBase64 =\n  "${wasm.toString("base64")}";\n`,
);
await writeFile(
  "build/kernels.d.ts",
  `${header}/** The plain SIMD build of assembly/, in base64. */\nexport declare const kernelsBase64: string;\n`,
);
console.log(`kernels.wasm ${wasm.length} bytes, kernels.relaxed.wasm ${relaxed.length} bytes`);
