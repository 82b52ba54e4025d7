/**
 * dense: dense layers at batch 1, where reading the weights is all the work
 */
import { Network } from "./networks/network.js";
import { contestReport } from "./lib/suite.js";

/** Inputs and outputs; all but the first stand at the end of a network in use (GPD, ECG, HAR). */
const shapes = /** @type {const} */ ([
  [1024, 1024],
  [6400, 200],
  [5120, 6],
  [3968, 100],
]);

/** @param {import("./lib/suite.js").Context} context */
export async function dense(context) {
  const { add, done } = contestReport(context, "dense", "Dense layers with bias, batch 1.", [
    { title: "in", width: 6 },
    { title: "out", width: 6 },
  ]);
  for (const [inputs, outputs] of shapes) {
    const net = new Network(`dense ${inputs}x${outputs}`, [inputs], inputs);
    net.dense(net.input, outputs);
    await add([inputs, outputs], net);
  }
  done();
}
