/**
 * ecg-residual: diagnosis from a 12-lead electrocardiogram of 4096 steps
 *
 * Source  github.com/antonior92/automatic-ecg-diagnosis: model.py
 */
import { Network } from "./network.js";

const taps = 16;

export function ecgResidual() {
  const net = new Network("12-lead ECG 4096x12", [4096, 12], 2);
  const same = /** @type {const} */ ({ taps, padding: "same", bias: false });
  let x = net.relu(net.batchNorm(net.conv1d(net.input, { ...same, filters: 64 })));
  let skip = x;
  for (const filters of [128, 196, 256, 320]) {
    const inner = net.relu(net.batchNorm(net.conv1d(x, { ...same, filters })));
    const strided = net.conv1d(inner, { ...same, filters, stride: 4 });
    const pooled = net.maxPool(skip, 4, { padding: "same" });
    skip = net.add(strided, net.conv1d(pooled, { ...same, filters, taps: 1 }));
    x = net.relu(net.batchNorm(skip));
  }
  net.sigmoid(net.dense(net.flatten(x), 6, { gain: 0.2 }));
  return net;
}
