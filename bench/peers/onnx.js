/**
 * onnx: a network as ONNX, the way PyTorch exports it: weights OIK and OI, batch norm as a node of its own (onnxruntime folds it
 * into the convolution). A series comes in as Keras has it, or channels first if asked, and is turned where a layer takes
 * another order: convolutions and pools NCL, attention, dense layers and normalization over channels NLC, recurrent ones LNC.
 * Where Keras flattens, the series is NLC, so that features keep their order.
 */
import { attentionParts } from "../networks/network.js";
import { writeOnnx } from "./onnx-writer.js";

/** @typedef {import("../networks/network.js").Network} Network */
/** @typedef {import("../networks/network.js").Layer} Layer */
/** @typedef {import("./onnx-writer.js").Initializer} Initializer */

/** The order in which an operator takes a series; the others take any. @type {Partial<Record<Layer["kind"], string>>} */
const orders = {
  conv1d: "NCL",
  batchNorm: "NCL",
  maxPool: "NCL",
  concatenate: "NCL",
  crop: "NCL",
  dense: "NLC",
  attention: "NLC",
  layerNorm: "NLC",
  flatten: "NLC",
  lstm: "LNC",
  gru: "LNC",
};

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
  /** What a layer gives: its name in each order that was asked for, the first being its own. @type {Map<Layer, Map<string, string>>} */
  const values = new Map();

  /**
   * @param {string} op @param {string[]} inputs @param {string} output @param {Record<string, number | number[]>} [attributes]
   * @param {number} [place] which of the operator's outputs is read
   */
  const emit = (op, inputs, output, attributes = {}, place = 0) => {
    nodes.push({ op, inputs, output, attributes, place });
    return output;
  };
  /** @param {Layer} layer */
  const orderOf = (layer) => [...(values.get(layer)?.keys() ?? [])][0] ?? "";
  /** A layer's output in an order. A vector has one. @param {Layer} layer @param {string} order */
  const value = (layer, order) => {
    const known = /** @type {Map<string, string>} */ (values.get(layer));
    const [[own, name]] = known;
    if (own === "NC") return name;
    const turned = known.get(order) ?? emit("Transpose", [name], `${name}.${order}`, { perm: turn(own, order) });
    known.set(order, turned);
    return turned;
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
        const features = sizes.at(-1) ?? 0;
        if (sizes.length === 2) return linear(inputs[0] ?? "", name, all.kernel, all.bias, features);
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
      case "lstm":
      case "gru":
        return recur(layer, inputs[0] ?? "");
      case "attention":
        return attend(layer, inputs[0] ?? "");
      case "layerNorm": {
        const operands = ["gamma", "beta"].map((role) => constant(`${name}.${role}`, [all[role].length], all[role]));
        return emit("LayerNormalization", [...inputs, ...operands], name, { axis: -1, epsilon: layer.epsilon ?? 0 });
      }
      case "globalAverage":
        if (orderOf(layer.inputs[0]) === "NLC") return emit("ReduceMean", inputs, name, { axes: [1], keepdims: 0 });
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
        return emit("Flatten", inputs, name, { axis: 1 });
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

  /** @param {string} x @param {string} name @param {Float32Array} kernel IO @param {Float32Array | undefined} bias @param {number} I */
  const linear = (x, name, kernel, bias, I) => {
    const product = emit("MatMul", [x, constant(`${name}.weight`, [I, kernel.length / I], kernel)], `${name}.product`);
    return bias ? emit("Add", [product, constant(`${name}.bias`, [bias.length], bias)], name) : product;
  };

  /** @param {Layer} layer @param {string} x */
  const recur = ({ name, kind, inputs, shape, sequences, weights }, x) => {
    const [units, channels] = [shape.at(-1) ?? 0, inputs[0]?.shape[1] ?? 0];
    // Keras' i, f, g, o are ONNX' i, o, f, g; a GRU's gates stand in one order.
    const gates = kind === "lstm" ? [0, 3, 1, 2] : [0, 1, 2];
    const columns = gates.length * units;
    const rows = (/** @type {Float32Array} */ matrix, /** @type {number} */ I) => {
      const turned = toOIK(matrix, 1, I, columns);
      return join(gates.map((gate) => turned.subarray(gate * units * I, (gate + 1) * units * I)));
    };
    const own = kind === "gru" ? weights.bias.subarray(columns) : new Float32Array(columns);
    const bias = join([rows(weights.bias.subarray(0, columns), 1), rows(own, 1)]);
    const operands = [
      constant(`${name}.W`, [1, columns, channels], rows(weights.kernel, channels)),
      constant(`${name}.R`, [1, columns, units], rows(weights.recurrent, units)),
      constant(`${name}.B`, [1, 2 * columns], bias),
    ];
    const attributes = { hidden_size: units, ...(kind === "gru" ? { linear_before_reset: 1 } : {}) };
    const states = emit(kind.toUpperCase(), [x, ...operands], `${name}.states`, attributes, sequences ? 0 : 1);
    const axis = constant(`${name}.axis`, [1], BigInt64Array.of(sequences ? 1n : 0n));
    return emit("Squeeze", [states, axis], name);
  };

  /** @param {Layer} layer @param {string} x */
  const attend = ({ name, shape: [length = 0, channels = 0], heads = 1, weights }, x) => {
    const depth = channels / heads;
    const project = (/** @type {string} */ from, /** @type {string} */ part) =>
      linear(from, `${name}.${part}`, weights[`${part}Kernel`], weights[`${part}Bias`], channels);
    const apart = constant(`${name}.apart`, [4], BigInt64Array.from([0, length, heads, depth], BigInt));
    const perms = { query: [0, 2, 1, 3], key: [0, 2, 3, 1], value: [0, 2, 1, 3] };
    const [q, k, v] = attentionParts.slice(0, 3).map((part) => {
      const split = emit("Reshape", [project(x, part), apart], `${name}.${part}.apart`);
      return emit("Transpose", [split], `${name}.${part}.heads`, { perm: perms[/** @type {keyof perms} */ (part)] });
    });
    const scale = constant(`${name}.scale`, [], Float32Array.of(1 / Math.sqrt(depth)));
    const scores = emit("MatMul", [emit("Mul", [q, scale], `${name}.scaled`), k], `${name}.scores`);
    const shares = emit("Softmax", [scores], `${name}.shares`, { axis: -1 });
    const heard = emit("MatMul", [shares, v], `${name}.heard`);
    const joined = emit("Transpose", [heard], `${name}.joined`, { perm: [0, 2, 1, 3] });
    const whole = constant(`${name}.whole`, [3], BigInt64Array.from([0, length, channels], BigInt));
    return project(emit("Reshape", [joined, whole], `${name}.together`), "output");
  };

  const series = network.input.shape.length === 2;
  const first = series && layout === "NCL";
  values.set(network.input, new Map([[first ? "NCL" : series ? "NLC" : "NC", "x"]]));
  for (const layer of network.layers) {
    if (layer.kind === "input") continue;
    const order = orders[layer.kind] ?? (layer.inputs[0] ? orderOf(layer.inputs[0]) : "");
    const inputs = layer.inputs.map((before) => value(before, order));
    const output = build(layer, inputs);
    values.set(layer, new Map([[layer.shape.length === 1 ? "NC" : order, output]]));
  }
  const turned = (/** @type {number[]} */ shape) => [...shape].reverse();
  const { input, output } = network;
  return writeOnnx({
    nodes,
    initializers,
    inputs: [{ name: "x", shape: ["N", ...(first ? turned(input.shape) : input.shape)] }],
    outputs: [{ name: value(output, "NCL"), shape: ["N", ...turned(output.shape)] }],
  });
}

/** How a Transpose comes from one order to another. @param {string} from @param {string} to */
const turn = (from, to) => [...to].map((letter) => from.indexOf(letter));

/** @param {Float32Array[]} parts */
function join(parts) {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
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
