/**
 * workerd: a Worker that has just been started: from its code to its first answer, and the memory of its WebAssembly
 *
 *     npm run build && npm ci --prefix tests/runtimes && node bench/workerd.js [--rounds 40] [--quick]
 *
 * Workers take turns in one process, each started anew, with the motion CNN of the fixtures as a module; beside them one that only answers,
 * for what starting an isolate takes. Answers are compared with Keras'. Writes bench/results/workerd.md, --quick does not; fails where an
 * answer differs, or WebAssembly takes 16 MB.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { convert } from "../build/js/api/convert.js";
import { load } from "../build/js/api/load.js";
import { readNpz } from "../build/js/bytes/npz.js";
import { startIsolates, workerd } from "../tests/runtimes/lib/isolates.js";
import { relativeError } from "./lib/compare.js";
import { tolerance } from "./lib/contest.js";
import { median } from "./lib/race.js";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "40" }, quick: { type: "boolean", default: false } },
});
const rounds = values.quick ? 5 : Number(values.rounds);
const mostWasmBytes = 16e6;

const fixture = new URL("../tests/fixtures/keras/activity-recognition-cnn/", import.meta.url);
const read = (/** @type {URL} */ file) => new Uint8Array(readFileSync(file));
const numbers = (/** @type {string} */ name) => [
  ...readNpz(read(new URL(`${name}s.npz`, fixture)))
    .get(`${name}_0`)
    .read(),
];
const [input, expected] = [numbers("input"), numbers("output")];
const keras = read(new URL("model.keras", fixture));
const [safetensors] = (await convert(await load(keras), { to: "safetensors" })).values();
const dist = (/** @type {string} */ name) => read(new URL(`../dist/${name}`, import.meta.url));
const text = (/** @type {string} */ script) => new TextEncoder().encode(script);

/** A Worker that loads the model that lies beside it and predicts once. @param {string} bundle @param {string} model @param {Uint8Array} bytes */
const predicting = (bundle, model, bytes) => ({
  "worker.js": text(`
    import { load } from "./${bundle}";
    import bytes from "./${model}";
    const input = new Float32Array(${JSON.stringify(input)});
    export default {
      async fetch() {
        const model = await load(bytes);
        return Response.json({ output: [...model.predict(input).data], wasmBytes: model.memoryBytes });
      },
    };
  `),
  [bundle]: dist(bundle),
  "kernels.relaxed.wasm": dist("kernels.relaxed.wasm"),
  [model]: bytes,
});

/** @type {Record<string, import("../tests/runtimes/lib/isolates.js").Modules>} */
const workers = {
  nothing: { "worker.js": text("export default { fetch: () => Response.json({}) };") },
  "channelwise/run, .safetensors": predicting("run.workerd.js", "model.safetensors", safetensors),
  "channelwise, .keras": predicting("index.workerd.js", "model.keras", keras),
};

/** Bytes of code and kernels, gzipped. @param {import("../tests/runtimes/lib/isolates.js").Modules} modules */
const codeBytes = (modules) =>
  Object.entries(modules).reduce(
    (sum, [name, bytes]) => (/\.(js|wasm)$/.test(name) ? sum + gzipSync(bytes, { level: 9 }).length : sum),
    0,
  );

const isolates = await startIsolates();
/** @type {Map<string, { milliseconds: number, answer: any }[]>} */
const runs = new Map(Object.keys(workers).map((name) => [name, []]));
for (let round = 0; round <= rounds; round++)
  for (const [name, modules] of Object.entries(workers)) {
    const run = await isolates.start(modules);
    // The first of all warms the process up.
    if (round > 0) runs.get(name).push(run);
  }
await isolates.stop();

const cells = (/** @type {(string | number)[]} */ [name, ...others]) =>
  String(name).padEnd(31) + others.map((cell) => String(cell).padStart(12)).join("");
const machine = [
  `workerd ${workerd}`,
  cpus()[0]?.model.trim(),
  new Date().toISOString().slice(0, 10),
  `load ${loadavg()[0].toFixed(1)}`,
];
const lines = [
  `# workerd   ${machine.join("   ")}`,
  cells(["Worker", "gzip kB", "ms", "fastest ms", "wasm MB", "max rel err"]),
];
for (const [name, answers] of runs) {
  const times = answers.map(({ milliseconds }) => milliseconds);
  const row = [name, (codeBytes(workers[name]) / 1000).toFixed(1), median(times), Math.min(...times)];
  const outputs = answers.flatMap(({ answer }) => (answer.output ? [answer] : []));
  if (outputs.length > 0) {
    const error = Math.max(...outputs.map(({ output }) => relativeError(output, expected)));
    const wasmBytes = Math.max(...outputs.map((answer) => answer.wasmBytes));
    row.push((wasmBytes / 1e6).toFixed(2), error.toExponential(1));
    if (!(error <= tolerance)) throw new Error(`${name}: the answer is ${error} from Keras'`);
    if (!(wasmBytes < mostWasmBytes)) throw new Error(`${name}: WebAssembly takes ${wasmBytes} bytes`);
  }
  lines.push(cells(row));
}
console.log(lines.join("\n"));
const about =
  "Written by `node bench/workerd.js`. A Worker with the motion CNN of the fixtures as a module, from its code to its first answer, in a process that runs " +
  `already: medians of ${rounds} starts in turns. \`nothing\` answers alone, which is what starting an isolate takes. \`gzip kB\`: code and kernels. ` +
  "`max rel err`: from Keras' outputs, relative to the largest.";
if (!values.quick)
  writeFileSync(new URL("results/workerd.md", import.meta.url), `${about}\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`);
