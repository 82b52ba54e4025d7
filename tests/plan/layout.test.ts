/** What a plan does about the order of axes, on graphs small enough to say it by hand; random ones are in random-models. */
import { describe, expect, test } from "vitest";
import { layoutText } from "../../src/axes.ts";
import { type LayoutOptions, type LayoutPlan, planLayout } from "../../src/plan/layout.ts";
import {
  call,
  conv1d,
  dense,
  type Entry,
  from,
  functional,
  input,
  layer,
  sequential,
} from "../support/keras-config.ts";
import { type Group, stored } from "../support/memory-tree.ts";
import { modelOf } from "../support/models.ts";

function plan(config: Entry, groups: Record<string, Group>, options: Partial<LayoutOptions> = {}): LayoutPlan {
  return planLayout(modelOf(config, groups).graph, { target: "torch", flatten: "permute", io: "torch", ...options });
}

/** The nodes as `kind layout`, the layout being that of the output as it is held. */
function steps({ graph }: LayoutPlan): string[] {
  return graph.nodes.map(({ kind, outputs }) => `${kind} ${layoutText(graph.values[outputs[0]!]!.axes)}`);
}

/** Per layer and weight the order that the target holds. */
function weights({ weights: orders }: LayoutPlan): Record<string, string> {
  return Object.fromEntries(
    [...orders].flatMap(([{ path }, roles]) =>
      Object.entries(roles).map(([role, { from: source, to }]) => [
        `${path}/${role}`,
        `${layoutText(source)} -> ${layoutText(to)}`,
      ]),
    ),
  );
}

const vector = (size: number) => stored([size]);
const bn = (size: number): Group => ({ variables: [vector(size), vector(size), vector(size), vector(size)] });
const flatten = (name: string, ...calls: object[]) =>
  layer("Flatten", name, { data_format: "channels_last" }, calls.length > 0 ? calls : undefined);

/** Conv1D, Flatten, Dense: 7 steps of 3 channels to 5 steps of 4. */
const experiment = sequential([
  input("x", [7, 3]),
  layer("Conv1D", "conv", { ...conv1d, filters: 4 }),
  flatten("flat"),
  layer("Dense", "head", dense),
]);
const groups = {
  "layers/conv1d": { variables: [stored([3, 3, 4]), vector(4)] },
  "layers/dense": { variables: [stored([20, 2]), vector(2)] },
};

describe("Conv1D, Flatten, Dense", () => {
  test("for PyTorch, permute: the series is brought into Keras' order before the merge", () => {
    const made = plan(experiment, groups);
    expect(steps(made)).toEqual(["conv1d NCL", "reorder NLC", "rearrange N(LC)", "dense NC"]);
    expect(weights(made)).toEqual({
      "conv/kernel": "KIO -> OIK",
      "conv/bias": "O -> O",
      "head/kernel": "(LC)O -> O(LC)",
      "head/bias": "O -> O",
    });
    expect(layoutText(made.graph.values[made.graph.inputs[0]!.value]!.axes)).toBe("NCL");
    expect(made.notes.map(({ kind, from: before, to, layer: own }) => [kind, before, to, own.path])).toEqual([
      ["reorder", "NCL", "NLC", "flat"],
      ["merge", "NLC", "N(LC)", "flat"],
    ]);
  });

  test("for PyTorch, fold: the kernel's rows take PyTorch's order", () => {
    const made = plan(experiment, groups, { flatten: "fold" });
    expect(steps(made)).toEqual(["conv1d NCL", "rearrange N(CL)", "dense NC"]);
    expect(weights(made)["head/kernel"]).toBe("(LC)O -> O(CL)");
    expect(made.notes.map(({ kind, from: before, to, layer: own }) => [kind, before, to, own.path])).toEqual([
      ["merge", "NCL", "N(CL)", "flat"],
      ["fold", "(LC)O", "O(CL)", "head"],
    ]);
  });

  test("for PyTorch, naive: nothing is done, which is the mistake", () => {
    const made = plan(experiment, groups, { flatten: "naive" });
    expect(steps(made)).toEqual(["conv1d NCL", "rearrange N(LC)", "dense NC"]);
    expect(weights(made)["head/kernel"]).toBe("(LC)O -> O(LC)");
  });

  test("for PyTorch, Keras' own series: turned at the entrance", () => {
    expect(steps(plan(experiment, groups, { flatten: "fold", io: "source" }))).toEqual([
      "reorder NCL",
      "conv1d NCL",
      "rearrange N(CL)",
      "dense NC",
    ]);
  });

  test("for the engine: nothing moves", () => {
    const made = plan(experiment, groups, { target: "wasm", io: "source" });
    expect(steps(made)).toEqual(["conv1d NLC", "rearrange N(LC)", "dense NC"]);
    expect(weights(made)).toMatchObject({ "conv/kernel": "KIO -> KIO", "head/kernel": "(LC)O -> (LC)O" });
    expect(made.notes.filter(({ kind }) => kind !== "merge")).toEqual([]);
  });
});

