/**
 * motion-cnn: human activity from nine sensors, 128 steps
 *
 * Source  machinelearningmastery.com, "1D Convolutional Neural Network Models for Human Activity Recognition"
 */
import { Network } from "./network.js";

export function motionCnn() {
  const net = new Network("motion CNN 128x9", [128, 9], 6);
  const a = net.relu(net.conv1d(net.input, { filters: 64, taps: 3 }));
  const b = net.relu(net.conv1d(a, { filters: 64, taps: 3 }));
  const flat = net.flatten(net.maxPool(b, 2));
  net.softmax(net.dense(net.relu(net.dense(flat, 100)), 6, { gain: 0.5 }));
  return net;
}
