/**
 * resize1d: what makes a series longer or shorter without arithmetic
 *
 *     pad     zeros before and after
 *     crop    drops elements at both ends
 *     repeat  every element `before` times in a row (nearest-neighbour upsampling)
 *
 * Keras   ZeroPadding1D, Cropping1D, UpSampling1D
 * PyTorch F.pad, slices, x.repeat_interleave
 */
import { type Axes, axisIndex, axisSize, product, resized } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { follow } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { channelsLast } from "./keras-layout.ts";
import { type Notes, series } from "./notes.ts";
import { copy } from "./rows.ts";
import { natural, oneOf } from "./schema.ts";

export interface Resize1d {
  readonly kind: "pad" | "crop" | "repeat";
  /** Elements added or dropped in front; for `repeat`, the number of copies. */
  readonly before: number;
  readonly after: number;
}

export const spec: OpSpec<Resize1d> = {
  attributes: { kind: oneOf("pad", "crop", "repeat"), before: natural, after: natural },
  weights: {},
  infer({ kind, before, after }, [input]) {
    const length = axisSize(input!, "L");
    if (length === null) return [[...input!]];
    const size =
      kind === "repeat" ? length * before : kind === "pad" ? length + before + after : length - before - after;
    if (size < 1) throw shapeMismatch(`resize1d: expected a length above ${before + after} to crop, got ${length}`);
    return [resized(input!, "L", size)];
  },
};

export const arrange: Arrange<Resize1d> = follow;

/** The array as `outer` blocks of `length` rows of `inner` elements. */
function rows(axes: Axes): { outer: number; length: number; inner: number } {
  const at = axisIndex(axes, "L");
  const sizes = axes.map((axis) => axis.size);
  return { outer: product(sizes.slice(0, at))!, length: sizes[at]!, inner: product(sizes.slice(at + 1))! };
}

export const evaluate: Evaluate<Resize1d> = ({ kind, before }, [x], _weights, [output]) => {
  const { outer, length, inner } = rows(x!.axes);
  const outLength = axisSize(output!, "L")!;
  const y = new Float64Array(outer * outLength * inner);
  for (let o = 0; o < outer; o++) {
    for (let l = 0; l < outLength; l++) {
      const from = kind === "repeat" ? Math.floor(l / before) : kind === "pad" ? l - before : l + before;
      if (from < 0 || from >= length) continue;
      for (let i = 0; i < inner; i++) y[(o * outLength + l) * inner + i] = x!.data[(o * length + from) * inner + i]!;
    }
  }
  return [y];
};

export const fromKeras: Record<string, FromKeras> = {
  ZeroPadding1D(call) {
    const { input, restore } = channelsLast(call);
    const [before, after] = call.config.pair("padding");
    const attributes: Resize1d = { kind: "pad", before, after };
    return restore(call.emit("resize1d", attributes, [input]));
  },
  Cropping1D(call) {
    const { input, restore } = channelsLast(call);
    const [before, after] = call.config.pair("cropping");
    const attributes: Resize1d = { kind: "crop", before, after };
    return restore(call.emit("resize1d", attributes, [input]));
  },
  UpSampling1D(call) {
    const { input, restore } = channelsLast(call);
    const attributes: Resize1d = { kind: "repeat", before: call.config.integer("size", 2), after: 0 };
    return restore(call.emit("resize1d", attributes, [input]));
  },
};

export const toTorch: ToTorch<Resize1d> = ({ attributes: { kind, before, after }, inputs }, torch) => {
  const x = torch.input(0);
  const dim = torch.dim("L");
  const rank = inputs[0]!.length;
  if (kind === "repeat") return `${x}.repeat_interleave(${before}, dim=${dim})`;
  if (kind === "pad") return `F.pad(${x}, (${"0, 0, ".repeat(rank - 1 - dim)}${before}, ${after}))`;
  const slice = `${before || ""}:${after ? -after : ""}`;
  return `${x}[${[...new Array<string>(dim).fill(":"), slice].join(", ")}]`;
};

export const toWasm: ToWasm<Resize1d> = ({ attributes: { kind, before, after }, inputs, outputs }, wasm) => {
  const sized = (axes: Axes, shape: number[]) => axes.map((axis, index) => ({ ...axis, size: shape[index]! }));
  const { outer, length, inner } = rows(sized(inputs[0]!, wasm.inputShape(0)));
  const outLength = rows(sized(outputs[0]!, wasm.outputShape())).length;
  if (kind === "repeat") {
    const sizes = [outer * length, before, inner];
    copy(wasm, wasm.input(0), wasm.output(), sizes, [inner, 0, 1], [before * inner, inner, 1]);
    return;
  }
  const [skip, lead] = kind === "crop" ? [before, 0] : [0, before];
  if (kind === "pad" && before + after > 0) wasm.call("fill", wasm.output(), outer * outLength * inner, 0);
  const [source, target] = [wasm.input(0).at(skip * inner), wasm.output().at(lead * inner)];
  const sizes = [outer, Math.min(length, outLength) * inner];
  copy(wasm, source, target, sizes, [length * inner, 1], [outLength * inner, 1]);
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = { input: series };

export const notes: Notes = {
  ZeroPadding1D: { torch: "`F.pad`", limits },
  Cropping1D: { torch: "a slice", limits },
  UpSampling1D: { torch: "`x.repeat_interleave`", limits },
};
