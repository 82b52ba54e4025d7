/**
 * tensorflow-graph: a network as a TensorFlow.js graph model, the way tensorflowjs_converter leaves a Keras model for
 * inference: batch norm folded into the convolution or dense layer before it, bias and ReLU fused in. Series are held as
 * [N, 1, L, C] throughout, so that nothing is reshaped between layers; a dense layer over a series is a convolution of one tap.
 * A recurrent layer is an operator of tensorflow-recurrent.js; the converter would leave a loop in the graph.
 *
 * Source  github.com/tensorflow/tfjs: tfjs-converter/src/operations/op_list, tfjs-converter/python/tensorflowjs/converters
 */

import { attentionParts } from "../networks/network.js";
import { recurrentOps } from "./tensorflow-recurrent.js";

/** @typedef {import("../networks/network.js").Network} Network */
/** @typedef {import("../networks/network.js").Layer} Layer */
/** @typedef {{ modelTopology: object, weightSpecs: object[], weightData: ArrayBuffer }} GraphModel */

/** @param {Network} network @returns {GraphModel} */
export function tensorflowGraph(network) {
  /** @type {object[]} */
  const nodes = [
    { name: "x", op: "Placeholder", attr: { dtype: { type: "DT_FLOAT" }, shape: sizes([-1, ...network.input.shape]) } },
  ];
  /** @type {object[]} */
  const specs = [];
  /** @type {Uint8Array[]} */
  const chunks = [];
  /** @type {Map<Layer, string>} */
  const names = new Map();
  const readers = readersOf(network);

  /** @param {string} name @param {number[]} shape @param {Float32Array | Int32Array} data */
  const constant = (name, shape, data) => {
    const dtype = data instanceof Float32Array ? "float32" : "int32";
    nodes.push({ name, op: "Const", attr: { dtype: { type: dtype === "float32" ? "DT_FLOAT" : "DT_INT32" } } });
    specs.push({ name, shape, dtype });
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return name;
  };
  /** @param {string} op @param {string[]} input @param {string} name @param {object} [attr] */
  const emit = (op, input, name, attr = {}) => {
    nodes.push({ name, op, input, attr: { T: { type: "DT_FLOAT" }, ...attr } });
    return name;
  };
  /** @param {string} input @param {string} name @param {number[]} shape */
  const reshape = (input, name, shape) =>
    emit("Reshape", [input, constant(`${name}/shape`, [shape.length], Int32Array.from(shape))], name);

  /** A convolution or dense layer with what can be fused into it. @param {Layer} layer @param {string} input */
  const fused = (layer, input) => {
    let last = layer;
    let { kernel, bias } = layer.weights;
    const only = () => (readers.get(last)?.length === 1 ? readers.get(last)?.[0] : undefined);
    const norm = only();
    if (norm?.kind === "batchNorm") {
      ({ kernel, bias } = fold(norm, kernel, bias));
      last = norm;
    }
    const activation = bias ? only() : undefined;
    if (activation?.kind === "relu") last = activation;
    const { name, kind, filters = 0, taps = 1, stride = 1, dilation = 1, left = 0, right = 0 } = layer;
    const channels = layer.inputs[0]?.shape.at(-1) ?? 0;
    const convolution = kind === "conv1d" || layer.shape.length === 2;
    const shape = convolution ? [1, taps, channels, filters] : [channels, filters];
    const operands = [input, constant(`${name}/kernel`, shape, kernel)];
    if (bias) operands.push(constant(`${name}/bias`, [filters], bias));
    const fusedOps = ["BiasAdd", ...(last.kind === "relu" ? ["Relu"] : [])];
    const fusion = bias ? { fused_ops: strings(fusedOps), num_args: { i: 1 }, epsilon: { f: 0 } } : {};
    const attributes = convolution
      ? { ...window(left, right, [1, 1, stride, 1]), dilations: integers([1, 1, dilation, 1]) }
      : { transpose_a: { b: false }, transpose_b: { b: false } };
    const op = convolution ? "Conv2D" : "MatMul";
    emit(bias ? `_Fused${op}` : op, operands, name, { ...attributes, ...fusion });
    for (let done = layer; ; done = /** @type {Layer} */ (readers.get(done)?.[0])) {
      names.set(done, name);
      if (done === last) break;
    }
  };

  /** Every step of a series by a matrix. @param {string} input @param {string} name @param {Float32Array} kernel @param {Float32Array} bias */
  const project = (input, name, kernel, bias) => {
    const O = bias.length;
    const operands = [
      input,
      constant(`${name}/kernel`, [1, 1, kernel.length / O, O], kernel),
      constant(`${name}/bias`, [O], bias),
    ];
    return emit("_FusedConv2D", operands, name, {
      ...window(0, 0, [1, 1, 1, 1]),
      dilations: integers([1, 1, 1, 1]),
      fused_ops: strings(["BiasAdd"]),
      num_args: { i: 1 },
      epsilon: { f: 0 },
    });
  };
  /** @param {Layer} layer @param {string} input */
  const recur = ({ name, kind, shape, sequences, weights: { kernel, recurrent, bias } }, input) => {
    const units = shape.at(-1) ?? 0;
    const columns = recurrent.length / units;
    const own = kind === "gru" ? bias.subarray(columns) : new Float32Array(columns);
    const operands = [
      input,
      constant(`${name}/kernel`, [kernel.length / columns, columns], kernel),
      constant(`${name}/recurrent`, [units, columns], recurrent),
      constant(`${name}/bias`, [columns], bias.subarray(0, columns)),
      constant(`${name}/own`, [columns], own),
    ];
    return emit(recurrentOps[/** @type {"lstm" | "gru"} */ (kind)], operands, name, { sequences: { b: sequences } });
  };

  /** @param {Layer} layer @param {string} input */
  const attend = ({ name, shape: [length = 0, channels = 0], heads = 1, weights }, input) => {
    const depth = channels / heads;
    const projected = (/** @type {string} */ from, /** @type {string} */ part) =>
      project(from, `${name}/${part}`, weights[`${part}Kernel`], weights[`${part}Bias`]);
    const perm = constant(`${name}/perm`, [4], Int32Array.of(0, 2, 1, 3));
    const [q = "", k = "", v = ""] = attentionParts.slice(0, 3).map((part) => {
      const apart = reshape(projected(input, part), `${name}/${part}/apart`, [-1, length, heads, depth]);
      return emit("Transpose", [apart, perm], `${name}/${part}/heads`);
    });
    const factor = constant(`${name}/factor`, [], Float32Array.of(1 / Math.sqrt(depth)));
    const scaled = emit("Mul", [q, factor], `${name}/scaled`);
    const flags = { adj_x: { b: false }, adj_y: { b: true } };
    const shares = emit("Softmax", [emit("BatchMatMulV2", [scaled, k], `${name}/scores`, flags)], `${name}/shares`);
    const heard = emit("BatchMatMulV2", [shares, v], `${name}/heard`, { ...flags, adj_y: { b: false } });
    const joined = emit("Transpose", [heard, perm], `${name}/joined`);
    return projected(reshape(joined, `${name}/together`, [-1, 1, length, channels]), "output");
  };

  /** As Keras composes it. @param {Layer} layer @param {string} x */
  const normalizeRows = ({ name, epsilon = 0, weights: { gamma, beta } }, x) => {
    const axis = constant(`${name}/axis`, [1], Int32Array.of(3));
    const keep = { keep_dims: { b: true } };
    const mean = emit("Mean", [x, axis], `${name}/mean`, keep);
    const squares = emit("SquaredDifference", [x, mean], `${name}/squares`);
    const variance = emit("Mean", [squares, axis], `${name}/variance`, keep);
    const spread = emit("AddV2", [variance, constant(`${name}/epsilon`, [], Float32Array.of(epsilon))], `${name}/sum`);
    const scale = constant(`${name}/gamma`, [gamma.length], gamma);
    const factor = emit("Mul", [emit("Rsqrt", [spread], `${name}/rsqrt`), scale], `${name}/scale`);
    const shift = emit("Mul", [mean, factor], `${name}/moved`);
    const rest = emit("Sub", [constant(`${name}/beta`, [beta.length], beta), shift], `${name}/shift`);
    return emit("AddV2", [emit("Mul", [x, factor], `${name}/scaled`), rest], name);
  };

  /** @param {Layer} layer @param {string[]} inputs @returns {string | undefined} */
  const build = (layer, inputs) => {
    const { name, kind, weights, shape, taps = 1, stride = 1, left = 0, right = 0 } = layer;
    const [input = ""] = inputs;
    switch (kind) {
      case "conv1d":
      case "dense":
        fused(layer, input);
        return undefined;
      case "batchNorm": {
        const roles = ["gamma", "beta", "mean", "variance"];
        const operands = roles.map((role) => constant(`${name}/${role}`, [weights[role].length], weights[role]));
        const attributes = { epsilon: { f: layer.epsilon }, is_training: { b: false }, data_format: string("NHWC") };
        return emit("FusedBatchNormV3", [input, ...operands], name, attributes);
      }
      case "lstm":
      case "gru":
        return recur(layer, input);
      case "attention":
        return attend(layer, input);
      case "layerNorm":
        return normalizeRows(layer, input);
      case "maxPool":
        return emit("MaxPool", [input], name, {
          strides: integers([1, 1, stride, 1]),
          ksize: integers([1, 1, taps, 1]),
          padding: string(left + right > 0 ? "SAME" : "VALID"),
        });
      case "globalAverage": {
        const axes = constant(`${name}/axes`, [2], Int32Array.of(1, 2));
        return emit("Mean", [input, axes], name, { keep_dims: { b: false } });
      }
      case "relu":
        return emit("Relu", inputs, name);
      case "sigmoid":
        return emit("Sigmoid", inputs, name);
      case "softmax":
        return emit("Softmax", inputs, name);
      case "add":
        return emit(inputs.length === 2 ? "AddV2" : "AddN", inputs, name, { N: { i: inputs.length } });
      case "concatenate":
        return emit("ConcatV2", [...inputs, constant(`${name}/axis`, [], Int32Array.of(3))], name, {
          N: { i: inputs.length },
        });
      case "flatten":
        return reshape(input, name, [-1, ...shape]);
      case "crop": {
        const begin = constant(`${name}/begin`, [4], Int32Array.of(0, 0, left, 0));
        const size = constant(`${name}/size`, [4], Int32Array.of(-1, 1, ...shape));
        return emit("Slice", [input, begin, size], name);
      }
      default:
        throw new Error(`tensorflow-graph: no rule for ${kind}`);
    }
  };

  const series = network.input.shape.length === 2;
  names.set(network.input, series ? reshape("x", "x/series", [-1, 1, ...network.input.shape]) : "x");
  for (const layer of network.layers) {
    if (names.has(layer)) continue;
    const name = build(
      layer,
      layer.inputs.map((before) => /** @type {string} */ (names.get(before))),
    );
    if (name) names.set(layer, name);
  }
  const end = /** @type {string} */ (names.get(network.output));
  emit("Identity", [end], "y");
  return {
    modelTopology: {
      node: nodes,
      library: {},
      versions: { producer: 1882 },
    },
    weightSpecs: specs,
    weightData: join(chunks),
  };
}

