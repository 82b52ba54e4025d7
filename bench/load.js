/**
 * load: opening a file of weights and reading all its arrays, per format
 *
 * Every run is a process of its own (peers/read-file.js, peers/read_file.py), the file in the page cache; contenders take turns.
 * Each takes one array after the other and lets go of it, as a conversion does. Python's libraries are measured where
 * CHANNELWISE_PYTHON names an interpreter that has h5py, torch, safetensors and numpy: printed, and not written.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { npzFile } from "../build/js/bytes/npz.js";
import { StagedFiles } from "../build/js/cli/files.js";
import { writeKerasFile, writeWeights } from "../build/js/formats/keras-write.js";
import { checkpointFile } from "../build/js/formats/pytorch.js";
import { safetensorsFile } from "../build/js/formats/safetensors.js";
import { median } from "./lib/race.js";
import { normal, uniform } from "./lib/random.js";
import { Report } from "./lib/report.js";

const folder = fileURLToPath(new URL("../build/bench/load/", import.meta.url));
const program = (/** @type {string} */ name) => fileURLToPath(new URL(`peers/${name}`, import.meta.url));
const python = process.env.CHANNELWISE_PYTHON;

/** Who reads what. */
const contenders = {
  keras: ["channelwise"],
  h5: ["channelwise", "h5wasm", "jsfive", "h5py"],
  safetensors: ["channelwise", "safetensors"],
  pt: ["channelwise", "torch"],
  npz: ["channelwise", "numpy"],
};
const inPython = new Set(["h5py", "safetensors", "torch", "numpy"]);
/** Elements along both axes of an array: 4 MiB. */
const side = 1024;

/** @typedef {{ seconds: number, peakBytes: number, digest: string }} Run */

/** @param {import("./lib/suite.js").Context} context */
export async function load(context) {
  const count = context.quick ? 8 : 64;
  const totalBytes = count * side * side * 4;
  const digest = writeFiles(count);
  const about =
    `Files of ${count} float32 arrays of (${side}, ${side}), in the page cache. \`MB/s\`: open and read all arrays, one after the other. ` +
    "`peak MiB`: the largest resident memory of the process, `own MiB`: without that of one that reads nothing. Medians of runs in " +
    "processes of their own, in turns. The numbers read are compared.";
  const report = new Report(context, "load", about, [`${(totalBytes / 2 ** 20).toFixed(0)} MiB`]);
  report.table([
    { title: "format", width: 13, left: true },
    { title: "contender", width: 13, left: true },
    { title: "MB/s", width: 8 },
    { title: "ratio" },
    { title: "peak MiB", width: 11 },
    { title: "own MiB", width: 10 },
  ]);
  for (const [format, names] of Object.entries(contenders)) {
    /** @type {Map<string, Run[]>} */
    const runs = new Map(names.filter((name) => python || !inPython.has(name)).map((name) => [name, []]));
    for (let round = 0; round < (context.quick ? 1 : 5); round++)
      for (const [name, own] of runs) own.push(run(name, format, digest));
    const own = median((runs.get("channelwise") ?? []).map(({ seconds }) => seconds));
    for (const [name, all] of runs) {
      const seconds = median(all.map((one) => one.seconds));
      const peak = median(all.map((one) => one.peakBytes)) / 2 ** 20;
      const cells = [
        format,
        name,
        (totalBytes / 1e6 / seconds).toFixed(0),
        `${(seconds / own).toFixed(2)}x`,
        peak.toFixed(0),
        (peak - base(name)).toFixed(0),
      ];
      if (inPython.has(name)) report.aside(cells);
      else report.row(cells);
    }
  }
  report.write();
}

/** @type {Map<boolean, number>} */
const bases = new Map();

/** MiB of a process of this contender's runtime that reads nothing. @param {string} contender */
function base(contender) {
  const key = inPython.has(contender);
  const known = bases.get(key) ?? execute(key, ["nothing", "", ""]).peakBytes / 2 ** 20;
  bases.set(key, known);
  return known;
}

/** @param {string} contender @param {string} format @param {string} digest @returns {Run} */
function run(contender, format, digest) {
  const result = execute(inPython.has(contender), [contender, format, `${folder}weights.${format}`]);
  if (result.digest !== digest) throw new Error(`outputs differ: ${contender} read other numbers out of .${format}`);
  return result;
}

/** @param {boolean} snake @param {string[]} args @returns {Run} */
function execute(snake, args) {
  const [file, script] = snake ? [python ?? "", "read_file.py"] : [process.execPath, "read-file.js"];
  return JSON.parse(execFileSync(file, [program(script), ...args]).toString());
}

/** Writes the same arrays in every format; gives the digest of their numbers, in the order of their names. @param {number} count */
function writeFiles(count) {
  const source = uniform(11);
  const hash = createHash("sha1");
  const arrays = new Map(
    Array.from({ length: count }, (_, index) => {
      const data = normal(source, side * side);
      hash.update(new Uint8Array(data.buffer));
      const array = { dtype: /** @type {const} */ ("float32"), shape: [side, side], read: () => data };
      return [`array_${String(index).padStart(3, "0")}`, array];
    }),
  );
  const tree = [...arrays].map(([name, array]) => ({ group: `layers/${name}`, name, arrays: [array] }));
  const files = {
    keras: writeKerasFile({}, "3.15.1", tree),
    h5: writeWeights(tree),
    safetensors: safetensorsFile(arrays),
    pt: checkpointFile(arrays),
    npz: npzFile(arrays),
  };
  mkdirSync(folder, { recursive: true });
  const staged = new StagedFiles();
  for (const [format, file] of Object.entries(files)) staged.write(`${folder}weights.${format}`, file);
  staged.commit();
  return hash.digest("hex");
}
