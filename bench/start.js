/**
 * start: a fresh process: import, load a model from disk, answer once
 *
 * Every run is a process of its own; contenders take turns. Two measures: from the script's first statement to the answer,
 * and the whole process up to it, the runtime's own start included, beside one that only starts and reads the input.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { convert } from "../build/js/api/convert.js";
import { agree } from "./lib/compare.js";
import { tolerance } from "./lib/contest.js";
import { evaluate } from "./lib/float64.js";
import { median } from "./lib/race.js";
import { normal, uniform } from "./lib/random.js";
import { Report, scientific } from "./lib/report.js";
import { motionCnn } from "./networks/index.js";
import { channelwiseModel } from "./peers/channelwise.js";
import { onnxModel } from "./peers/onnx.js";
import { tensorflowGraph } from "./peers/tensorflow-graph.js";

const nothing = "nothing";
const contenders = ["channelwise/run", "channelwise", "onnxruntime-web", "tfjs-backend-wasm"];
const folder = fileURLToPath(new URL("../build/bench/", import.meta.url));
const program = fileURLToPath(new URL("peers/first-answer.js", import.meta.url));

/** @typedef {{ milliseconds: number, sinceProcess: number, peakBytes: number, answer: number[] }} Answer */

/** @param {import("./lib/suite.js").Context} context */
export async function start(context) {
  const net = motionCnn();
  const x = normal(uniform(7), net.input.shape[0] * net.input.shape[1]);
  const expected = evaluate(net, x);
  await writeModels(net, x, context.module);

  /** @type {Map<string, Answer[]>} */
  const runs = new Map([nothing, ...contenders].map((name) => [name, []]));
  for (let round = 0; round < (context.quick ? 3 : 15); round++)
    for (const [name, answers] of runs)
      answers.push(JSON.parse(execFileSync(process.execPath, [program, name, folder]).toString()));

  const about =
    `${net.name}, its files on disk. Medians of ${runs.get(nothing)?.length} processes each, in turns. \`ms\`: from the script's ` +
    "first statement to the first answer: reading the files, import, load, predict; `process ms`: since the process began; `ratio`: how " +
    "many times longer than channelwise/run. `peak MiB`: resident memory; `own MiB`: without that of a process that only reads the input.";
  const report = new Report(context, "start", about, [context.peers]);
  report.table([
    { title: "contender", width: 20, left: true },
    { title: "ms", width: 8 },
    { title: "ratio", width: 9 },
    { title: "process ms", width: 13 },
    { title: "ratio", width: 9 },
    { title: "peak MiB", width: 11 },
    { title: "own MiB", width: 10 },
    { title: "max rel err", width: 13 },
  ]);
  const of = (/** @type {string} */ name, /** @type {"milliseconds" | "peakBytes"} */ key) =>
    median((runs.get(name) ?? []).map((answer) => answer[key]));
  const against = (/** @type {string} */ name, /** @type {"milliseconds" | "sinceProcess"} */ key) =>
    `${(of(name, key) / of(contenders[0], key)).toFixed(1)}x`;
  for (const name of contenders) {
    const errors = (runs.get(name) ?? []).map(({ answer }) =>
      agree(`first answer of ${name}`, answer, expected, tolerance),
    );
    const [peak, base] = [of(name, "peakBytes"), of(nothing, "peakBytes")].map((bytes) => bytes / 2 ** 20);
    report.row([
      name,
      of(name, "milliseconds").toFixed(1),
      against(name, "milliseconds"),
      of(name, "sinceProcess").toFixed(1),
      against(name, "sinceProcess"),
      peak.toFixed(0),
      (peak - base).toFixed(0),
      scientific(Math.max(...errors)),
    ]);
  }
  report.line(
    `a process that only reads the input: ${of(nothing, "milliseconds").toFixed(1)} ms, ${of(nothing, "sinceProcess").toFixed(1)} since it began, ${(of(nothing, "peakBytes") / 2 ** 20).toFixed(0)} MiB`,
  );
  report.write();
}

/** @param {import("./networks/network.js").Network} net @param {Float32Array} x @param {WebAssembly.Module} module */
async function writeModels(net, x, module) {
  const model = channelwiseModel(net, module);
  const files = await convert(model, { to: "safetensors" });
  model.dispose();
  const { weightData, ...graph } = tensorflowGraph(net);
  mkdirSync(folder, { recursive: true });
  const write = (/** @type {string} */ name, /** @type {string | Uint8Array} */ data) =>
    writeFileSync(`${folder}/${name}`, data);
  write("model.safetensors", [...files.values()][0]);
  write("model.onnx", onnxModel(net));
  write("model.json", JSON.stringify(graph));
  write("model.bin", new Uint8Array(weightData));
  write("input.json", JSON.stringify({ shape: net.input.shape }));
  write("input.f32", new Uint8Array(x.buffer));
}
