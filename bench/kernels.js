/**
 * kernels: speed of gemm and conv1d, as a share of the measured ceiling, and their error against float64, on one line each.
 * Prints, and writes the same to bench/results/. The convolutions are layers of models in use (GPD, ECG, HAR, CREPE,
 * InceptionTime, BPNet, WaveNet, Pangolin, PhaseNet, TC-ResNet); flop in the padding are not counted.
 *
 *   node bench/kernels.js              all shapes, half a second each
 *   node bench/kernels.js --relaxed    the relaxed build, for Node 22 and later; results in kernels.relaxed.md
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { instantiateSync } from "@assemblyscript/loader";
import Benchmark from "benchmark";
import { ceiling } from "./ceiling.js";

const SECONDS_PER_SHAPE = 0.5;
/** The limits of a kernel's result that has none. */
const UNCLAMPED = [-Infinity, Infinity];
const GEMMS = [256, 512, 1024];
/** L, Cin, Cout, taps, stride, dilation; padding "same". */
const CONVOLUTIONS = [
  [400, 3, 32, 21, 1, 1],
  [50, 128, 256, 9, 1, 1],
  [4096, 12, 64, 16, 1, 1],
  [4096, 64, 128, 16, 1, 1],
  [4096, 128, 128, 16, 4, 1],
  [1024, 196, 196, 16, 4, 1],
  [1024, 1, 128, 512, 4, 1],
  [152, 32, 32, 40, 1, 1],
  [128, 9, 64, 3, 1, 1],
  [2114, 4, 64, 21, 1, 1],
  [1970, 64, 64, 3, 1, 64],
  [15000, 32, 32, 11, 1, 1],
  [15000, 32, 32, 41, 1, 25],
  [6000, 3, 8, 11, 1, 1],
  [98, 40, 16, 3, 1, 1],
  [2114, 64, 1, 75, 1, 1],
  [6000, 8, 3, 11, 1, 1],
];
/** M, N, K of dense layers with one or a few rows. */
const DENSE = [
  [1, 1024, 1024],
  [1, 200, 6400],
  [1, 6, 5120],
  [4, 100, 3968],
];

const build = process.argv.includes("--relaxed") ? "kernels.relaxed.wasm" : "kernels.wasm";
const bytes = readFileSync(new URL(`../build/${build}`, import.meta.url));
const kernels = /** @type {any} */ (instantiateSync(bytes).exports);
const start = kernels.heapBase();
kernels.memory.grow(1500);

let state = 1;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state / 2147483648;
}

/** Lays out arrays of the given counts one after another; fills them with numbers in -1 .. 1. @param {number[]} counts */
function lay(...counts) {
  let at = start;
  return counts.map((count) => {
    const view = new Float32Array(kernels.memory.buffer, at, count);
    for (let i = 0; i < count; i++) view[i] = random();
    at = (at + count * 4 + 15) & ~15;
    return view;
  });
}

/** Seconds per call in benchmark.js' best sample, as in ceiling.js: other work on the machine does not count. @param {() => void} run */
function time(run) {
  const bench = new Benchmark(run, { maxTime: SECONDS_PER_SHAPE, minSamples: 5 });
  bench.run();
  return Math.min(...bench.stats.sample);
}

/**
 * Panels as src/ops/pack.ts writes them. @param {Float32Array} target @param {Float32Array} values @param {Float32Array} bias
 * @param {number} K @param {number} N
 */
function pack(target, values, bias, K, N) {
  const width = kernels.panelWidth();
  let at = 0;
  for (let n = 0; n < N; n += width) {
    for (let k = -1; k < K; k++) {
      for (let c = n; c < n + width; c++) target[at++] = (c >= N ? 0 : k < 0 ? bias[c] : values[k * N + c]) ?? 0;
    }
  }
}

/**
 * Columns as src/ops/pack.ts writes them. @param {Float32Array} target @param {Float32Array} values @param {Float32Array} bias
 * @param {number} K @param {number} N
 */
function packColumns(target, values, bias, K, N) {
  const stride = kernels.narrowStride(K);
  for (let n = 0; n < N; n++) {
    target[n * stride] = bias[n] ?? 0;
    for (let k = 0; k < K; k++) target[n * stride + 4 + k] = values[k * N + n] ?? 0;
  }
}

/** Whether src/ops/conv1d.ts would take conv1dNarrow. @param {number} K @param {number} O @param {number} dilation */
function narrow(K, O, dilation) {
  return O <= 4 && K >= 16 * O && dilation === 1;
}

/**
 * The largest error of some elements of y, relative to the largest expected one.
 * @param {Float32Array} y @param {(index: number) => number} expected
 */
