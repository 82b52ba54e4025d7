/** Stateful layers: their states go in and come out, and a batch goes on where the one before ended. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { convert, load, type Model, type Tensor, verify } from "../../src/index.ts";
import { readNpz } from "../../src/bytes/npz.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";

const bytesOf = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../fixtures/stateful/${name}`, import.meta.url)));
const recorded = readNpz(bytesOf("batches.npz"));
/** One of the two batches. */
const batch = (name: "x" | "y", index: number) => {
  const all = toFloat32(recorded.get(name)!);
  return all.slice((index * all.length) / 2, ((index + 1) * all.length) / 2);
};
const keras = await load(bytesOf("model.keras"));
const converted = await load((await convert(keras, { to: "safetensors" })).get("model.safetensors")!);

function expectClose(got: Tensor, want: ArrayLike<number>): void {
  expect(got.data.length).toBe(want.length);
  expect(Math.max(...got.data.map((value, index) => Math.abs(value - want[index]!)))).toBeLessThan(1e-5);
}

const names = ["first.state_h", "first.state_c", "both.forward_state_h", "both.backward_state_h"].concat([
  "cells.cell_0.state_h",
  "cells.cell_1.state_h",
  "cells.cell_1.state_c",
]);

test.each<[string, Model]>([
  ["out of Keras", keras],
  ["out of safetensors", converted],
])("%s: as Keras, batch by batch", (_name, model) => {
  expect(model.inputs.filter(({ state }) => state).map(({ name }) => name)).toEqual(names);
  expect(model.outputs.map(({ name }) => name)).toEqual(["out", ...names]);
  const { out, ...states } = model.predict(batch("x", 0)) as Record<string, Tensor>;
  expectClose(out!, batch("y", 0));
  const next = model.predict({ signal: batch("x", 1), ...states }) as Record<string, Tensor>;
  expectClose(next.out!, batch("y", 1));
  // Without them it starts anew.
  const anew = model.predict({ signal: batch("x", 0) }) as Record<string, Tensor>;
  expect(anew.out!.data).toEqual(out!.data);
});

test("a state has the batch of the other inputs", () => {
  const state = { layout: "NC", shape: [2, 5], data: new Float32Array(10) };
  expect(() => keras.predict({ signal: batch("x", 0), "first.state_h": state })).toThrow(
    "expected one batch size in all inputs, got 3 and 2",
  );
});

test("PyTorch takes and gives them as well", async () => {
  expect((await verify(keras)).agrees).toBe(true);
  const source = new TextDecoder().decode((await convert(keras)).get("model.py")!);
  expect(source).toMatch(/def forward\(self, signal, first_state_h, first_state_c, both_forward_state_h,/);
  expect(source).toContain("self.first(x, (first_state_h.unsqueeze(0), first_state_c.unsqueeze(0)))");
});
