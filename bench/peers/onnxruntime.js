/**
 * onnxruntime: onnxruntime-web's WebAssembly backend on one thread, numbers in and numbers out
 */
import * as ort from "onnxruntime-web";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

export const version = ort.env.versions.web;

/**
 * @param {Uint8Array} bytes an ONNX model of one input and one output
 * @param {readonly number[]} shape of the input, without the batch
 * @returns {Promise<{ run(x: Float32Array): Promise<Float32Array>, dispose(): Promise<void> }>}
 */
export async function onnxruntimeContender(bytes, shape) {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const [input = ""] = session.inputNames;
  const [output = ""] = session.outputNames;
  const size = shape.reduce((all, count) => all * count, 1);
  return {
    async run(x) {
      const results = await session.run({ [input]: new ort.Tensor("float32", x, [x.length / size, ...shape]) });
      return /** @type {Float32Array} */ (results[output]?.data);
    },
    dispose: () => session.release(),
  };
}
