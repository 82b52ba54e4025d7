/**
 * tcn: a temporal convolutional network out of plain layers, 256 steps of 8 channels; its answer is the last step's
 *
 * Source  github.com/philipperemy/keras-tcn: tcn/tcn.py
 */
import { Network } from "./network.js";

const filters = 64;

export function tcn() {
  const net = new Network("TCN 256x8", [256, 8], 9);
  let x = net.input;
  const skips = [];
  for (const dilation of [1, 2, 4, 8, 16, 32]) {
    const causal = /** @type {const} */ ({ filters, taps: 3, dilation, padding: "causal" });
    const inner = net.relu(net.conv1d(x, causal));
    const outer = net.relu(net.conv1d(inner, causal));
    skips.push(outer);
    // Nothing reads what the last block hands on, so Keras leaves it out of the model.
    if (dilation === 32) break;
    const matched = x.shape[1] === filters ? x : net.conv1d(x, { filters, taps: 1 });
    x = net.relu(net.add(matched, outer));
  }
  const last = net.crop(net.relu(net.add(...skips)), 255);
  net.dense(net.flatten(last), 10, { gain: 0.5 });
  return net;
}
