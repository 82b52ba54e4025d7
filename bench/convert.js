/**
 * convert: the command line with models of gigabytes: how fast it converts and proves them, and in how much memory
 *
 * Every run is the command in a process of its own, with its file in the page cache.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { StagedFiles } from "../build/js/cli/files.js";
import { writeKerasFile } from "../build/js/formats/keras-write.js";
import { median } from "./lib/race.js";
import { normal, uniform } from "./lib/random.js";
import { Report } from "./lib/report.js";

const folder = fileURLToPath(new URL("../build/bench/convert/", import.meta.url));
const program = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

/** Dense layers, by what goes into the first and comes out of each. */
const models = {
  "31 Dense of 64 MiB": new Array(32).fill(4096),
  "3 Dense, one of 768 MiB": [4096, 16384, 12288, 4096],
};
const outputs = ["out.safetensors", "out.pt", "out", "out.keras"];

/** @param {import("./lib/suite.js").Context} context */
export async function convert(context) {
  const about =
    "`channelwise convert` of float32 models of Dense layers, out of a `.keras` file in the page cache into a new file: weights are turned, " +
    "written, and read again for the proof. `MB/s`: bytes of the model by the time of the whole command. `peak MiB`: the largest resident " +
    "memory of its process, `above` without the largest tensor. Medians of runs in processes of their own.";
  const report = new Report(context, "convert", about, []);
  report.table([
    { title: "model", width: 25, left: true },
    { title: "to", width: 17, left: true },
    { title: "MB", width: 7 },
    { title: "s", width: 7 },
    { title: "MB/s", width: 7 },
    { title: "peak MiB", width: 11 },
    { title: "above" },
  ]);
  for (const [name, whole] of Object.entries(models)) {
    const sizes = context.quick ? whole.map((size) => size / 8) : whole;
    const largest = Math.max(...sizes.slice(1).map((size, index) => 4 * size * (sizes[index] ?? 0))) / 2 ** 20;
    const bytes = writeModel(sizes);
    for (const out of outputs) {
      const runs = Array.from({ length: context.quick ? 1 : 3 }, () => run(out));
      const [seconds, peak] = [median(runs.map((one) => one.seconds)), median(runs.map((one) => one.peak))];
      const speed = bytes / 1e6 / seconds;
      report.row([
        name,
        out === "out" ? "a folder" : out.slice(3),
        (bytes / 1e6).toFixed(0),
        seconds.toFixed(1),
        speed.toFixed(0),
        peak.toFixed(0),
        (peak - largest).toFixed(0),
      ]);
    }
  }
  rmSync(folder, { recursive: true, force: true });
  report.write();
}

/** Writes the model; gives its bytes. @param {readonly number[]} sizes */
function writeModel(sizes) {
  const layers = sizes.slice(1).map((units, index) => ({ name: `dense_${index}`, units, inputs: sizes[index] ?? 0 }));
  const dtype = /** @type {const} */ ("float32");
  const input = {
    module: "keras.layers",
    class_name: "InputLayer",
    config: { batch_shape: [null, sizes[0]], dtype, name: "input" },
  };
  const dense = layers.map(({ name, units }) => ({
    module: "keras.layers",
    class_name: "Dense",
    config: { name, units, activation: "linear", use_bias: true, dtype },
  }));
  const config = {
    module: "keras",
    class_name: "Sequential",
    config: { name: "large", dtype, layers: [input, ...dense] },
  };
  /** @param {number[]} shape @param {number} seed */
  const array = (shape, seed) => {
    const count = shape.reduce((all, size) => all * size, 1);
    const scale = 1 / Math.sqrt(shape[0] ?? 1);
    return { dtype, shape, read: () => normal(uniform(seed), count).map((value) => scale * value) };
  };
  const tree = layers.map(({ name, units, inputs }, index) => ({
    group: `layers/dense${index === 0 ? "" : `_${index}`}`,
    name,
    arrays: [array([inputs, units], index), array([units], 100 + index)],
  }));
  mkdirSync(folder, { recursive: true });
  const staged = new StagedFiles();
  staged.write(`${folder}model.keras`, writeKerasFile(config, "3.15.1", tree));
  staged.commit();
  return statSync(`${folder}model.keras`).size;
}

/** Converts into a new file. @param {string} out */
function run(out) {
  rmSync(folder + out, { recursive: true, force: true });
  const told = 'process.on("exit", () => process.stderr.write("peak " + process.resourceUsage().maxRSS + "\\n"))';
  const options = ["--import", `data:text/javascript,${encodeURIComponent(told)}`];
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [
    ...options,
    program,
    "convert",
    `${folder}model.keras`,
    folder + out,
  ]);
  const seconds = (performance.now() - began) / 1000;
  const said = stderr.toString();
  if (status !== 0) throw new Error(said);
  const peaks = [...said.matchAll(/^peak (\d+)$/gm)].map(([, kibibytes]) => Number(kibibytes) / 1024);
  rmSync(folder + out, { recursive: true, force: true });
  return { seconds, peak: Math.max(...peaks) };
}
