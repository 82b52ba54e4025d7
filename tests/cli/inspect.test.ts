/** channelwise inspect: layers, axes, shapes, parameters, and where the order of axes matters. */
import { describe, expect, test } from "vitest";
import { channelwise, fixture, json, type Json } from "./command.ts";

describe.concurrent("inspect", () => {
  test("for people", async () => {
    const { code, stdout, stderr } = await channelwise("inspect", fixture("seed-experiment"));
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^model\.keras {2}Keras 3\.15\.1, 261 parameters$/m);
    expect(stdout).toMatch(/^input +input_layer +NLC = \(N, 128, 1\) +float32$/m);
    expect(stdout).toMatch(/^output +dense +NC = \(N, 1\) +float32$/m);
    expect(stdout).toMatch(/^conv1d +Conv1D +NLC = \(N, 127, 2\) +6 +kernel KIO \(2, 1, 2\) +bias O \(2\)$/m);
    expect(stdout).toMatch(/^flatten +Flatten +N\(LC\) = \(N, 254\)$/m);
    expect(stdout).toMatch(/^dense +Dense +NC = \(N, 1\) +255 +kernel IO \(254, 1\) +bias O \(1\)$/m);
    expect(stdout).toContain("flatten  NLC becomes N(LC); channels-first memory merges to N(CL)");
    expect(stdout).toContain("dense: the rows of kernel take the order of the data, (LC)O to O(CL)");
  });

  test("where no axes are merged", async () => {
    const { stdout } = await channelwise("inspect", fixture("conv1d-strides"));
    expect(stdout).toContain("nowhere: no axes are merged");
    expect(stdout).toContain("nothing but transpose the weights");
  });

  test("where an axis has size 1", async () => {
    const { stdout } = await channelwise("inspect", fixture("flatten-one-channel"));
    expect(stdout).toMatch(/flatten {2}NLC becomes N\(LC\); an axis has size 1/);
  });

  test("--plan", async () => {
    const { stdout } = await channelwise("inspect", fixture("keyword-spotting-cnn"), "--plan");
    expect(stdout).toMatch(/What computes a sample\n[\s\S]*^dense_1 +gemm\ndense_1 +softmax$/m);
    const open = await channelwise("inspect", fixture("variable-length"), "--plan");
    expect(open.stdout).toContain("known when sizes are");
  });

  test("--json", async () => {
    const found = await json("inspect", fixture("keyword-spotting-cnn"));
    expect(found.origin).toBe("Keras 3.15.1");
    expect(found.inputs).toEqual([{ name: "mfcc", layout: "NLC", shape: [null, 25, 6], type: "float32" }]);
    expect(found.layers.map((layer: Json) => layer.className)).toContain("MaxPooling1D");
    expect(found.layers.reduce((sum: number, layer: Json) => sum + layer.parameters, 0)).toBe(found.parameters);
    expect(found.places).toMatchObject([{ className: "Flatten", source: "N(LC)", naive: "N(CL)", matters: true }]);
    expect(found.conversions.permute).toHaveLength(1);
    expect(found.conversions.fold).toHaveLength(1);
  });

  test("names that are no words come out as they are", async () => {
    const found = await json("inspect", fixture("unusual-layer-names"));
    expect(found.layers.map((layer: Json) => layer.name)).toContain("激活→relu");
    expect(found.inputs[0].name).toBe("my input");
  });
});
