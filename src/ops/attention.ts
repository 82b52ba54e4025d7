/**
 * attention: softmax over the keys of a score, and the mean of the values by it, without projections or heads
 *
 *     dot       score(t, s) = scale * sum over d of query[t, d] * key[s, d]
 *     concat    score(t, s) = factor * sum over d of tanh(scale * (query[t, d] + key[s, d]))
 *     additive  score(t, s) = sum over d of scale[d] * tanh(query[t, d] + key[s, d])
 *
 * Outputs: the values' mean (N, T, C) and, where `scores`, the weights (N, T, S). Inputs: query, key, value, masks.
 *
 * Keras   keras.layers.Attention, AdditiveAttention, on [query, value] or [query, value, key]
 * PyTorch a softmax between two matrix products; a module of its own where there are weights
 */
import { axisSize, lettersOf, plainAxis } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import {
  attend64,
  attendSteps,
  checkInputs,
  type Looking,
  looking,
  type MaskKind,
  sizesOf,
  weightsSteps,
} from "./attend.ts";
import { canonical } from "./arrange.ts";
import type { Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { boolean, oneOf } from "./schema.ts";
import type { Merge } from "./merge.ts";
import type { Notes } from "./notes.ts";

export interface Attention extends Looking {
  readonly kind: "dot" | "concat" | "additive";
  readonly scores: boolean;
}

export const spec: OpSpec<Attention> = {
  attributes: { ...looking, kind: oneOf("dot", "concat", "additive"), scores: boolean },
  weights: {
    scale: { keras: "S", torch: "S", optional: true },
    factor: { keras: "F", torch: "F", optional: true },
  },
  shapes: ({ kind }, [query]) => ({ scale: [kind === "additive" ? axisSize(query!, "C") : 1], factor: [1] }),
  types: ({ scores }) => (scores ? ["float32", "float32"] : ["float32"]),
  infer(attributes, inputs) {
    checkInputs("attention", attributes, inputs, 1);
    const [query, key, value] = inputs as [(typeof inputs)[0], (typeof inputs)[0], (typeof inputs)[0]];
    const [batch, length] = ["N", "L"].map((letter) => plainAxis(letter, axisSize(query, letter)));
    const output = [batch!, length!, plainAxis("C", axisSize(value, "C"))];
    return attributes.scores ? [output, [batch!, length!, plainAxis("C", axisSize(key, "L"))]] : [output];
  },
};

export const arrange = canonical;

export const evaluate: Evaluate<Attention> = (attributes, [query, key, value, ...masks], { scale, factor }) => {
  const { batch, length: queries, depth: inner } = sizesOf(query!.axes);
  const { length: keys, depth } = sizesOf(value!.axes);
  const score = (n: number, _h: number, t: number, s: number) => {
    let sum = 0;
    for (let d = 0; d < inner; d++) {
      const [q, k] = [query!.data[(n * queries + t) * inner + d]!, key!.data[(n * keys + s) * inner + d]!];
      if (attributes.kind === "dot") sum += q * k * (scale?.data[0] ?? 1);
      else if (attributes.kind === "additive") sum += (scale?.data[d] ?? 1) * Math.tanh(q + k);
      else sum += (factor?.data[0] ?? 1) * Math.tanh((scale?.data[0] ?? 1) * (q + k));
    }
    return sum;
  };
  const extents = { batch, heads: 1, queries, keys, depth };
  const { output, weights } = attend64(
    attributes,
    extents,
    masks,
    score,
    (n, _h, s, d) => value!.data[(n * keys + s) * depth + d]!,
  );
  return attributes.scores ? [output, weights] : [output];
};

/** True, false, or whatever the file says instead, which is refused. */
export function flag(call: KerasCall, name: string, place?: number): boolean {
  const given = call.argument(name, place);
  if (given === undefined) return false;
  if (given.kind === "constant" && typeof given.value === "boolean") return given.value;
  return call.config.refuse(`call argument ${name}`, "expected true or false");
}

/** The value with zeros where the mask of its steps is false; `NL` of bools. */
function zeroed(call: KerasCall, output: ValueId, mask: ValueId): ValueId {
  const own = lettersOf(call.axes(mask));
  const attributes: Merge = { kind: "multiply" };
  return call.emit("merge", attributes, [output, call.rearrange(mask, `${own}1`, lettersOf(call.axes(output)))]);
}

/** The masks of the query and the value: those that the call is given, else what the layers before left. */
function givenMasks(call: KerasCall, query: ValueId, value: ValueId): (ValueId | null)[] {
  const given = call.argument("mask", 1);
  if (!given) return [call.mask(query), call.mask(value)];
  if (given.kind !== "list" || given.entries.length < 2 || given.entries.length > 3)
    return call.config.refuse("call argument mask", "expected a list of the query's and the value's mask");
  return given.entries.slice(0, 2).map((entry) => {
    if (entry.kind === "constant" && entry.value === null) return null;
    return entry.kind === "tensor"
      ? entry.tensor
      : call.config.refuse("call argument mask", "expected a list of tensors");
  });
}

function attention(kinds: readonly Attention["kind"][]): FromKeras {
  return (call) => {
    const { config, inputs } = call;
    const [query, value, key = value] = inputs;
    if (query === undefined || value === undefined || inputs.length > 3)
      return config.refuse("inputs", `expected [query, value] or [query, value, key], got ${inputs.length} inputs`);
    for (const input of inputs) {
      if (call.axes(input).length !== 3)
        config.refuse("inputs", `expected series of three axes, got ${call.axes(input).length}`);
    }
    const [additive] = kinds;
    const kind = additive === "additive" ? additive : config.choice("score_mode", ["dot", "concat"], "dot");
    const scaled = config.boolean("use_scale", kind === "additive");
    const roles: string[] = [];
    if (scaled) {
      if (kind === "additive") call.weight("scale", "S", [call.known(query, "C")]);
      else call.weight("scale", "S", [1], { stored: [] });
      roles.push("scale");
    }
    if (kind === "concat") {
      call.weight("factor", "F", [1], { stored: [] });
      roles.push("factor");
    }
    config.ignore("dropout", "seed");
    if (kind === "additive") config.ignore("score_mode");
    const scores = flag(call, "return_attention_scores", 3);
    const causal = flag(call, "use_causal_mask", 4);
    const [queryMask, valueMask] = givenMasks(call, query, value) as [ValueId | null, ValueId | null];
    const masks: MaskKind[] = valueMask === null ? [] : ["keys"];
    const attributes: Attention = { kind, scores, masks, causal, window: null, blind: "spread" };
    const read = [query, key!, value, ...(valueMask === null ? [] : [valueMask])];
    const [output, weights] = call.emitAll("attention", attributes, read, roles) as [ValueId, ValueId?];
    const result = queryMask === null ? output : zeroed(call, output, queryMask);
    call.carry(result, queryMask === null ? null : () => queryMask);
    if (weights === undefined) return result;
    call.carry(weights, null);
    return [result, weights];
  };
}

export const fromKeras: Record<string, FromKeras> = {
  Attention: attention(["dot", "concat"]),
  AdditiveAttention: attention(["additive"]),
};

const scaledDotModule = `class ScaledDotScores(nn.Module):
    """The scores of Keras' Attention with a scale: query and key multiplied, times a learned factor."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, query, key):
        return query @ key.transpose(1, 2) * self.scale
`;

const concatModule = `class ConcatScores(nn.Module):
    """The scores of Keras' Attention in the mode "concat"."""

    def __init__(self, use_scale):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1)) if use_scale else 1.0
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, query, key):
        return self.factor * torch.tanh(self.scale * (query[:, :, None] + key[:, None])).sum(dim=-1)
`;

const additiveModule = `class AdditiveScores(nn.Module):
    """The scores of Keras' AdditiveAttention (Bahdanau et al., 2015)."""

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))

    def forward(self, query, key):
        return (self.scale * torch.tanh(query[:, :, None] + key[:, None])).sum(dim=-1)
`;

export const toTorch: ToTorch<Attention> = ({ attributes, inputs, outputs, weights }, torch) => {
  const [query, key, value] = [torch.input(0), torch.input(1), torch.input(2)];
  const scaled = weights.includes("scale");
  const { kind } = attributes;
  let scores: string;
  if (kind === "dot" && !scaled) scores = `${query} @ ${key}.transpose(1, 2)`;
  else if (kind === "additive" && !scaled) scores = `torch.tanh(${query}[:, :, None] + ${key}[:, None]).sum(dim=-1)`;
  else {
    const classes = { dot: "ScaledDotScores", concat: "ConcatScores", additive: "AdditiveScores" } as const;
    const sources = { dot: scaledDotModule, concat: concatModule, additive: additiveModule };
    torch.helper(classes[kind], sources[kind]);
    const options = {
      dot: "",
      concat: scaled ? "use_scale=True" : "use_scale=False",
      additive: `${axisSize(inputs[0]!, "C")}`,
    };
    const module = torch.module(`${classes[kind]}(${options[kind]})`);
    for (const role of weights) torch.state(role, role);
    scores = `${module}(${query}, ${key})`;
  }
  const shape = ["N", "L"].map((letter) => axisSize(outputs[0]!, letter) ?? (letter === "N" ? "N" : "?")).join(", ");
  const text = `(${shape}, ${axisSize(inputs[1]!, "L") ?? "?"})`;
  const probable = weightsSteps(
    attributes,
    torch.step(scores, `${text}  a score per query and key`, "scores"),
    false,
    torch,
    `${text}  over the keys`,
  );
  const output = `${probable} @ ${value}`;
  if (!attributes.scores) return output;
  return [torch.step(output, `(${shape}, ${axisSize(outputs[0]!, "C")})`, "attended"), probable];
};

export const toWasm: ToWasm<Attention> = ({ attributes, weights }, wasm) => {
  const [batch, queries, inner] = wasm.inputShape(0) as [number, number, number];
  const [, keys, depth] = wasm.inputShape(2) as [number, number, number];
  const scaled = weights.includes("scale");
  const { kind, scores } = attributes;
  const factor = wasm.weight(`${kind}Scores`, (pack) => {
    const scale = scaled ? pack.read("scale") : null;
    if (kind === "dot") return pack.allocate(4).set([scale?.[0] ?? 1, 0, 0, 0]);
    const sum =
      kind === "concat"
        ? new Float32Array(inner).fill(pack.read("factor")![0]!)
        : (scale ?? new Float32Array(inner).fill(1));
    const target = pack.allocate(4 + inner);
    target.set([kind === "concat" ? (scale?.[0] ?? 1) : 1, 0, 0, 0]);
    target.set(sum, 4);
  });
  const rows = (at: ReturnType<typeof wasm.input>, length: number, size: number) => ({
    at,
    sample: length * size,
    stride: size,
    head: 0,
  });
  attendSteps(
    wasm,
    attributes,
    { batch, heads: 1, queries, keys, depth },
    {
      query: rows(wasm.input(0), queries, inner),
      key: rows(wasm.input(1), keys, inner),
      value: rows(wasm.input(2), keys, depth),
      output: rows(wasm.output(0), queries, depth),
      weights: scores ? wasm.output(1) : null,
      kind: kind === "dot" ? "dot" : "additive",
      factor,
      inner,
      shared: 1,
    },
  );
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = { inputs: "each of three axes: `(batch, length, channels)`" };

export const notes: Notes = {
  Attention: {
    torch: "`@`, `torch.softmax`; a small class `ScaledDotScores` or `ConcatScores` where it has weights",
    limits,
  },
  AdditiveAttention: {
    torch: "`torch.tanh`, `torch.softmax`; a small class `AdditiveScores` where it has weights",
    limits,
  },
};
