/**
 * data: models of each format, with inputs and what Keras recorded for them, in one folder
 *
 *     cases.json          what suite.js runs: files, inputs, outputs and tolerances
 *     model.safetensors   the first case as channelwise/run takes it
 *     kernels.wasm        those of the package; empty.wasm: a module that is none of them
 *
 * Keras' own files are the fixtures; what Keras does not write (TensorFlow.js, PyTorch) is converted from the first case.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readNpz } from "../../../build/js/bytes/npz.js";
import { project } from "./install.js";

/** Keras' files, of which the first is the motion CNN. */
const fixtures = [
  { format: ".keras", from: "activity-recognition-cnn", file: "model.keras" },
  { format: ".h5", from: "deep-conv-lstm", file: "model.h5" },
  {
    format: ".weights.h5 and the architecture",
    from: "flatten-batchnorm-dense",
    file: "model.weights.h5",
    architecture: "model.json",
  },
];

/** What the first is converted to. */
const conversions = [
  { format: ".safetensors", to: "safetensors", file: "model.safetensors" },
  { format: "TensorFlow.js", to: "tfjs", file: "tfjs/model.json" },
  { format: "a state dict of PyTorch and the architecture", to: "pt", file: "model.pt", architecture: true },
];

/** @param {string} folder where the package is installed */
export async function writeData(folder) {
  const data = join(folder, "data");
  const cases = fixtures.map((each) => fixtureCase(each, data));
  const [first] = cases;
  const { convert, load } = await import(join(folder, "node_modules/channelwise/dist/index.node.js"));
  const model = await load(join(data, first.file));
  for (const { format, to, file, architecture } of conversions) {
    for (const [name, bytes] of await convert(model, { to })) {
      const path = join(data, dirname(file), name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
    cases.push({ ...first, name: format, file, ...(architecture ? { architecture: first.file } : {}) });
  }
  writeFileSync(join(data, "cases.json"), JSON.stringify(cases));
  copyFileSync(join(folder, "node_modules/channelwise/dist/kernels.wasm"), join(data, "kernels.wasm"));
  writeFileSync(join(data, "empty.wasm"), Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
}

/** @param {{ format: string, from: string, file: string, architecture?: string }} each @param {string} data */
function fixtureCase({ format, from, file, architecture }, data) {
  const fixture = join(project, "tests/fixtures/keras", from);
  mkdirSync(join(data, from));
  for (const name of [file, architecture]) if (name) copyFileSync(join(fixture, name), join(data, from, name));
  const arrays = (/** @type {string} */ name) => {
    const found = readNpz(new Uint8Array(readFileSync(join(fixture, name))));
    return Array.from(found.values(), (array) => array.read());
  };
  const inputs = arrays("inputs.npz");
  return {
    name: format,
    file: `${from}/${file}`,
    ...(architecture ? { architecture: `${from}/${architecture}` } : {}),
    inputs: inputs.map((numbers) => [...numbers]),
    outputs: arrays("outputs.npz").map((numbers) => [...numbers]),
    ids: inputs.map((numbers) => numbers instanceof Int32Array),
    atol: 1e-5,
    rtol: 1e-4,
  };
}
