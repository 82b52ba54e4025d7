/**
 * The main job on a real model: Keras' Conv1D, Flatten, Dense, with the weights Keras drew from seed 0. Prints what Keras
 * answers, what PyTorch answers when the weights are only transposed, and what the converted model answers; converts,
 * verifies, and leaves the files in demo-output/.
 *
 *     npm run demo
 */
import { readFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { explain, load, verify } from "../dist/index.node.js";
import { readNpzArrays } from "./npz.js";

const fixture = new URL("../tests/fixtures/keras/seed-experiment/", import.meta.url);
const folder = "demo-output";
const cli = new URL("../dist/cli.js", import.meta.url).pathname;
const channelwise = (...words) =>
  execFileSync(process.execPath, [cli, ...words], { stdio: ["ignore", "inherit", "inherit"] });
const sevenDigits = (value) => String(Number(value.toPrecision(7)));

const { pathname: model } = new URL("model.keras", fixture);
const { input_0: input } = await readNpzArrays(new URL("inputs.npz", fixture));
const { output_0: recorded } = await readNpzArrays(new URL("outputs.npz", fixture));

console.log(`Converting ${model.split("/").slice(-2).join("/")}: Conv1D(2, 2), Flatten, Dense(1)\n`);
channelwise("convert", model, folder);

const source = await load(model);
const converted = await load(`${folder}/model.safetensors`);
const { outputs } = explain(source, input);
const rows = [
  ["Keras 3.15, as it recorded it", recorded[0]],
  ["PyTorch, weights transposed and nothing else", outputs[0].naive.data[0]],
  ["the converted model", converted.predict(input).data[0]],
];
console.log("");
for (const [what, value] of rows) console.log(`  ${what.padEnd(46)}${sevenDigits(value)}`);

const report = await verify(source);
const worst = Math.max(...report.layers.map((layer) => layer.maxAbsolute));
console.log(
  `\nEvery layer compared on random inputs: ${report.agrees ? "all agree" : "they DIFFER"}, at most ${worst.toPrecision(2)} apart.`,
);

const text = await readFile(`${folder}/model.py`, "utf8");
const emitted = text.slice(text.indexOf("\nclass ") + 1, text.indexOf("\n\n\ndef load_model"));
console.log(`\n${folder}/model.py\n\n${emitted.replace(/^/gm, "    ")}\n`);
console.log(`With PyTorch at hand: python ${folder}/model.py`);
