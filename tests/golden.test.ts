/**
 * The programs that `convert --to pytorch` writes, byte for byte: tests/golden/<fixture>.py, and <fixture>.fold.py for those
 * where folding is worth reading. A change of the emitter shows here as the change a reader of model.py would see.
 *
 *     UPDATE_GOLDEN=1 npx vitest run tests/golden.test.ts     writes them anew; then read what changed
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { torchConversion } from "../src/api/torch-conversion.ts";
import { caseFile, caseNames, loadCase } from "./support/fixtures.ts";

const folder = new URL("golden/", import.meta.url);
const update = process.env.UPDATE_GOLDEN === "1";

/** Whole networks, and what goes wrong at a Flatten. */
const categories = ["seed", "flatten", "architecture"];
/** The module that stands for a Dense of int8. */
const others = ["quantized-flatten"];
/**
 * Folded too: rows of a kernel; a kernel's rows by segments; per-feature vectors of a norm and a kernel; an output, which has to
 * be put in order all the same; one kernel behind two orders.
 */
const folded = [
  "flatten-dense",
  "flatten-concatenate-with-vector",
  "flatten-batchnorm-dense",
  "flatten-softmax-output",
  "flatten-shared-dense",
];

function categoryOf(name: string): string {
  return JSON.parse(new TextDecoder().decode(caseFile(name, "case.json")!)).category;
}

const programs = [
  ...caseNames
    .filter((name) => categories.includes(categoryOf(name)) || others.includes(name))
    .map((name) => ({ name, flatten: "permute", file: `${name}.py` }) as const),
  ...folded.map((name) => ({ name, flatten: "fold", file: `${name}.fold.py` }) as const),
];

describe("model.py", () => {
  test.each(programs)("$file", ({ name, flatten, file }) => {
    const { source } = torchConversion(loadCase(name).graph(), { flatten }).program;
    const path = new URL(file, folder);
    if (update) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, source);
    }
    expect(existsSync(path), `tests/golden/${file} is missing: UPDATE_GOLDEN=1 writes it`).toBe(true);
    expect(source).toBe(readFileSync(path, "utf8"));
  });

  test("every golden file has its fixture", () => {
    const known: string[] = programs.map(({ file }) => file);
    const spare = readdirSync(folder).filter((file) => !known.includes(file));
    if (update) for (const file of spare) rmSync(new URL(file, folder));
    else expect(spare).toEqual([]);
  });
});
