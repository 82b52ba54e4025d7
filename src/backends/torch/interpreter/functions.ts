/**
 * functions: every PyTorch function and tensor method that the checker knows, by its full Python name.
 *
 * The rows stand in one table per family; a row names the places where PyTorch has the function.
 */
import { programNotUnderstood } from "../../../error.ts";
import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import type { Tensor64 } from "./array.ts";
import { attentions } from "./attention.ts";
import { convolutions } from "./convolution.ts";
import { creations } from "./creation.ts";
import { einsums } from "./einsum.ts";
import { lookups } from "./indexing.ts";
import { joins } from "./joining.ts";
import { linearAlgebra } from "./linear.ts";
import { normalizations } from "./normalization.ts";
import { orderings } from "./ordering.ts";
import { pools } from "./pooling.ts";
import { reductions } from "./reduce.ts";
import { shapes } from "./shaping.ts";
import { bind, type FunctionRow } from "./signature.ts";
import { type CallArguments, Callable, type Value } from "./values.ts";

const PLACES: Readonly<Record<string, string>> = {
  torch: "torch",
  F: "torch.nn.functional",
  Tensor: "Tensor",
  linalg: "torch.linalg",
  special: "torch.special",
};

const tables: readonly (readonly FunctionRow[])[] = [
  activations,
  arithmetic,
  attentions,
  convolutions,
  creations,
  einsums,
  joins,
  linearAlgebra,
  lookups,
  normalizations,
  orderings,
  pools,
  reductions,
  shapes,
];

let byName: Map<string, FunctionRow> | null = null;

/** Rows by full name, as "torch.nn.functional.relu" or "Tensor.permute". */
export function knownFunctions(): ReadonlyMap<string, FunctionRow> {
  if (byName) return byName;
  byName = new Map();
  for (const row of tables.flat()) {
    for (const place of row[0].split(" "))
      for (const name of row[1].split(" ")) byName.set(`${PLACES[place]}.${name}`, row);
  }
  return byName;
}

export function findFunction(fullName: string): Callable | null {
  const row = knownFunctions().get(fullName);
  return row ? new Callable(fullName, (args) => callRow(row, fullName, args)) : null;
}

/** `tensor.name`, ready to be called. */
export function findMethod(tensor: Tensor64, name: string): Callable | null {
  const row = knownFunctions().get(`Tensor.${name}`);
  if (!row) return null;
  return new Callable(name, ({ positional, keyword }) =>
    callRow(row, `Tensor.${name}`, { positional: [tensor, ...positional], keyword }),
  );
}

function callRow([, , takes, run]: FunctionRow, fullName: string, args: CallArguments): Value {
  return run(bind(fullName.slice(fullName.lastIndexOf(".") + 1), takes, args));
}

/** Calls F.`name` with arguments by name, as the nn modules do. */
export function callFunctional(name: string, args: Readonly<Record<string, Value>>): Value {
  const row = knownFunctions().get(`torch.nn.functional.${name}`);
  if (!row) throw programNotUnderstood(`PyTorch function F.${name} is not known to the checker`);
  return callRow(row, name, { positional: [], keyword: new Map(Object.entries(args)) });
}
