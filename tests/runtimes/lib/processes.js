/**
 * processes: runtimes that are programs, started in the folder where the package is installed
 *
 * The two Nodes are packaged for Linux on x64; elsewhere npm leaves them out, and they count as failed.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { own } from "./install.js";

const binary = (/** @type {string} */ path) => join(own, "node_modules", path);
// Nothing is made of text as code: no eval, no new Function.
const node = ["--disallow-code-generation-from-strings"];

const program = "hosts/process.js";

/**
 * By the name that they have for themselves, and more.
 *
 * @param {{ url: string }} server
 * @returns {Record<string, [command: string, ...options: string[]]>}
 */
export const processes = ({ url }) => ({
  "Node 20": [binary("node-20/bin/node"), ...node, program],
  "Node, the newest": [binary("node-newest/bin/node"), ...node, program],
  Deno: [binary(".bin/deno"), "run", "--no-prompt", "--allow-read=.", program],
  "Deno, from a URL": [
    ...[binary(".bin/deno"), "run", "--no-prompt", "--no-lock", `--allow-net=${new URL(url).host}`],
    ...[`--allow-import=${new URL(url).host}`, "--reload", `${url}/plain/hosts/address.js`],
  ],
  Bun: [binary(".bin/bun"), "run", program],
});

/**
 * @param {string} name @param {[command: string, ...options: string[]]} command @param {string} folder
 * @returns {Promise<{ version: string, lines: string }>}
 */
export async function runProcess(name, [command, ...options], folder) {
  const { stdout } = await promisify(execFile)(command, options, {
    cwd: folder,
    timeout: 90_000,
  });
  const [, is, version, lines] = /^# (\w+) (.*)\n([\s\S]*)$/.exec(stdout) ?? [];
  if (is !== /^\w+/.exec(name)?.[0]) throw new Error(`it is none, and printed ${stdout}`);
  return { version, lines };
}
