/**
 * keyword-cnn: keyword spotting on 98 steps of 40 cepstral coefficients, after TC-ResNet8
 *
 * Source  github.com/hyperconnect/TC-ResNet: audio_nets/tc_resnet.py
 */
import { Network } from "./network.js";

export function keywordCnn() {
  const net = new Network("keyword CNN 98x40", [98, 40], 8);
  const same = /** @type {const} */ ({ padding: "same", bias: false });
  let x = net.conv1d(net.input, { ...same, filters: 16, taps: 3 });
  for (const filters of [24, 32, 48]) {
    const shortcut = net.relu(net.batchNorm(net.conv1d(x, { ...same, filters, taps: 1, stride: 2 })));
    const inner = net.relu(net.batchNorm(net.conv1d(x, { ...same, filters, taps: 9, stride: 2 })));
    const outer = net.batchNorm(net.conv1d(inner, { ...same, filters, taps: 9 }));
    x = net.relu(net.add(outer, shortcut));
  }
  net.softmax(net.dense(net.globalAverage(x), 12, { gain: 0.5 }));
  return net;
}
