/**
 * Every package-lock.json: what `npm ci` needs of it, and what must not be in it.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

interface LockEntry {
  readonly optionalDependencies?: Record<string, string>;
}

const folders = ["", "tests/examples/", "tests/runtimes/", "web/"];

describe.each(folders)("%spackage-lock.json", (folder) => {
  const text = readFileSync(new URL(`../${folder}package-lock.json`, import.meta.url), "utf8");
  const packages: Record<string, LockEntry> = JSON.parse(text).packages;

  test("has an entry of every optional package (else: node scripts/complete-lock.js FOLDER)", () => {
    const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    const names = Object.keys(packages);
    expect(wanted.filter((name) => !names.some((key) => key.endsWith(`node_modules/${name}`)))).toEqual([]);
  });

  test("names no registry", () => {
    expect(text).not.toMatch(/"resolved": "[^"]*:/);
  });
});
