/**
 * package: what publint and @arethetypeswrong/cli say of the tarball, what TypeScript and JSR do, and that its command runs
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { own, project } from "./install.js";

/** @param {string} command @param {string[]} options @param {string} [cwd] */
const run = (command, options, cwd) => promisify(execFile)(command, options, { cwd, timeout: 60_000 });
const binary = (/** @type {string} */ name) => join(own, "node_modules/.bin", name);

/** @param {{ folder: string, tarball: string }} installed @returns {[name: string, check: () => Promise<unknown>][]} */
export const packageChecks = ({ folder, tarball }) => [
  ["publint is content", () => quiet(binary("publint"), [tarball, "--strict"])],
  // Of modules there is no other kind: require() takes them in Node since 20.19.
  [
    "the types are right for all entries",
    () => quiet(binary("attw"), [tarball, "--profile", "esm-only", "--no-emoji"]),
  ],
  [
    "a program in TypeScript compiles, types checked too",
    () => quiet(join(project, "node_modules/.bin/tsc"), ["-p", writeProgram(folder)]),
  ],
  ["JSR takes it", () => quiet(binary("deno"), ["publish", "--dry-run", "--allow-dirty"], writeJsr(folder))],
  [
    "the command runs",
    async () => {
      const model = "data/activity-recognition-cnn/model.keras";
      const { stdout } = await run(join(folder, "node_modules/.bin/channelwise"), ["inspect", model], folder);
      if (!stdout.includes("Conv1D")) throw new Error(`it printed ${stdout}`);
    },
  ],
];

/** A program that uses each entry, and what is an error in it. @param {string} folder */
function writeProgram(folder) {
  const program = join(folder, "program");
  mkdirSync(program);
  const compilerOptions = {
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2023", "DOM"],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  writeFileSync(join(program, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  writeFileSync(
    join(program, "program.ts"),
    `import { type LoadOptions, type Model, gemm, load, tensor } from "channelwise";
import kernels from "channelwise/kernels.wasm";
import { load as loadToRun } from "channelwise/run";
import { serve } from "channelwise/serve";

const options: LoadOptions = { threads: 2, convolution: "direct" };
const model: Model = await load("model.keras", options);
const square = tensor(new Float32Array(4), "IO", [2, 2]);
const layout: "NO" = gemm(tensor(new Float32Array(4), "NI", [2, 2]), square).layout;
// @ts-expect-error an option that there is not
await loadToRun("model.safetensors", { kernels, thread: 2 });
// @ts-expect-error a layout that does not go with the other
gemm(tensor(new Float32Array(4), "NC", [2, 2]), square);
export const handler: (request: Request) => Promise<Response> = serve({ model });
export { layout };
`,
  );
  return program;
}

/** What is published to JSR: the packed files and jsr.json. @param {string} folder */
function writeJsr(folder) {
  const published = join(folder, "jsr");
  cpSync(join(folder, "node_modules/channelwise"), published, { recursive: true });
  rmSync(join(published, "package.json"));
  cpSync(join(project, "jsr.json"), join(published, "jsr.json"));
  return published;
}

/** @param {string} command @param {string[]} options @param {string} [cwd] */
async function quiet(command, options, cwd) {
  try {
    await run(command, options, cwd);
  } catch (error) {
    const { stdout = "", stderr = "" } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
    throw new Error(`${stdout}${stderr}` || String(error));
  }
}
