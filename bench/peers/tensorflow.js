/**
 * tensorflow: TensorFlow.js' WebAssembly backend on one thread, numbers in and numbers out
 *
 * Tensors are disposed of one by one: tidy() walks what it returns, number by number, which would cost more than the call.
 */
import { dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { setThreadsCount, setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";

export const version = version_wasm;

const started = start();

async function start() {
  setWasmPaths(dirname(fileURLToPath(import.meta.resolve("@tensorflow/tfjs-backend-wasm"))) + sep);
  setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("the WebAssembly backend of TensorFlow.js did not start");
  await tf.ready();
}

/**
 * @param {import("./tensorflow-graph.js").GraphModel} graph
 * @param {readonly number[]} shape of the input, without the batch
 * @returns {Promise<{ run(x: Float32Array): Float32Array, dispose(): void }>}
 */
export async function tensorflowContender(graph, shape) {
  await started;
  const model = await loadGraphModel(tf.io.fromMemory(graph));
  const size = shape.reduce((all, count) => all * count, 1);
  return {
    run: (x) => {
      const input = tf.tensor(x, [x.length / size, ...shape]);
      return taken(input, /** @type {tf.Tensor} */ (model.execute(input, "y")));
    },
    dispose: () => model.dispose(),
  };
}

/** @param {Float32Array} x @param {number[]} shape @param {number[]} order @returns {Promise<() => Float32Array>} */
export async function tensorflowTranspose(x, shape, order) {
  await started;
  return () => {
    const input = tf.tensor(x, shape);
    return taken(input, tf.transpose(input, order));
  };
}

/** The numbers of `output`; both tensors are given back. @param {tf.Tensor} input @param {tf.Tensor} output */
function taken(input, output) {
  const numbers = /** @type {Float32Array} */ (output.dataSync());
  tf.dispose([input, output]);
  return numbers;
}
