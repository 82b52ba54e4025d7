/**
 * multiHeadAttention: attention in heads between projections
 *
 *     q, k, v = query * queryKernel + queryBias, ...            a head is a run of `keySize` or `valueSize` channels
 *     score(t, s) = sum over d of q[t, d] * k[s, d] / sqrt(keySize)
 *     output = concatenated heads * outputKernel + outputBias
 *
 * With fewer heads of keys than of queries, neighbouring query heads share one. Where `gated`, the heads are multiplied by the
 * sigmoid of one more projection of the query. Outputs: (N, T, C) and, where `scores`, the weights (N, H, T, S).
 *
 * Keras   keras.layers.MultiHeadAttention, GroupQueryAttention: kernels (I, H, D) and (H, D, O), which are `IO` as they lie
 * PyTorch torch.nn.MultiheadAttention where all sizes agree and no mask can hide a whole row; else nn.Linear and a softmax
 */
import { axisSize, plainAxis, product } from "../axes.ts";
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
import { flag } from "./attention.ts";
import type {
  Array64,
  Axes,
  Evaluate,
  FromKeras,
  KerasCall,
  OpSpec,
  PlannedNode,
  Place,
  ToTorch,
  TorchWriter,
  ToWasm,
} from "./facets.ts";
import type { Notes } from "./notes.ts";
import { packPanels } from "./pack.ts";
import { elementWork } from "./rows.ts";
import { boolean, count } from "./schema.ts";

export interface MultiHeadAttention extends Looking {
  readonly heads: number;
  readonly keyHeads: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly outputSize: number;
  readonly gated: boolean;
  readonly scores: boolean;
}

const kernel = { keras: "IO", torch: "OI" } as const;
const bias = { keras: "O", torch: "O", optional: true } as const;

export const spec: OpSpec<MultiHeadAttention> = {
  attributes: {
    ...looking,
    heads: count,
    keyHeads: count,
    keySize: count,
    valueSize: count,
    outputSize: count,
    gated: boolean,
    scores: boolean,
  },
  weights: {
    queryKernel: kernel,
    queryBias: bias,
    keyKernel: kernel,
    keyBias: bias,
    valueKernel: kernel,
    valueBias: bias,
    gateKernel: { ...kernel, optional: true },
    gateBias: bias,
    outputKernel: kernel,
    outputBias: bias,
  },
  shapes(attributes, [query, key, value]) {
    const widths = projections(attributes);
    const inputs = { query: query!, key: key!, value: value!, gate: query! };
    const shapes: Record<string, (number | null)[]> = {
      outputKernel: [attributes.heads * attributes.valueSize, attributes.outputSize],
      outputBias: [attributes.outputSize],
    };
    for (const [part, width] of Object.entries(widths)) {
      shapes[`${part}Kernel`] = [axisSize(inputs[part as keyof typeof inputs], "C"), width];
      shapes[`${part}Bias`] = [width];
    }
    return shapes;
  },
  types: ({ scores }) => (scores ? ["float32", "float32"] : ["float32"]),
  infer(attributes, inputs) {
    checkInputs("multiHeadAttention", attributes, inputs, attributes.heads);
    const [query, key] = inputs as [Axes, Axes];
    const [batch, length] = ["N", "L"].map((letter) => plainAxis(letter, axisSize(query, letter)));
    const output = [batch!, length!, plainAxis("C", attributes.outputSize)];
    if (!attributes.scores) return [output];
    const weights = [batch!, plainAxis("T", attributes.heads), length!, plainAxis("C", axisSize(key, "L"))];
    return [output, weights];
  },
};

/** Columns of the projections. */
function projections({ heads, keyHeads, keySize, valueSize, gated }: MultiHeadAttention): Record<string, number> {
  const widths = { query: heads * keySize, key: keyHeads * keySize, value: keyHeads * valueSize };
  return gated ? { ...widths, gate: heads * valueSize } : widths;
}

export const arrange = canonical;

