/**
 * attention: scaled dot-product attention and nn.MultiheadAttention.
 *
 *   softmax(q kᵀ * scale + mask) v        q (..., L, E), k (..., S, E), v (..., S, Ev); scale is 1 / sqrt(E)
 *
 * A bool mask says where attention may look in F.scaled_dot_product_attention, and where it may not in nn.MultiheadAttention.
 *
 * Source  PyTorch docs: torch.nn.functional.scaled_dot_product_attention, torch.nn.MultiheadAttention.
 */
import { programFails, programShapesDiffer } from "../../../error.ts";
import { filled, scalar, showShape, type Tensor64 } from "./array.ts";
import { map, map2, select } from "./elementwise.ts";
import type { LayerRow } from "./layers.ts";
import { linear, matmul } from "./linear.ts";
import { mean, reduce, softmax } from "./reduce.ts";
import { insertAxis, narrow, reshape, selectAt, transpose } from "./shaping.ts";
import type { Bound, FunctionRow, Run } from "./signature.ts";
import { Tuple, type Value } from "./values.ts";

const add = (x: number, y: number) => x + y;

/** A mask as something to add: bools become 0 where attention may look, else -infinity. */
function additive(mask: Tensor64, trueMeansLook: boolean): Tensor64 {
  if (mask.dtype !== "bool") return mask;
  const [look, hide] = [scalar(0), scalar(-Infinity)];
  return trueMeansLook ? select(mask, look, hide) : select(mask, hide, look);
}

/** 0 on and below the diagonal, -infinity above. */
function causalMask(queries: number, keys: number): Tensor64 {
  const mask = filled([queries, keys], 0);
  for (let q = 0; q < queries; q++) for (let k = q + 1; k < keys; k++) mask.data[q * keys + k] = -Infinity;
  return mask;
}

/** Attention weights and their average of the values. A row that may look nowhere gives NaN. */
function attend(
  query: Tensor64,
  key: Tensor64,
  value: Tensor64,
  mask: Tensor64 | null,
  scale: number,
): { output: Tensor64; weights: Tensor64 } {
  const scores = matmul(
    map(query, (x) => x * scale),
    transpose(key, -2, -1),
  );
  const masked = mask ? map2(scores, mask, add) : scores;
  const weights = softmax(masked, masked.rank - 1);
  return { output: matmul(weights, value), weights };
}

const scaledDotProductAttention: Run = (a) => {
  a.only("dropout_p", 0, 0n);
  a.only("enable_gqa", false);
  const [query, key, value] = [a.tensor("query"), a.tensor("key"), a.tensor("value")];
  const given = a.optionalTensor("attn_mask");
  if (given && a.bool("is_causal")) throw programFails("explicit attn_mask should not be set when is_causal=True");
  const mask = a.bool("is_causal")
    ? causalMask(query.shape.at(-2)!, key.shape.at(-2)!)
    : given && additive(given, true);
  const { output, weights } = attend(
    query,
    key,
    value,
    mask,
    a.optionalNumber("scale") ?? 1 / Math.sqrt(query.shape.at(-1)!),
  );
  if (!mask) return output;
  // A row of the mask that hides everything gives zeros here, unlike in nn.MultiheadAttention.
  const blind = reduce(weights, [-1], true, (data, start) => Number(Number.isNaN(data[start]!)), "bool");
  return select(blind, scalar(0), output);
};

/** One projection per role: three rows of one matrix where all widths are equal, else a matrix each. */
function projections(a: Bound, weights: (name: string) => Tensor64 | null): (role: number, x: Tensor64) => Tensor64 {
  const width = a.int("embed_dim");
  const joint = weights("in_proj_weight");
  const bias = weights("in_proj_bias");
  return (role, x) => {
    const matrix = joint
      ? narrow(joint, 0, role * width, width)
      : weights(["q_proj_weight", "k_proj_weight", "v_proj_weight"][role]!)!;
    return linear(x, matrix, bias && narrow(bias, 0, role * width, width));
  };
}

/** (N, L, E) to (N, H, L, E/H). */
function splitHeads(x: Tensor64, heads: number): Tensor64 {
  const [batch, length, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [batch, length, heads, width / heads]), 1, 2);
}

