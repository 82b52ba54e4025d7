/**
 * cast: another type of numbers; floats lose their fraction on the way to integers
 *
 * Keras   keras.ops.cast. Floats of any width are float32 here; a cast to bool is a comparison with zero.
 * PyTorch x.float(), x.long()
 */
import { product } from "../axes.ts";
import type { ValueId, ValueType } from "../graph/graph.ts";
import { follow } from "./arrange.ts";
import { truth } from "./compare.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, KerasConfig, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";
import { elementWork } from "./rows.ts";
import { oneOf } from "./schema.ts";

export interface Cast {
  readonly type: "float32" | "int32";
}

export const spec: OpSpec<Cast> = {
  attributes: { type: oneOf("float32", "int32") },
  weights: {},
  infer: (_attributes, [input]) => [[...input!]],
  types: ({ type }) => [type],
};

export const arrange: Arrange<Cast> = follow;

export const evaluate: Evaluate<Cast> = ({ type }, [x]) => [type === "int32" ? x!.data.map(Math.trunc) : x!.data];

export const toTorch: ToTorch<Cast> = ({ attributes: { type } }, torch) =>
  `${torch.input(0)}.${type === "int32" ? "long" : "float"}()`;

export const toWasm: ToWasm<Cast> = ({ attributes: { type } }, wasm) => {
  if (type === "float32") {
    wasm.alias();
    return;
  }
  wasm.overwrite(0);
  const count = product(wasm.inputShape(0))!;
  wasm.split(count, count * elementWork, (from, to) => {
    wasm.call("maths", wasm.input(0).at(from), wasm.output().at(from), to - from, 10);
  });
};

/** The value as floats. */
export function floats(call: KerasCall, value: ValueId): ValueId {
  return call.type(value) === "float32" ? value : call.emit<Cast>("cast", { type: "float32" }, [value]);
}

/** The type of values that the option names; floats and integers of any width are one type each. */
export function namedType(config: KerasConfig, key: string): ValueType {
  const name = config.text(key);
  if (name === "bool") return "bool";
  if (/^b?float(16|32|64)$/.test(name)) return "float32";
  return /^int(32|64)$/.test(name)
    ? "int32"
    : config.refuse(key, `expected floats, int32, int64 or bool, got ${JSON.stringify(name)}`);
}

const casting: FromKeras = (call) => {
  const type = namedType(call.config, "dtype");
  const input = call.input();
  if (type === "bool") return truth(call, input);
  if (type === "float32") return floats(call, input);
  return call.type(input) === "int32" ? input : call.emit<Cast>("cast", { type }, [input]);
};

export const fromOperation: Record<string, FromKeras> = {
  Cast: casting,
  ConvertToTensor(call) {
    call.config.ignore("sparse", "ragged");
    return call.config.raw("dtype") == null ? call.input() : casting(call);
  },
};

// ------------------------------------------------------------------------------------------------------ notes

export const operationNotes: Notes = {
  ConvertToTensor: { torch: "nothing, or a cast to its `dtype`" },
  Cast: {
    torch: "`x.float()`, `x.long()`, `x != 0`",
    limits: { dtype: "to a float (computed in float32), int32, int64 or bool" },
  },
};