function project64(x: Float64Array, weight: Array64, shift: Array64 | undefined): Float64Array {
  const [inputs, units] = weight.axes.map((axis) => axis.size!) as [number, number];
  const y = new Float64Array((x.length / inputs) * units);
  for (let at = 0; at < y.length; at++) {
    const [row, o] = [Math.floor(at / units), at % units];
    y[at] = shift?.data[o] ?? 0;
    for (let i = 0; i < inputs; i++) y[at]! += x[row * inputs + i]! * weight.data[i * units + o]!;
  }
  return y;
}

export const evaluate: Evaluate<MultiHeadAttention> = (attributes, [query, key, value, ...masks], w) => {
  const { heads, keyHeads, keySize, valueSize, gated, scores } = attributes;
  const { batch, length: queries } = sizesOf(query!.axes);
  const { length: keys } = sizesOf(value!.axes);
  const q = project64(query!.data, w.queryKernel!, w.queryBias);
  const k = project64(key!.data, w.keyKernel!, w.keyBias);
  const v = project64(value!.data, w.valueKernel!, w.valueBias);
  const group = (h: number) => Math.floor(h / (heads / keyHeads));
  const { output, weights } = attend64(
    attributes,
    { batch, heads, queries, keys, depth: valueSize },
    masks,
    (n, h, t, s) => {
      let sum = 0;
      for (let d = 0; d < keySize; d++)
        sum +=
          q[((n * queries + t) * heads + h) * keySize + d]! * k[((n * keys + s) * keyHeads + group(h)) * keySize + d]!;
      return sum / Math.sqrt(keySize);
    },
    (n, h, s, d) => v[((n * keys + s) * keyHeads + group(h)) * valueSize + d]!,
  );
  const gate = gated ? project64(query!.data, w.gateKernel!, w.gateBias) : null;
  const kept = gate ? output.map((x, at) => x / (1 + Math.exp(-gate[at]!))) : output;
  const result = project64(kept, w.outputKernel!, w.outputBias);
  return scores ? [result, weights] : [result];
};

// --------------------------------------------------------------------------------------------------- Keras

/** Places of the call's arguments behind query, value and key. */
const places = { value: 1, key: 2, query_mask: 3, value_mask: 4, key_mask: 5, attention_mask: 6 } as const;

interface Heads {
  readonly heads: number;
  readonly keyHeads: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly outputSize: number | null;
}