describe("fold", () => {
  const conv = layer("Conv1D", "conv", { ...conv1d, filters: 4 });
  const folded = { flatten: "fold" } as const;

  test("goes through what works by element, and reorders batch norm's vectors too", () => {
    const config = sequential([
      input("x", [7, 3]),
      conv,
      flatten("flat"),
      layer("Dropout", "drop", { rate: 0.5 }),
      layer("BatchNormalization", "norm", { axis: -1 }),
      layer("ReLU", "relu"),
      layer("Dense", "head", dense),
    ]);
    const made = plan(config, { ...groups, "layers/batch_normalization": bn(20) }, folded);
    expect(steps(made).filter((step) => step.startsWith("reorder"))).toEqual([]);
    expect(weights(made)).toMatchObject({
      "norm/gamma": "(LC) -> (CL)",
      "norm/variance": "(LC) -> (CL)",
      "head/kernel": "(LC)O -> O(CL)",
    });
  });

  test("ends at an output, where the order is put right", () => {
    const made = plan(sequential([input("x", [7, 3]), conv, flatten("flat")]), groups, folded);
    expect(steps(made)).toEqual(["conv1d NCL", "rearrange N(CL)", "reorder N(LC)"]);
  });

  test("ends at a Reshape, which cuts Keras' order", () => {
    const made = plan(
      sequential([input("x", [7, 3]), conv, flatten("flat"), layer("Reshape", "cut", { target_shape: [10, 2] })]),
      groups,
      folded,
    );
    expect(steps(made)).toEqual(["conv1d NCL", "rearrange N(CL)", "reorder N(LC)", "reshape NLC", "reorder NCL"]);
  });

  test("goes piece by piece through Concatenate", () => {
    const config = functional(
      [
        input("x", [7, 3]),
        input("v", [5]),
        { ...conv, name: "conv", inbound_nodes: [call(from("x"))] },
        flatten("flat", call(from("conv"))),
        layer("Concatenate", "cat", { axis: -1 }, [call([from("v"), from("flat")])]),
        layer("Dense", "head", dense, [call(from("cat"))]),
      ],
      [
        ["x", 0, 0],
        ["v", 0, 0],
      ],
      ["head", 0, 0],
    );
    const made = plan(config, { ...groups, "layers/dense": { variables: [stored([25, 2]), vector(2)] } }, folded);
    expect(steps(made)).toEqual(["conv1d NCL", "rearrange N(CL)", "concatenate N(C|CL)", "dense NC"]);
    expect(weights(made)["head/kernel"]).toBe("(C|LC)O -> O(C|CL)");
  });

  test("is not done where one Dense takes merges of two orders", () => {
    const config = functional(
      [
        input("x", [7, 3]),
        input("y", [20]),
        { ...conv, name: "conv", inbound_nodes: [call(from("x"))] },
        flatten("flat", call(from("conv"))),
        layer("Dense", "head", dense, [call(from("flat")), call(from("y"))]),
      ],
      [
        ["x", 0, 0],
        ["y", 0, 0],
      ],
      [
        ["head", 0, 0],
        ["head", 1, 0],
      ],
    );
    const made = plan(config, groups, folded);
    expect(steps(made)).toContain("reorder N(LC)");
    expect(weights(made)["head/kernel"]).toMatch(/-> O(\(LC\)|I)$/);
  });
});

describe("what moves no byte is not done", () => {
  const none = (made: LayoutPlan) => expect(steps(made).filter((step) => step.startsWith("reorder"))).toEqual([]);
  const single = (options: object, size: number) => {
    const config = sequential([
      input("x", [7, 3]),
      layer("Conv1D", "conv", { ...conv1d, ...options }),
      flatten("flat"),
      layer("Dense", "head", dense),
    ]);
    const filters = (options as { filters?: number }).filters ?? 2;
    const taps = ((options as { kernel_size?: number[] }).kernel_size ?? [3])[0]!;
    return plan(config, {
      "layers/conv1d": { variables: [stored([taps, 3, filters]), vector(filters)] },
      "layers/dense": { variables: [stored([size, 2]), vector(2)] },
    });
  };

  test("one channel", () => none(single({ filters: 1 }, 5)));
  test("one step", () => none(single({ kernel_size: [7] }, 2)));
  test("a global pool drops the length", () => {
    const config = sequential([
      input("x", [7, 3]),
      layer("Conv1D", "conv", { ...conv1d, filters: 4 }),
      layer("GlobalAveragePooling1D", "pool", { data_format: "channels_last", keepdims: false }),
      layer("Dense", "head", dense),
    ]);
    none(plan(config, { ...groups, "layers/dense": { variables: [stored([4, 2]), vector(2)] } }));
  });
});

test("a value that two layers want in one other order is brought there once", () => {
  const config = functional(
    [
      input("x", [7, 3]),
      layer("Conv1D", "conv", { ...conv1d, filters: 4 }, [call(from("x"))]),
      layer("Dense", "one", dense, [call(from("conv"))]),
      layer("Dense", "two", dense, [call(from("conv"))]),
    ],
    ["x", 0, 0],
    [
      ["one", 0, 0],
      ["two", 0, 0],
    ],
  );
  const variables = [stored([4, 2]), vector(2)];
  const made = plan(config, { ...groups, "layers/dense": { variables }, "layers/dense_1": { variables } });
  expect(steps(made)).toEqual(["conv1d NCL", "reorder NLC", "dense NLC", "dense NLC", "reorder NCL", "reorder NCL"]);
});
