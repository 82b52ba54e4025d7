/** Faults of the emitted program that random models found, each as the smallest model that shows it. */
import { expect, test } from "vitest";
import type { Model } from "../../src/api/model.ts";
import { verify } from "../../src/api/verify.ts";
import { call, conv1d, dense, from, functional, input, layer, sequential } from "../support/keras-config.ts";
import { stored } from "../support/memory-tree.ts";
import { modelOf } from "../support/models.ts";

async function agrees(model: Model): Promise<void> {
  for (const flatten of ["permute", "fold"] as const) {
    for (const io of ["torch", "keras"] as const) {
      expect(await verify(model, { flatten, io }), `${flatten} ${io}`).toMatchObject({ firstDifference: null });
    }
  }
}

const flat = layer("Flatten", "flat", { data_format: "channels_last" }, [call(from("x"))]);
const small = (shape: readonly number[]) =>
  stored(
    shape,
    Array.from({ length: shape.reduce((all, size) => all * size, 1) }, (_, index) => ((index * 5) % 13) / 8 - 0.7),
  );

test("two concatenations go out beside each other: the names of their pieces are not theirs", async () => {
  const join = (name: string, count: number) =>
    layer("Concatenate", name, { axis: -1 }, [call(new Array(count).fill(from("flat")))]);
  const ends = [
    ["two", 0, 0],
    ["three", 0, 0],
  ];
  await agrees(modelOf(functional([input("x", [5, 3]), flat, join("two", 2), join("three", 3)], ["x", 0, 0], ends)));
});

test("a piece of one element beside a merged series", async () => {
  const join = layer("Concatenate", "join", { axis: -1 }, [call([from("v"), from("flat"), from("v")])]);
  const starts = [
    ["x", 0, 0],
    ["v", 0, 0],
  ];
  await agrees(modelOf(functional([input("x", [5, 3]), input("v", [1]), flat, join], starts, ["join", 0, 0])));
});

test("an activation that is a module of its own, within a layer that is one", async () => {
  const config = sequential([input("x", [4]), layer("Dense", "d", { ...dense, activation: "sparsemax" })]);
  await agrees(modelOf(config, { "layers/dense": { variables: [small([4, 2]), small([2])] } }));
});

test("softmax over two axes of a series of open length", async () => {
  await agrees(modelOf(sequential([input("x", [null, 3]), layer("Softmax", "s", { axis: [1, 2] })])));
});

test("one convolution on two lengths, which Keras pads by unlike amounts", async () => {
  const conv = { ...conv1d, kernel_size: [4], strides: [2], padding: "same" };
  const config = functional(
    [input("x", [8, 3]), input("y", [9, 3]), layer("Conv1D", "c", conv, [call(from("x")), call(from("y"))])],
    [
      ["x", 0, 0],
      ["y", 0, 0],
    ],
    [
      ["c", 0, 0],
      ["c", 1, 0],
    ],
  );
  await agrees(modelOf(config, { "layers/conv1d": { variables: [small([4, 3, 2]), small([2])] } }));
});
