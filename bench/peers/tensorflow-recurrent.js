/**
 * tensorflow-recurrent: LSTM and GRU (Keras' reset_after) in TensorFlow.js' operations, step by step as tf.layers runs them. One
 * product for all steps' input would be slower there: a slice copies the whole array that it is cut from.
 *
 *   inputs   [N, 1, L, I], [I, columns], [units, columns], two biases [columns]: the input's and the state's
 *   output   [N, units], or all steps' [N, 1, L, units]
 */
import { registerOp } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";

export const recurrentOps = /** @type {const} */ ({ lstm: "RecurrentLstm", gru: "RecurrentGru" });

/** @typedef {(step: tf.Tensor2D, product: tf.Tensor2D, h: tf.Tensor2D, c: tf.Tensor2D) => tf.Tensor2D[]} Cell h and c of the next step */

/** @type {Cell} */
function lstm(step, product, _, c) {
  const [i, f, g, o] = tf.split(tf.add(step, product), 4, 1);
  const next = /** @type {tf.Tensor2D} */ (
    tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(/** @type {tf.Tensor2D} */ (g))))
  );
  return [tf.mul(tf.sigmoid(o), tf.tanh(next)), next];
}

/** @type {Cell} */
function gru(step, product, h, c) {
  const [xz, xr, xn] = tf.split(step, 3, 1);
  const [hz, hr, hn] = tf.split(product, 3, 1);
  const z = tf.sigmoid(tf.add(xz, hz));
  const n = tf.tanh(tf.add(xn, tf.mul(tf.sigmoid(tf.add(xr, hr)), hn)));
  return [tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), n)), c];
}

/** @type {[string, Cell][]} */
const cells = [
  [recurrentOps.lstm, lstm],
  [recurrentOps.gru, gru],
];
for (const [name, cell] of cells) {
  registerOp(name, (node) =>
    tf.tidy(() => {
      const [x, kernel, matrix, bias, own] =
        /** @type {[tf.Tensor4D, tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor1D]} */ (node.inputs);
      const [batch, , length, channels] = x.shape;
      let h = tf.zeros([batch, matrix.shape[0]]);
      let c = h;
      const steps = [];
      for (const a of /** @type {tf.Tensor2D[]} */ (tf.unstack(tf.reshape(x, [batch, length, channels]), 1))) {
        [h, c] = tf.tidy(() => {
          const step = tf.fused.matMul({ a, b: kernel, bias });
          return cell(step, tf.fused.matMul({ a: h, b: matrix, bias: own }), h, c);
        });
        steps.push(h);
      }
      return node.attrs.sequences ? tf.expandDims(tf.stack(steps, 1), 1) : h;
    }),
  );
}
