/**
 * prelu: y = x where x >= 0, else alpha * x; alpha along the axes that do not share it
 *
 * Keras   keras.layers.PReLU: alpha has an axis of size 1 for each of `shared_axes`
 * PyTorch torch.nn.PReLU: one weight, or one per index of dimension 1; several axes go through it as one
 */
import { axisIndex, lettersOf } from "../axes.ts";
import {
  anyLetters,
  axesOf,
  featureAxis,
  indexAlong,
  lines,
  sizeAlong,
  sized,
  splitAlong,
  throughOne,
  together,
} from "./along.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";

export interface Prelu {
  /** The axes along which alpha differs, in the order of the data. */
  readonly axes: string;
}

export const spec: OpSpec<Prelu> = {
  attributes: { axes: anyLetters },
  weights: { alpha: { keras: "C", torch: "C", along: "C" } },
  shapes: ({ axes }, [input]) => ({ alpha: [sizeAlong(input!, axes)] }),
  infer({ axes }, [input]) {
    for (const letter of axes) axisIndex(input!, letter);
    return [[...input!]];
  },
  featureAxis,
};

export const arrange: Arrange<Prelu> = together("second");

export const evaluate: Evaluate<Prelu> = ({ axes }, [x], { alpha }) => {
  const at = indexAlong(x!.axes, axes);
  return [x!.data.map((value, index) => (value >= 0 ? value : value * alpha!.data[at(index)]!))];
};

export const fromKeras: Record<string, FromKeras> = {
  PReLU(call) {
    const { config } = call;
    const input = call.input();
    const given = config.raw("shared_axes") == null ? [] : config.integers("shared_axes");
    // Keras counts them behind the batch with negative numbers too: -1 is the last but one axis of alpha.
    if (given.some((axis) => axis < 1)) config.refuse("shared_axes", `expected axes from 1, got ${given.join(", ")}`);
    const shared = axesOf(call, input, [...new Set(given)], "shared_axes");
    const own = lettersOf(call.axes(input)).slice(1);
    const axes = [...own].filter((letter) => !shared.includes(letter)).join("");
    const stored = [...own].map((letter) => (shared.includes(letter) ? 1 : call.known(input, letter)));
    call.weight("alpha", "C", [stored.reduce((all, size) => all * size, 1)], { stored });
    const attributes: Prelu = { axes };
    return call.emit("prelu", attributes, [input], ["alpha"]);
  },
};

export const toTorch: ToTorch<Prelu> = ({ attributes: { axes }, inputs }, torch) => {
  const size = sizeAlong(inputs[0]!, axes)!;
  const module = torch.module(axes === "" ? "nn.PReLU()" : `nn.PReLU(${size})`);
  torch.state("weight", "alpha");
  return throughOne(torch, module, axes);
};

export const toWasm: ToWasm<Prelu> = (node, wasm) => {
  const { axes } = node.attributes;
  const { count, inner } = lines(sized(wasm, node.inputs[0]!), axes);
  const slopes = wasm.weight("vector", (pack) => {
    pack.allocate(count).set(pack.read("alpha")!);
  });
  splitAlong(wasm, node, axes, (x, y, rows) => wasm.call("prelu", x, y, rows, count, inner, slopes));
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  PReLU: {
    torch: "`nn.PReLU`, over several axes as one where the slopes have several",
    limits: { shared_axes: "counted from the front" },
  },
};
