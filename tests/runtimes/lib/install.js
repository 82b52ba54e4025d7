/**
 * install: the package as users get it, packed and installed in a folder of its own, with the suite, the hosts and the data beside it
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project, and what belongs to these tests alone. */
export const project = fileURLToPath(new URL("../../../", import.meta.url));
export const own = fileURLToPath(new URL("../", import.meta.url));

/** @param {string} command @param {string[]} options @param {string} cwd */
const run = (command, options, cwd) =>
  execFileSync(command, options, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: 180_000 });

/** The folder goes with the process, however that ends. @returns {{ folder: string, tarball: string }} */
export function install() {
  const folder = mkdtempSync(join(tmpdir(), "channelwise-runtimes-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  const [{ filename }] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], project),
  );
  const manifest = { private: true, type: "module", sideEffects: false };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", `./${filename}`], folder);
  for (const part of ["suite.js", "hosts"]) cpSync(join(own, part), join(folder, part), { recursive: true });
  mkdirSync(join(folder, "data"));
  return { folder, tarball: join(folder, filename) };
}
