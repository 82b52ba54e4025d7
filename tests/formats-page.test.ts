/**
 * docs/formats.md: it is what the tables of formats make of it, and these are complete and true: every refusal of the readers and
 * writers stands in them, and each of theirs in the code. `UPDATE_DOCS=1` (`npm run docs`) writes it anew.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatsPage, sharedLimits } from "../scripts/formats-page.ts";
import { formats } from "../src/formats/index.ts";
import { kinds, targets } from "../src/formats/kinds.ts";
import { readNotes, writeNotes } from "../src/formats/notes.ts";

const page = new URL("../docs/formats.md", import.meta.url);
const source = new URL("../src/", import.meta.url);
const texts = (folder: string) =>
  readdirSync(new URL(folder, source), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && path !== "notes.ts")
    .map((path) => readFileSync(new URL(`${folder}/${path}`, source), "utf8"));
const limits = [
  ...Object.values(sharedLimits).flat(),
  ...Object.values(readNotes).flatMap((note) => note.limits),
  ...Object.values(writeNotes).flatMap((note) => note.limits),
];

test("the page is what the tables make of it", () => {
  const made = formatsPage();
  if (process.env.UPDATE_DOCS) writeFileSync(page, made);
  expect(readFileSync(page, "utf8"), "out of date: `npm run docs`").toBe(made);
});

test("every kind of file has a reader, and no reader another", () => {
  const read = formats.flatMap((format) => format.kinds);
  expect(new Set(read)).toEqual(new Set(Object.values(kinds)));
  expect(read).toHaveLength(Object.keys(kinds).length);
});

test("no two targets end alike, and none hides another", () => {
  const endings = Object.values(targets).flat() as string[];
  expect(new Set(endings).size).toBe(endings.length);
  endings.forEach((ending, index) => {
    expect(endings.slice(0, index).find((earlier) => ending.endsWith(earlier))).toBeUndefined();
  });
});

test("what the tables say is refused is refused in the code", () => {
  const code = [...["bytes", "formats", "dialects"].flatMap(texts), readFileSync(new URL("error.ts", source), "utf8")];
  const outlived = limits.flatMap(({ says }) => says.filter((text) => !code.some((file) => file.includes(text))));
  expect(outlived).toEqual([]);
});

test("what readers and writers refuse stands in the tables", () => {
  const refusals = ["bytes", "formats", "dialects"]
    .flatMap(texts)
    .flatMap((text) =>
      [...text.matchAll(/unsupportedFeature\(\s*([`"'])(.*?)\1\s*[,)]/gs)].map(([, , message]) => message!),
    );
  expect(refusals.length).toBeGreaterThan(50);
  const said = limits.flatMap(({ says }) => says);
  expect(refusals.filter((message) => !said.some((text) => message.includes(text)))).toEqual([]);
});
