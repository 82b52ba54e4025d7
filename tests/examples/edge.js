/**
 * edge: the Worker of examples/edge, as a stranger has it
 */
import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkCutOff, checkServer } from "./client.js";
import { check } from "./support.js";
import { bundle, startWorker } from "./workerd.js";

/** What the Worker may weigh, the model aside. */
const mostBytes = 100_000;

/** @param {string} copy a stranger's copy */
export async function checkEdge(copy) {
  const folder = join(copy, "edge");
  const bundled = bundle(folder);
  await check(`edge: at most ${mostBytes} bytes gzipped, the model aside`, () => {
    ok(bundled.gzippedBytes <= mostBytes, `${bundled.gzippedBytes} bytes`);
    return `${bundled.gzippedBytes} bytes`;
  });
  const worker = await startWorker(folder, bundled);
  const version = JSON.parse(
    readFileSync(new URL("node_modules/workerd/package.json", import.meta.url), "utf8"),
  ).version;
  try {
    await checkServer(`edge, workerd ${version}`, worker.url);
    await checkCutOff("edge", worker.url);
  } finally {
    await worker.stop();
  }
}
