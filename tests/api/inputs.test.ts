/** Inputs out of files of arrays, and drawn ones. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawInputs, load, readInputs, verify } from "../../src/index.ts";
import { npyFile } from "../../src/bytes/npy.ts";
import { inMemory } from "../../src/bytes/file-to-write.ts";
import { writeNpz } from "../../src/bytes/npz.ts";

const bytes = (path: string) => new Uint8Array(readFileSync(new URL(`../fixtures/keras/${path}`, import.meta.url)));

test("a .npz by position and by name, a .npy, and channels first give the same numbers", async () => {
  const model = await load(bytes("activity-recognition-cnn/model.keras"));
  const [name] = model.inputs.map((port) => port.name) as [string];
  const { [name]: byPosition } = await readInputs(model, bytes("activity-recognition-cnn/inputs.npz"));
  const { data, shape } = byPosition!;
  expect(shape).toEqual([2, 20, 3]);
  const array = { dtype: "float32", shape, data: data as Float32Array } as const;
  expect(await readInputs(model, writeNpz(new Map([[name, array]])))).toEqual({ [name]: byPosition });
  expect(await readInputs(model, inMemory(npyFile(array, []), []))).toEqual({ [name]: byPosition });
  const turned = Float32Array.from(data, (_, index) => {
    const [n, c, l] = [Math.floor(index / 60), Math.floor(index / 20) % 3, index % 20];
    return data[n * 60 + l * 3 + c]!;
  });
  const channelsFirst = writeNpz(new Map([["input_0", { dtype: "float32", shape: [2, 3, 20], data: turned }]]));
  const { [name]: held } = await readInputs(model, channelsFirst, { layout: "torch" });
  expect(model.predict(held!)).toEqual(model.predict(byPosition!));
  model.dispose();
});

test("names that do not fit are refused, with what was expected", async () => {
  const model = await load(bytes("seed-experiment/model.keras"));
  const one = { dtype: "float32", shape: [1, 128, 1], data: new Float32Array(128) } as const;
  await expect(readInputs(model, writeNpz(new Map([["x", one]])), { name: "in.npz" })).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringMatching(/in\.npz: expected input_layer or input_0, got x/),
  });
  await expect(readInputs(model, writeNpz(new Map()))).rejects.toThrow(/input_layer is missing/);
  await expect(readInputs(model, bytes("seed-experiment/model.h5"))).rejects.toMatchObject({ code: "corrupt-file" });
  model.dispose();
});

test("drawn inputs are as many as asked for, of the model's types, and the same each time", async () => {
  const model = await load(bytes("embedding/model.keras"));
  const drawn = drawInputs(model, { samples: 3, seed: 4 });
  expect(Object.keys(drawn)).toEqual(model.inputs.map(({ name }) => name));
  for (const port of model.inputs) {
    expect(drawn[port.name]).toMatchObject({ layout: port.layout, shape: [3, ...port.shape.slice(1)] });
  }
  expect(drawInputs(model, { samples: 3, seed: 4 })).toEqual(drawn);
  expect(drawInputs(model, { samples: 3, seed: 5 })).not.toEqual(drawn);
  expect(() => model.predict(drawn)).not.toThrow();
  expect(() => drawInputs(model, { samples: 0 })).toThrow(/samples/);
  expect((await verify(model, { samples: 3, seed: 4 })).agrees).toBe(true);
  model.dispose();
});