function attend(call: KerasCall, sizes: Heads): ValueId | ValueId[] {
  const { config } = call;
  const [first, ...more] = call.inputs;
  const query = first ?? call.tensor("query");
  const value = call.tensor("value", places.value);
  if (query === null || value === null || more.length > 0)
    return config.refuse("inputs", "expected a query, a value and perhaps a key");
  const givenKey = call.tensor("key", places.key);
  const key = givenKey ?? value;
  for (const input of [query, value, key]) {
    if (call.axes(input).length !== 3)
      config.refuse("inputs", `expected series of three axes, got ${call.axes(input).length}`);
  }
  const biased = config.boolean("use_bias", true);
  const gated = config.boolean("use_gate", false);
  const window = config.raw("sliding_window") == null ? null : config.integer("sliding_window");
  const dropout = config.number("dropout", 0);
  config.ignore("seed", "flash_attention");

  const roles: string[] = [];
  const projection = (part: string, scope: string, letters: readonly [number[], number[]]) => {
    const [inputs, outputs] = letters;
    const [rows, columns] = [product(inputs)!, product(outputs)!];
    call.weight(`${part}Kernel`, "IO", [rows, columns], { scope, stored: [...inputs, ...outputs] });
    roles.push(`${part}Kernel`);
    if (!biased) return;
    call.weight(`${part}Bias`, "O", [columns], { scope, stored: outputs });
    roles.push(`${part}Bias`);
  };
  const { heads, keyHeads, keySize, valueSize } = sizes;
  const outputSize = sizes.outputSize ?? call.known(query, "C");
  projection("query", "query_dense", [[call.known(query, "C")], [heads, keySize]]);
  projection("key", "key_dense", [[call.known(key, "C")], [keyHeads, keySize]]);
  if (gated) projection("gate", "gate_dense", [[call.known(query, "C")], [heads, valueSize]]);
  projection("value", "value_dense", [[call.known(value, "C")], [keyHeads, valueSize]]);
  projection("output", "output_dense", [[heads, valueSize], [outputSize]]);

  const scores = flag(call, "return_attention_scores", 7);
  const training = call.argument("training", 8);
  if (training) config.refuse("call argument training", "the layer is always run with dropout");
  const causal = flag(call, "use_causal_mask", 9);

  const masks: MaskKind[] = [];
  const read: ValueId[] = [query, key, value];
  const queryMask = call.mask(query);
  if (call.tensor("query_mask", places.query_mask) !== null)
    config.refuse("call argument query_mask", "Keras' layers disagree on it", "mask the query's layer instead");
  const take = (kind: MaskKind, mask: ValueId | null) => {
    if (mask === null) return;
    masks.push(kind);
    read.push(mask);
  };
  take("query", queryMask);
  take("keys", call.tensor("value_mask", places.value_mask) ?? call.mask(value));
  const keyMask = call.tensor("key_mask", places.key_mask);
  take("keys", keyMask ?? (givenKey === null ? null : call.mask(givenKey)));
  const given = call.tensor("attention_mask", places.attention_mask);
  if (given !== null) {
    const rank = call.axes(given).length;
    if (rank !== 3 && rank !== 4)
      config.refuse("call argument attention_mask", `expected three or four axes, got ${rank}`);
    take(rank === 3 ? "pairs" : "heads", given);
  }

  // Without dropout and scores Keras takes its fused path, which gives a query that may look nowhere the mean of all values.
  const attributes: MultiHeadAttention = {
    ...{ masks, causal, window, blind: dropout > 0 || scores ? "zero" : "spread" },
    ...{ heads, keyHeads, keySize, valueSize, outputSize, gated, scores },
  };
  const outputs = call.emitAll("multiHeadAttention", attributes, read, roles);
  call.carry(outputs[0]!, queryMask === null ? null : () => queryMask);
  if (scores) call.carry(outputs[1]!, null);
  return outputs;
}

export const fromKeras: Record<string, FromKeras> = {
  MultiHeadAttention(call) {
    const { config } = call;
    if (config.raw("attention_axes") != null) {
      const axes = config.integers("attention_axes");
      if (axes.length !== 1 || (axes[0] !== 1 && axes[0] !== -2))
        config.refuse("attention_axes", `expected the length, 1, got ${axes.join(", ")}`);
    }
    const keySize = config.integer("key_dim");
    const shape = config.raw("output_shape") == null ? null : config.integers("output_shape");
    if (shape !== null && shape.length !== 1)
      config.refuse("output_shape", `expected one size, got (${shape.join(", ")})`);
    const heads = config.integer("num_heads");
    return attend(call, {
      heads,
      keyHeads: heads,
      keySize,
      valueSize: config.raw("value_dim") == null ? keySize : config.integer("value_dim"),
      outputSize: shape?.[0] ?? null,
    });
  },
  GroupQueryAttention(call) {
    const { config } = call;
    const [heads, keyHeads] = [config.integer("num_query_heads"), config.integer("num_key_value_heads")];
    if (heads % keyHeads !== 0)
      config.refuse("num_key_value_heads", `${heads} query heads can't be shared out among ${keyHeads}`);
    const keySize = config.integer("head_dim");
    return attend(call, { heads, keyHeads, keySize, valueSize: keySize, outputSize: null });
  },
};

// -------------------------------------------------------------------------------------------------- PyTorch

type Node = PlannedNode<MultiHeadAttention>;

/** Whether nn.MultiheadAttention says the same: heads that divide the query's channels, and no row without a key. */
function isTorchs({ attributes, inputs }: Node): boolean {
  const { heads, keyHeads, keySize, valueSize, outputSize, gated, masks, window } = attributes;
  const channels = axisSize(inputs[0]!, "C");
  return (
    heads * keySize === channels &&
    valueSize === keySize &&
    outputSize === channels &&
    keyHeads === heads &&
    !gated &&
    masks.length === 0 &&
    window === null
  );
}

