/**
 * attend: the part that all attentions share: which scores count, their softmax, and the mean of the values by its weights
 *
 *     weights = softmax over s of (look(t, s) ? score(t, s) : -1e9)        output[t] = sum over s of weights[t, s] * value[s]
 *
 * A query that may look nowhere gets the mean of all values ("spread"), or zeros ("zero"): Keras' Softmax layer, which
 * its attentions go through where they have dropout or return scores, sets hidden weights to zero; its fused path doesn't.
 * Keras' Attention subtracts 1e9 from a hidden score, which in float32 leaves of an ordinary score nothing but -1e9.
 *
 * Source  keras:keras/src/layers/attention, keras:keras/src/backend/tensorflow/nn.py (dot_product_attention), Keras 3.15
 */
import { axisIndex, axisSize, shapeText } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import type { Array64, Axes, Place, TorchWriter, WasmWriter } from "./facets.ts";
import { panelSize } from "./pack.ts";
import { pieces } from "./rows.ts";
import { boolean, count, listOf, nullOr, oneOf, type Schema } from "./schema.ts";

/** What a mask says where it may be looked: (N, T), (N, S), (N, T, S), (N, H, T, S). Sizes of one are broadcast. */
export type MaskKind = "query" | "keys" | "pairs" | "heads";

export interface Looking {
  /** The masks, which are the inputs from the fourth on. */
  readonly masks: readonly MaskKind[];
  /** A query looks at no key behind its own place. */
  readonly causal: boolean;
  /** A query looks at keys less than this far from its own place. */
  readonly window: number | null;
  /** What a query that may look nowhere gets. */
  readonly blind: "spread" | "zero";
}

export const looking: Schema<Looking> = {
  masks: listOf(oneOf("query", "keys", "pairs", "heads"), 8),
  causal: boolean,
  window: nullOr(count),
  blind: oneOf("spread", "zero"),
};

const ranks: Record<MaskKind, number> = { query: 2, keys: 2, pairs: 3, heads: 4 };

/** Fails where the inputs do not fit each other: ranks, a value per key, masks. */
export function checkInputs(name: string, { masks }: Looking, inputs: readonly Axes[], heads: number): void {
  const [query, key, value, ...rest] = inputs as [Axes, Axes, Axes, ...Axes[]];
  if (inputs.length !== 3 + masks.length || [query, key, value].some((axes) => axes.length !== 3))
    throw shapeMismatch(`${name}: expected a query, a key and a value of three axes each and ${masks.length} masks`);
  const agree = (a: number | null, b: number | null) => a === null || b === null || a === b;
  if (!agree(axisSize(key, "L"), axisSize(value, "L")))
    throw shapeMismatch(`${name}: expected as many keys as values, got (${shapeText(key)}) and (${shapeText(value)})`);
  const [queries, keys] = [axisSize(query, "L"), axisSize(key, "L")];
  masks.forEach((kind, index) => {
    const axes = rest[index]!;
    const wanted = { query: [queries], keys: [keys], pairs: [queries, keys], heads: [heads, queries, keys] }[kind];
    const fits = axes.slice(1).every(({ size }, at) => size === 1 || agree(size, wanted[at]!));
    if (axes.length !== ranks[kind] || !fits)
      throw shapeMismatch(`${name}: expected a mask of (N, ${wanted.join(", ")}), got (${shapeText(axes)})`);
  });
}

// ------------------------------------------------------------------------------------------------- evaluate

/** The sizes of an attention. */
export interface Extents {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** Of a value, per head. */
  readonly depth: number;
}

