/**
 * dense: y[…, o] = bias[o] + sum over i of x[…, i] * kernel[i, o], over the source's last axis
 *
 * Keras   keras.layers.Dense: kernel IO
 * PyTorch torch.nn.Linear: weight OI, over the last axis too
 *
 * After a Flatten the rows of the kernel are in the order of the merge, `(LC)O`: this is where a conversion that only
 * transposes goes wrong. A plan that holds the merge as `(CL)` permutes the rows instead of the data.
 */
import { axisIndex, axisSize, inOrder, lettersOf, plainAxis, product } from "../axes.ts";
import { heldLike } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { int8Options, type Notes } from "./notes.ts";
import { packColumns, packPanels, panelColumns } from "./pack.ts";
import { emitProduct } from "./quantization.ts";
import { count, letter } from "./schema.ts";

export interface Dense {
  readonly units: number;
  /** The axis that is contracted. */
  readonly axis: string;
}

export const spec: OpSpec<Dense> = {
  attributes: { units: count, axis: letter },
  weights: { kernel: { keras: "IO", torch: "OI", along: "I" }, bias: { keras: "O", torch: "O", optional: true } },
  shapes: ({ units, axis }, [input]) => ({ kernel: [axisSize(input!, axis), units], bias: [units] }),
  infer: ({ units, axis }, [input]) => [input!.map((own) => (own.letter === axis ? plainAxis(axis, units) : own))],
  featureAxis: ({ axis }) => axis,
};

/** The contracted axis comes last; the others stay as they are held. A reordered merge is taken by the kernel's rows. */
export const arrange: Arrange<Dense> = ({ axis }, [input], [output]) => {
  const letters = `${lettersOf(input!.held).replace(axis, "")}${axis}`;
  return { inputs: [inOrder(input!.held, letters)], outputs: [heldLike(output!, letters, input!.held)] };
};

export const evaluate: Evaluate<Dense> = ({ units, axis }, [x], { kernel, bias }) => {
  const at = axisIndex(x!.axes, axis);
  if (at !== x!.axes.length - 1) throw new Error("dense contracts the last axis");
  const inputs = x!.axes[at]!.size!;
  const rows = x!.data.length / inputs;
  const y = new Float64Array(rows * units);
  for (let row = 0; row < rows; row++) {
    for (let o = 0; o < units; o++) {
      let sum = bias ? bias.data[o]! : 0;
      for (let i = 0; i < inputs; i++) sum += x!.data[row * inputs + i]! * kernel!.data[i * units + o]!;
      y[row * units + o] = sum;
    }
  }
  return [y];
};

export const fromKeras: Record<string, FromKeras> = {
  Dense(call) {
    const { config } = call;
    const input = call.input();
    const axis = axisLetter(call, input, -1);
    const attributes: Dense = { units: config.integer("units"), axis };
    const { units } = attributes;
    const bias = config.boolean("use_bias", true) ? [units] : null;
    const stored = { kernel: [call.known(input, axis), units], bias, scale: [units] };
    return call.activation(emitProduct(call, input, attributes, stored), config.raw("activation"));
  },
};

export const toTorch: ToTorch<Dense> = ({ attributes: { units, axis }, inputs, weights }, torch) => {
  const options = [axisSize(inputs[0]!, axis)!, units, ...(weights.includes("bias") ? [] : ["bias=False"])];
  const module = torch.module(`nn.Linear(${options.join(", ")})`);
  torch.state("weight", "kernel");
  if (weights.includes("bias")) torch.state("bias", "bias");
  return `${module}(${torch.input(0)})`;
};

/** Up to this many outputs are computed as dot products: fewer than half of a panel's columns. */
const narrowest = 4;

/** Below this many rows, threads divide the columns: rows are given out in fours. */
const fewRows = 8;

export const toWasm: ToWasm<Dense> = ({ attributes: { units } }, wasm) => {
  const shape = wasm.inputShape(0);
  const inputs = shape[shape.length - 1]!;
  const narrow = units <= narrowest;
  const kernel = narrow ? "gemmNarrow" : "gemm";
  const weights = wasm.weight(narrow ? "columns" : "panels", (pack) => {
    const matrix = { bias: pack.read("bias"), rows: inputs, columns: units };
    if (narrow) packColumns(pack, { ...matrix, values: pack.read("kernel")! });
    else packPanels(pack, { ...matrix, values: pack.stored("kernel")! });
  });
  const rows = product(shape.slice(0, -1))!;
  const limits = wasm.clamp();
  const work = rows * inputs * units;
  if (rows < fewRows && !narrow) {
    wasm.split(Math.ceil(units / panelColumns), work, (from, to) => {
      const [first, last] = [from * panelColumns, Math.min(units, to * panelColumns)];
      const [panels, y] = [weights.at(first * (1 + inputs)), wasm.output().at(first)];
      wasm.call(kernel, wasm.input(0), inputs, panels, y, units, rows, last - first, inputs, ...limits);
    });
    return;
  }
  wasm.split(rows, work, (from, to) => {
    const [x, y] = [wasm.input(0).at(from * inputs), wasm.output().at(from * units)];
    wasm.call(kernel, x, inputs, weights, y, units, to - from, units, inputs, ...limits);
  });
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Dense: {
    torch: "`nn.Linear`; of int8 a module `LinearInt8` with an int8 weight",
    limits: { quantization_config: int8Options },
  },
};
