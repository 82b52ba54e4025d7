/**
 * arena: how much memory the plan of each network's values takes, beside what is alive at once at the least
 */
import { Report } from "./lib/report.js";
import * as networks from "./networks/index.js";
import { channelwiseModel } from "./peers/channelwise.js";

const mebi = (/** @type {number} */ bytes) => (bytes / 2 ** 20).toFixed(2);

/** @param {import("./lib/suite.js").Context} context */
export async function arena(context) {
  const about = "MiB. `alive` is the largest sum of buffers that one step needs; no plan can do with less.";
  const report = new Report(context, "arena", about, []);
  report.table([
    { title: "network", width: 22, left: true },
    { title: "batch", width: 7 },
    { title: "alive", width: 10 },
    { title: "arena", width: 10 },
    { title: "ratio", width: 8 },
  ]);
  for (const make of Object.values(networks)) {
    const net = make();
    const model = channelwiseModel(net, context.module);
    for (const batch of [1, 64]) {
      const { bytes, liveBytes } = model.program([[batch, ...net.input.shape]]).arena;
      report.row([net.name, batch, mebi(liveBytes), mebi(bytes), (bytes / liveBytes).toFixed(2)]);
    }
    model.dispose();
  }
  report.write();
}
