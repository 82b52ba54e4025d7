/**
 * profile: where each network's time goes, layer by layer, at batch 1
 *
 * The engine's own calls, one node after the other as in a prediction, with the clock read between the nodes. What a layer takes in (a batch
 * norm, a ReLU) counts as that layer's.
 *
 *   Gflop/s   those of the direct sums, whatever computes them: Toom-Cook's forms do about half of them
 *   GB/s      the layer's input, output and weights, each once: what a perfect cache would leave
 *   limit     arithmetic or memory: of which the layer reaches the larger share, where that is half or more; a recurrence waits
 *             for its own last step; elsewhere neither, and the kernel's own work outside of the two counts (elementary functions,
 *             edges, calls)
 */
import { KernelMemory } from "../build/js/backends/wasm/memory.js";
import { Program } from "../build/js/backends/wasm/program.js";
import { PackedWeights } from "../build/js/backends/wasm/weights.js";
import { formName } from "../build/js/ops/toom-cook.js";
import { foldGraph } from "../build/js/plan/fold.js";
import { planLayout } from "../build/js/plan/layout.js";
import { ceilingLoop } from "./ceiling.js";
import { median } from "./lib/race.js";
import { normal, uniform } from "./lib/random.js";
import { milliseconds, percent, Report } from "./lib/report.js";
import { facts, secondsPerRow } from "./lib/suite.js";
import { networks } from "./model.js";
import { flopOf } from "./networks/network.js";
import { channelwiseModel } from "./peers/channelwise.js";

/** Layers that take less of their network's time are counted together. */
const leastShare = 0.02;

/** @typedef {import("./lib/suite.js").Context} Context */
/** @typedef {import("./networks/network.js").Network} Network */
/** @typedef {import("./networks/network.js").Layer} Layer */
/** @typedef {{ name: string, kernels: string, seconds: number, flop: number, bytes: number, recurrent: boolean }} Row */

/** @param {Context} context */
export async function profile(context) {
  const copied = copySpeed();
  const about =
    "Where each network's time goes at batch 1, one thread, largest first (bench/profile.js says how it is measured and what the columns are). " +
    `\`copy\` is what copying within 1 MiB of WebAssembly memory moves, reads and writes counted. Medians.`;
  const report = new Report(context, "profile", about, [...facts(context), `copy ${(copied / 1e9).toFixed(0)} GB/s`]);
  report.table([
    { title: "network", width: 22, left: true },
    { title: "layer", width: 20, left: true },
    { title: "kernels", width: 34, left: true },
    { title: "ms", width: 9 },
    { title: "share" },
    { title: "Gflop/s", width: 10 },
    { title: "ceiling", width: 9 },
    { title: "GB/s", width: 7 },
    { title: "   limit", left: true },
  ]);
  for (const make of networks) {
    const network = make();
    const { rows, ceiling } = measure(network, context);
    const total = rows.reduce((sum, { seconds }) => sum + seconds, 0);
    const shown = rows.filter(({ seconds }) => seconds >= leastShare * total).sort((a, b) => b.seconds - a.seconds);
    const left = rows.filter((row) => !shown.includes(row));
    if (left.length > 0) shown.push(together(left));
    shown.forEach((row, index) => {
      const [speed, moved] = [row.flop / row.seconds, row.bytes / row.seconds];
      report.row([
        index === 0 ? network.name : "",
        row.name,
        row.kernels,
        milliseconds(row.seconds),
        percent(row.seconds / total),
        row.flop === 0 ? "" : (speed / 1e9).toFixed(1),
        row.flop === 0 ? "" : percent(speed / ceiling),
        (moved / 1e9).toFixed(1),
        `   ${limit(row, speed / ceiling, moved / copied)}`,
      ]);
    });
  }
  report.write();
}

/** @param {readonly Row[]} rows @returns {Row} */
function together(rows) {
  /** @param {"seconds" | "flop" | "bytes"} key */
  const sum = (key) => rows.reduce((all, row) => all + row[key], 0);
  const name = `${rows.length} others`;
  return { name, kernels: "", seconds: sum("seconds"), flop: sum("flop"), bytes: sum("bytes"), recurrent: false };
}

