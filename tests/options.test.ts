/** Options that a function does not have: refused with the nearest that it has, never left unread. */
import { expect, test } from "vitest";
import { drawInputs, inspect, planConversion, readInputs } from "../src/index.ts";
import { serve } from "../src/serve.ts";
import { fixture } from "./support/serving.ts";

const model = await fixture("activity-recognition-cnn");

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