function torchsOwn({ attributes, inputs, weights }: Node, torch: TorchWriter): string | string[] {
  const [channels, keys, values] = inputs.slice(0, 3).map((axes) => axisSize(axes, "C")!) as [number, number, number];
  const joint = keys === channels && values === channels;
  const biased = weights.includes("queryBias");
  const options = [
    channels,
    attributes.heads,
    ...(biased ? [] : ["bias=False"]),
    ...(joint ? [] : [`kdim=${keys}`, `vdim=${values}`]),
    "batch_first=True",
  ];
  const module = torch.module(`nn.MultiheadAttention(${options.join(", ")})`);
  const roles = ["query", "key", "value"];
  if (joint)
    torch.stack(
      "in_proj_weight",
      roles.map((part) => ({ role: `${part}Kernel` })),
    );
  else for (const part of roles) torch.state(`${part[0]}_proj_weight`, `${part}Kernel`);
  if (biased)
    torch.stack(
      "in_proj_bias",
      roles.map((part) => ({ role: `${part}Bias` })),
    );
  torch.state("out_proj.weight", "outputKernel");
  if (biased) torch.state("out_proj.bias", "outputBias");
  const call = [torch.input(0), torch.input(1), torch.input(2)];
  if (attributes.causal) {
    const all = `torch.ones(${torch.size("L", 0)}, ${torch.size("L", 1)}, dtype=torch.bool)`;
    call.push(`attn_mask=${torch.step(`${all}.triu(1)`, "a query looks at no key behind its own place", "hidden")}`);
  }
  call.push(attributes.scores ? "average_attn_weights=False" : "need_weights=False");
  const result = `${module}(${call.join(", ")})`;
  if (!attributes.scores) return `${result}[0]`;
  return torch.steps(result, "and the weights of each head", ["attended", "weights"]);
}

export const toTorch: ToTorch<MultiHeadAttention> = (node, torch) => {
  if (isTorchs(node)) return torchsOwn(node, torch);
  const { attributes, inputs, weights } = node;
  const { heads, keyHeads, keySize, valueSize, outputSize } = attributes;
  const biased = weights.includes("queryBias");
  const linear = (part: string, rows: number, columns: number) => {
    const module = torch.module(`nn.Linear(${rows}, ${columns}${biased ? "" : ", bias=False"})`, part);
    torch.state("weight", `${part}Kernel`, part);
    if (biased) torch.state("bias", `${part}Bias`, part);
    return module;
  };
  const widths = projections(attributes);
  const channels = inputs.slice(0, 3).map((axes) => axisSize(axes, "C")!);
  const sizes: Record<string, [number, number]> = {
    query: [heads, keySize],
    key: [keyHeads, keySize],
    value: [keyHeads, valueSize],
  };
  const shared = heads / keyHeads;
  const [query, key, value] = ["query", "key", "value"].map((part, index) => {
    const [own, size] = sizes[part]!;
    const projected = `${linear(part, channels[index]!, widths[part]!)}(${torch.input(index)})`;
    const repeat = index > 0 && shared > 1 ? `.repeat_interleave(${shared}, dim=1)` : "";
    const length = axisSize(inputs[index]!, "L") ?? "?";
    return torch.step(
      `${projected}.unflatten(-1, (${own}, ${size})).transpose(1, 2)${repeat}`,
      `(N, ${heads}, ${length}, ${size})`,
      part,
    );
  });
  const [queries, keys] = inputs.slice(0, 2).map((axes) => axisSize(axes, "L") ?? "?");
  const shape = `(N, ${heads}, ${queries}, ${keys})`;
  const scores = torch.step(
    `${query} @ ${key}.transpose(2, 3) * ${keySize}**-0.5`,
    `${shape}  a score per query and key`,
    "scores",
  );
  const probable = weightsSteps(attributes, scores, true, torch, `${shape}  over the keys`);
  let attended = `(${probable} @ ${value}).transpose(1, 2).flatten(2)`;
  if (attributes.gated) {
    const gate = linear("gate", channels[0]!, widths.gate!);
    attended += ` * torch.sigmoid(${gate}(${torch.input(0)}))`;
  }
  const joined = torch.step(attended, `(N, ${queries}, ${heads * valueSize})  the heads side by side`, "heads");
  const output = `${linear("output", heads * valueSize, outputSize)}(${joined})`;
  if (!attributes.scores) return output;
  return [torch.step(output, `(N, ${queries}, ${outputSize})`, "attended"), probable];
};