/** @param {Row} row @param {number} arithmetic @param {number} memory shares of what there is */
function limit({ recurrent, flop }, arithmetic, memory) {
  if (recurrent) return "its own last step";
  const most = Math.max(flop === 0 ? 0 : arithmetic, memory);
  if (most < 0.5) return "neither";
  return most === memory ? "memory" : "arithmetic";
}

/** Seconds of each node that is computed, and the ceiling in turns with them. @param {Network} network @param {Context} context */
function measure(network, context) {
  const model = channelwiseModel(network, context.module);
  const plan = planLayout(foldGraph(model.graph), { target: "wasm", flatten: "permute", io: "source" });
  const memory = new KernelMemory(context.module);
  const weights = new PackedWeights(memory, plan);
  const split = { threads: 1, leastWork: Number.POSITIVE_INFINITY };
  const options = /** @type {const} */ ({ keepAll: false, split, convolution: "auto" });
  const program = new Program(plan.graph, [[1, ...network.input.shape]], memory, weights, options);
  const { value } = plan.graph.inputs[0];
  memory.floats().set(normal(uniform(7), count(network.input.shape)), program.address(value) / 4);

  const calls = program.tasks.flatMap((task) => task.calls);
  const kernels = /** @type {any} */ (memory.kernels);
  let start = 0;
  const nodes = program.kernels.map((node, index) => {
    const own = calls.slice(start, (start += node.calls));
    const runs = own.map(([kernel, ...operands]) => ({ run: kernels[kernel], operands }));
    return { ...node, inputs: plan.graph.nodes[index].inputs, runs, samples: /** @type {number[]} */ ([]) };
  });
  /** @type {number[]} */
  const top = [];
  const until = performance.now() + secondsPerRow(context) * 1000;
  for (let round = 0; round < 20 || performance.now() < until; round++) {
    for (const { runs, samples } of nodes) {
      const before = performance.now();
      for (const { run, operands } of runs) run(...operands);
      samples.push((performance.now() - before) / 1000);
    }
    const before = performance.now();
    ceilingLoop.run();
    top.push((performance.now() - before) / 1000);
  }
  model.dispose();
  const layers = new Map(network.layers.map((layer) => [layer.name, layer]));
  const rows = nodes
    .filter(({ runs }) => runs.length > 0)
    .map(({ layer, kernels: names, samples }) =>
      describe(/** @type {Layer} */ (layers.get(layer)), names, median(samples)),
    );
  return { rows, ceiling: ceilingLoop.flop / median(top) };
}

/** @param {Layer} layer @param {readonly string[]} kernels @param {number} seconds @returns {Row} */
function describe(layer, kernels, seconds) {
  const { name, inputs, shape, weights, kind } = layer;
  const numbers = [shape, ...inputs.map((input) => input.shape)].map(count);
  const parameters = Object.values(weights).map((values) => values.length);
  return {
    name,
    kernels: kernels.map((text) => text.replace(/^toomCook (\d)$/, (_, form) => formName(Number(form)))).join(", "),
    seconds,
    flop: flopOf(layer),
    bytes: 4 * [...numbers, ...parameters].reduce((all, own) => all + own, 0),
    recurrent: kind === "lstm" || kind === "gru",
  };
}

/** @param {readonly number[]} shape */
const count = (shape) => shape.reduce((all, size) => all * size, 1);

/** Bytes per second that a copy within the second-level cache reads and writes. */
function copySpeed() {
  const size = 2 ** 18;
  const memory = new Float32Array(new WebAssembly.Memory({ initial: 32 }).buffer);
  const samples = Array.from({ length: 200 }, () => {
    const before = performance.now();
    for (let times = 0; times < 10; times++) memory.copyWithin(size / 2, 0, size / 2);
    return (performance.now() - before) / 1000 / 10;
  });
  return (4 * size) / median(samples);
}
