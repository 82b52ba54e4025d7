/**
 * network: a whole network described once, as a plain list of layers, from which every contender's model is built
 *
 * Series are [length, channels] (Keras' NLC without the batch), vectors [channels]. Weights lie as in Keras: kernels KIO and IO.
 * They are seeded: He-scaled kernels, batch norm near what training leaves behind. Padding is what Keras' words come to.
 */
import { normal, uniform } from "../lib/random.js";

/**
 * @typedef {object} Layer
 * @property {"input" | "conv1d" | "dense" | "batchNorm" | "maxPool" | "globalAverage" | "relu" | "sigmoid" | "softmax"
 *   | "add" | "concatenate" | "flatten" | "crop" | "lstm" | "gru" | "attention" | "layerNorm"} kind
 * @property {string} name
 * @property {Layer[]} inputs
 * @property {number[]} shape        of the output, without the batch
 * @property {number} [filters]      also a recurrent layer's units
 * @property {boolean} [sequences]   a recurrent layer gives every step's output, not the last one's
 * @property {number} [heads]
 * @property {number} [taps]         also a pool's size
 * @property {number} [stride]
 * @property {number} [dilation]
 * @property {"valid" | "same" | "causal"} [padding]
 * @property {number} [left]         what `padding` comes to; also what a crop cuts off
 * @property {number} [right]
 * @property {number} [epsilon]
 * @property {Record<string, Float32Array>} weights
 */

/**
 * @typedef {object} Convolution
 * @property {number} filters
 * @property {number} taps
 * @property {number} [stride]
 * @property {number} [dilation]
 * @property {"valid" | "same" | "causal"} [padding]
 * @property {boolean} [bias]
 */

/** The projections of an attention, in the order of their weights. */
export const attentionParts = /** @type {const} */ (["query", "key", "value", "output"]);

export class Network {
  /** @param {string} name @param {number[]} shape of one input @param {number} [seed] */
  constructor(name, shape, seed = 1) {
    this.name = name;
    /** @type {Layer[]} in an order in which they can run */
    this.layers = [];
    this.next = uniform(seed);
    this.input = this.#append("input", [], shape, {});
  }

  get output() {
    return /** @type {Layer} */ (this.layers.at(-1));
  }

  /** Multiply-adds of all products of matrices times two, for one sample; taps on padding are not counted. */
  get flop() {
    return this.layers.reduce((sum, layer) => sum + flopOf(layer), 0);
  }

  get parameters() {
    const counts = this.layers.flatMap(({ weights }) => Object.values(weights).map((values) => values.length));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * @param {Layer["kind"]} kind @param {Layer[]} inputs @param {number[]} shape @param {Partial<Layer>} attributes
   * @param {Record<string, Float32Array>} [weights]
   */
  #append(kind, inputs, shape, attributes, weights = {}) {
    const layer = { kind, name: `${snakeCase(kind)}_${this.layers.length}`, inputs, shape, ...attributes, weights };
    this.layers.push(layer);
    return layer;
  }

  /** @param {Layer} x @param {Convolution} options */
  conv1d(x, { filters, taps, stride = 1, dilation = 1, padding = "valid", bias = true }) {
    const [length = 0, channels = 0] = x.shape;
    const window = pad(length, taps, stride, dilation, padding);
    const weights = {
      kernel: normal(this.next, taps * channels * filters, Math.sqrt(2 / (taps * channels))),
      ...(bias ? { bias: normal(this.next, filters, 0.1) } : {}),
    };
    const attributes = { filters, taps, stride, dilation, padding, left: window.left, right: window.right };
    return this.#append("conv1d", [x], [window.length, filters], attributes, weights);
  }

  /** Of a vector, or of every step of a series. @param {Layer} x @param {number} filters @param {{ bias?: boolean, gain?: number }} [options] */
  dense(x, filters, { bias = true, gain = 2 } = {}) {
    const channels = x.shape.at(-1) ?? 0;
    const weights = {
      kernel: normal(this.next, channels * filters, Math.sqrt(gain / channels)),
      ...(bias ? { bias: normal(this.next, filters, 0.1) } : {}),
    };
    return this.#append("dense", [x], [...x.shape.slice(0, -1), filters], { filters }, weights);
  }

  /** @param {Layer} x @param {number} units @param {{ sequences?: boolean }} [options] */
  lstm(x, units, { sequences = false } = {}) {
    return this.#recurrent("lstm", x, units, 4, [4 * units], sequences);
  }

  /** With the reset gate behind the product (Keras' `reset_after`). @param {Layer} x @param {number} units @param {{ sequences?: boolean }} [options] */
  gru(x, units, { sequences = false } = {}) {
    return this.#recurrent("gru", x, units, 3, [2, 3 * units], sequences);
  }

