/**
 * ordering: what walks along one axis in order: cumulative sums, sorting, the k largest.
 *
 * Source  PyTorch docs: torch.cumsum, torch.sort, torch.topk.
 */
import { programFails } from "../../../error.ts";
import { resolveAxis, Tensor64 } from "./array.ts";
import { alongAxis } from "./reduce.ts";
import type { FunctionRow, Run } from "./signature.ts";
import { Tuple } from "./values.ts";

function running(f: (total: number, x: number) => number): Run {
  return (a) => {
    const input = a.tensor("input");
    const dtype = input.dtype === "bool" ? "int64" : input.dtype;
    return alongAxis(
      input,
      resolveAxis(a.int("dim"), input.rank),
      (data, start, length, out) => {
        for (let i = start; i < start + length; i++) out[i] = i === start ? data[i]! : f(out[i - 1]!, data[i]!);
      },
      dtype,
    );
  };
}

/** The order that sorts a run; stable, NaN last when ascending. */
function sortedOrder(data: Float64Array, start: number, length: number, descending: boolean): Int32Array {
  const sign = descending ? -1 : 1;
  const rank = (x: number, y: number) =>
    Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : Number.isNaN(y) ? -1 : x - y || 0;
  return Int32Array.from({ length }, (_, i) => i).sort(
    (a, b) => sign * rank(data[start + a]!, data[start + b]!) || a - b,
  );
}

function sorted(input: Tensor64, axis: number, descending: boolean, what: "values" | "indices"): Tensor64 {
  return alongAxis(
    input,
    axis,
    (data, start, length, out) => {
      const order = sortedOrder(data, start, length, descending);
      for (let i = 0; i < length; i++) out[start + i] = what === "values" ? data[start + order[i]!]! : order[i]!;
    },
    what === "values" ? input.dtype : "int64",
  );
}

const sort: Run = (a) => {
  const input = a.tensor("input");
  const axis = resolveAxis(a.int("dim"), input.rank);
  const of = (what: "values" | "indices") => sorted(input, axis, a.bool("descending"), what);
  return new Tuple([of("values"), of("indices")], ["values", "indices"]);
};

const topk: Run = (a) => {
  a.only("sorted", true);
  const input = a.tensor("input");
  const axis = resolveAxis(a.int("dim"), input.rank);
  const k = a.int("k");
  if (k < 0 || k > (input.shape[axis] ?? 1)) throw programFails("selected index k out of range");
  const first = (what: "values" | "indices") => {
    const whole = sorted(input, axis, a.bool("largest"), what);
    return new Tensor64(
      whole.data,
      whole.shape.map((size, i) => (i === axis ? k : size)),
      whole.dtype,
      whole.strides,
      whole.offset,
    );
  };
  return new Tuple([first("values"), first("indices")], ["values", "indices"]);
};

const BOTH = "torch Tensor";

export const orderings: readonly FunctionRow[] = [
  [BOTH, "cumsum", "input, dim, *, dtype=None", running((total, x) => total + x)],
  [BOTH, "cumprod", "input, dim, *, dtype=None", running((total, x) => total * x)],
  [BOTH, "sort", "input, dim=-1, descending=False, stable=False", sort],
  [BOTH, "argsort", "input, dim=-1, descending=False, stable=False", (a) => (sort(a) as Tuple).items[1]!],
  [BOTH, "topk", "input, k, dim=-1, largest=True, sorted=True", topk],
];