/** Output (N, T, H, D) and weights (N, H, T, S), in float64. */
export function attend64(
  { masks, causal, window, blind }: Looking,
  { batch, heads, queries, keys, depth }: Extents,
  given: readonly Array64[],
  score: (n: number, h: number, t: number, s: number) => number,
  value: (n: number, h: number, s: number, d: number) => number,
): { output: Float64Array; weights: Float64Array } {
  const look = (n: number, h: number, t: number, s: number) =>
    !(causal && s > t) &&
    !(window !== null && Math.abs(s - t) >= window) &&
    masks.every((kind, index) => {
      const { axes, data } = given[index]!;
      const place = { query: [n, t], keys: [n, s], pairs: [n, t, s], heads: [n, h, t, s] }[kind];
      return data[axes.reduce((at, axis, i) => at * axis.size! + (axis.size === 1 ? 0 : place[i]!), 0)] !== 0;
    });
  const output = new Float64Array(batch * queries * heads * depth);
  const weights = new Float64Array(batch * heads * queries * keys);
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < queries; t++) {
        const seen = Array.from({ length: keys }, (_, s) => look(n, h, t, s));
        const scores = seen.map((sees, s) => (sees ? score(n, h, t, s) : -1e9));
        const largest = scores.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
        const powers = scores.map((x) => Math.exp(x - largest));
        const total = powers.reduce((sum, x) => sum + x, 0);
        for (let s = 0; s < keys; s++) {
          const weight = blind === "zero" && !seen[s] ? 0 : powers[s]! / total;
          weights[((n * heads + h) * queries + t) * keys + s] = weight;
          for (let d = 0; d < depth; d++)
            output[((n * queries + t) * heads + h) * depth + d]! += weight * value(n, h, s, d);
        }
      }
    }
  }
  return { output, weights };
}

// -------------------------------------------------------------------------------------------------- PyTorch

/** Where may be looked, as a Python expression that broadcasts to the scores (N, T, S) or (N, H, T, S); null: everywhere. */
export function lookText({ masks, causal, window }: Looking, heads: boolean, torch: TorchWriter): string | null {
  const head = heads ? "None, " : "";
  const spread = {
    query: `[:, ${head}:, None]`,
    keys: `[:, ${head}None, :]`,
    pairs: heads ? ".bool()[:, None]" : ".bool()",
    heads: ".bool()",
  };
  const terms = masks.map((kind, index) => `${torch.input(3 + index)}${spread[kind]}`);
  const all = `torch.ones(${torch.size("L", 0)}, ${torch.size("L", 1)}, dtype=torch.bool)`;
  if (causal) terms.push(`${all}.tril()`);
  if (window !== null) terms.push(`${all}.triu(${1 - window}).tril(${window - 1})`);
  return terms.length === 0 ? null : terms.join(" & ");
}

/** Statements from scores to weights; gives the weights' variable. */
export function weightsSteps(
  attributes: Looking,
  scores: string,
  heads: boolean,
  torch: TorchWriter,
  shape: string,
): string {
  const text = lookText(attributes, heads, torch);
  let hidden = scores;
  let look = "";
  if (text !== null) {
    look = torch.step(text, "where a query may look", "look");
    hidden = torch.step(`torch.where(${look}, ${scores}, -1e9)`, "", "scores");
  }
  const weights = torch.step(`torch.softmax(${hidden}, dim=-1)`, shape, "weights");
  if (look === "" || attributes.blind === "spread") return weights;
  return torch.step(`torch.where(${look}, ${weights}, 0.0)`, "nothing for a query that may look nowhere", "weights");
}

// ----------------------------------------------------------------------------------------------------- wasm

/** Rows of one head of one sample: element `row` of sample n begins at `n * sample + h * head + row * stride`. */
export interface Rows {
  readonly at: Place;
  readonly sample: number;
  readonly stride: number;
  /** From one head to the next. */
  readonly head: number;
}

/** Scratch for one head at a time. */
interface Room {
  /** Keys and values in panels. */
  readonly keys: Place;
  readonly values: Place;
  readonly scores: Place;
}

