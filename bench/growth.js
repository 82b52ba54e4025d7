/**
 * growth: time and memory against length, channels and batch, of two convolutions with what stands between them
 *
 *   Conv1D 9 taps, BatchNormalization, ReLU, MaxPooling1D 2, Conv1D 9 taps, GlobalAveragePooling1D
 *
 * Work is linear in length and in batch, and quadratic in channels. Where a line is straight, time per flop stays what it was
 * when the size doubles; it may fall from the smallest sizes on, whose fixed costs weigh more.
 */
import { agree } from "./lib/compare.js";
import { evaluate } from "./lib/float64.js";
import { median, race } from "./lib/race.js";
import { normal, uniform } from "./lib/random.js";
import { milliseconds, Report } from "./lib/report.js";
import { facts } from "./lib/suite.js";
import { Network } from "./networks/network.js";
import { channelwiseModel } from "./peers/channelwise.js";

/** How much more a unit of work may take than the cheapest smaller size, for a line to pass as straight. */
const allowed = 1.35;
/** Rows whose float64 result is quickly had are checked. */
const checkedFlop = 5e8;

/** @param {import("./lib/suite.js").Context} context */
export async function growth(context) {
  const about =
    "`ns/kflop` is time per thousand flop in the best sample: it stays level where time grows as the work does. " +
    "`bytes/number`: WebAssembly memory of the model, per weight and per element of its first convolution's output.";
  const report = new Report(context, "growth", about, facts(context));
  const powers = (/** @type {number} */ from, /** @type {number} */ to, step = 1) =>
    Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => 2 ** (from + index * step));
  await line(context, report, "length", context.quick ? powers(8, 18, 2) : powers(8, 20), (length) => ({ length }));
  await line(context, report, "channels", powers(2, context.quick ? 7 : 9), (channels) => ({ channels }));
  await line(context, report, "batch", powers(0, context.quick ? 6 : 10), (batch) => ({ batch }));
  report.write();
}

/**
 * @param {import("./lib/suite.js").Context} context @param {Report} report @param {string} name @param {number[]} sizes
 * @param {(size: number) => { length?: number, channels?: number, batch?: number }} shapeOf
 */
async function line(context, report, name, sizes, shapeOf) {
  report.line("");
  report.table([
    { title: name, width: 8 },
    { title: "ms", width: 12 },
    { title: "ns/kflop", width: 10 },
    { title: "MiB", width: 9 },
    { title: "bytes/number", width: 14 },
  ]);
  const rows = [];
  for (const size of sizes) {
    const { length = 512, channels = 32, batch = 1 } = shapeOf(size);
    const row = await measure(context, length, channels, batch);
    rows.push(row);
    const { seconds, perFlop, bytes, numbers } = row;
    const cells = [milliseconds(seconds), (perFlop * 1e12).toFixed(1), (bytes / 2 ** 20).toFixed(1)];
    report.row([size, ...cells, (bytes / numbers).toFixed(1)]);
  }
  report.line(`time per work: ${verdict(rows.map(({ perFlop }) => perFlop))}`);
  // Whole pages and the kernels' own data weigh most where sizes are small.
  const large = rows.slice(rows.length >> 1);
  report.line(`memory per number, larger half: ${verdict(large.map(({ bytes, numbers }) => bytes / numbers))}`);
}

/** @param {import("./lib/suite.js").Context} context @param {number} length @param {number} channels @param {number} batch */
async function measure({ module, quick }, length, channels, batch) {
  const net = new Network(`growth ${length}x${channels}`, [length, channels], 4);
  const convolution = /** @type {const} */ ({ filters: channels, taps: 9, padding: "same" });
  const first = net.relu(net.batchNorm(net.conv1d(net.input, convolution)));
  net.globalAverage(net.conv1d(net.maxPool(first, 2), convolution));
  const model = channelwiseModel(net, module);
  const x = normal(uniform(5), batch * length * channels);
  const run = () => /** @type {any} */ (model.predict(x)).data;
  const y = run();
  if (net.flop < checkedFlop)
    agree(net.name, y.subarray(0, channels), evaluate(net, x.subarray(0, length * channels)), 1e-5);
  const [{ best: seconds }] = await race([run], { seconds: quick ? 0.1 : 1, rounds: 3 });
  const bytes = model.memoryBytes;
  model.dispose();
  const numbers = batch * length * channels + net.parameters;
  return { seconds, perFlop: seconds / (net.flop * batch), bytes, numbers };
}

/** @param {number[]} costs per unit of work, from the smallest size to the largest */
function verdict(costs) {
  let least = Infinity;
  let worst = 0;
  for (const cost of costs) {
    worst = Math.max(worst, cost / least);
    least = Math.min(least, cost);
  }
  const text = `at most ${worst.toFixed(2)} times that of a smaller size, median ${median(costs).toExponential(1)}`;
  return `${worst <= allowed ? "straight" : "NOT STRAIGHT"}: ${text}`;
}
