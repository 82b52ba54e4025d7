/**
 * inception-time: time series classification with three kernel sizes side by side
 *
 * Source  github.com/hfawaz/InceptionTime: classifiers/inception.py
 */
import { Network } from "./network.js";

const filters = 32;

export function inceptionTime() {
  const net = new Network("InceptionTime 128x9", [128, 9], 5);
  const same = /** @type {const} */ ({ filters, padding: "same", bias: false });
  let x = net.input;
  let residual = x;
  for (let depth = 0; depth < 6; depth++) {
    const narrow = net.conv1d(x, { ...same, taps: 1 });
    const pooled = net.maxPool(x, 3, { stride: 1, padding: "same" });
    const branches = [40, 20, 10].map((taps) => net.conv1d(narrow, { ...same, taps }));
    const joined = net.concatenate(...branches, net.conv1d(pooled, { ...same, taps: 1 }));
    x = net.relu(net.batchNorm(joined));
    if (depth % 3 !== 2) continue;
    const shortcut = net.batchNorm(net.conv1d(residual, { ...same, filters: 4 * filters, taps: 1 }));
    residual = x = net.relu(net.add(shortcut, x));
  }
  net.softmax(net.dense(net.globalAverage(x), 6, { gain: 0.5 }));
  return net;
}
