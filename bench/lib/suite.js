/**
 * suite: what every suite is given, and the rows that most of them print
 */
import { ceilingLoop } from "../ceiling.js";
import { contest, contestColumns, tolerance } from "./contest.js";
import { milliseconds, percent, Report, scientific, times } from "./report.js";

/**
 * @typedef {object} Context
 * @property {WebAssembly.Module} module   the kernels
 * @property {string} kernels              which build of them, in words
 * @property {import("./engine.js").Choice} choice  how it was chosen
 * @property {number} ceiling              Gflop/s when the run began; a row's share is of the ceiling in turns with it
 * @property {boolean} quick               few samples, nothing written: for trying the suites out
 * @property {string} peers                versions of the others
 */

/** Seconds per row, for all contenders together. @param {Context} context */
export const secondsPerRow = ({ quick }) => (quick ? 0.3 : 3);

/** @param {Context} context */
export const facts = ({ kernels, ceiling }) => [kernels, `ceiling ${ceiling.toFixed(1)} Gflop/s (bench/ceiling.js)`];

export const contestNotes =
  "One thread each, in one process, in turns with each other and with the ceiling's loop; medians. `ort-web`, `tfjs` and `native`: how many times longer " +
  "onnxruntime-web, tfjs-backend-wasm and native onnxruntime take. Errors are the largest difference from a float64 computation relative to the largest output, " +
  `for channelwise and for each of them; above ${tolerance.toExponential()} the suite fails.`;

/**
 * A report of networks in contest.
 * @param {Context} context @param {string} suite @param {string} about
 * @param {{ title: string, width?: number, left?: boolean }[]} columns
 */
export function contestReport(context, suite, about, columns) {
  const report = new Report(context, suite, `${about} ${contestNotes}`, [...facts(context), context.peers]);
  report.table([...columns, ...contestColumns]);
  return {
    report,
    /**
     * @param {(string | number)[]} cells
     * @param {import("../networks/network.js").Network} network
     * @param {Partial<Parameters<typeof contest>[1]>} [options]
     */
    async add(cells, network, options = {}) {
      const { batch = 1 } = options;
      const places = await contest(network, {
        module: context.module,
        seconds: secondsPerRow(context),
        ...(context.quick ? { rounds: 3 } : {}),
        ...options,
      });
      const [own, ...others] = places.slice(0, -1);
      const top = /** @type {import("./contest.js").Place} */ (places.at(-1));
      const speed = (network.flop * batch) / own.seconds / 1e9;
      report.row([
        ...cells,
        milliseconds(own.seconds),
        speed.toFixed(1),
        percent((network.flop * batch * top.ratio) / ceilingLoop.flop),
        ...others.map(({ ratio }) => times(ratio)),
        ...[own, ...others].map(({ error }) => scientific(error)),
      ]);
    },
    done: () => report.write(),
  };
}
