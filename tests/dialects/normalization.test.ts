/** What the options of normalizations, rescalings and PReLU come to. */
import { describe, expect, test } from "vitest";
import { input, layer, sequential } from "../support/keras-config.ts";
import { stored } from "../support/memory-tree.ts";
import { open } from "../support/refusals.ts";

/** One layer over a series of 8 steps and 4 channels, with variables of these shapes. */
function one(className: string, options: object, folder: string, shapes: readonly number[][] = []) {
  const config = sequential([input("x", [8, 4]), layer(className, "a", options)]);
  return { config, groups: { [`layers/${folder}`]: { name: "a", variables: shapes.map((shape) => stored(shape)) } } };
}

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
    [
      "one number for all channels, however many",
      "Normalization",
      { mean: 1, variance: [4] },
      "normalization",
      [],
      "standardize",
      { axes: "", invert: false },
    ],
    [
      "numbers along one of two axes",
      "Normalization",
      { axis: [1, 2], mean: 0, variance: Array(8).fill([4]) },
      "normalization",
      [],
      "standardize",
      { axes: "L", invert: false },
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
