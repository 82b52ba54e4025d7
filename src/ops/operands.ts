/**
 * operands: what operations of `keras.ops` on two operands share: either may be a number, and shapes meet by NumPy's rule,
 * from the last axis on.
 */
import { lettersOf, positionalLetters } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import type { Argument, KerasCall, Place, WasmWriter } from "./facets.ts";

/** A tensor or a number. */
export type Operand = { readonly tensor: ValueId } | { readonly number: number };

/** An argument that is a tensor or a number. */
export function operand(call: KerasCall, name: string, place: number): Operand {
  return asOperand(call, name, call.argument(name, place));
}

function asOperand(call: KerasCall, name: string, given: Argument | undefined): Operand {
  if (given?.kind === "tensor") return { tensor: given.tensor };
  const value = given?.kind === "constant" ? given.value : undefined;
  if (typeof value === "boolean") return { number: value ? 1 : 0 };
  if (typeof value === "number" && Number.isFinite(value)) return { number: value };
  return call.config.refuse(
    `call argument ${name}`,
    "expected a tensor or a number",
    "make the array part of a layer, such as Rescaling or Normalization",
  );
}

/**
 * Tensors under the same letters. NumPy lines shapes up from the last axis: of unlike ranks, the batch of one would meet
 * another axis of the other, which works for one batch size only.
 */
export function alike(call: KerasCall, tensors: readonly ValueId[]): ValueId[] {
  const letters = tensors.map((tensor) => lettersOf(call.axes(tensor)));
  const [first] = letters;
  const other = letters.find((own) => own.length !== first!.length);
  if (other !== undefined) {
    return call.config.refuse(
      "inputs",
      `tensors of ${first!.length} and of ${other.length} axes: NumPy's rule would lay the batch of one along another axis of the other`,
      "give both the same number of axes with keras.ops.expand_dims",
    );
  }
  return tensors.map((tensor, index) => call.rearrange(tensor, letters[index]!, first!));
}

/** What to do about bools where floats are computed with. */
export const castFirst = 'cast it first: keras.ops.cast(x, "float32")';

/** The value under the letters that its number of axes has by default. */
export function renamed(call: KerasCall, value: ValueId): ValueId {
  const letters = lettersOf(call.axes(value));
  return call.rearrange(value, letters, positionalLetters(letters.length));
}

/** A number where kernels can read it. */
export function numberPlace(wasm: WasmWriter, value: number): Place {
  return wasm.table([new Int32Array(Float32Array.of(value).buffer)[0]!]);
}
