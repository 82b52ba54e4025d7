/** Files of Keras 1 and 2, damaged: bytes of HDF5, and configurations with something else in any place. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, test } from "vitest";
import { readGraph, readWeights } from "../../src/api/load.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";
import { readKeras } from "../../src/dialects/keras.ts";
import { readKerasHdf5 } from "../../src/formats/keras-h5.ts";
import { layersOf } from "../../src/graph/graph.ts";
import { mutations } from "./mutate.ts";
import { safely } from "./safely.ts";

const folder = new URL("../fixtures/legacy/", import.meta.url);
const names = readdirSync(folder);
const bytesOf = (name: string, file: string) => new Uint8Array(readFileSync(new URL(`${name}/${file}`, folder)));
const whole = names.filter((name) => existsSync(new URL(`${name}/model.h5`, folder)));
const apart = names.filter((name) => !whole.includes(name));

/** Reads a file as far as `load` does, and all its numbers. */
function open(bytes: Uint8Array): void {
  for (const { weights } of layersOf(readGraph({ bytes, name: "attack" }).graph))
    for (const { array } of Object.values(weights)) toFloat32(array);
}

describe("bytes", () => {
  test.each(whole)("%s", (name) => {
    for (const mutation of mutations(bytesOf(name, "model.h5"), 11, 40)) safely(mutation, open);
  });
  test.each(apart)("%s", (name) => {
    const architecture = { bytes: bytesOf(name, "architecture.json"), name: "architecture.json" };
    for (const mutation of mutations(bytesOf(name, "weights.h5"), 12, 40))
      safely(mutation, (bytes) => readWeights({ bytes, name: "attack" }, architecture));
    for (const mutation of mutations(architecture.bytes, 13, 40))
      safely(mutation, (bytes) =>
        readWeights({ bytes: bytesOf(name, "weights.h5"), name: "weights.h5" }, { bytes, name: "attack" }),
      );
  });
});

/** What a configuration may hold where something else is expected. */
const lies: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  2 ** 53,
  1e308,
  "",
  "x",
  "__proto__",
  "hard_sigmoid",
  [],
  {},
  [null],
  [[]],
  [["a", 0, 0]],
  ["inner", 7, 0],
  { class_name: "Dense" },
  { class_name: "Sequential", config: [] },
  { class_name: "Merge", config: {} },
  { class_name: "TFOpLambda", config: { function: "reshape" } },
  { type: "ndarray", value: [] },
];

/** Every place in a JSON value, as keys from its root. */
function placesIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...path, key]))];
}

function replaced(root: unknown, path: readonly string[], lie: unknown): unknown {
  const copy = structuredClone(root) as Record<string, unknown>;
  if (path.length === 0) return lie;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const key = path.at(-1)!;
  if (lie === undefined && Array.isArray(at)) at.splice(Number(key), 1);
  else if (lie === undefined) delete at[key];
  else at[key] = lie;
  return copy;
}

describe("a lie in any place of the configuration", () => {
  test.each(whole)("%s", (name) => {
    const bytes = bytesOf(name, "model.h5");
    const file = readKerasHdf5(bytes, ["model.h5"]);
    // Three of every four places; which lie stands where differs from file to file.
    for (const [index, path] of placesIn(file.config).entries()) {
      const lie = index % 4 === 0 ? undefined : lies[(index + name.length) % lies.length];
      if (index % 4 === 3) continue;
      const config = replaced(file.config, path, lie);
      const attack = { name: `${path.join(".")} = ${JSON.stringify(lie)}`, bytes };
      safely(attack, () => {
        const { weights, kerasVersion, backend } = file;
        return readKeras({ config, weights: weights!, kerasVersion, backend, place: ["attack", "model_config"] });
      });
    }
  });
});
