/**
 * first-answer: one contender in a process of its own: imports it, loads a model, answers once
 *
 *   node bench/peers/first-answer.js nothing|channelwise|channelwise/run|onnxruntime-web|tfjs-backend-wasm FOLDER
 *
 * FOLDER holds what `node bench/run.js start` wrote there. Prints JSON: milliseconds from the first statement here to the
 * answer, the same since the process began, the largest resident memory, and the answer.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const began = performance.now();
const [, , contender = "", folder = ""] = process.argv;
const file = (/** @type {string} */ name) => readFileSync(join(folder, name));
const { shape } = JSON.parse(file("input.json").toString());
const input = file("input.f32");
const x = new Float32Array(input.buffer.slice(input.byteOffset, input.byteOffset + input.byteLength));

/** @type {Record<string, () => Promise<ArrayLike<number>>>} */
const contenders = {
  nothing: async () => [],
  async channelwise() {
    const { load } = await import("../../dist/index.node.js");
    return (await load(file("model.safetensors"))).predict(x).data;
  },
  async "channelwise/run"() {
    const { load } = await import("../../dist/run.node.js");
    return (await load(file("model.safetensors"))).predict(x).data;
  },
  async "onnxruntime-web"() {
    const { onnxruntimeContender } = await import("./onnxruntime.js");
    return (await onnxruntimeContender(file("model.onnx"), shape)).run(x);
  },
  async "tfjs-backend-wasm"() {
    const { tensorflowContender } = await import("./tensorflow.js");
    const graph = JSON.parse(file("model.json").toString());
    const weights = file("model.bin");
    const weightData = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength);
    return (await tensorflowContender({ ...graph, weightData }, shape)).run(x);
  },
};

const answer = Array.from((await contenders[contender]?.()) ?? []);
const sinceProcess = performance.now();
const milliseconds = sinceProcess - began;
const peakBytes = peakKilobytes() * 1024;

/** Linux' getrusage counts what the parent had before exec; the process' own peak stands in /proc. */
function peakKilobytes() {
  const status = "/proc/self/status";
  const own = existsSync(status) ? /VmHWM:\s*(\d+)/.exec(readFileSync(status, "utf8")) : null;
  return own ? Number(own[1]) : process.resourceUsage().maxRSS;
}

console.log(JSON.stringify({ milliseconds, sinceProcess, peakBytes, answer }));
process.exit(0);
