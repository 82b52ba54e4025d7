/** Operations of keras.ops as nodes. What they are refused for is in refusals.test.ts. */
import { expect, test } from "vitest";
import { from, functional, input, layer } from "../support/keras-config.ts";
import { open, refusal } from "../support/refusals.ts";

/** One operation on `x`, a series of 8 steps and 4 channels. */
function operation(className: string, options: object, args: readonly unknown[] = [from("x")]) {
  const entry = layer(className, "a", options, [{ args, kwargs: {} }]);
  const node = { ...entry, module: "keras.src.ops.numpy", registered_name: className };
  return functional([input("x", [8, 4]), node], [["x", 0, 0]], [["a", 0, 0]]);
}

test.each([
  ["int32", "int32"],
  ["int64", "int32"],
  ["bool", "bool"],
])("a cast to %s is one, and no precision of a layer", (dtype, type) => {
  const graph = open(operation("Cast", { dtype }));
  expect(graph.values[graph.outputs[0]!.value]!.type).toBe(type);
});

test("a slice that leaves nothing", () => {
  const slice = (start: unknown, stop: unknown) => ({ class_name: "__slice__", config: { start, stop, step: null } });
  const key = [slice(null, null), slice(5, 2)];
  expect(refusal(operation("GetItem", {}, [from("x"), key])).summary).toMatch(/nothing is left of axis L/);
});