/** The sum of both masks, broadcastable to (N, H, L, S). */
function joinedMask(call: Bound, batch: number, heads: number): Tensor64 | null {
  const given = call.optionalTensor("attn_mask");
  if (call.bool("is_causal") && !given) throw programFails("need attn_mask if specifying the is_causal hint");
  let mask = given && additive(given, false);
  if (mask?.rank === 3) {
    if (mask.shape[0] !== batch * heads)
      throw programShapesDiffer(
        `the shape of the 3D attn_mask is ${showShape(mask.shape)}, but should start with ${batch * heads}`,
      );
    mask = reshape(mask, [batch, heads, ...mask.shape.slice(1)]);
  }
  const padding = call.optionalTensor("key_padding_mask");
  if (!padding) return mask;
  const keys = padding.shape.at(-1)!;
  const perKey = reshape(additive(padding, false), [batch, 1, 1, keys]);
  return mask ? map2(mask, perKey, add) : perKey;
}

function multiheadAttention(a: Bound, call: Bound, weights: (name: string) => Tensor64 | null): Value {
  const unbatched = call.tensor("query").rank === 2;
  const batchFirst = a.bool("batch_first") || unbatched;
  const [query, key, value] = ["query", "key", "value"].map((name) => {
    const x = unbatched ? insertAxis(call.tensor(name), 0) : call.tensor(name);
    if (x.rank !== 3)
      throw programShapesDiffer(
        `query should be unbatched 2D or batched 3D tensor but received ${x.rank}-D ${name} tensor`,
      );
    return batchFirst ? x : transpose(x, 0, 1);
  }) as [Tensor64, Tensor64, Tensor64];
  const heads = a.int("num_heads");
  const width = a.int("embed_dim");
  const [batch, length] = query.shape as [number, number];
  const project = projections(a, weights);
  const [q, k, v] = [query, key, value].map((x, role) => splitHeads(project(role, x), heads)) as [
    Tensor64,
    Tensor64,
    Tensor64,
  ];
  const attended = attend(q, k, v, joinedMask(call, batch, heads), 1 / Math.sqrt(width / heads));
  const merged = reshape(transpose(attended.output, 1, 2), [batch, length, width]);
  const projected = linear(merged, weights("out_proj.weight")!, weights("out_proj.bias"));
  const output = batchFirst ? projected : transpose(projected, 0, 1);
  const drop = (x: Tensor64) => (unbatched ? selectAt(x, 0, 0) : x);
  if (!call.bool("need_weights")) return new Tuple([drop(output), null]);
  const shown = call.bool("average_attn_weights") ? reduce(attended.weights, [1], false, mean) : attended.weights;
  return new Tuple([drop(output), drop(shown)]);
}

export const attentions: readonly FunctionRow[] = [
  [
    "F",
    "scaled_dot_product_attention",
    "query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False",
    scaledDotProductAttention,
  ],
];

export const attentionLayers: readonly LayerRow[] = [
  {
    names: "MultiheadAttention",
    takes:
      "embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, batch_first=False, device=None, dtype=None",
    forward:
      "query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False",
    check: (a) => {
      a.only("add_bias_kv", false);
      a.only("add_zero_attn", false);
      if (a.int("embed_dim") % a.int("num_heads") !== 0) throw programFails("embed_dim must be divisible by num_heads");
    },
    parameters: (a) => {
      const width = a.int("embed_dim");
      const [keys, values] = [a.optionalInt("kdim") ?? width, a.optionalInt("vdim") ?? width];
      const separate = { q_proj_weight: [width, width], k_proj_weight: [width, keys], v_proj_weight: [width, values] };
      const bias = a.bool("bias");
      return {
        ...(keys === width && values === width ? { in_proj_weight: [3 * width, width] } : separate),
        in_proj_bias: bias ? [3 * width] : null,
        "out_proj.weight": [width, width],
        "out_proj.bias": bias ? [width] : null,
      };
    },
    run: (a, call, weights) => multiheadAttention(a, call, weights),
  },
];
