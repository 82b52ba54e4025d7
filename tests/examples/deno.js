/**
 * deno: the server of examples/deno, as a stranger has it
 */
import { join } from "node:path";
import { checkCutOff, checkServer, checkSockets } from "./client.js";
import { bin, run, start } from "./support.js";

/** @param {string} folder a stranger's copy */
export async function checkDeno(folder) {
  const [version] = /\d+\.\d+\.\d+/.exec(run(bin("deno"), ["--version"])) ?? ["?"];
  const server = await start(bin("deno"), ["run", "--allow-net", "--allow-read", join(folder, "deno/server.js"), "0"]);
  try {
    await checkServer(`deno ${version}`, server.url);
    await checkSockets("deno", server.url);
    await checkCutOff("deno", server.url);
  } finally {
    await server.stop();
  }
}
