/**
 * docs/layers.md: it is what the code's own tables make of it, they are complete, and what is missing of Keras is known by name.
 * `UPDATE_DOCS=1` (`npm run docs`) writes it anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type KerasNames, layersPage, unaccounted, unreadOperations } from "../scripts/layers-page.ts";
import { torchConversion } from "../src/api/torch-conversion.ts";
import { kerasClasses, kerasNotes, kerasOperations, operationNotes } from "../src/ops/index.ts";
import { notRead } from "../src/ops/not-read.ts";
import { caseFile, caseNames, loadCase } from "./support/fixtures.ts";

const at = (path: string) => new URL(path, import.meta.url);
const names = JSON.parse(readFileSync(at("fixtures/keras-names.json"), "utf8")) as KerasNames;
const page = at("../docs/layers.md");

test("the page is what the tables make of it", () => {
  const made = layersPage(names);
  if (process.env.UPDATE_DOCS) writeFileSync(page, made);
  expect(readFileSync(page, "utf8"), "out of date: `npm run docs`").toBe(made);
});

test("all that can be read has a note, and nothing else", () => {
  expect([...kerasNotes().keys()].sort()).toEqual(kerasClasses());
  expect([...operationNotes().keys()].sort()).toEqual(kerasOperations());
});

test("what is read are classes that Keras has, under the names that files have", () => {
  const [layers, operations] = [Object.values(names.layers), Object.values(names.operations)];
  expect(kerasClasses().filter((name) => !layers.includes(name))).toEqual([]);
  expect(kerasOperations().filter((name) => !operations.includes(name))).toEqual([]);
});

test("every layer of Keras is read, or has a reason not to be, and not both", () => {
  expect(unaccounted(names)).toEqual([]);
  const refused = notRead.flatMap(({ classes }) => classes);
  expect(refused.filter((name) => kerasClasses().includes(name))).toEqual([]);
  const known = Object.values(names.layers);
  // Those in 3D that there are not: the list is Keras' own, with nothing added.
  expect(refused.filter((name) => !known.includes(name))).toEqual([]);
});

test("the layers that work on series and are missing are these", () => {
  const missing = notRead.flatMap(({ classes, why }) => (why === "no family reads it yet" ? classes : []));
  expect(missing).toEqual(["ConvLSTM1D", "ReversibleEmbedding"]);
});

test("each of keras.ops stands in the page once, read or not", () => {
  const text = readFileSync(page, "utf8");
  const operations = text.slice(text.indexOf("## Operations of"));
  for (const name of Object.keys(names.operations))
    expect(operations, `keras.ops.${name}`).toMatch(new RegExp(`(^\\| |, |: |^)\`${name}\``, "m"));
  expect(unreadOperations(names).length).toBeGreaterThan(100);
});

test("PyTorch's names in it are those of the programs that the fixtures' layers become", () => {
  const programs = new Map<string, string>();
  for (const name of caseNames) {
    const about = JSON.parse(new TextDecoder().decode(caseFile(name, "case.json")!));
    const { source } = torchConversion(loadCase(name).graph(), { flatten: "permute" }).program;
    const kinds = [...about.layer_classes, ...(about.operation_classes ?? []).map((kind: string) => `ops.${kind}`)];
    for (const kind of kinds) programs.set(kind, (programs.get(kind) ?? "") + source);
  }
  // Written for options that no fixture has.
  const drawn = ["ReLU F.relu6", "Dot torch.matmul", "LayerNormalization VarianceNorm", "GRU Recurrence"];
  const notes = [...kerasNotes(), ...[...operationNotes()].map(([kind, note]) => [`ops.${kind}`, note] as const)];
  const known = notes.filter(([kind]) => programs.has(kind));
  expect(known.length).toBeGreaterThan(70);
  const wrong = known.flatMap(([kind, { torch }]) => {
    const named = torch.match(/\b(nn|F|torch)\.\w+|(?<=class `)\w+|(?<=x)\.[a-z_]+/g) ?? [];
    return named.filter((call) => !programs.get(kind)!.includes(call)).map((call) => `${kind} ${call}`);
  });
  expect(wrong.filter((entry) => !drawn.includes(entry))).toEqual([]);
});
