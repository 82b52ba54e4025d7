/**
 * transformer: two encoder blocks over 128 steps of 64 channels, four heads, normalized behind each sum
 *
 * Source  Vaswani et al., 2017, with ReLU in the dense layers between, four times as wide
 */
import { Network } from "./network.js";

export function transformer() {
  const net = new Network("transformer 128x64", [128, 64], 13);
  let x = net.input;
  for (let block = 0; block < 2; block++) {
    x = net.layerNorm(net.add(x, net.attention(x, 4)));
    x = net.layerNorm(net.add(x, net.dense(net.relu(net.dense(x, 256)), 64, { gain: 1 })));
  }
  net.softmax(net.dense(net.globalAverage(x), 6, { gain: 0.5 }));
  return net;
}
