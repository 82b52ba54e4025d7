/**
 * model: whole networks, one series at a time and 64 at once. All contenders take channels-last series and run the same layers.
 */
import * as all from "./networks/index.js";
import { contestReport } from "./lib/suite.js";

/** What is measured whole, and layer by layer (profile.js). */
export const networks = [
  all.motionCnn,
  all.ecgResidual,
  all.gpd,
  all.inceptionTime,
  all.keywordCnn,
  all.tcn,
  all.lstm,
  all.gru,
  all.deepConvLstm,
  all.transformer,
];

/** @param {import("./lib/suite.js").Context} context */
export async function model(context) {
  const about =
    "Whole networks with seeded weights, channels-last series in. The float64 computation is made for two samples; the rest of a batch has to agree among the contenders.";
  const { add, done } = contestReport(context, "model", about, [
    { title: "network", width: 22, left: true },
    { title: "Mflop", width: 7 },
    { title: "batch", width: 7 },
  ]);
  for (const make of networks) {
    const net = make();
    for (const batch of [1, 64]) await add([net.name, (net.flop / 1e6).toFixed(1), batch], net, { batch });
  }
  done();
}
