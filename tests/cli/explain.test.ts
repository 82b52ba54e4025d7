/** channelwise explain: what the naive transpose would have answered, and why. */
import { afterAll, describe, expect, test } from "vitest";
import { channelwise, fixture, json, npz, Scratch } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

describe.concurrent("explain", () => {
  test("tells the story that this project starts from", async () => {
    const { code, stdout, stderr } = await channelwise("explain", fixture("seed-experiment"));
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Keras, and PyTorch with the axes right +0\.4468644$/m);
    expect(stdout).toMatch(/^PyTorch, weights transposed, nothing else +-0\.0667\d* +<- wrong$/m);
    expect(stdout).toContain("Keras holds NLC and merges it to N(LC): L runs slowest, C fastest.");
    expect(stdout).toContain("PyTorch holds channels first and flatten gives N(CL): C runs slowest, L fastest.");
    expect(stdout).toContain("The naive conversion is wrong here, by up to 0.51.");
  });

  test("--json", async () => {
    const found = await json("explain", fixture("seed-experiment"));
    expect(found.input).toBe(fixture("seed-experiment", "inputs.npz"));
    expect(found.outputs[0].right.data[0]).toBeCloseTo(0.4468644, 6);
    expect(found.outputs[0].naive.data[0]).toBeCloseTo(-0.066722, 6);
    expect(found.places).toMatchObject([{ layer: "flatten", source: "N(LC)", naive: "N(CL)", matters: true }]);
  });

  test("--input takes arrays as run does", async () => {
    const zeros = { dtype: "float32", shape: [1, 128, 1], data: new Float32Array(128) } as const;
    const input = scratch.write("zeros.npz", npz([["input_layer", zeros]]));
    const { stdout } = await channelwise("explain", fixture("seed-experiment"), "--input", input);
    expect(stdout).toContain(`input: ${input}`);
    expect(stdout).not.toContain("<- wrong");
  });

  test("a model on which the naive conversion happens to be right", async () => {
    const { code, stdout } = await channelwise("explain", fixture("flatten-one-channel"));
    expect(code).toBe(0);
    expect(stdout).toContain("one of these axes has size 1, so every order is the same");
    expect(stdout).toContain("On this model the naive conversion happens to answer right.");
    expect(stdout).not.toContain("<- wrong");
  });

  test("a merge of what PyTorch holds in Keras' order anyway", async () => {
    const { stdout } = await channelwise("explain", fixture("quantized-flatten"));
    expect(stdout).toMatch(/flatten_1 .*PyTorch holds the same there/);
  });

  test("a model without merged axes", async () => {
    const { stdout } = await channelwise("explain", fixture("conv1d-strides"));
    expect(stdout).toContain("No axes are merged in this model: the weights transposed are all there is to it.");
  });
});
