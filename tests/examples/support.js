/**
 * support: checks that print a line each, programs that are started and ended, and a stranger's copy of the examples
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The repository, which has been built. */
export const root = fileURLToPath(new URL("../../", import.meta.url));
/** A program of this folder's packages. @param {string} name */
export const bin = (name) => fileURLToPath(new URL(`node_modules/.bin/${name}`, import.meta.url));

const counts = { passed: 0, failed: 0 };

/** One check: a line that says whether `action` came to its end. @param {string} name @param {() => unknown} action */
export async function check(name, action) {
  try {
    const note = await action();
    counts.passed++;
    console.log(`ok    ${name}${typeof note === "string" ? `: ${note}` : ""}`);
  } catch (error) {
    counts.failed++;
    console.log(
      `FAIL  ${name}\n      ${[error?.stack ?? error, error?.cause ?? ""].join("\n").replaceAll("\n", "\n      ")}`,
    );
  }
}

/** The line that ends the run, and its exit code. */
export function finish() {
  console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

/** Runs a program to its end; gives what it printed. @param {string} program @param {string[]} args @param {object} [options] */
export function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: 180_000,
    ...options,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${status} ${error ?? ""}\n${stdout}${stderr}`);
  return stdout;
}

/** The same, while servers of this process go on. @param {string} program @param {string[]} args */
export async function say(program, args) {
  return (await promisify(execFile)(program, args, { timeout: 60_000 })).stdout.trim();
}

/** How long a server may take to say where it is: milliseconds. */
const longestStart = 60_000;

/**
 * Starts a server that prints its address as its first line; it is ended if it has not within a minute.
 *
 * @param {string} program @param {string[]} args
 * @returns {Promise<{ url: URL, pid: number, stop(): Promise<void> }>}
 */
export async function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const line = await new Promise((resolve, reject) => {
    let text = "";
    const said = `${program} ${args.join(" ")}`;
    timer = setTimeout(() => reject(new Error(`${said}: no address after ${longestStart / 1000} s`)), longestStart);
    child.stdout.setEncoding("utf8").on("data", (part) => {
      text += part;
      if (text.includes("\n")) resolve(text.split("\n")[0]);
    });
    child.once("error", reject);
    ended.then((code) => reject(new Error(`${said} ended with ${code}`)));
  })
    .catch((error) => {
      child.kill("SIGKILL");
      throw error;
    })
    .finally(() => clearTimeout(timer));
  return { url: new URL(line), pid: child.pid, stop };
}

/** The models of the examples, by the names of their files, and the cases that they are converted from. */
export const models = {
  "motion.safetensors": "activity-recognition-cnn",
  "keywords.safetensors": "keyword-spotting-cnn",
};

/** The model file of a case. @param {string} name */
export const caseFile = (name) => join(root, "tests/fixtures/keras", name, "model.keras");

/**
 * The examples as a stranger has them: a folder of its own with the packed package installed, the models converted by the installed command.
 *
 * @returns {{ folder: string, remove(): void }}
 */
export function strangersCopy() {
  const folder = mkdtempSync(join(tmpdir(), "channelwise-examples-"));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const [tarball] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: root }),
  );
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball.filename}`], { cwd: folder });
  for (const entry of readdirSync(join(root, "examples"), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const own = join(folder, entry.name);
    cpSync(join(root, "examples", entry.name), own, {
      recursive: true,
      filter: (path) => !path.endsWith(".safetensors"),
    });
  }
  for (const [file, name] of Object.entries(models)) {
    const made = join(folder, file);
    run(join(folder, "node_modules/.bin/channelwise"), ["convert", caseFile(name), made], { cwd: folder });
    for (const example of ["node", "deno", "edge", "batch", "browser", "worklet"])
      cpSync(made, join(folder, example, file));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A new folder below a stranger's copy. @param {string} folder @param {string} name */
export function subfolder(folder, name) {
  const made = join(folder, name);
  mkdirSync(made, { recursive: true });
  return made;
}
