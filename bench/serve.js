/**
 * serve: servers under load: the Worker of examples/edge in workerd, channelwise/serve in Node, and onnxruntime-web in its place
 *
 *     npm run build && npm ci --prefix tests/examples && node bench/serve.js [SERVER...] [--requests 5000] [--concurrency 32] [--rounds 5] [--quick]
 *
 * The motion CNN of the benches, 64 different samples, asked as Triton's client does (binary both ways) over connections that are kept, by this
 * process, on loopback. One server (edge, nothing, node, onnxruntime) after the other, each in a process of its own. Each answer is compared with what the same server gave
 * for the same sample asked alone, which is compared with float64. Writes bench/results/serve.md, if all ran and not with --quick; fails where an answer
 * differs, none came, or memory grows.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { convert } from "../build/js/api/convert.js";
import { start } from "../tests/examples/support.js";
import { bundle, isolateBytes, startWorker } from "../tests/examples/workerd.js";
import { relativeError } from "./lib/compare.js";
import { tolerance } from "./lib/contest.js";
import { chooseKernels } from "./lib/engine.js";
import { evaluate } from "./lib/float64.js";
import { normal, uniform } from "./lib/random.js";
import { motionCnn } from "./networks/index.js";
import { channelwiseModel } from "./peers/channelwise.js";
import { onnxModel } from "./peers/onnx.js";
import { version as onnxruntime } from "./peers/onnxruntime.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: "string", default: "5000" },
    concurrency: { type: "string", default: "32" },
    rounds: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
  },
});
const requests = values.quick ? 300 : Number(values.requests);
const concurrency = Number(values.concurrency);
const rounds = values.quick ? 2 : Number(values.rounds);
/** What resident memory may grow from the first round to the last. */
const mostGrowth = 1.1;
/** What a Worker's isolate may hold after any round, garbage included; Cloudflare ends those of 128 MB. */
const mostIsolateBytes = 64e6;

const folder = fileURLToPath(new URL("../build/bench/serve/", import.meta.url));
const network = motionCnn();
const size = network.input.shape.reduce((all, axis) => all * axis, 1);
const samples = Array.from({ length: 64 }, (_, seed) => normal(uniform(seed + 1), size));

/** A server that runs. @typedef {{ url: URL, pids: number[], stop(): Promise<unknown>, isolate?(): Promise<number> }} Server */

/** @type {Record<string, { title: string, open(): Promise<Server> }>} */
const servers = {
  edge: {
    title: "examples/edge, workerd",
    async open() {
      return startInspected(bundle(`${folder}edge`));
    },
  },
  nothing: {
    title: "no model, workerd",
    open: () => startInspected({ modules: [{ type: "ESModule", path: "worker.js", contents: emptyWorker }] }),
  },
  node: { title: "channelwise/serve, Node", open: () => startNode("channelwise.js", "model.safetensors") },
  onnxruntime: { title: "onnxruntime-web, Node", open: () => startNode("onnxruntime.js", "model.onnx", "shapes.json") },
};
const chosen = positionals.length > 0 ? positionals : Object.keys(servers);

/** Takes what the others take and answers with as many bytes, to tell what a runtime's own memory does. */
const emptyWorker = `export default {
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(new Uint8Array(24), { headers: { "inference-header-content-length": "0" } });
  }
}`;

/** A Worker whose isolate's memory can be asked for. @param {Parameters<typeof startWorker>[1]} bundled */
async function startInspected(bundled) {
  const worker = await startWorker(`${folder}edge`, bundled, { inspectorPort: 0 });
  return { ...worker, pids: childrenOf(process.pid), isolate: () => isolateBytes(worker.miniflare) };
}

/** @param {string} program @param {string[]} files */
async function startNode(program, ...files) {
  const path = fileURLToPath(new URL(`servers/${program}`, import.meta.url));
  const server = await start(process.execPath, [path, ...files.map((file) => folder + file)]);
  return { ...server, pids: [server.pid] };
}

async function writeModels() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const model = channelwiseModel(network, chooseKernels("packaged"));
  const [file] = (await convert(model, { to: "safetensors" })).values();
  const about = (/** @type {{ name: string }} */ { name }, /** @type {{ shape: number[] }} */ { shape }) => ({
    name,
    shape,
  });
  const shapes = { input: about(model.inputs[0], network.input), output: about(model.outputs[0], network.output) };
  model.dispose();
  writeFileSync(`${folder}model.safetensors`, file);
  writeFileSync(`${folder}model.onnx`, onnxModel(network));
  writeFileSync(`${folder}shapes.json`, JSON.stringify(shapes));
  cpSync(fileURLToPath(new URL("../examples/edge", import.meta.url)), `${folder}edge`, { recursive: true });
  writeFileSync(`${folder}edge/motion.safetensors`, file);
  return shapes.input.name;
}

/** A request for one sample, ready to send. @param {string} input its name @param {Float32Array} x */
function bodyFor(input, x) {
  const given = { name: input, shape: [1, ...network.input.shape], datatype: "FP32" };
  const header = Buffer.from(
    JSON.stringify({
      inputs: [{ ...given, parameters: { binary_data_size: x.byteLength } }],
      parameters: { binary_data_output: true },
    }),
  );
  return { body: Buffer.concat([header, Buffer.from(x.buffer)]), length: header.length };
}

