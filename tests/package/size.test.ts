/**
 * What has to be delivered for each entry, gzipped, against size-budget.json. A bundle counts with all that it imports at once from beside
 * it; `channelwise/run` takes 60 000 bytes at most, whatever the budget says.
 */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import budget from "./size-budget.json" with { type: "json" };
import { dist, readScript, scripts } from "./built.ts";

/** A file of dist/ and those that it imports from there, by their names. */
function delivered(name: string): Set<string> {
  const found = new Set([name]);
  if (!name.endsWith(".js")) return found;
  for (const path of readScript(name).imports) {
    if (!path.startsWith("./")) continue;
    for (const file of delivered(path.slice(2).replace(/\?.*$/, ""))) found.add(file);
  }
  return found;
}

const gzipped = (name: string) => gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length;
const bytesOf = (name: string) => [...delivered(name)].reduce((sum, file) => sum + gzipped(file), 0);

test("every bundle has a budget", () => {
  expect(Object.keys(budget).sort()).toEqual(scripts.filter((name) => name !== "shared.js"));
});

describe("the gzipped bytes of", () => {
  test.each(Object.entries(budget))("%s are at most %i", (name, most) => {
    const bytes = bytesOf(name);
    expect(bytes).toBeLessThanOrEqual(most);
    // A budget that says nothing is one to lower.
    expect(bytes).toBeGreaterThan(most * 0.8);
  });

  test.each(scripts.filter((name) => name.startsWith("run.")))("%s are below 60 000", (name) => {
    expect(bytesOf(name)).toBeLessThan(60_000);
  });

  test("what a bundle imports count too", () => {
    expect([...delivered("run.workerd.js")]).toEqual(["run.workerd.js", "kernels.relaxed.wasm"]);
    expect([...delivered("index.edge-light.js")]).toEqual(["index.edge-light.js", "kernels.wasm"]);
    expect([...delivered("index.node.js")]).toEqual(["index.node.js", "shared.js"]);
  });
});
