/**
 * Leaves of dist/types/ what the types that package.json exports lead to: the compiler writes some for every file of src/.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";

const root = new URL("../", import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

/** @type {Set<string>} */
const kept = new Set();
/** @param {URL} file */
function keep({ href }) {
  if (kept.has(href)) return;
  kept.add(href);
  const text = readFileSync(new URL(href), "utf8");
  for (const [, path] of text.matchAll(/(?:from|import\() ?"(\.[^"]+)\.ts"/g)) keep(new URL(`${path}.d.ts`, href));
}

/** Whether anything is left in it. @param {URL} folder @returns {boolean} */
function prune(folder) {
  const left = readdirSync(folder, { withFileTypes: true }).filter((entry) => {
    const place = new URL(`${entry.name}${entry.isDirectory() ? "/" : ""}`, folder);
    const wanted = entry.isDirectory() ? prune(place) : kept.has(place.href);
    if (!wanted) rmSync(place, { recursive: true });
    return wanted;
  });
  return left.length > 0;
}

for (const entry of Object.values(exports)) if (entry.types) keep(new URL(entry.types, root));
prune(new URL("dist/types/", root));
