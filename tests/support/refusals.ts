/**
 * Keras configurations to be damaged, and the refusal that comes of it.
 */
import { expect } from "vitest";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { ChannelwiseError, type ErrorCode } from "../../src/error.ts";
import { conv1d, type Entry, functional, input, layer, sequential } from "./keras-config.ts";
import { type Group, memoryTree, stored } from "./memory-tree.ts";

export const kernel = stored([3, 4, 2]);
export const bias = stored([2]);
export const groups: Record<string, Group> = {
  "layers/conv1d": { name: "conv", variables: [kernel, bias] },
  "layers/dense": { name: "dense", variables: [stored([4, 2]), bias] },
};

export function open(config: unknown, given: Record<string, Group> = groups): ReturnType<typeof kerasGraph> {
  return kerasGraph({ config, weights: memoryTree(Object.entries(given)), place: ["model.keras", "config.json"] });
}

/** What a configuration is refused with. */
export function refusal(config: unknown, given?: Record<string, Group>): ChannelwiseError {
  return refusedBy(() => open(config, given));
}

/** What an action is refused with. */
export function refusedBy(action: () => unknown): ChannelwiseError {
  try {
    action();
  } catch (error) {
    if (error instanceof ChannelwiseError) return error;
    throw error;
  }
  throw new Error("not refused");
}

/** One Conv1D over a series of 8 steps and 4 channels, with other options. */
export const conv = (options: object = {}) =>
  sequential([input("x", [8, 4]), layer("Conv1D", "conv", { ...conv1d, ...options })]);
/** One layer over such a series. */
export const single = (className: string, options: object, sizes: readonly (number | null)[] = [8, 4]) =>
  sequential([input("x", sizes), layer(className, "a", options)]);
/** A graph of one call of one layer on `x` and `y`. */
export const called = (entry: Entry, ...more: Entry[]) =>
  functional(
    [input("x", [8, 4]), ...more, entry],
    [["x", 0, 0], ...more.map(({ config }) => [config.name, 0, 0])],
    ["a", 0, 0],
  );

export const inLayer = (name: string) => ["model.keras", "config.json", `layer ${name}`];
export const inModel = ["model.keras", "config.json"];

export type Case = readonly [name: string, config: unknown, code: ErrorCode, message: RegExp, where: readonly string[]];

/** An action is refused with this code, in words like these. */
export function refused(action: () => unknown, code: string, message: RegExp): void {
  expect(refusedBy(action)).toMatchObject({ code, message: expect.stringMatching(message) });
}
