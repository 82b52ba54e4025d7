/**
 * onnxruntime: its WebAssembly build, and its native one where it is installed (`npm ci --prefix bench/native`, 200 MB), each on one
 * thread, numbers in and numbers out
 */
import { createRequire } from "node:module";
import * as web from "onnxruntime-web";

web.env.wasm.numThreads = 1;
web.env.logLevel = "error";

export const version = web.env.versions.web;

/** The native build; null where it is not installed. */
function loadNative() {
  try {
    return createRequire(new URL("../native/package.json", import.meta.url))("onnxruntime-node");
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}

const native = loadNative();
/** Of the native build. @type {string | null} */
export const nativeVersion = native?.env.versions.node ?? null;

/** @typedef {{ run(x: Float32Array): Promise<Float32Array>, dispose(): Promise<void> }} Contender */

/** @param {Uint8Array} bytes an ONNX model of one input and one output @param {readonly number[]} shape of the input, without the batch */
export function onnxruntimeContender(bytes, shape) {
  return contender(web, bytes, shape, { executionProviders: ["wasm"] });
}

/** The same natively. @param {Uint8Array} bytes @param {readonly number[]} shape */
export function nativeContender(bytes, shape) {
  const options = { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };
  return contender(native, bytes, shape, options);
}

/**
 * @param {typeof web} ort @param {Uint8Array} bytes @param {readonly number[]} shape @param {import("onnxruntime-web").InferenceSession.SessionOptions} options
 * @returns {Promise<Contender>}
 */
async function contender(ort, bytes, shape, options) {
  const session = await ort.InferenceSession.create(bytes, { ...options, graphOptimizationLevel: "all" });
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
