/**
 * Builds assembly/ into build/: kernels.wasm (plain SIMD) and kernels.relaxed.wasm, and for several threads the same two
 * with imported, shared memory. kernels.js carries the plain build as text of hexadecimal digits, and what the relaxed one has that the plain
 * one has not (patch.js: a tenth), so that a bundle needs no second file; threads.js, which is loaded when a model wants
 * threads, carries the shared builds likewise and the text of src/platform/worker.ts. With --debug also kernels.debug.wasm, with assertions and a source map.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { main, version } from "assemblyscript/asc";
import { patchFrom } from "./patch.js";

const targets = ["release", "relaxed", "threads", "threadsRelaxed"];
if (process.argv.includes("--debug")) targets.push("debug");

for (const target of targets) {
  const { error, stderr } = await main(["--config", "asconfig.json", "--target", target]);
  if (error) {
    console.error(stderr.toString());
    process.exit(1);
  }
}

const header = `// Generated from assembly/ by scripts/build-kernels.js with asc ${version}. Not edited by hand.\n`;

/**
 * A module of constants and its types.
 * @param {string} name @param {{ name: string, value: string | number[], comment: string }[]} constants
 */
async function writeConstants(name, constants) {
  const script = constants.map(
    ({ name, value, comment }) => `/** ${comment} */\nexport const ${name} =\n  ${JSON.stringify(value)};\n`,
  );
  const types = constants.map(
    ({ name, value, comment }) =>
      `/** ${comment} */\nexport declare const ${name}: ${typeof value === "string" ? "string" : "readonly number[]"};\n`,
  );
  await writeFile(`build/${name}.js`, header + script.join(""));
  await writeFile(`build/${name}.d.ts`, header + types.join(""));
}

/** The worker as JavaScript without comments: a file that stands alone, so that its text can be started anywhere. */
async function compileWorker() {
  const tsc = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));
  const options =
    "--target es2022 --module nodenext --moduleResolution nodenext --types node --removeComments --strict";
  execFileSync(process.execPath, [
    tsc,
    "src/platform/worker.ts",
    "--ignoreConfig",
    "--outDir",
    "build/worker",
    ...options.split(" "),
  ]);
  const text = await readFile("build/worker/worker.js", "utf8");
  return text.replace(/^export \{\};\n/m, "");
}

/** @type {(files: string[]) => Promise<Buffer[]>} */
const read = (files) => Promise.all(files.map((file) => readFile(file)));
const files = ["", ".relaxed", ".threads", ".threads.relaxed"].map((infix) => `build/kernels${infix}.wasm`);
const bare = await read(files);
const kernelsId = createHash("sha256").update(Buffer.concat(bare)).digest("hex").slice(0, 16);

/**
 * Custom section (WebAssembly core specification, 5.5.3) `channelwise` with the id, so that code knows the kernels that it was built with:
 *
 *     0 | bytes that follow | 11 | "channelwise" | id, 16 hexadecimal digits
 */
const section = Buffer.concat([Buffer.of(0, 1 + 11 + 16, 11), Buffer.from(`channelwise${kernelsId}`)]);
for (const [index, file] of files.entries()) await writeFile(file, Buffer.concat([bare[index], section]));
const [wasm, relaxed, threads, threadsRelaxed] = await read(files);
/** @param {Buffer} plain @param {Buffer} relaxed @param {string} how */
function builds(plain, relaxed, how) {
  const { steps, literal } = patchFrom(plain, relaxed);
  return [
    {
      name: "plainHex",
      value: plain.toString("hex"),
      comment: `The plain SIMD build of assembly/${how}, as hexadecimal digits.`,
    },
    {
      name: "relaxedSteps",
      value: steps,
      comment: `How the relaxed SIMD build${how} is made of it (scripts/patch.js).`,
    },
    {
      name: "relaxedHex",
      value: Buffer.from(literal).toString("hex"),
      comment: "The bytes for that, likewise.",
    },
  ];
}
await writeConstants("kernels", [
  ...builds(wasm, relaxed, ""),
  { name: "kernelsId", value: kernelsId, comment: "What all builds carry in their section `channelwise`." },
]);
await writeConstants("threads", [
  ...builds(threads, threadsRelaxed, " with imported, shared memory"),
  { name: "workerText", value: await compileWorker(), comment: "src/platform/worker.ts as JavaScript." },
]);
await writeFile(
  "build/kernels.wasm.d.ts",
  `${header}/** The kernels, as whoever imports a .wasm gets them: compiled. */\ndeclare const module: WebAssembly.Module;\nexport default module;\n`,
);
console.log(
  `kernels.wasm ${wasm.length} bytes, kernels.relaxed.wasm ${relaxed.length} bytes, kernels.threads.wasm ${threads.length} bytes`,
);