/** Who reads a layer's output. @param {Network} network */
function readersOf(network) {
  /** @type {Map<Layer, Layer[]>} */
  const readers = new Map(network.layers.map((layer) => [layer, []]));
  for (const layer of network.layers) for (const input of layer.inputs) readers.get(input)?.push(layer);
  return readers;
}

/** Batch norm as part of the layer before it. @param {Layer} norm @param {Float32Array} kernel @param {Float32Array | undefined} bias */
function fold({ epsilon = 0, weights: { gamma, beta, mean, variance } }, kernel, bias) {
  const factors = Float64Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + epsilon));
  return {
    kernel: kernel.map((value, index) => value * factors[index % factors.length]),
    bias: Float32Array.from(factors, (factor, c) => beta[c] + ((bias?.[c] ?? 0) - mean[c]) * factor),
  };
}

/** @param {number} left @param {number} right @param {number[]} strides */
function window(left, right, strides) {
  const explicit = left + right > 0;
  return {
    strides: integers(strides),
    padding: string(explicit ? "EXPLICIT" : "VALID"),
    explicit_paddings: integers(explicit ? [0, 0, 0, 0, left, right, 0, 0] : []),
    data_format: string("NHWC"),
  };
}

/** @param {string} text */
const string = (text) => ({ s: btoa(text) });
/** @param {string[]} texts */
const strings = (texts) => ({ list: { s: texts.map((text) => btoa(text)) } });
/** @param {number[]} values */
const integers = (values) => ({ list: { i: values } });
/** @param {number[]} values */
const sizes = (values) => ({ shape: { dim: values.map((size) => ({ size })) } });

/** @param {Uint8Array[]} chunks */
function join(chunks) {
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result.buffer;
}
