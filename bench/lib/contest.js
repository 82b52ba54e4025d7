/**
 * contest: one network through channelwise, onnxruntime-web, tfjs-backend-wasm and, where it is installed, native onnxruntime: outputs
 * compared, then timed in turns
 *
 * A call takes a Float32Array and gives one, so copying in and out counts for all; weights are prepared before.
 */
import { ceilingLoop } from "../ceiling.js";
import { channelwiseContender } from "../peers/channelwise.js";
import { onnxModel } from "../peers/onnx.js";
import { nativeContender, nativeVersion, onnxruntimeContender } from "../peers/onnxruntime.js";
import { tensorflowContender } from "../peers/tensorflow.js";
import { tensorflowGraph } from "../peers/tensorflow-graph.js";
import { agree } from "./compare.js";
import { evaluate } from "./float64.js";
import { race } from "./race.js";
import { normal, uniform } from "./random.js";

/** Above this, outputs are said to differ. Sums of some thousand float32 products stay below 2e-6. */
export const tolerance = 1e-5;
/** Samples whose outputs are computed in float64; the others have to agree among the contenders. */
const evaluated = 2;

/** @typedef {import("../networks/network.js").Network} Network */
/** @typedef {{ name: string, seconds: number, ratio: number, error: number }} Place */

/**
 * @param {Network} network
 * @param {{
 *   module: WebAssembly.Module, batch?: number, seconds: number, rounds?: number, onnxLayout?: "NLC" | "NCL",
 *   expected?: (sample: Float32Array) => ArrayLike<number>
 * }} options `onnxLayout` is the order in which onnxruntime takes and gives series
 * @returns {Promise<Place[]>} channelwise, its peers in the order of `peers`, the ceiling's loop
 */
export async function contest(network, { module, batch = 1, seconds, rounds, onnxLayout = "NLC", expected }) {
  const { shape } = network.input;
  const [size, outSize] = [shape, network.output.shape].map((sizes) => sizes.reduce((all, count) => all * count, 1));
  const x = normal(uniform(7), batch * size);
  const channelsFirst = onnxLayout === "NCL" && shape.length === 2;
  const onnxShape = channelsFirst ? [...shape].reverse() : shape;
  const onnxInput = channelsFirst ? turn(x, batch, shape) : x;
  const onnx = onnxModel(network, { layout: onnxLayout });
  const contenders = [
    { name: "channelwise", input: x, ...channelwiseContender(network, module) },
    { name: "onnxruntime-web", input: onnxInput, ...(await onnxruntimeContender(onnx, onnxShape)) },
    { name: "tfjs-backend-wasm", input: x, ...(await tensorflowContender(tensorflowGraph(network), shape)) },
  ];
  if (nativeVersion)
    contenders.push({ name: "onnxruntime-node", input: onnxInput, ...(await nativeContender(onnx, onnxShape)) });
  const runs = contenders.map(
    ({ input, run }) =>
      () =>
        run(input),
  );
  try {
    const errors = await compare();
    const results = await race([...runs, ceilingLoop.run], { seconds, ...(rounds ? { rounds } : {}) });
    const names = [...contenders.map(({ name }) => name), "ceiling"];
    return results.map((result, place) => ({ name: names[place], error: errors[place] ?? 0, ...result }));
  } finally {
    for (const { dispose } of contenders) await dispose();
  }

  async function compare() {
    /** @type {Float32Array[]} */
    const outputs = [];
    for (const run of runs) outputs.push(Float32Array.from(await run()));
    if (network.output.shape.length === 2)
      contenders.forEach(({ input }, place) => {
        if (input === onnxInput && channelsFirst)
          outputs[place] = turn(outputs[place], batch, [...network.output.shape].reverse());
      });
    const errors = contenders.map(() => 0);
    for (let sample = 0; sample < batch; sample++) {
      const own = (/** @type {Float32Array} */ y) => y.subarray(sample * outSize, (sample + 1) * outSize);
      const input = x.subarray(sample * size, (sample + 1) * size);
      const truth = sample < evaluated ? (expected ?? ((values) => evaluate(network, values)))(input) : own(outputs[0]);
      contenders.forEach(({ name }, place) => {
        if (outputs[place].length !== batch * outSize)
          throw new Error(`${network.name}: ${name} gave ${outputs[place].length} numbers`);
        const what = `${network.name}, sample ${sample} of ${batch}: ${name}`;
        const error = agree(what, own(outputs[place]), truth, tolerance);
        if (sample < evaluated) errors[place] = Math.max(errors[place], error);
      });
    }
    return errors;
  }
}

/** [N][A][B] to [N][B][A]. @param {Float32Array} x @param {number} batch @param {number[]} shape A and B */
export function turn(x, batch, [A, B]) {
  const y = new Float32Array(x.length);
  for (let n = 0; n < batch; n++)
    for (let a = 0; a < A; a++) for (let b = 0; b < B; b++) y[(n * B + b) * A + a] = x[(n * A + a) * B + b];
  return y;
}

/** Peers as headings name them, in their order. */
export const peers = ["ort-web", "tfjs", ...(nativeVersion ? ["native"] : [])];

/** The columns that every contest's table ends with. */
export const contestColumns = [
  { title: "ms", width: 11 },
  { title: "Gflop/s", width: 10 },
  { title: "ceiling", width: 9 },
  ...peers.map((title) => ({ title, width: 10 })),
  { title: "max rel err", width: 14 },
  ...peers.map((title) => ({ title, width: 10 })),
];
