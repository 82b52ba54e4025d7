/** A planned conversion says what is then written: its program, each value and weight in both orders of axes. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { convert, load, planConversion } from "../../src/index.ts";
import { readSafetensors } from "../../src/formats/safetensors.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";

const fixture = (name: string) =>
  load(new Uint8Array(readFileSync(new URL(`../fixtures/keras/${name}/model.keras`, import.meta.url))));
const cases = [
  "activity-recognition-cnn",
  "ecg-residual-network",
  "lstm",
  "multi-head-attention",
  "siamese-shared-encoder",
];

describe.each(cases)("%s", (name) => {
  test.each([{}, { flatten: "fold" }, { io: "keras" }] as const)("with %j is what convert writes", async (options) => {
    const model = await fixture(name);
    const plan = planConversion(model, options);
    const files = await convert(model, options);
    expect(plan.source).toBe(new TextDecoder().decode(files.get("model.py")));
    const { tensors } = readSafetensors(files.get("model.safetensors")!, [name]);
    for (const weight of plan.weights) {
      const whole = toFloat32(tensors.get(weight.tensor)!);
      const own = weight.read("torch");
      const rowLength = whole.length / (tensors.get(weight.tensor)!.shape[0] ?? 1);
      expect(own, weight.tensor).toEqual(whole.slice(weight.row * rowLength, weight.row * rowLength + own.length));
      expect(weight.read("keras").toSorted()).toEqual(own.toSorted());
    }
    model.dispose();
  });

  test("each step reads what an earlier one made, and each line of forward belongs to one step", async () => {
    const model = await fixture(name);
    const plan = planConversion(model);
    const made = new Set(plan.inputs.map(({ value }) => value));
    for (const { inputs, outputs } of plan.steps) {
      expect(inputs.filter((value) => !made.has(value))).toEqual([]);
      for (const value of outputs) made.add(value);
    }
    expect(plan.outputs.filter(({ value }) => !made.has(value))).toEqual([]);
    const text = plan.source.split("\n");
    const start = text.findLastIndex((line) => line.includes("def forward"));
    const end = text.findIndex((line, index) => index > start && /^ {8}return/.test(line));
    const statements = text.flatMap((line, index) =>
      index > start && index < end && /^ {8}[^ #)]/.test(line) ? [index + 1] : [],
    );
    const lines = plan.steps.flatMap((step) => step.lines);
    expect(lines.filter((line) => statements.includes(line))).toEqual(statements);
    expect(new Set(lines).size).toBe(lines.length);
    model.dispose();
  });
});

test("the seed's model in both ways to merge axes", async () => {
  const model = await fixture("seed-experiment");
  const orders = (flatten: "permute" | "fold") => {
    const plan = planConversion(model, { flatten });
    const { inputs } = plan.steps.findLast(({ layer }) => layer === "dense")!;
    const value = plan.values[inputs[0]!]!;
    const kernel = plan.weights.find(({ tensor }) => tensor === "dense.weight")!;
    return [value.keras.layout, value.torch.layout, kernel.keras.layout, kernel.torch.layout];
  };
  expect(orders("permute")).toEqual(["N(LC)", "N(LC)", "(LC)O", "O(LC)"]);
  expect(orders("fold")).toEqual(["N(LC)", "N(CL)", "(LC)O", "O(CL)"]);
  expect(planConversion(model).steps.map(({ kind, lines }) => [kind, lines.length])).toEqual([
    ["conv1d", 1],
    ["reorder", 1],
    ["rearrange", 1],
    ["dense", 1],
  ]);
  expect(planConversion(model, { flatten: "fold" }).steps.map(({ kind }) => kind)).not.toContain("reorder");
  model.dispose();
});

test("an option that there is not is refused", async () => {
  const model = await fixture("seed-experiment");
  expect(() => planConversion(model, { flatten: "fast" as "fold" })).toThrow(/flatten/);
  expect(() => planConversion(model, { weights: "bin" as "pt" })).toThrow(/weights/);
  model.dispose();
});
