/**
 * errors: how far convolutions are from float64, by fewer multiplications and directly, over a thousand random shapes
 *
 * The error is the largest difference of a convolution's outputs relative to the largest output. Inputs and weights are normal, weights
 * scaled by what they sum over (networks/network.js). Above `bound` the suite fails.
 */
import { chooseToomCook, formName } from "../build/js/ops/toom-cook.js";
import { relativeError } from "./lib/compare.js";
import { evaluate } from "./lib/float64.js";
import { normal, uniform } from "./lib/random.js";
import { Report, scientific } from "./lib/report.js";
import { Network } from "./networks/network.js";
import { channelwiseModel } from "./peers/channelwise.js";

/** What may be said of convolutions by fewer multiplications. */
const bound = 4e-6;
const quantiles = [0.5, 0.9, 0.99, 1];

/** @param {import("./lib/suite.js").Context} context */
export async function errors(context) {
  const count = context.quick ? 60 : 1000;
  const about =
    `${count} random convolutions that are computed by fewer multiplications, in each one sample: lengths up to 400, 4 to 256 channels and ` +
    "filters, up to 40 taps, strides up to 4 or dilations up to 7. The largest difference from float64 relative to the largest output.";
  const report = new Report(context, "errors", about, [context.kernels]);
  report.table([
    { title: "form", width: 10, left: true },
    { title: "shapes", width: 8 },
    ...quantiles.map((part) => ({ title: part === 1 ? "largest" : `${part * 100}%`, width: 10 })),
    ...quantiles.map((part) => ({ title: part === 1 ? "direct" : `${part * 100}%`, width: 10 })),
  ]);
  const next = uniform(11);
  const between = (/** @type {number} */ low, /** @type {number} */ high) => Math.floor(low * (high / low) ** next());
  /** @type {Map<string, { fewer: number, direct: number }[]>} */
  const found = new Map();
  for (let made = 0; made < count; ) {
    const stride = next() > 0.5 ? between(2, 5) : 1;
    const [length, channels, filters, taps] = [
      between(20, 400),
      4 * between(1, 65),
      4 * between(1, 65),
      Math.min(40, stride * between(2, 20)),
    ];
    const dilation = stride === 1 && next() > 0.3 ? between(2, 8) : 1;
    const chosen = chooseToomCook({ outLength: Math.ceil(length / stride), channels, filters, taps, stride, dilation });
    if (!chosen || length * channels * filters * taps > 4e8) continue;
    made++;
    const net = new Network(`random ${made}`, [length, channels], made);
    net.conv1d(net.input, { filters, taps, stride, dilation, padding: "same" });
    const x = normal(uniform(made), length * channels);
    const truth = evaluate(net, x);
    const [fewer, direct] = /** @type {const} */ (["auto", "direct"]).map((convolution) => {
      const model = channelwiseModel(net, context.module, undefined, undefined, convolution);
      const error = relativeError(/** @type {any} */ (model.predict(x)).data, truth);
      model.dispose();
      return error;
    });
    if (fewer > bound) throw new Error(`${net.name}: ${scientific(fewer)} from float64, above ${bound}`);
    const name = formName(chosen.form.number);
    for (const key of [name, "all"]) found.set(key, [...(found.get(key) ?? []), { fewer, direct }]);
  }
  for (const [name, list] of [...found].sort()) {
    const row = (/** @type {number[]} */ values) => {
      values.sort((a, b) => a - b);
      return quantiles.map((part) => scientific(values[Math.ceil(part * values.length) - 1]));
    };
    report.row([name, list.length, ...row(list.map(({ fewer }) => fewer)), ...row(list.map(({ direct }) => direct))]);
  }
  report.write();
}
