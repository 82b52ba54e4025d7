/**
 * node: the server and the script of examples/node, in a clone and as a stranger has them
 */
import { deepStrictEqual as same } from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkCutOff, checkServer, checkSockets, motion } from "./client.js";
import { caseFile, check, root, run, start } from "./support.js";

/** @param {string} folder a stranger's copy */
export async function checkNode(folder) {
  const wave = Float32Array.from({ length: 60 }, (_, index) => Math.sin(index / 10));
  const expected = JSON.stringify({ dense_1: Array.from(motion.predict(wave).data) });

  await check("node/predict.js, a stranger's", () =>
    same(run("node", [join(folder, "node/predict.js")]).trim(), expected),
  );
  await check("node/predict.js, in the clone, of a .keras", () => {
    const model = caseFile("activity-recognition-cnn");
    same(run("node", [join(root, "examples/node/predict.js"), model]).trim(), expected);
  });
  await check("node/server.js, in the clone, as its README says", async () => {
    const model = join(root, "examples/node/motion.safetensors");
    const before = existsSync(model) ? readFileSync(model) : null;
    run("node", ["dist/cli.js", "convert", caseFile("activity-recognition-cnn"), model], { cwd: root });
    const server = await start("node", ["examples/node/server.js", "0"], { cwd: root });
    try {
      same((await fetch(new URL("/v2/health/ready", server.url))).status, 200);
    } finally {
      await server.stop();
      if (before) writeFileSync(model, before);
      else rmSync(model);
    }
  });

  const server = await start("node", [join(folder, "node/server.js"), "0"]);
  try {
    await checkServer(`node ${process.versions.node}`, server.url);
    await checkSockets("node", server.url);
    await checkCutOff("node", server.url);
  } finally {
    await server.stop();
  }
}
