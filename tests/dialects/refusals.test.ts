/**
 * What layers and operations are refused for: the whole message of each; that no refusal in the code is left out; and that
 * docs/layers.md says of each what it is told to say.
 */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { LayerConfig } from "../../src/dialects/keras-config.ts";
import type { KerasCall } from "../../src/ops/facets.ts";
import { kerasNotes, operationNotes } from "../../src/ops/index.ts";
import { commonLimits, type Note } from "../../src/ops/notes.ts";
import { from, functional, input, layer, sequential } from "../support/keras-config.ts";
import { memoryTree } from "../support/memory-tree.ts";
import { layerRefusals, sizeRefusals } from "../support/refusal-cases.ts";
import { operationRefusals } from "../support/operation-refusals.ts";
import { modelOf, type Refusal } from "../support/refusal-model.ts";
import { refusal, refusedBy } from "../support/refusals.ts";

/** Lines of src/ that stood on the stack of a refusal, as `ops/dense.ts:66`. */
const reached = new Set<string>();
const { refuse } = LayerConfig.prototype;
LayerConfig.prototype.refuse = function (...given): never {
  for (const [, line] of (new Error().stack ?? "").matchAll(/\/src\/((?:ops|dialects)\/[\w-]+\.ts:\d+):/g))
    reached.add(line!);
  return refuse.apply(this, given) as never;
};
afterAll(() => {
  LayerConfig.prototype.refuse = refuse;
});

function expected([className, , key, why, { fix, part } = {}]: Refusal): string {
  const called = /^(inputs?$|call argument )/.test(key);
  return [
    `channelwise: unsupported-option: ${className}: ${called ? "" : "option "}${key}: ${why}`,
    `  where  model.keras > config.json > layer a${part ? ` > ${part}` : ""}`,
    `  fix    ${fix ?? `change ${called ? "what the layer is called on" : "the option"} and save the model again, or report the file`}`,
  ].join("\n");
}

const named = (cases: readonly Refusal[]) => cases.map((given) => [given[0], given[2], given[3], given] as const);

test.each(named(layerRefusals))("%s: %s: %s", (_class, _key, _why, given) => {
  expect(refusal(modelOf(given, false), {}).message).toBe(expected(given));
});

test.each(named(operationRefusals))("keras.ops %s: %s: %s", (_class, _key, _why, given) => {
  expect(refusal(modelOf(given, true), {}).message).toBe(expected(given));
});

test.each(sizeRefusals)("%s %j: %s", (className, options, why, setting) => {
  expect(refusal(modelOf([className, options, "", why, setting], false), {}).message).toBe(
    [
      `channelwise: shape-mismatch: ${why}`,
      "  where  model.keras > config.json > layer a",
      "  fix    the parts of the file do not belong together; save the model again with Keras",
    ].join("\n"),
  );
});

test("a mask that is none, for a model inside the model", () => {
  const inner = functional([input("i", [8, 4])], ["i", 0, 0], ["i", 0, 0], "a");
  const outer = functional(
    [input("x", [8, 4]), { ...inner, inbound_nodes: [{ args: [from("x")], kwargs: { mask: [1] } }] }],
    ["x", 0, 0],
    ["a", 0, 0],
  );
  expect(refusal(outer, {}).message).toContain("Functional: call argument mask: expected tensors, got 1");
});

test("a custom layer that is to be like a class that Keras has not", () => {
  const config = sequential([
    input("x", [8, 4]),
    { ...layer("Own", "a"), module: "mine", registered_name: "mine>Own" },
  ]);
  const weights = memoryTree([]);
  const customLayers = { Own: (call: KerasCall) => call.like("Conv9D") };
  const refused = refusedBy(() => kerasGraph({ config, weights, place: ["model.keras"], customLayers }));
  expect(refused.message).toContain('Own: option class: "Conv9D" is none of Keras\' own that are known here');
});

describe("nothing is left out", () => {
  const source = new URL("../../src/", import.meta.url);

  // What TensorFlow.js can't be given is held by tests/api/to-tfjs.test.ts.
  const isReader = (file: string) => !file.startsWith("tfjs-");

  test("every line that refuses was reached", () => {
    const lines = ["ops", "dialects"].flatMap((folder) =>
      readdirSync(new URL(folder, source))
        .filter(isReader)
        .flatMap((file) =>
          readFileSync(new URL(`${folder}/${file}`, source), "utf8")
            .split("\n")
            .flatMap((line, index) =>
              /(?<!#|this\.)\brefuse\(|config\.refuse\(/.test(line) && !/refuse\(\w+: string/.test(line)
                ? [`${folder}/${file}:${index + 1}`]
                : [],
            ),
        ),
    );
    expect(lines.length).toBeGreaterThan(120);
    expect(lines.filter((line) => !reached.has(line))).toEqual([]);
  });

  const tables: [string, readonly Refusal[], ReadonlyMap<string, Note>][] = [
    ["layers", layerRefusals, kerasNotes()],
    ["operations", operationRefusals, operationNotes()],
  ];
  const say = (key: string, text: string | undefined) => `${key}: ${text}`;

  test.each(tables)("%s: what Keras has and is refused is a limit in the notes", (_, cases, notes) => {
    const missing = cases.flatMap(([className, , key, why, { keras } = {}]) => {
      const limit = notes.get(className)?.limits?.[key] ?? commonLimits[key];
      return keras || limit !== undefined ? [] : [`${className}: ${key}: ${why}`];
    });
    expect(missing).toEqual([]);
  });

  test.each(tables)("%s: a limit in the notes is one: something is refused for it", (_, cases, notes) => {
    const shown = new Set(
      cases.flatMap(([className, , key, , { keras } = {}]) =>
        keras ? [] : [say(key, notes.get(className)?.limits?.[key])],
      ),
    );
    // Families share a limit; one of its classes is enough.
    const all = [...notes.values()].flatMap(({ limits = {} }) => Object.entries(limits));
    expect([...new Set(all.map(([key, text]) => say(key, text)))].filter((limit) => !shown.has(limit))).toEqual([]);
  });

  test("a limit of all layers is one of them", () => {
    const keys = new Set(layerRefusals.flatMap(([, , key, , { keras } = {}]) => (keras ? [] : [key])));
    // Precisions are held in keras-config.test.ts.
    expect(Object.keys(commonLimits).filter((key) => !keys.has(key) && key !== "dtype")).toEqual([]);
  });
});