  /**
   * @param {"lstm" | "gru"} kind @param {Layer} x @param {number} units @param {number} gates
   * @param {number[]} biasShape @param {boolean} sequences
   */
  #recurrent(kind, x, units, gates, biasShape, sequences) {
    const [length = 0, channels = 0] = x.shape;
    const weights = {
      kernel: normal(this.next, channels * gates * units, Math.sqrt(1 / channels)),
      recurrent: normal(this.next, units * gates * units, Math.sqrt(1 / units)),
      bias: normal(
        this.next,
        biasShape.reduce((all, size) => all * size, 1),
        0.1,
      ),
    };
    const shape = sequences ? [length, units] : [units];
    return this.#append(kind, [x], shape, { filters: units, sequences }, weights);
  }

  /** Self-attention in heads that divide the channels, between projections. @param {Layer} x @param {number} heads */
  attention(x, heads) {
    const channels = x.shape[1] ?? 0;
    /** @type {Record<string, Float32Array>} */
    const weights = {};
    for (const part of attentionParts) {
      weights[`${part}Kernel`] = normal(this.next, channels * channels, Math.sqrt(1 / channels));
      weights[`${part}Bias`] = normal(this.next, channels, 0.1);
    }
    return this.#append("attention", [x], x.shape, { heads }, weights);
  }

  /** Over the channels. @param {Layer} x @param {number} [epsilon] */
  layerNorm(x, epsilon = 1e-3) {
    const channels = x.shape.at(-1) ?? 0;
    const weights = {
      gamma: Float32Array.from({ length: channels }, () => 0.6 + 0.4 * this.next()),
      beta: normal(this.next, channels, 0.2),
    };
    return this.#append("layerNorm", [x], x.shape, { epsilon }, weights);
  }

  /** @param {Layer} x @param {number} [epsilon] */
  batchNorm(x, epsilon = 1e-3) {
    const channels = x.shape.at(-1) ?? 0;
    const weights = {
      gamma: Float32Array.from({ length: channels }, () => 0.6 + 0.4 * this.next()),
      beta: normal(this.next, channels, 0.2),
      mean: normal(this.next, channels, 0.2),
      variance: Float32Array.from({ length: channels }, () => 0.8 + 0.6 * this.next()),
    };
    return this.#append("batchNorm", [x], x.shape, { epsilon }, weights);
  }

  /** @param {Layer} x @param {number} taps @param {{ stride?: number, padding?: "valid" | "same" }} [options] */
  maxPool(x, taps, { stride = taps, padding = "valid" } = {}) {
    const [length = 0, channels = 0] = x.shape;
    const window = pad(length, taps, stride, 1, padding);
    const attributes = { taps, stride, padding, left: window.left, right: window.right };
    return this.#append("maxPool", [x], [window.length, channels], attributes);
  }

  /** @param {Layer} x */
  globalAverage(x) {
    return this.#append("globalAverage", [x], x.shape.slice(1), {});
  }

  /** @param {Layer} x */
  relu(x) {
    return this.#append("relu", [x], x.shape, {});
  }

  /** @param {Layer} x */
  sigmoid(x) {
    return this.#append("sigmoid", [x], x.shape, {});
  }

  /** @param {Layer} x */
  softmax(x) {
    return this.#append("softmax", [x], x.shape, {});
  }

  /** @param {...Layer} inputs */
  add(...inputs) {
    return this.#append("add", inputs, inputs[0]?.shape ?? [], {});
  }

  /** Along the channels. @param {...Layer} inputs */
  concatenate(...inputs) {
    const channels = inputs.reduce((sum, { shape }) => sum + (shape.at(-1) ?? 0), 0);
    return this.#append("concatenate", inputs, [...(inputs[0]?.shape.slice(0, -1) ?? []), channels], {});
  }

  /** Row-major over length and channels, as Keras does it. @param {Layer} x */
  flatten(x) {
    return this.#append("flatten", [x], [x.shape.reduce((all, size) => all * size, 1)], {});
  }

  /** Cuts steps off both ends. @param {Layer} x @param {number} left @param {number} [right] */
  crop(x, left, right = 0) {
    const [length = 0, channels = 0] = x.shape;
    return this.#append("crop", [x], [length - left - right, channels], { left, right });
  }
}

/** Keras' padding by name. @param {number} length @param {number} taps @param {number} stride @param {number} dilation @param {string} padding */
function pad(length, taps, stride, dilation, padding) {
  const reach = (taps - 1) * dilation + 1;
  if (padding === "valid") return { left: 0, right: 0, length: Math.floor((length - reach) / stride) + 1 };
  const outLength = Math.ceil(length / stride);
  if (padding === "causal") return { left: reach - 1, right: 0, length: outLength };
  const total = Math.max(0, (outLength - 1) * stride + reach - length);
  return { left: total >> 1, right: total - (total >> 1), length: outLength };
}

/** Multiply-adds of one layer times two. @param {Layer} layer */
export function flopOf({ kind, inputs, shape, taps = 1, stride = 1, dilation = 1, left = 0 }) {
  const [x] = inputs;
  if (kind === "dense") return 2 * (x?.shape.reduce((all, size) => all * size, 1) ?? 0) * filtersOf(shape);
  const [length = 0, channels = 0] = x?.shape ?? [];
  if (kind === "lstm" || kind === "gru") {
    const units = filtersOf(shape);
    return 2 * length * (channels + units) * units * (kind === "lstm" ? 4 : 3);
  }
  if (kind === "attention") return 2 * length * channels * (4 * channels + 2 * length);
  if (kind !== "conv1d") return 0;
  const [outLength = 0, filters = 0] = shape;
  let inside = 0;
  for (let k = 0; k < taps; k++) {
    const offset = k * dilation - left;
    const first = Math.max(0, Math.ceil(-offset / stride));
    const last = Math.min(outLength - 1, Math.floor((length - 1 - offset) / stride));
    inside += Math.max(0, last - first + 1);
  }
  return 2 * inside * channels * filters;
}

/** @param {number[]} shape */
const filtersOf = (shape) => shape.at(-1) ?? 0;

/** @param {string} text */
function snakeCase(text) {
  return text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
