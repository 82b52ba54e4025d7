/**
 * conv1d: single convolutions of networks in use, with bias, padding "same", batch 1
 *
 * Each contender gets the series in its own order: onnxruntime-web channels first, the others channels last. Flop on padding
 * are not counted.
 */
import { Network } from "./networks/network.js";
import { contestReport } from "./lib/suite.js";

/** L, Cin, Cout, taps, stride, dilation. GPD, ECG, CREPE, InceptionTime, HAR, BPNet, WaveNet, Pangolin, PhaseNet, TC-ResNet. */
const shapes = [
  [400, 3, 32, 21, 1, 1],
  [50, 128, 256, 9, 1, 1],
  [4096, 12, 64, 16, 1, 1],
  [4096, 64, 128, 16, 1, 1],
  [4096, 128, 128, 16, 4, 1],
  [1024, 196, 196, 16, 4, 1],
  [1024, 1, 128, 512, 4, 1],
  [152, 32, 32, 40, 1, 1],
  [128, 9, 64, 3, 1, 1],
  [2114, 4, 64, 21, 1, 1],
  [1970, 64, 64, 3, 1, 64],
  [15000, 32, 32, 11, 1, 1],
  [15000, 32, 32, 41, 1, 25],
  [6000, 3, 8, 11, 1, 1],
  [98, 40, 16, 3, 1, 1],
];

/** @param {import("./lib/suite.js").Context} context */
export async function conv1d(context) {
  const about =
    "Convolutions with bias, padding same, batch 1; onnxruntime-web channels first, the others channels last. Flop on padding are not counted.";
  const { add, done } = contestReport(context, "conv1d", about, [
    { title: "L", width: 6 },
    { title: "Cin", width: 6 },
    { title: "Cout", width: 6 },
    { title: "taps", width: 6 },
    { title: "s", width: 4 },
    { title: "d", width: 4 },
  ]);
  for (const shape of shapes) {
    const [length, channels, filters, taps, stride, dilation] = shape;
    const net = new Network(`conv1d ${shape}`, [length, channels], length + taps);
    net.conv1d(net.input, { filters, taps, stride, dilation, padding: "same" });
    await add(shape, net, { onnxLayout: "NCL" });
  }
  done();
}
