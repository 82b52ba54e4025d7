/**
 * EinsumDense as a Dense: the summed axes merged behind the others, and what comes out cut into the equation's axes
 *
 *     abc,cde->abde     (N, L, C) times (C, D*E), the last axis cut into D and E
 *     abc,bd->adc       (N, C, L) times (L, D), and the axes in their order
 *
 * An equation that is no such product is refused: a letter of the kernel both in the input and the output, or a kernel
 * that does not have the summed letters first.
 *
 * Keras   keras.layers.EinsumDense: kernel in the equation's order, `IO` as it lies
 * PyTorch torch.nn.Linear (of int8 LinearInt8), between movements of axes
 */
import { lettersOf, positionalLetters, product } from "../axes.ts";
import type { Dense } from "./dense.ts";
import type { FromKeras, KerasCall } from "./facets.ts";
import { int8Options, type Notes } from "./notes.ts";
import { emitProduct, holdsInt8 } from "./quantization.ts";
import type { Reshape } from "./reshape.ts";

/** The letters of the input, the kernel and the output; those that "..." stands for are capitals. */
interface Equation {
  readonly input: string;
  readonly kernel: string;
  readonly output: string;
  /** The output's letters that `output_shape` has sizes for. */
  readonly sized: string;
}

function parse(call: KerasCall, rank: number): Equation {
  const { config } = call;
  const text = config.text("equation").replaceAll(" ", "");
  const match = /^(\.\.\.)?([a-z]+)(\.\.\.)?,([a-z]+)->(\.\.\.)?([a-z]+)(\.\.\.)?$/.exec(text);
  const refuse = (why: string) => config.refuse("equation", `${text}: ${why}`);
  if (!match) return refuse("is no equation of an input and a kernel");
  const [, before, input, behind, kernel, outBefore, output, outBehind] = match as unknown as string[];
  if (before !== outBefore || behind !== outBehind || (before && behind))
    return refuse("the dots have to stand on the same side of both");
  const elided = "ABCDEFGH".slice(0, before || behind ? rank - input!.length : 0);
  const equation = {
    input: before ? elided + input : input + elided,
    kernel: kernel!,
    output: before ? elided + output : output + elided,
    sized: before ? output! : output!.slice(1),
  };
  for (const letters of [equation.input, equation.kernel, equation.output]) {
    if (new Set(letters).size !== letters.length) return refuse("a letter appears twice in a term");
  }
  if (equation.input.length !== rank) return refuse(`expected an input of ${rank} axes`);
  return equation;
}

export const fromKeras: Record<string, FromKeras> = {
  EinsumDense(call) {
    const { config } = call;
    const value = call.input();
    const own = lettersOf(call.axes(value));
    const { input, kernel, output, sized } = parse(call, own.length);
    const refuse = (why: string) => config.refuse("equation", `${config.text("equation")}: ${why}`);

    const summed = [...kernel].filter((letter) => !output.includes(letter)).join("");
    const made = [...kernel].filter((letter) => output.includes(letter)).join("");
    const kept = [...input].filter((letter) => !summed.includes(letter)).join("");
    if (kernel !== summed + made || summed === "" || made === "")
      refuse("the kernel has to have the summed letters first, and some of both kinds");
    if ([...made].some((letter) => input.includes(letter))) refuse("the kernel shares a letter with input and output");
    if ([...summed].some((letter) => !input.includes(letter))) refuse("a summed letter is not in the input");
    if ([...kept].some((letter) => !output.includes(letter)) || output.length !== kept.length + made.length)
      refuse("the output has to have all that is not summed");
    if (kept[0] !== input[0] || output[0] !== input[0]) refuse("the batch has to stay in front");

    const raw = config.raw("output_shape");
    const given = Array.isArray(raw) ? raw : [raw];
    const sizes = [...made].map((letter) => {
      const size: unknown = given.at([...sized].indexOf(letter) - sized.length);
      const whole = sized.includes(letter) && Number.isInteger(size) && (size as number) > 0;
      return whole ? (size as number) : config.refuse("output_shape", `expected a size for ${letter}`);
    });
    const axisOf = (letter: string) => own[input.indexOf(letter)]!;
    const rows = [...summed].map((letter) => call.known(value, axisOf(letter)));
    const units = product(sizes)!;
    // What is one number per output lies along the output's axes, with a size of 1 for the others.
    const perOutput = [...output].map((letter) => (made.includes(letter) ? sizes[made.indexOf(letter)]! : 1));
    const inOutput = [...output].filter((letter) => made.includes(letter)).join("");
    const biasAxes = config.raw("bias_axes") == null ? "" : config.text("bias_axes");
    if (biasAxes !== "") {
      if ([...biasAxes].sort().join("") !== [...made].sort().join("") || inOutput !== made)
        config.refuse("bias_axes", `expected the kernel's output axes ${made}, got ${biasAxes}`);
    }
    if (holdsInt8(config) && inOutput !== made)
      config.refuse("equation", `of int8, expected the output's axes in the kernel's order ${made}, got ${inOutput}`);
    config.ignore("gptq_unpacked_column_size");

    const last = summed.length === 1 ? axisOf(summed) : `(${[...summed].map(axisOf).join("")})`;
    const between = positionalLetters(kept.length + 1);
    const matrix = call.rearrange(value, `${[...kept].map(axisOf).join("")}${last}`, between);
    const attributes: Dense = { units, axis: between.at(-1)! };
    const first = Math.min(...[...biasAxes].map((letter) => output.indexOf(letter)));
    let result = emitProduct(call, matrix, attributes, {
      kernel: [...rows, ...sizes],
      bias: biasAxes === "" ? null : perOutput.slice(first),
      scale: perOutput,
    });
    if (made.length > 1) {
      const keptSizes = [...kept].slice(1).map((letter) => {
        const axes = call.axes(value);
        return axes[input.indexOf(letter)]!.size ?? -1;
      });
      if (keptSizes.filter((size) => size === -1).length > 1)
        config.refuse("input", "only one size besides the batch may be open");
      const reshape: Reshape = { shape: [...keptSizes, ...sizes] };
      result = call.emit("reshape", reshape, [result]);
    }
    const now = lettersOf(call.axes(result));
    const letters = [...output].map((letter) => now[(kept + made).indexOf(letter)]!).join("");
    result = call.rearrange(result, letters, positionalLetters(output.length));
    return call.activation(result, config.raw("activation"));
  },
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  EinsumDense: {
    torch: "`nn.Linear`, of int8 `LinearInt8`, over the summed axes as one, between `flatten`, `reshape` and `permute`",
    limits: {
      equation:
        "the kernel has the summed letters before the others, none of them in both input and output; the output has all that is not summed, the batch first: `abc,cd->abd`, `abc,cde->abde`, `abcd,cde->abe`; of int8, the axes that the kernel makes stay in its order",
      bias_axes: "all output axes of the kernel, or none, in the kernel's order",
      input: "one size besides the batch may be open where the kernel makes several axes",
      quantization_config: int8Options,
    },
  },
};
