/**
 * serve: servers under load: the Worker of examples/edge in workerd, channelwise/serve in Node, and onnxruntime-web in its place
 *
 *     npm run build && npm ci --prefix tests/examples && node bench/serve.js [--requests 5000] [--concurrency 32] [--rounds 5] [--quick]
 *
 * The motion CNN of the benches, 64 different samples, asked as Triton's client does (binary both ways) over connections that are kept, by this
 * process, on loopback. One server after the other, each in a process of its own. Each answer is compared with what the same server gave
 * for the same sample asked alone, which is compared with float64. Writes bench/results/serve.md, --quick does not; fails where an answer
 * differs, none came, or memory grows.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { convert } from "../build/js/api/convert.js";
import { start } from "../tests/examples/support.js";
import { bundle, startWorker } from "../tests/examples/workerd.js";
import { relativeError } from "./lib/compare.js";
import { tolerance } from "./lib/contest.js";
import { chooseKernels } from "./lib/engine.js";
import { evaluate } from "./lib/float64.js";
import { normal, uniform } from "./lib/random.js";
import { motionCnn } from "./networks/index.js";
import { channelwiseModel } from "./peers/channelwise.js";
import { onnxModel } from "./peers/onnx.js";
import { version as onnxruntime } from "./peers/onnxruntime.js";

const { values } = parseArgs({
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
/** What memory may grow from the first round to the last. */
const mostGrowth = 1.1;

const folder = fileURLToPath(new URL("../build/bench/serve/", import.meta.url));
const network = motionCnn();
const size = network.input.shape.reduce((all, axis) => all * axis, 1);
const samples = Array.from({ length: 64 }, (_, seed) => normal(uniform(seed + 1), size));

/** A server that runs. @typedef {{ url: URL, pids: number[], stop(): Promise<unknown> }} Server */

/** @type {Record<string, () => Promise<Server>>} */
const servers = {
  "examples/edge, workerd": async () => {
    const worker = await startWorker(`${folder}edge`, bundle(`${folder}edge`));
    return { ...worker, pids: childrenOf(process.pid) };
  },
  "channelwise/serve, Node": () => startNode("channelwise.js", "model.safetensors"),
  "onnxruntime-web, Node": () => startNode("onnxruntime.js", "model.onnx", "shapes.json"),
};

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

/** @param {string} name @param {() => Promise<Server>} open @param {string} input */
async function measure(name, open, input) {
  const server = await open();
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  try {
    const asked = samples.map((x) => bodyFor(input, x));
    const alone = [];
    for (const each of asked) alone.push(await ask(server.url, agent, each));
    const errors = samples.slice(0, 4).map((x, index) => relativeError(floats(alone[index]), evaluate(network, x)));
    const runs = [];
    const memory = [];
    for (let round = 0; round < rounds; round++) {
      runs.push(await load(server.url, agent, asked, alone));
      memory.push(residentBytes(server.pids));
    }
    return { name, runs, memory, error: Math.max(...errors) };
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

const input = await writeModels();
const results = [];
for (const [name, open] of Object.entries(servers)) results.push(await measure(name, open, input));

const lines = [
  `# serve   Node ${process.versions.node}   ${cpus()[0]?.model.trim()}, ${cpus().length} cores   ${new Date().toISOString().slice(0, 10)}   load ${loadavg()[0].toFixed(1)} before   onnxruntime-web ${onnxruntime}`,
  `# ${rounds} rounds of ${requests} requests, ${concurrency} at once; requests/s, p50 and p99 of the best round; resident MB after each round`,
  "server                     requests/s   p50 ms   p99 ms   right  other bits  dropped   rel err   MB",
];
for (const { name, runs, memory, error } of results) {
  const best = runs.reduce((one, other) => (other.seconds < one.seconds ? other : one));
  const total = (/** @type {"right" | "different" | "dropped"} */ key) => runs.reduce((sum, run) => sum + run[key], 0);
  const at = (/** @type {number} */ share) => best.times[Math.floor(share * (requests - 1))].toFixed(1);
  lines.push(
    name.padEnd(25) +
      (requests / best.seconds).toFixed(0).padStart(12) +
      at(0.5).padStart(9) +
      at(0.99).padStart(9) +
      String(total("right")).padStart(8) +
      String(total("different")).padStart(12) +
      String(total("dropped")).padStart(9) +
      error.toExponential(1).padStart(10) +
      `   ${memory.map((bytes) => (bytes / 1e6).toFixed(0)).join(" ")}`,
  );
  const own = !name.startsWith("onnxruntime");
  const wrong = total("dropped") > 0 || error > tolerance || (own && total("different") > 0);
  if (wrong || (own && memory.at(-1) > mostGrowth * memory[0])) {
    console.error(`${name}: an answer differs, none came, or memory grew`);
    process.exitCode = 1;
  }
}
console.log(lines.join("\n"));
if (!values.quick && process.exitCode === undefined) {
  const about =
    "Written by `node bench/serve.js`, whose header says what is measured. `right`: answers with the bits that the same server gave for the same " +
    "sample asked alone; `rel err`: those from a float64 computation, relative to the largest output. onnxruntime-web stands behind the same " +
    "adapter, protocol and batching. The client runs on the same machine.";
  writeFileSync(new URL("results/serve.md", import.meta.url), `${about}\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`);
}
