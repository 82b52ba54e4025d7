/** Files of Keras 1 and 2: what they meant when they were written, what Keras 3 takes them for, and what they become in PyTorch. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { load, type LoadOptions } from "../../src/api/load.ts";
import { inspect } from "../../src/api/inspect.ts";
import { verify } from "../../src/api/verify.ts";
import { toFloat32, toInt32 } from "../../src/bytes/numbers.ts";
import { readNpz } from "../../src/bytes/npz.ts";

const folder = new URL("../fixtures/legacy/", import.meta.url);

describe.each(readdirSync(folder))("%s", (name) => {
  const path = (file: string) => new URL(`${name}/${file}`, folder);
  const has = (file: string) => existsSync(path(file));
  const arrays = (file: string) => [...readNpz(new Uint8Array(readFileSync(path(file))), [file]).values()];
  const open = (options: LoadOptions = {}) =>
    has("model.h5")
      ? load(path("model.h5"), options)
      : load(path("weights.h5"), { ...options, architecture: path("architecture.json") });

  const expectOutputs = async (file: string, options: LoadOptions) => {
    const model = await open(options);
    const inputs = arrays("inputs.npz").map((array, index) =>
      model.inputs[index]!.type === "int32" ? toInt32(array) : toFloat32(array),
    );
    const found = model.predictAll(Object.fromEntries(model.inputs.map((port, index) => [port.name, inputs[index]!])));
    const expected = arrays(file);
    expect(found.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    expected.map(toFloat32).forEach((wanted, output) => {
      for (const [index, value] of wanted.entries())
        expect(Math.abs(found[output]!.data[index]! - value)).toBeLessThanOrEqual(1e-5 + 1e-4 * Math.abs(value));
    });
    model.dispose();
  };

  test("as it was meant", () => expectOutputs("outputs.npz", {}));
  if (has("outputs_keras3.npz")) {
    test("as Keras 3 takes it", () => expectOutputs("outputs_keras3.npz", { meaning: "keras3" }));
    test("says where the two differ", async () => {
      const model = await open();
      const { notes } = inspect(model);
      expect(notes.join("\n")).toMatch(/Keras 3/);
      model.dispose();
    });
  }
  test("in PyTorch", async () => {
    const model = await open();
    expect((await verify(model)).agrees).toBe(true);
    model.dispose();
  });
});
