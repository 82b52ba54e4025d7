/**
 * table: README's table of runtimes, between two marks, made of what was green
 */
import { readFileSync, writeFileSync } from "node:fs";

const readme = new URL("../../../README.md", import.meta.url);
const begin = "<!-- made by tests/runtimes/run.js --write -->\n";
const end = "<!-- end -->";

/** What the rows say besides the version: where the suite ran, and whether models have threads there. @type {Record<string, [where: string, threads: string]>} */
const about = {
  "Node 20": ["a program", "yes"],
  "Node, the newest": ["a program", "yes"],
  Deno: ["a program", "yes"],
  "Deno, from a URL": ["a program", "no"],
  Bun: ["a program", "yes"],
  Chromium: ["page, module worker, service worker", "if cross-origin isolated"],
  Firefox: ["page, module worker, service worker", "if cross-origin isolated"],
  WebKitGTK: ["page, module worker, service worker", "no `SharedArrayBuffer`"],
  workerd: ["Worker, by miniflare", "no"],
  "edge-runtime": ["edge function", "no"],
  rollup: ["page in Chromium", "if cross-origin isolated"],
  webpack: ["page in Chromium", "if cross-origin isolated"],
  vite: ["page in Chromium", "if cross-origin isolated"],
  esbuild: ["page in Chromium", "if cross-origin isolated"],
};

/** @returns {[before: string, table: string, after: string]} */
function parts() {
  const text = readFileSync(readme, "utf8");
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  if (from < begin.length || to < 0) throw new Error("README.md has no marks around its table of runtimes");
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

/** The names in the table's first column. @returns {string[]} */
export function readTable() {
  const rows = parts()[1]
    .split("\n")
    .filter((line) => line.startsWith("| "));
  return rows.slice(2).map((row) => row.split("|")[1].trim());
}

/** @param {Map<string, string>} green versions by name */
export function writeTable(green) {
  const [before, , after] = parts();
  const rows = Array.from(green, ([name, version]) => `| ${[name, version, ...about[name]].join(" | ")} |\n`);
  const table = ["| | version | the suite runs in | threads |\n", "| --- | --- | --- | --- |\n", ...rows].join("");
  writeFileSync(readme, before + table + after);
}