/** The numbers that come back, as bytes. @param {URL} url @param {Agent} agent @param {{ body: Buffer, length: number }} asked */
function ask(url, agent, { body, length }) {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": body.length, "inference-header-content-length": length };
    const sent = request(new URL("/v2/models/motion/infer", url), { method: "POST", agent, headers }, (response) => {
      /** @type {Buffer[]} */
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const answer = Buffer.concat(parts);
        if (response.statusCode !== 200) reject(new Error(`${response.statusCode} ${answer}`));
        else resolve(answer.subarray(Number(response.headers["inference-header-content-length"])));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** @param {URL} url @param {Agent} agent @param {{ body: Buffer, length: number }[]} asked @param {Buffer[]} alone */
async function load(url, agent, asked, alone) {
  const times = new Float64Array(requests);
  const counts = { right: 0, different: 0, dropped: 0 };
  let next = 0;
  const begun = performance.now();
  const worker = async () => {
    for (let turn = next++; turn < requests; turn = next++) {
      const sent = performance.now();
      const answer = await ask(url, agent, asked[turn % asked.length]).catch((/** @type {Error} */ error) => {
        console.error(error.message);
        return null;
      });
      times[turn] = performance.now() - sent;
      if (answer === null) counts.dropped++;
      else if (answer.equals(alone[turn % alone.length])) counts.right++;
      else counts.different++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { ...counts, seconds: (performance.now() - begun) / 1000, times: times.sort() };
}

/** @param {string} name @param {string} input */
async function measure(name, input) {
  const { title, open } = servers[name];
  const server = await open();
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  try {
    const asked = samples.map((x) => bodyFor(input, x));
    const alone = [];
    for (const each of asked) alone.push(await ask(server.url, agent, each));
    const errors =
      name === "nothing"
        ? [0]
        : samples.slice(0, 4).map((x, index) => relativeError(floats(alone[index]), evaluate(network, x)));
    const runs = [];
    const [memory, isolate] = [[], []];
    for (let round = 0; round < rounds; round++) {
      runs.push(await load(server.url, agent, asked, alone));
      memory.push(residentBytes(server.pids));
      if (server.isolate) isolate.push(await server.isolate());
    }
    return { name, title, runs, memory, isolate, error: Math.max(...errors) };
  } finally {
    agent.destroy();
    await server.stop();
  }
}

const floats = (/** @type {Buffer} */ bytes) => new Float32Array(Uint8Array.from(bytes).buffer);

/** Resident memory of processes, as Linux counts it. @param {number[]} pids */
function residentBytes(pids) {
  return pids.reduce((sum, pid) => {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? ["", "0"];
    return sum + Number(kilobytes) * 1024;
  }, 0);
}

/** The processes that a process started, and those that they did. @param {number} pid @returns {number[]} */
function childrenOf(pid) {
  const own = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
  return own.flatMap((child) => [child, ...childrenOf(child)]);
}

const load1 = loadavg()[0].toFixed(1);
const input = await writeModels();
const results = [];
for (const name of chosen) results.push(await measure(name, input));

const lines = [
  `# serve   Node ${process.versions.node}   ${cpus()[0]?.model.trim()}, ${cpus().length} cores   ${new Date().toISOString().slice(0, 10)}   load ${load1} before   onnxruntime-web ${onnxruntime}`,
  `# ${rounds} rounds of ${requests} requests, ${concurrency} at once; requests/s, p50 and p99 of the best round; MB after each round: resident, and of a Worker its isolate`,
  "server                     requests/s   p50 ms   p99 ms   right  other bits  dropped   rel err   MB",
];
for (const { name, title, runs, memory, isolate, error } of results) {
  const best = runs.reduce((one, other) => (other.seconds < one.seconds ? other : one));
  const total = (/** @type {"right" | "different" | "dropped"} */ key) => runs.reduce((sum, run) => sum + run[key], 0);
  const at = (/** @type {number} */ share) => best.times[Math.floor(share * (requests - 1))].toFixed(1);
  lines.push(
    title.padEnd(25) +
      (requests / best.seconds).toFixed(0).padStart(12) +
      at(0.5).padStart(9) +
      at(0.99).padStart(9) +
      String(total("right")).padStart(8) +
      String(total("different")).padStart(12) +
      String(total("dropped")).padStart(9) +
      error.toExponential(1).padStart(10) +
      `   ${[memory, isolate]
        .filter((list) => list.length > 0)
        .map((list) => list.map((bytes) => (bytes / 1e6).toFixed(0)).join(" "))
        .join(", isolate ")}`,
  );
  const own = name !== "onnxruntime";
  // workerd's own memory grows with each request, without a model too; a Worker is held to what its isolate holds.
  const grew = isolate.length > 0 ? Math.max(...isolate) > mostIsolateBytes : memory.at(-1) > mostGrowth * memory[0];
  const wrong = total("dropped") > 0 || error > tolerance || (own && total("different") > 0);
  if (wrong || (own && grew)) {
    console.error(`${title}: an answer differs, none came, or memory grew`);
    process.exitCode = 1;
  }
}
console.log(lines.join("\n"));
if (!values.quick && positionals.length === 0 && process.exitCode === undefined) {
  const about =
    "Written by `node bench/serve.js`, whose header says what is measured. `right`: answers with the bits that the same server gave for the same " +
    "sample asked alone; `rel err`: those from a float64 computation, relative to the largest output. onnxruntime-web stands behind the same " +
    "adapter, protocol and batching. The client runs on the same machine.";
  writeFileSync(new URL("results/serve.md", import.meta.url), `${about}\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`);
}
