/**
 * The ways in which operators take their axes. Families choose one; the planner inserts what is missing.
 */
import { type Axes, type Axis, inOrder, lettersOf } from "../axes.ts";
import type { Arrange, Held } from "./facets.ts";

/** The axes in the order of `letters`, merged axes with the parts as `like` holds them. */
export function heldLike(axes: Axes, letters: string, like: Axes): Axis[] {
  return inOrder(axes, letters).map((axis) => {
    const segments = axis.segments && like.find((candidate) => candidate.letter === axis.letter)?.segments;
    return segments ? { ...axis, segments } : axis;
  });
}

/** The letters that `axes` has, in the order they have in `letters`. */
export function ordered(axes: Axes, letters: string): string {
  const own = lettersOf(axes);
  return [...letters].filter((letter) => own.includes(letter)).join("");
}

/** The input in an order of its letters, its merged axes as they are held. */
export function reorderHeld(input: Held, letters: string): Axis[] {
  return inOrder(input.held, letters);
}

/** The input in an order of its letters, its merged axes in the source's order. */
export function reorderSource(input: Held, letters: string): Axis[] {
  return inOrder(input.source, letters);
}

/** Works element by element, or along axes named by letter: any order will do, the output takes over the input's. */
export const follow: Arrange<object> = (_attributes, inputs, outputs) => {
  const input = inputs[0]!;
  return {
    inputs: [input.held],
    outputs: outputs.map((axes) => heldLike(axes, ordered(axes, lettersOf(input.held)), input.held)),
  };
};

/** Needs the source's own order, such as a Reshape: nothing of a reordered merge may be left. */
export const canonical: Arrange<object> = (_attributes, inputs, outputs) => ({
  inputs: inputs.map((input) => input.source),
  outputs,
});

/** Slides along `L` in every channel: `NLC` for the engine, `NCL` for PyTorch. Such values have these three axes. */
export const spatial: Arrange<object> = (_attributes, inputs, outputs, { target }) => {
  const letters = target === "torch" ? "NCL" : "NLC";
  return {
    inputs: inputs.map((input) => reorderSource(input, letters)),
    outputs: outputs.map((axes) => inOrder(axes, ordered(axes, letters))),
  };
};

/** The order that most of the inputs are held in; the first one's where none leads. */
export function commonOrder(inputs: readonly Held[]): string {
  const votes = new Map<string, number>();
  for (const { held } of inputs) votes.set(lettersOf(held), (votes.get(lettersOf(held)) ?? 0) + 1);
  return [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best))[0];
}

/** Whether all inputs hold the merged axes that they have in the same order of parts. */
export function sameParts(inputs: readonly Held[]): boolean {
  const text = (axes: Axes) =>
    JSON.stringify(
      axes
        .filter((axis) => axis.segments)
        .map((axis) => [axis.letter, axis.segments])
        .sort(),
    );
  return inputs.every((input) => text(input.held) === text(inputs[0]!.held));
}
