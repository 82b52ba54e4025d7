/**
 * transpose: turning two axes around, in bytes per second: each byte is read once and written once
 *
 * Two measures. `kernel` is the kernel alone on its memory; its ceiling is a plain copy of as many bytes in the same memory.
 * `call` takes an array and gives one, through the package's transpose() and through the peers, copies in and out included; it uses
 * the packaged kernels, whatever --kernels says.
 */
import { inOrder, namedAxes, rearrangement } from "../build/js/axes.js";
import { transpose as transposeTensor } from "../build/js/api/functions.js";
import { KernelMemory } from "../build/js/backends/wasm/memory.js";
import { tensor } from "../build/js/tensor.js";
import { agree } from "./lib/compare.js";
import { race } from "./lib/race.js";
import { normal, uniform } from "./lib/random.js";
import { milliseconds, percent, Report, times } from "./lib/report.js";
import { facts, secondsPerRow } from "./lib/suite.js";
import { onnxTranspose } from "./peers/onnx.js";
import { onnxruntimeContender } from "./peers/onnxruntime.js";
import { tensorflowTranspose } from "./peers/tensorflow.js";

/** @type {[string, string, number[]][]} */
const cases = [
  ["NC", "CN", [1024, 1024]],
  ["NLC", "NCL", [1, 4096, 64]],
  ["NLC", "NCL", [64, 128, 9]],
];

/** @param {import("./lib/suite.js").Context} context */
export async function transpose(context) {
  const about =
    "`kernel`: GB read and written per second in WebAssembly memory, and its share of a plain copy there. `call`: with the " +
    "copies into WebAssembly and out; `ort-web` and `tfjs`: how many times longer theirs take. Outputs are equal to the bit.";
  const report = new Report(context, "transpose", about, [...facts(context), context.peers]);
  report.table([
    { title: "from", width: 6, left: true },
    { title: "to", width: 6, left: true },
    { title: "shape", width: 14, left: true },
    { title: "kernel GB/s", width: 13 },
    { title: "of copy", width: 9 },
    { title: "call ms", width: 10 },
    { title: "ort-web", width: 10 },
    { title: "tfjs", width: 10 },
  ]);
  const effort = { seconds: secondsPerRow(context) };
  for (const [from, to, shape] of cases) {
    const x = normal(
      uniform(3),
      shape.reduce((all, size) => all * size, 1),
    );
    const order = [...to].map((letter) => from.indexOf(letter));
    const expected = plainTranspose(x, shape, order);

    const alone = kernelAlone(context.module, x, from, to, shape);
    alone.run();
    agree(`transpose kernel ${from} ${shape}`, alone.result(), expected, 0);
    const [kernel, copy] = await race([alone.run, alone.copy], effort);

    const own = tensor(x, from, shape);
    const ort = await onnxruntimeContender(onnxTranspose(shape, order), shape.slice(1));
    const contenders = {
      channelwise: () => transposeTensor(/** @type {any} */ (own), to).data,
      "onnxruntime-web": () => ort.run(x),
      "tfjs-backend-wasm": await tensorflowTranspose(x, shape, order),
    };
    for (const [name, run] of Object.entries(contenders))
      agree(`transpose ${from} ${shape}: ${name}`, await run(), expected, 0);
    const [call, ortCall, tfjsCall] = await race(Object.values(contenders), effort);
    await ort.dispose();
    report.row([
      from,
      to,
      shape.join("x"),
      ((2 * x.byteLength) / kernel.seconds / 1e9).toFixed(1),
      percent(copy.ratio),
      milliseconds(call.seconds),
      times(ortCall.ratio),
      times(tfjsCall.ratio),
    ]);
  }
  report.write();
}

/**
 * @param {WebAssembly.Module} module @param {Float32Array} x @param {string} from @param {string} to
 * @param {readonly number[]} shape
 */
function kernelAlone(module, x, from, to, shape) {
  const memory = new KernelMemory(module);
  const axes = namedAxes(from, shape);
  const [plan] = rearrangement(axes, inOrder(axes, to));
  const table = [...plan.sizes, ...plan.sourceStrides, ...plan.targetStrides];
  const bytes = Math.ceil(x.byteLength / 16) * 16;
  const source = memory.weightsEnd;
  const target = source + bytes;
  const tableAt = target + bytes;
  memory.reserve(tableAt + table.length * 4);
  memory.floats().set(x, source / 4);
  memory.integers().set(table, tableAt / 4);
  const floats = memory.floats();
  const kernels = /** @type {any} */ (memory.kernels);
  return {
    run: () => kernels.rearrange(source, target, plan.sizes.length, tableAt),
    copy: () => floats.copyWithin(target / 4, source / 4, source / 4 + x.length),
    result: () => floats.slice(target / 4, target / 4 + x.length),
  };
}

/** @param {Float32Array} x @param {number[]} shape @param {number[]} order */
function plainTranspose(x, shape, order) {
  const sizes = order.map((axis) => shape[axis]);
  const strides = order.map((axis) => shape.slice(axis + 1).reduce((all, size) => all * size, 1));
  return x.map((_, index) => {
    let rest = index;
    let at = 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at += (rest % sizes[axis]) * strides[axis];
      rest = Math.floor(rest / sizes[axis]);
    }
    return x[at];
  });
}
