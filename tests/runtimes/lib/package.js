/**
 * package: what publint and @arethetypeswrong/cli say of the tarball, and that its command runs
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { own } from "./install.js";

const run = promisify(execFile);
const binary = (/** @type {string} */ name) => join(own, "node_modules/.bin", name);

/** @param {{ folder: string, tarball: string }} installed @returns {[name: string, check: () => Promise<unknown>][]} */
export const packageChecks = ({ folder, tarball }) => [
  ["publint is content", () => quiet(binary("publint"), [tarball, "--strict"])],
  // Of modules there is no other kind: require() takes them in Node since 20.19.
  [
    "the types are right for all entries",
    () => quiet(binary("attw"), [tarball, "--profile", "esm-only", "--no-emoji"]),
  ],
  [
    "the command runs",
    async () => {
      const model = "data/activity-recognition-cnn/model.keras";
      const { stdout } = await run(join(folder, "node_modules/.bin/channelwise"), ["inspect", model], { cwd: folder });
      if (!stdout.includes("Conv1D")) throw new Error(`it printed ${stdout}`);
    },
  ],
];

/** @param {string} command @param {string[]} options */
async function quiet(command, options) {
  try {
    await run(command, options);
  } catch (error) {
    const { stdout = "", stderr = "" } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
    throw new Error(`${stdout}${stderr}` || String(error));
  }
}