function relativeError(y, expected) {
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < y.length; i += Math.max(1, Math.floor(y.length / 2000))) {
    const value = expected(i);
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(/** @type {number} */ (y[i]) - value));
  }
  return worst / largest;
}

/** @type {string[]} */
const lines = [];

/** @param {string} text */
function print(text) {
  console.log(text);
  lines.push(text);
}

/** @param {number[]} columns @param {number} flop @param {number} seconds @param {number} error */
function row(columns, flop, seconds, error) {
  const speed = flop / seconds / 1e9;
  const top = ceiling();
  const shape = columns.map((value) => String(value).padStart(6)).join("");
  const share = `${Math.round((speed / top) * 100)}%`;
  print(`${shape}${speed.toFixed(1).padStart(10)}${share.padStart(9)}${error.toExponential(1).padStart(14)}`);
}

/** @param {number} M @param {number} N @param {number} K */
function gemm(M, N, K) {
  const [a, b, bias, packed, c] = lay(M * K, K * N, N, kernels.packedBytes(K, N) / 4, M * N);
  if (!a || !b || !bias || !packed || !c) return;
  pack(packed, b, bias, K, N);
  const seconds = time(() => kernels.gemm(a.byteOffset, K, packed.byteOffset, c.byteOffset, N, M, N, K, ...UNCLAMPED));
  const error = relativeError(c, (index) => {
    const m = Math.floor(index / N);
    const n = index % N;
    let sum = bias[n] ?? 0;
    for (let k = 0; k < K; k++) sum += (a[m * K + k] ?? 0) * (b[k * N + n] ?? 0);
    return sum;
  });
  row([M, N, K], 2 * M * N * K, seconds, error);
}

/** @param {number[]} shape */
function convolution(shape) {
  const [length = 0, I = 0, O = 0, taps = 0, stride = 1, dilation = 1] = shape;
  const outLength = Math.ceil(length / stride);
  const left = Math.max(0, (outLength - 1) * stride + (taps - 1) * dilation + 1 - length) >> 1;
  const K = taps * I;
  const dots = narrow(K, O, dilation);
  const size = dots ? O * kernels.narrowStride(K) : kernels.packedBytes(K, O) / 4;
  const counts = [length * I, K * O, O, size, outLength * O];
  const [x, w, bias, packed, y] = lay(...counts);
  if (!x || !w || !bias || !packed || !y) return;
  (dots ? packColumns : pack)(packed, w, bias, K, O);
  const arrays = [x.byteOffset, packed.byteOffset, y.byteOffset, 1, length, outLength];
  const run = dots
    ? () => kernels.conv1dNarrow(...arrays, I, O, taps, stride, left, ...UNCLAMPED)
    : () => kernels.conv1d(...arrays, 1, I, O, taps, stride, dilation, left, ...UNCLAMPED);
  const seconds = time(run);
  let inside = 0;
  for (let l = 0; l < outLength; l++)
    for (let k = 0; k < taps; k++) {
      const at = l * stride + k * dilation - left;
      if (at >= 0 && at < length) inside++;
    }
  const error = relativeError(y, (index) => {
    const l = Math.floor(index / O);
    const o = index % O;
    let sum = bias[o] ?? 0;
    for (let k = 0; k < taps; k++) {
      const at = l * stride + k * dilation - left;
      if (at < 0 || at >= length) continue;
      for (let i = 0; i < I; i++) sum += (x[at * I + i] ?? 0) * (w[(k * I + i) * O + o] ?? 0);
    }
    return sum;
  });
  row(shape, 2 * inside * I * O, seconds, error);
}

const where = `Node ${process.versions.node}   ${cpus()[0]?.model.trim()}   ${new Date().toISOString().slice(0, 10)}`;
const heading = (/** @type {string} */ name) =>
  `# ${name} f32   ${where}   ceiling ${ceiling().toFixed(1)} Gflop/s (bench/ceiling.js), measured anew for each line`;

print(heading("gemm"));
print("     M     N     K   Gflop/s  ceiling   max rel err");
for (const size of GEMMS) gemm(size, size, size);
for (const [M = 0, N = 0, K = 0] of DENSE) gemm(M, N, K);
print("");
print(heading("conv1d"));
print("     L   Cin  Cout  taps     s     d   Gflop/s  ceiling   max rel err");
for (const shape of CONVOLUTIONS) convolution(shape);

mkdirSync(new URL("results/", import.meta.url), { recursive: true });
writeFileSync(
  new URL(`results/${build.replace(".wasm", ".md")}`, import.meta.url),
  `Written by \`node bench/kernels.js\` from build/${build}: one thread, 128-bit SIMD, padding "same".\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`,
);
