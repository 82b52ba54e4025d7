/** Options, and values of theirs, that a function does not have: refused with the nearest that it has, never left unread. */
import { expect, test } from "vitest";
import { convert, drawInputs, inspect, load, planConversion, readInputs, verify } from "../src/index.ts";
import { serve } from "../src/serve.ts";
import { fixture } from "./support/serving.ts";

const model = await fixture("activity-recognition-cnn");
const bytes = (await convert(model, { to: "safetensors" })).get("model.safetensors")!;

test.each<[string, string, string, (options: object) => unknown]>([
  ["serve", "maxbatch", "maxBatch", (options) => serve({}, options)],
  ["planConversion", "flaten", "flatten", (options) => planConversion(model, options)],
  ["readInputs", "layouts", "layout", (options) => readInputs(model, new Uint8Array(0), options)],
  ["drawInputs", "sample", "samples", (options) => drawInputs(model, options)],
  ["inspect", "plans", "plan", (options) => inspect(model, options)],
])("%s: %s for %s", async (_, wrong, nearest, action) => {
  const error = await Promise.resolve()
    .then(() => action({ [wrong]: 1 }))
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "usage", message: expect.stringContaining(wrong) });
  expect(String((error as Error).message)).toContain(nearest);
});

test.each<[string, string, RegExp, () => unknown]>([
  [
    "planConversion",
    "flatten",
    /got "fodl"; fold is the nearest$/,
    () => planConversion(model, { flatten: "fodl" as "fold" }),
  ],
  ["convert", "to", /got "pytroch"; pytorch is the nearest$/, () => convert(model, { to: "pytroch" as "pytorch" })],
  ["convert", "to", /or tfjs, got "onnx"$/, () => convert(model, { to: "onnx" as "pytorch" })],
  [
    "load",
    "meaning",
    /got "keras2"; keras3 is the nearest$/,
    () => load(new Uint8Array(0), { meaning: "keras2" as "keras3" }),
  ],
  [
    "load",
    "convolution",
    /got "driect"; direct is the nearest$/,
    () => load(bytes, { convolution: "driect" as "direct" }),
  ],
  ["verify", "samples", /expected an integer from 1, got 0$/, () => verify(model, { samples: 0 })],
])("%s: a value that %s has not; nothing is said of the command line", async (_, option, message, action) => {
  const error = await Promise.resolve()
    .then(action)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "usage", message: expect.stringMatching(message), fix: undefined });
  expect(String((error as Error).message)).toContain(`option ${option}: expected `);
});
