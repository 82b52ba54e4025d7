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
import type { Arrange, Evaluate, FromKeras, KerasConfig, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { merged, type Notes, unquantized } from "./notes.ts";
import { packColumns, packPanels, panelColumns } from "./pack.ts";
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

/** Whether a layer was quantized to int8 as Keras does it without further options; other ways are refused. */
function isInt8(config: KerasConfig): boolean {
  const policy = config.raw("dtype");
  const quantized = isObject(policy) && policy.class_name === "QuantizedDTypePolicy";
  const given = config.raw("quantization_config");
  if (given === null || given === undefined) return quantized;
  const options =
    isObject(given) && given.class_name === "Int8QuantizationConfig" && isObject(given.config) ? given.config : null;
  const input = options && isObject(options.activation_quantizer) ? options.activation_quantizer : null;
  const settings = input?.class_name === "AbsMaxQuantizer" && isObject(input.config) ? input.config : null;
  const range = settings?.value_range;
  const usual = Array.isArray(range) && range[0] === -127 && range[1] === 127 && settings?.epsilon === 1e-7;
  if (!quantized || options?.weight_quantizer != null || !usual)
    return config.refuse("quantization_config", "expected int8 with Keras' own settings");
  return true;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const fromKeras: Record<string, FromKeras> = {
  Dense(call) {
    const { config } = call;
    const input = call.input();
    const axis = axisLetter(call, input, -1);
    const units = config.integer("units");
    call.weight("kernel", "IO", [call.known(input, axis), units]);
    const biased = config.boolean("use_bias", true);
    if (biased) call.weight("bias", "O", [units]);
    const int8 = isInt8(config);
    if (int8) call.weight("scale", "O", [units]);
    if (config.raw("lora_rank") != null)
      config.refuse("lora_rank", "low-rank additions are not read", "merge them into the weights first");
    const attributes: Dense = { units, axis };
    const roles = ["kernel", ...(biased ? ["bias"] : []), ...(int8 ? ["scale"] : [])];
    return call.activation(
      call.emit(int8 ? "denseInt8" : "dense", attributes, [input], roles),
      config.raw("activation"),
    );
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
    const matrix = { values: pack.read("kernel")!, bias: pack.read("bias"), rows: inputs, columns: units };
    (narrow ? packColumns : packPanels)(pack, matrix);
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
    torch: "`nn.Linear`",
    limits: { lora_rank: merged, quantization_config: unquantized },
  },
};