// ----------------------------------------------------------------------------------------------------- wasm

export const toWasm: ToWasm<MultiHeadAttention> = ({ attributes, weights }, wasm) => {
  const { heads, keyHeads, keySize, valueSize, outputSize, gated, scores } = attributes;
  const [batch, queries] = wasm.inputShape(0) as [number, number];
  const [, keys] = wasm.inputShape(2) as [number, number];
  const widths = projections(attributes);
  const project = (part: string, x: Place, y: Place, rows: number, inputs: number, units: number) => {
    const panels = wasm.weight(`${part}Panels`, (pack) => {
      const bias = weights.includes(`${part}Bias`) ? pack.read(`${part}Bias`) : null;
      packPanels(pack, { values: pack.read(`${part}Kernel`)!, bias, rows: inputs, columns: units });
    });
    wasm.split(rows, rows * inputs * units, (from, to) => {
      const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      wasm.call(
        "gemm",
        x.at(from * inputs),
        inputs,
        panels,
        y.at(from * units),
        units,
        to - from,
        units,
        inputs,
        low,
        high,
      );
    });
  };
  const projected = ["query", "key", "value"].map((part, index) => {
    const [, length, inputs] = wasm.inputShape(index) as [number, number, number];
    const place = wasm.scratch(batch * length * widths[part]!);
    project(part, wasm.input(index), place, batch * length, inputs, widths[part]!);
    return place;
  }) as [Place, Place, Place];
  const factor = wasm.weight("factor", (pack) => pack.allocate(4).set([1 / Math.sqrt(keySize), 0, 0, 0]));
  const rows = (at: Place, length: number, own: number, size: number) => ({
    at,
    sample: length * own * size,
    stride: own * size,
    head: size,
  });
  const width = heads * valueSize;
  const attended = wasm.scratch(batch * queries * width);
  attendSteps(
    wasm,
    attributes,
    { batch, heads, queries, keys, depth: valueSize },
    {
      query: rows(projected[0], queries, heads, keySize),
      key: rows(projected[1], keys, keyHeads, keySize),
      value: rows(projected[2], keys, keyHeads, valueSize),
      output: rows(attended, queries, heads, valueSize),
      weights: scores ? wasm.output(1) : null,
      kind: "dot",
      factor,
      inner: keySize,
      shared: heads / keyHeads,
    },
  );
  if (gated) {
    const gate = wasm.scratch(batch * queries * width);
    const inputs = wasm.inputShape(0)[2]!;
    project("gate", wasm.input(0), gate, batch * queries, inputs, width);
    const elements = batch * queries * width;
    wasm.split(elements, elements * elementWork, (from, to) => {
      const [part, y] = [gate.at(from), attended.at(from)];
      wasm.call("sigmoid", part, part, to - from);
      wasm.call("multiply", y, part, y, 1, wasm.table([to - from, 1, 1]));
    });
  }
  project("output", attended, wasm.output(0), batch * queries, width, outputSize);
};

// ------------------------------------------------------------------------------------------------------ notes

const limits = {
  inputs: "each of three axes: `(batch, length, channels)`",
  "call argument query_mask": "none in the call; a mask that the query's layer leaves is used",
  "call argument attention_mask": "of three or four axes: `(batch, query, key)` or `(batch, heads, query, key)`",
};
const torch = "`nn.Linear` for the projections, `@` and `torch.softmax`";

export const notes: Notes = {
  MultiHeadAttention: {
    torch: `\`nn.MultiheadAttention\` where heads * key size are the query's channels and there is no mask but the causal one; else ${torch}`,
    limits: {
      ...limits,
      attention_axes: "along the length alone",
      output_shape: "one size",
    },
  },
  GroupQueryAttention: { torch, limits },
};
