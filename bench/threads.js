/**
 * threads: one model on one thread and on several, in turns, so that other work on the machine meets all alike. The model is
 * an ECG net: 4096 x 12 samples, a convolution and four stages of two, 16 taps, 64 to 320 channels, each stage at a
 * quarter of the length before. Prints, and writes the same to bench/results/threads.md.
 *
 *   npm run build && node bench/threads.js [threads, default 2] [rounds, default 30]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { openModel } from "../build/js/api/model.js";
import { kerasGraph } from "../build/js/dialects/keras.js";

const threads = Number(process.argv[2] ?? 2);
const rounds = Number(process.argv[3] ?? 30);
const CHANNELS = [64, 128, 196, 256, 320];

let state = 1;
/** @param {number[]} shape */
function random(...shape) {
  const values = new Float32Array(shape.reduce((all, size) => all * size, 1));
  const scale = 1 / Math.sqrt(values.length / (shape.at(-1) ?? 1));
  for (let at = 0; at < values.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[at] = (state / 2147483648) * scale;
  }
  return { dtype: "float32", shape, read: () => values };
}

/** The model's layers as Keras writes them, and their weights by path in the file. */
function ecg() {
  /** @type {object[]} */
  const layers = [
    { class_name: "InputLayer", config: { batch_shape: [null, 4096, 12], dtype: "float32", name: "ecg" } },
  ];
  /** @type {Map<string, object[]>} */
  const weights = new Map();
  /** @param {number} inputs @param {number} filters @param {number} stride */
  const convolution = (inputs, filters, stride) => {
    const at = weights.size;
    const config = {
      filters,
      kernel_size: [16],
      strides: [stride],
      padding: "same",
      activation: "relu",
      use_bias: true,
    };
    const rest = { data_format: "channels_last", dilation_rate: [1], groups: 1 };
    layers.push({ class_name: "Conv1D", config: { name: `conv_${at}`, dtype: "float32", ...config, ...rest } });
    weights.set(`layers/conv1d${at === 0 ? "" : `_${at}`}`, [random(16, inputs, filters), random(filters)]);
  };
  CHANNELS.forEach((filters, stage) => {
    const before = CHANNELS[stage - 1];
    if (before === undefined) convolution(12, filters, 1);
    else {
      convolution(before, filters, 1);
      convolution(filters, filters, 4);
    }
  });
  layers.push({ class_name: "Flatten", config: { name: "flatten", dtype: "float32", data_format: "channels_last" } });
  const head = { units: 6, activation: "sigmoid", use_bias: true };
  layers.push({ class_name: "Dense", config: { name: "dense", dtype: "float32", ...head } });
  weights.set("layers/dense", [random(16 * 320, 6), random(6)]);
  const tree = {
    place: ["ecg"],
    variables: (/** @type {string} */ path) => weights.get(path) ?? [],
    name: () => undefined,
    has: (/** @type {string} */ path) => [...weights.keys()].some((key) => key === path || key.startsWith(`${path}/`)),
    children: (/** @type {string} */ path) =>
      path === "layers" ? [...weights.keys()].map((key) => key.slice("layers/".length)) : [],
  };
  const config = { class_name: "Sequential", config: { name: "ecg", layers } };
  return kerasGraph({ config, weights: tree, place: ["ecg"] });
}

const graph = ecg();
const one = await openModel(graph, "ecg", "", {});
const several = await openModel(graph, "ecg", "", { threads });
if (several.threads !== threads) throw new Error(`the runtime has no ${threads} threads`);
const signal = random(4096, 12).read();

/** @param {() => unknown} run */
async function milliseconds(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

const expected = Buffer.from(one.predict(signal).data.buffer);
const got = Buffer.from((await several.predictAsync(signal)).data.buffer);
if (!expected.equals(got)) throw new Error("the numbers depend on the threads");

/** @type {[number[], number[]]} */
const times = [[], []];
for (let round = 0; round < rounds; round++) {
  times[0].push(await milliseconds(() => one.predict(signal)));
  times[1].push(await milliseconds(() => several.predictAsync(signal)));
}
one.dispose();
several.dispose();

/** @param {number[]} values @param {number} share */
const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;

const where = `Node ${process.versions.node}   ${cpus().length} x ${cpus()[0]?.model.trim()}   ${new Date().toISOString().slice(0, 10)}`;
const lines = [
  `# ECG net f32   ${where}   ${rounds} rounds in turns`,
  "threads   median ms   best ms   gain (median)   gain (best)",
];
[1, threads].forEach((count, index) => {
  const [median, best] = [0.5, 0].map((share) => times.map((own) => quantile(own, share)));
  const gain = (/** @type {number[]} */ own) => ((own[0] ?? 0) / (own[index] ?? 1)).toFixed(2);
  lines.push(
    `${String(count).padStart(7)}${(median?.[index] ?? 0).toFixed(1).padStart(12)}${(best?.[index] ?? 0).toFixed(1).padStart(10)}${gain(median ?? []).padStart(16)}${gain(best ?? []).padStart(14)}`,
  );
});
console.log(lines.join("\n"));
mkdirSync(new URL("results/", import.meta.url), { recursive: true });
writeFileSync(
  new URL("results/threads.md", import.meta.url),
  `Written by \`node bench/threads.js\`: bit for bit the same outputs.\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`,
);
