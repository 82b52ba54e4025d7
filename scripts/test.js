/**
 * The tests of `npm test` behind the build: vitest, and beside it what uses one processor alone (the kernels' specs, types and style), whose
 * words are shown at the end. Fails if one of them does.
 */
import { spawn } from "node:child_process";

/** @param {string} command @param {"inherit" | "pipe"} output @returns {Promise<{ code: number, text: string }>} */
function run(command, output) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ["ignore", output, output] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (part) => (text += part));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, text }));
  });
}

const alone = run("npm run -s test:kernels", "pipe").then(async (kernels) => [
  kernels,
  await run("npm run -s check", "pipe"),
]);
const results = [await run("vitest run", "inherit"), ...(await alone)];
for (const { text } of results) process.stdout.write(text);
process.exitCode = results.some(({ code }) => code !== 0) ? 1 : 0;
