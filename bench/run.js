/**
 * run: the benches against onnxruntime-web and tfjs-backend-wasm
 *
 *   node bench/run.js [suite...] [--quick] [--kernels packaged|plain|relaxed]
 *
 * Without a suite, all of them. Prints tables and writes them to bench/results/<suite>.<runtime>.md; with --quick it only
 * prints, from a few samples. Native onnxruntime takes part where `npm ci --prefix bench/native` was run. --kernels measures a named build of the kernels instead of what the package picks. Needs
 * `npm run build`. Fails when contenders' outputs differ.
 */
import { parseArgs } from "node:util";
import { arena } from "./arena.js";
import { ceiling } from "./ceiling.js";
import { conv1d } from "./conv1d.js";
import { convert } from "./convert.js";
import { dense } from "./dense.js";
import { errors } from "./errors.js";
import { gemm } from "./gemm.js";
import { growth } from "./growth.js";
import { chooseKernels, describeKernels } from "./lib/engine.js";
import { load } from "./load.js";
import { model } from "./model.js";
import { nativeVersion, version as onnxruntime } from "./peers/onnxruntime.js";
import { version as tensorflow } from "./peers/tensorflow.js";
import { profile } from "./profile.js";
import { size } from "./size.js";
import { start } from "./start.js";
import { threads } from "./threads.js";
import { transpose } from "./transpose.js";

/** @type {Record<string, (context: import("./lib/suite.js").Context) => Promise<void>>} */
const suites = {
  gemm,
  conv1d,
  transpose,
  dense,
  model,
  profile,
  start,
  load,
  convert,
  size,
  growth,
  threads,
  arena,
  errors,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, kernels: { type: "string", default: "packaged" } },
});
const chosen = positionals.length > 0 ? positionals : Object.keys(suites);
const unknown = chosen.find((name) => !Object.hasOwn(suites, name));
if (unknown !== undefined || !["packaged", "plain", "relaxed"].includes(values.kernels)) {
  console.error(
    `usage: node bench/run.js [${Object.keys(suites).join("|")}...] [--quick] [--kernels packaged|plain|relaxed]`,
  );
  process.exit(2);
}

const choice = /** @type {import("./lib/engine.js").Choice} */ (values.kernels);
const module = chooseKernels(choice);
const context = {
  module,
  choice,
  kernels: describeKernels(module),
  ceiling: ceiling(),
  quick: values.quick,
  peers: [
    `onnxruntime-web ${onnxruntime}`,
    `tfjs-backend-wasm ${tensorflow}`,
    ...(nativeVersion ? [`onnxruntime-node ${nativeVersion}`] : []),
  ].join(", "),
};
for (const name of chosen) {
  try {
    await suites[name](context);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    process.exitCode = 1;
  }
  console.log("");
}
