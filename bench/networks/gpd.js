/**
 * gpd: generalized phase detection, a seismic phase picker
 *
 * Source  github.com/seisbench/seisbench: seisbench/models/gpd.py
 */
import { Network } from "./network.js";

export function gpd() {
  const net = new Network("GPD 400x3", [400, 3], 1);
  let x = net.input;
  for (const [filters, taps] of /** @type {const} */ ([
    [32, 21],
    [64, 15],
    [128, 11],
    [256, 9],
  ])) {
    x = net.maxPool(net.relu(net.batchNorm(net.conv1d(x, { filters, taps, padding: "same" }))), 2);
  }
  x = net.flatten(x);
  for (let i = 0; i < 2; i++) x = net.relu(net.batchNorm(net.dense(x, 200)));
  net.softmax(net.dense(x, 3, { gain: 0.5 }));
  return net;
}
