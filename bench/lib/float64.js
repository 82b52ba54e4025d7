/**
 * float64: what a network answers when plain loops compute it in double precision. Shares no code with any contender.
 */

/** @typedef {import("../networks/network.js").Layer} Layer */

/**
 * @param {import("../networks/network.js").Network} network
 * @param {Float32Array} input one sample
 * @returns {Float64Array}
 */
export function evaluate(network, input) {
  /** @type {Map<Layer, Float64Array>} */
  const values = new Map([[network.input, Float64Array.from(input)]]);
  for (const layer of network.layers) {
    if (layer.kind === "input") continue;
    const inputs = layer.inputs.map((before) => /** @type {Float64Array} */ (values.get(before)));
    values.set(layer, compute(layer, inputs));
  }
  return /** @type {Float64Array} */ (values.get(network.output));
}

/** @param {Layer} layer @param {Float64Array[]} inputs @returns {Float64Array} */
function compute(layer, inputs) {
  const [x = new Float64Array()] = inputs;
  const channels = layer.inputs[0]?.shape.at(-1) ?? 0;
  switch (layer.kind) {
    case "conv1d":
      return convolve(layer, x);
    case "dense":
      return multiply(layer, x);
    case "batchNorm":
      return normalize(layer, x);
    case "maxPool":
      return pool(layer, x);
    case "globalAverage": {
      const sums = new Float64Array(channels);
      x.forEach((value, index) => {
        sums[index % channels] += value;
      });
      return sums.map((sum) => sum / (x.length / channels));
    }
    case "lstm":
    case "gru":
      return recur(layer, x);
    case "attention":
      return attend(layer, x);
    case "layerNorm":
      return normalizeRows(layer, x);
    case "relu":
      return x.map((value) => Math.max(0, value));
    case "sigmoid":
      return x.map((value) => 1 / (1 + Math.exp(-value)));
    case "softmax": {
      const most = Math.max(...x);
      const powers = x.map((value) => Math.exp(value - most));
      const sum = powers.reduce((all, value) => all + value, 0);
      return powers.map((value) => value / sum);
    }
    case "add":
      return x.map((_, index) => inputs.reduce((sum, values) => sum + values[index], 0));
    case "concatenate": {
      const [length = 0, total = 0] = layer.shape;
      const y = new Float64Array(length * total);
      let offset = 0;
      layer.inputs.forEach((before, place) => {
        const width = before.shape[1] ?? 0;
        for (let l = 0; l < length; l++) y.set(inputs[place].subarray(l * width, (l + 1) * width), l * total + offset);
        offset += width;
      });
      return y;
    }
    case "flatten":
      return x;
    case "crop":
      return x.slice((layer.left ?? 0) * channels, x.length - (layer.right ?? 0) * channels);
    default:
      throw new Error(`float64: no rule for ${layer.kind}`);
  }
}

/** @param {Layer} layer @param {Float64Array} x */
function convolve({ inputs, shape, taps = 1, stride = 1, dilation = 1, left = 0, weights }, x) {
  const [length, I] = inputs[0].shape;
  const [outLength, O] = shape;
  const { kernel, bias } = weights;
  const y = new Float64Array(outLength * O);
  for (let l = 0; l < outLength; l++) {
    const row = y.subarray(l * O, (l + 1) * O);
    if (bias) row.set(bias);
    for (let k = 0; k < taps; k++) {
      const at = l * stride + k * dilation - left;
      if (at < 0 || at >= length) continue;
      for (let i = 0; i < I; i++) {
        const value = x[at * I + i];
        const from = (k * I + i) * O;
        for (let o = 0; o < O; o++) row[o] += value * kernel[from + o];
      }
    }
  }
  return y;
}

/** @param {Layer} layer @param {Float64Array} x */
function multiply({ inputs, shape, weights: { kernel, bias } }, x) {
  return product(x, kernel, bias, inputs[0].shape.at(-1) ?? 0, shape.at(-1) ?? 0);
}

/**
 * Rows of I numbers by a matrix IO.
 * @param {Float64Array} x @param {Float32Array} kernel @param {Float32Array | undefined} bias @param {number} I @param {number} O
 */
