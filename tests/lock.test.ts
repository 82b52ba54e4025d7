/**
 * package-lock.json: what `npm ci` needs of it, and what must not be in it.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface LockEntry {
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
}

const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
const packages: Record<string, LockEntry> = JSON.parse(text).packages;

test("every optional package has an entry (else: node scripts/complete-lock.js)", () => {
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  expect(wanted.filter((name) => !Object.keys(packages).some((key) => key.endsWith(`node_modules/${name}`)))).toEqual(
    [],
  );
});

test("no registry is named", () => {
  expect(Object.values(packages).filter((entry) => entry.resolved !== undefined)).toEqual([]);
  expect(text).not.toContain('"resolved"');
});
