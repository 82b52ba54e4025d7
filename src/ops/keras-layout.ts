/**
 * Keras' `data_format`: what a layer with `channels_first` means, said with two renamings of axes.
 */
import { lettersOf } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import type { KerasCall } from "./facets.ts";

/**
 * The input of a spatial layer as `NLC`, whatever its `data_format`, and how to give the output the input's order back.
 * A channels_first layer takes its second axis as the channels and its third as the length.
 */
export function channelsLast(call: KerasCall): { input: ValueId; restore: (output: ValueId) => ValueId } {
  const format = call.config.choice("data_format", ["channels_last", "channels_first"], "channels_last");
  const input = call.input();
  const letters = lettersOf(call.axes(input));
  if (letters.length !== 3) {
    call.config.refuse("input", `expected a series of three axes, got ${letters.length}`);
  }
  const keep = format === "channels_last" ? letters : `${letters[0]}${letters[2]}${letters[1]}`;
  const back = format === "channels_last" ? "NLC" : "NCL";
  return {
    input: call.rearrange(input, keep, "NLC"),
    restore: (output) => (call.axes(output).length === 3 ? call.rearrange(output, back, letters) : output),
  };
}

/** The letter of Keras' axis number in a value; negative numbers count from the end. */
export function axisLetter(call: KerasCall, value: ValueId, axis: number, key = "axis"): string {
  const letters = lettersOf(call.axes(value));
  const index = axis < 0 ? axis + letters.length : axis;
  const letter = letters[index];
  if (letter === undefined) return call.config.refuse(key, `axis ${axis} of a value with ${letters.length} axes`);
  return letter;
}