function product(x, kernel, bias, I, O) {
  const rows = x.length / I;
  const y = new Float64Array(rows * O);
  for (let r = 0; r < rows; r++) {
    const row = y.subarray(r * O, (r + 1) * O);
    if (bias) row.set(bias);
    for (let i = 0; i < I; i++) for (let o = 0; o < O; o++) row[o] += x[r * I + i] * kernel[i * O + o];
  }
  return y;
}

/** Keras' gates: an LSTM's i, f, g, o, a GRU's z, r, n. @param {Layer} layer @param {Float64Array} x */
function recur({ kind, inputs, shape, sequences, weights: { kernel, recurrent, bias } }, x) {
  const [length, I] = inputs[0].shape;
  const U = shape.at(-1) ?? 0;
  const columns = recurrent.length / U;
  const sigmoid = (/** @type {number} */ value) => 1 / (1 + Math.exp(-value));
  const given = product(x, kernel, bias.subarray(0, columns), I, columns);
  const own = kind === "gru" ? bias.subarray(columns) : undefined;
  const y = new Float64Array(length * U);
  let h = new Float64Array(U);
  const c = new Float64Array(U);
  for (let l = 0; l < length; l++) {
    const a = given.subarray(l * columns, (l + 1) * columns);
    const b = product(h, recurrent, own, U, columns);
    h = h.map((before, u) => {
      const gate = (/** @type {number} */ g) => sigmoid(a[g * U + u] + b[g * U + u]);
      if (kind === "gru") {
        const z = gate(0);
        return z * before + (1 - z) * Math.tanh(a[2 * U + u] + gate(1) * b[2 * U + u]);
      }
      c[u] = gate(1) * c[u] + gate(0) * Math.tanh(a[2 * U + u] + b[2 * U + u]);
      return gate(3) * Math.tanh(c[u]);
    });
    y.set(h, l * U);
  }
  return sequences ? y : h;
}

/** @param {Layer} layer @param {Float64Array} x */
function attend({ shape, heads = 1, weights }, x) {
  const [length, C] = shape;
  const depth = C / heads;
  const project = (/** @type {Float64Array} */ values, /** @type {string} */ part) =>
    product(values, weights[`${part}Kernel`], weights[`${part}Bias`], C, C);
  const [q, k, v] = ["query", "key", "value"].map((part) => project(x, part));
  const joined = new Float64Array(length * C);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < length; t++) {
      const scores = new Float64Array(length);
      for (let s = 0; s < length; s++)
        for (let d = h * depth; d < (h + 1) * depth; d++) scores[s] += (q[t * C + d] * k[s * C + d]) / Math.sqrt(depth);
      const shares = scores.map((value) => Math.exp(value - Math.max(...scores)));
      const sum = shares.reduce((all, value) => all + value, 0);
      for (let s = 0; s < length; s++)
        for (let d = h * depth; d < (h + 1) * depth; d++) joined[t * C + d] += (shares[s] / sum) * v[s * C + d];
    }
  }
  return project(joined, "output");
}

/** @param {Layer} layer @param {Float64Array} x */
function normalizeRows({ shape, epsilon = 0, weights: { gamma, beta } }, x) {
  const C = shape.at(-1) ?? 0;
  const y = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += C) {
    const row = x.subarray(at, at + C);
    const mean = row.reduce((sum, value) => sum + value, 0) / C;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / C;
    row.forEach((value, c) => {
      y[at + c] = ((value - mean) / Math.sqrt(variance + epsilon)) * gamma[c] + beta[c];
    });
  }
  return y;
}

/** @param {Layer} layer @param {Float64Array} x */
function normalize({ epsilon = 0, weights: { gamma, beta, mean, variance } }, x) {
  const count = gamma.length;
  return x.map((value, index) => {
    const c = index % count;
    return (gamma[c] * (value - mean[c])) / Math.sqrt(variance[c] + epsilon) + beta[c];
  });
}

/** @param {Layer} layer @param {Float64Array} x */
function pool({ inputs, shape, taps = 1, stride = 1, left = 0 }, x) {
  const [length] = inputs[0].shape;
  const [outLength, C] = shape;
  const y = new Float64Array(outLength * C).fill(-Infinity);
  for (let l = 0; l < outLength; l++)
    for (let k = 0; k < taps; k++) {
      const at = l * stride + k - left;
      if (at < 0 || at >= length) continue;
      for (let c = 0; c < C; c++) y[l * C + c] = Math.max(y[l * C + c], x[at * C + c]);
    }
  return y;
}
