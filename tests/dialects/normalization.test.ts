/** What normalizations, rescalings and PReLU are refused for, and what their options come to. */
import { describe, expect, test } from "vitest";
import { input, layer, sequential } from "../support/keras-config.ts";
import { stored } from "../support/memory-tree.ts";
import { open, refusal } from "../support/refusals.ts";

/** One layer over a series of 8 steps and 4 channels, with variables of these shapes. */
function one(className: string, options: object, folder: string, shapes: readonly number[][] = []) {
  const config = sequential([input("x", [8, 4]), layer(className, "a", options)]);
  return { config, groups: { [`layers/${folder}`]: { name: "a", variables: shapes.map((shape) => stored(shape)) } } };
}

describe("refused", () => {
  test.each([
    ["LayerNormalization", { axis: [0, 2] }, /the batch axis/],
    ["LayerNormalization", { axis: [2, -1] }, /stands twice/],
    ["LayerNormalization", { axis: [] }, /at least one axis/],
    ["LayerNormalization", { axis: 3 }, /axis 3 of a value with 3 axes/],
    ["LayerNormalization", { fancy: true }, /option fancy: got true, which is not known/],
    ["UnitNormalization", { axis: -1, fancy: true }, /fancy/],
    ["RMSNormalization", { axis: 1 }, /along the last axes/],
    ["RMSNormalization", { axis: [-1, 1] }, /along the last axes/],
    ["UnitNormalization", { axis: 0 }, /the batch axis/],
    ["GroupNormalization", { groups: 3 }, /4 channels do not make 3 equal groups/],
    ["GroupNormalization", { groups: 0 }, /4 channels do not make 0 equal groups/],
    ["GroupNormalization", { axis: 0 }, /the batch axis/],
    ["Normalization", { axis: -1, mean: [1, 2], variance: [1, 2] }, /\(2\) does not fit \(4\)/],
    ["Normalization", { axis: -1, mean: 1 }, /given together/],
    ["Normalization", { axis: [0], mean: 1, variance: 1 }, /the batch axis/],
    ["Rescaling", { scale: [1, 2, 3] }, /\(3\) does not fit/],
    ["Rescaling", { scale: "big" }, /a number or an array/],
    ["Rescaling", { scale: [[1, 2], [3]] }, /a number or an array/],
    ["PReLU", { shared_axes: [0] }, /axes from 1/],
    ["PReLU", { shared_axes: [3] }, /axis 3 of a value with 3 axes/],
  ])("%s %o", (className, options, message) => {
    const { config, groups } = one(className, options, "none");
    expect(refusal(config, groups).summary).toMatch(message);
  });
});

describe("read", () => {
  const layerNorm = { kind: "layer", epsilon: 1e-3 };
  test.each<[string, string, object, string, number[][], string, object]>([
    [
      "axes by number: Keras sorts -1 before 1",
      "LayerNormalization",
      { axis: [-1, 1] },
      "layer_normalization",
      [
        [4, 8],
        [4, 8],
      ],
      "normalize",
      { ...layerNorm, axes: "LC" },
    ],
    [
      "rms_scaling has a gamma, whatever scale says",
      "LayerNormalization",
      { rms_scaling: true, scale: false },
      "layer_normalization",
      [[4]],
      "normalize",
      { ...layerNorm, kind: "variance", axes: "C" },
    ],
    [
      "every channel a group",
      "GroupNormalization",
      { groups: -1 },
      "group_normalization",
      [[4], [4]],
      "groupNorm",
      { axis: "C", groups: 4, epsilon: 1e-3 },
    ],
    [
      "statistics of all elements",
      "Normalization",
      { axis: null },
      "normalization",
      [[], [], []],
      "standardize",
      { axes: "", invert: false },
    ],
    ["one slope", "PReLU", { shared_axes: [1, 2] }, "p_re_lu", [[1, 1]], "prelu", { axes: "" }],
    ["a slope per step", "PReLU", { shared_axes: 2 }, "p_re_lu", [[8, 1]], "prelu", { axes: "L" }],
    ["an array per step", "Rescaling", { scale: Array(8).fill([2]) }, "rescaling", [], "rescaleAxes", { axes: "L" }],
  ])("%s", (_, className, options, folder, shapes, kind, attributes) => {
    const { config, groups } = one(className, options, folder, shapes);
    const [node] = open(config, groups).nodes;
    expect(node!.kind).toBe(kind);
    expect({ ...node!.attributes }).toMatchObject(attributes);
  });
});
