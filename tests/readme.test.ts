/**
 * README.md: the layers it lists are those that can be read, and no others.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { kerasClasses } from "../src/ops/index.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the table of layers is complete and true", () => {
  const [, table = ""] = /\| \| layers \|\n\| --- \| --- \|\n((?:\|.*\n)+)/.exec(readme) ?? [];
  const listed = table.split("\n").flatMap((row) => (row.split("|")[2] ?? "").match(/[A-Z]\w+/g) ?? []);
  expect(listed.sort()).toEqual(kerasClasses());
});
