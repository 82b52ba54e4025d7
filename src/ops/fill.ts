/**
 * fill: y = value everywhere, in the axes of x, whose elements do not matter
 *
 * Keras   keras.ops.zeros_like, ones_like, full_like: dtype
 * PyTorch torch.zeros_like, torch.ones_like, torch.full_like
 */
import { product } from "../axes.ts";
import type { ValueType } from "../graph/graph.ts";
import { follow } from "./arrange.ts";
import { namedType } from "./cast.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { elementWork } from "./rows.ts";
import type { Notes } from "./notes.ts";
import { operand } from "./operands.ts";
import { finite, oneOf } from "./schema.ts";
import { float } from "./torch-text.ts";

export interface Fill {
  readonly value: number;
  readonly type: ValueType;
}

export const spec: OpSpec<Fill> = {
  attributes: { value: finite, type: oneOf("float32", "int32", "bool") },
  weights: {},
  infer: (_attributes, [input]) => [[...input!]],
  types: ({ type }) => [type],
};

export const arrange: Arrange<Fill> = follow;

export const evaluate: Evaluate<Fill> = ({ value }, [x]) => [new Float64Array(x!.data.length).fill(value)];

const torchTypes: Readonly<Record<ValueType, string>> = {
  float32: "torch.float32",
  int32: "torch.int64",
  bool: "torch.bool",
};

export const toTorch: ToTorch<Fill> = ({ attributes: { value, type } }, torch) => {
  const options = `dtype=${torchTypes[type]}`;
  if (value === 0) return `torch.zeros_like(${torch.input(0)}, ${options})`;
  if (value === 1) return `torch.ones_like(${torch.input(0)}, ${options})`;
  return `torch.full_like(${torch.input(0)}, ${type === "int32" ? value : float(value)}, ${options})`;
};

export const toWasm: ToWasm<Fill> = ({ attributes: { value } }, wasm) => {
  const count = product(wasm.outputShape())!;
  wasm.split(count, count * elementWork, (from, to) => {
    wasm.call("fill", wasm.output().at(from), to - from, value);
  });
};

/** The operation; the number is the call's where it is not given here. */
function filling(given?: number): FromKeras {
  return (call) => {
    const { config } = call;
    const input = call.tensor("x", 0) ?? config.refuse("inputs", "expected a tensor");
    const type = config.raw("dtype") == null ? call.type(input) : namedType(config, "dtype");
    const found = given === undefined ? operand(call, "fill_value", 1) : { number: given };
    if ("tensor" in found) return config.refuse("call argument fill_value", "expected a number, got a tensor");
    const { number } = found;
    const value = { bool: Number(number !== 0), int32: Math.trunc(number), float32: Math.fround(number) }[type];
    return call.emit<Fill>("fill", { value, type }, [input]);
  };
}

export const fromOperation: Record<string, FromKeras> = {
  ZerosLike: filling(0),
  OnesLike: filling(1),
  FullLike: filling(),
};

// ------------------------------------------------------------------------------------------------------ notes

export const operationNotes: Notes = {
  ZerosLike: { torch: "`torch.zeros_like(x)`" },
  OnesLike: { torch: "`torch.ones_like(x)`" },
  FullLike: { torch: "`torch.full_like(x, value)`", limits: { "call argument fill_value": "a number" } },
};