/** The kernels from projected queries, keys and values to the output and, if there is a place for them, the weights. */
export function attendSteps(
  wasm: WasmWriter,
  looks: Looking,
  { batch, heads, queries, keys, depth }: Extents,
  parts: {
    readonly query: Rows;
    readonly key: Rows;
    readonly value: Rows;
    readonly output: Rows;
    readonly weights: Place | null;
    readonly kind: "dot" | "additive";
    /** What the scores take: a factor, or the weights of the sum. */
    readonly factor: Place;
    /** Elements of a query. */
    readonly inner: number;
    /** Query heads per key's head. */
    readonly shared: number;
  },
): void {
  const { query, key, value, output, kind, factor, inner, shared } = parts;
  const rows = batch * heads * queries;
  const masks = looks.masks.map((kind, index) => ({
    kind,
    at: wasm.input(3 + index),
    shape: wasm.inputShape(3 + index),
  }));
  const start = ({ at, sample, head, stride }: Rows, n: number, h: number, row = 0) =>
    at.at(n * sample + h * head + row * stride);
  const unclamped = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
  const one = (room: Room, n: number, h: number, first: number, last: number) => {
    const count = last - first;
    const y = parts.weights?.at(((n * heads + h) * queries + first) * keys) ?? room.scores;
    const group = Math.floor(h / shared);
    const [ownKeys, ownValues] = [start(key, n, group), start(value, n, group)];
    const hideAll = (hidden: number) => {
      for (const { kind, at, shape } of masks) {
        const strides = shape.map((size, axis) =>
          size === 1 ? 0 : shape.slice(axis + 1).reduce((all, next) => all * next, 1),
        );
        const along = { query: [0, 1], keys: [0, 1], pairs: [0, 1, 2], heads: [0, 1, 2, 3] }[kind];
        const [head, row, column] = {
          query: [undefined, along[1], undefined],
          keys: [undefined, undefined, along[1]],
          pairs: [undefined, along[1], along[2]],
          heads: [along[1], along[2], along[3]],
        }[kind].map((axis) => (axis === undefined ? 0 : strides[axis]!)) as [number, number, number];
        const mask = at.at(n * strides[0]! + h * head + first * row);
        wasm.call("hide", y, mask, 1, count, keys, 0, row, column, hidden);
      }
      const { causal, window } = looks;
      if (!causal && window === null) return;
      const reach = window === null ? queries + keys : window - 1;
      wasm.call("hideBand", y, first, count, keys, reach, causal ? 0 : reach, hidden);
    };
    const asked = start(query, n, h, first);
    if (kind === "dot") {
      wasm.call("packOI", ownKeys, key.stride, factor, room.keys, inner, keys);
      wasm.call("gemm", asked, query.stride, room.keys, y, keys, count, keys, inner, ...unclamped);
    } else wasm.call("additiveScores", asked, query.stride, ownKeys, key.stride, factor, y, count, keys, inner);
    hideAll(-1e9);
    wasm.call("softmax", y, y, count, keys, 1);
    if (looks.blind === "zero") hideAll(0);
    const to = start(output, n, h, first);
    wasm.call("packIO", ownValues, value.stride, room.values, keys, depth);
    wasm.call("gemm", y, keys, room.values, to, output.stride, count, depth, keys, ...unclamped);
  };
  wasm.split(rows, rows * keys * (inner + depth), (from, to) => {
    // Of one head, which the next one overwrites while it is still in the cache.
    const room = {
      keys: wasm.scratch(kind === "dot" ? panelSize(inner, keys) : 0),
      values: wasm.scratch(panelSize(keys, depth)),
      scores: wasm.scratch(parts.weights ? 0 : Math.min(queries, to - from) * keys),
    };
    for (const { sample, samples, first, last } of pieces(from, to, queries)) {
      for (let index = sample; index < sample + samples; index++)
        one(room, Math.floor(index / heads), index % heads, first, last);
    }
  });
}

/** Sizes of query, key and value arrays in float64. */
export function sizesOf(axes: Axes): { batch: number; length: number; depth: number } {
  const size = (letter: string) => axes[axisIndex(axes, letter)]!.size!;
  return { batch: size("N"), length: size("L"), depth: size("C") };
}
