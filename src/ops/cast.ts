/**
 * cast: another type of numbers; floats lose their fraction on the way to integers
 *
 * Keras   keras.ops.cast. Floats of any width are float32 here; a cast to bool is a comparison with zero.
 * PyTorch x.float(), x.long()
 */
import { product } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import { follow } from "./arrange.ts";
import { truth } from "./compare.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
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

export const fromOperation: Record<string, FromKeras> = {
  Cast(call) {
    const { config } = call;
    const dtype = config.text("dtype");
    const input = call.input();
    if (dtype === "bool") return truth(call, input);
    if (/^b?float(16|32|64)$/.test(dtype)) return floats(call, input);
    if (!/^int(32|64)$/.test(dtype))
      return config.refuse("dtype", `expected floats, int32, int64 or bool, got ${JSON.stringify(dtype)}`);
    return call.type(input) === "int32" ? input : call.emit<Cast>("cast", { type: "int32" }, [input]);
  },
};

// ------------------------------------------------------------------------------------------------------ notes

export const operationNotes: Notes = {
  Cast: {
    torch: "`x.float()`, `x.long()`, `x != 0`",
    limits: { dtype: "to a float (computed in float32), int32, int64 or bool" },
  },
};
