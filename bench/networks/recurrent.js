/**
 * recurrent: activities from 128 steps of 9 motion signals by one recurrent layer of 128 units
 *
 * Source  machinelearningmastery.com/how-to-develop-rnn-models-for-human-activity-recognition-time-series-classification
 */
import { Network } from "./network.js";

export function lstm() {
  const net = new Network("LSTM 128, 128x9", [128, 9], 11);
  net.softmax(net.dense(net.lstm(net.input, 128), 6, { gain: 0.5 }));
  return net;
}

export function gru() {
  const net = new Network("GRU 128, 128x9", [128, 9], 12);
  net.softmax(net.dense(net.gru(net.input, 128), 6, { gain: 0.5 }));
  return net;
}
