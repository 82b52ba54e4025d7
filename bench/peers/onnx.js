/**
 * onnx: a network as ONNX, the way PyTorch exports it: channels first, weights OIK and OI, batch norm as a node of its own
 * (onnxruntime folds it into the convolution). A series comes in as Keras has it and is turned once, or channels first if asked.
 * Where Keras flattens, the series is turned back first, so that features keep their order.
 */
import { writeOnnx } from "./onnx-writer.js";

/** @typedef {import("../networks/network.js").Network} Network */
/** @typedef {import("../networks/network.js").Layer} Layer */
/** @typedef {import("./onnx-writer.js").Initializer} Initializer */

/**
 * @param {Network} network
 * @param {{ layout?: "NLC" | "NCL" }} [options] of the input; what comes out, if it is a series, is NCL
 * @returns {Uint8Array}
 */
export function onnxModel(network, { layout = "NLC" } = {}) {
  /** @type {import("./onnx-writer.js").Node[]} */
  const nodes = [];
  /** @type {Initializer[]} */
  const initializers = [];
  /** @type {Map<Layer, string>} */
  const names = new Map();

  /** @param {string} op @param {string[]} inputs @param {string} output @param {Record<string, number | number[]>} [attributes] */
  const emit = (op, inputs, output, attributes = {}) => {
    nodes.push({ op, inputs, output, attributes });
    return output;
  };
  /** @param {string} name @param {number[]} shape @param {Initializer["data"]} data */
  const constant = (name, shape, data) => {
    initializers.push({ name, shape, data });
    return name;
  };

  /** @param {Layer} layer @param {string[]} inputs @returns {string} */
  const build = (layer, inputs) => {
    const { name, kind, weights, shape, taps = 1, stride = 1, dilation = 1, left = 0, right = 0, filters = 0 } = layer;
    const sizes = layer.inputs[0]?.shape ?? [];
    const all = { ...weights };
    switch (kind) {
      case "conv1d": {
        const inChannels = sizes[1] ?? 0;
        const operands = [
          constant(`${name}.weight`, [filters, inChannels, taps], toOIK(all.kernel, taps, inChannels, filters)),
        ];
        if (all.bias) operands.push(constant(`${name}.bias`, [filters], all.bias));
        const window = {
          kernel_shape: [taps],
          strides: [stride],
          dilations: [dilation],
          pads: [left, right],
          group: 1,
        };
        return emit("Conv", [...inputs, ...operands], name, window);
      }
      case "dense": {
        const features = sizes[0] ?? 0;
        const operands = [constant(`${name}.weight`, [filters, features], toOIK(all.kernel, 1, features, filters))];
        if (all.bias) operands.push(constant(`${name}.bias`, [filters], all.bias));
        return emit("Gemm", [...inputs, ...operands], name, { transB: 1 });
      }
      case "batchNorm": {
        const roles = ["gamma", "beta", "mean", "variance"];
        const operands = roles.map((role) => constant(`${name}.${role}`, [all[role].length], all[role]));
        return emit("BatchNormalization", [...inputs, ...operands], name, { epsilon: layer.epsilon ?? 0 });
      }
      case "maxPool":
        return emit("MaxPool", inputs, name, { kernel_shape: [taps], strides: [stride], pads: [left, right] });
      case "globalAverage":
        return emit("Flatten", [emit("GlobalAveragePool", inputs, `${name}.mean`)], name, { axis: 1 });
      case "relu":
        return emit("Relu", inputs, name);
      case "sigmoid":
        return emit("Sigmoid", inputs, name);
      case "softmax":
        return emit("Softmax", inputs, name, { axis: -1 });
      case "add":
        return emit(inputs.length === 2 ? "Add" : "Sum", inputs, name);
      case "concatenate":
        return emit("Concat", inputs, name, { axis: 1 });
      case "flatten":
        return emit("Flatten", [emit("Transpose", inputs, `${name}.turned`, { perm: [0, 2, 1] })], name, { axis: 1 });
      case "crop": {
        const bounds = [left, left + (shape[0] ?? 0), 2].map((value, index) =>
          constant(`${name}.${index}`, [1], BigInt64Array.of(BigInt(value))),
        );
        return emit("Slice", [...inputs, ...bounds], name);
      }
      default:
        throw new Error(`onnx: no rule for ${kind}`);
    }
  };

  const series = network.input.shape.length === 2;
  const first = series && layout === "NCL";
  names.set(network.input, series && !first ? emit("Transpose", ["x"], "x.turned", { perm: [0, 2, 1] }) : "x");
  for (const layer of network.layers) {
    if (layer.kind === "input") continue;
    names.set(
      layer,
      build(
        layer,
        layer.inputs.map((before) => /** @type {string} */ (names.get(before))),
      ),
    );
  }
  const turned = (/** @type {number[]} */ shape) => [...shape].reverse();
  const { input, output } = network;
  return writeOnnx({
    nodes,
    initializers,
    inputs: [{ name: "x", shape: ["N", ...(first ? turned(input.shape) : input.shape)] }],
    outputs: [{ name: /** @type {string} */ (names.get(output)), shape: ["N", ...turned(output.shape)] }],
  });
}

/** One Transpose. @param {number[]} shape @param {number[]} perm @returns {Uint8Array} */
export function onnxTranspose(shape, perm) {
  return writeOnnx({
    nodes: [{ op: "Transpose", inputs: ["x"], output: "y", attributes: { perm } }],
    initializers: [],
    inputs: [{ name: "x", shape }],
    outputs: [{ name: "y", shape: perm.map((axis) => shape[axis] ?? 0) }],
  });
}

/** KIO to OIK. @param {Float32Array} kernel @param {number} K @param {number} I @param {number} O */
function toOIK(kernel, K, I, O) {
  const result = new Float32Array(kernel.length);
  for (let k = 0; k < K; k++)
    for (let i = 0; i < I; i++) for (let o = 0; o < O; o++) result[(o * I + i) * K + k] = kernel[(k * I + i) * O + o];
  return result;
}
