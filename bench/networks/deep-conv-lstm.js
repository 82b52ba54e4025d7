/**
 * deep-conv-lstm: activities from 24 steps of 113 motion sensors: four convolutions, then two LSTM
 *
 * Source  github.com/STRCWearlab/DeepConvLSTM_py3: DeepConvLSTM_py3.py
 */
import { Network } from "./network.js";

export function deepConvLstm() {
  const net = new Network("DeepConvLSTM 24x113", [24, 113], 10);
  let x = net.input;
  for (let layer = 0; layer < 4; layer++) x = net.relu(net.conv1d(x, { filters: 64, taps: 5 }));
  x = net.lstm(x, 128, { sequences: true });
  net.softmax(net.dense(net.lstm(x, 128), 18, { gain: 0.5 }));
  return net;
}
