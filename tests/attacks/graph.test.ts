/**
 * Lying graphs: the model in a safetensors file's metadata contradicts itself, its tensors or what the engine relies on.
 * Each is refused when it is loaded, with a channelwise error; none reaches a kernel.
 */
import { describe, expect, test } from "vitest";
import { graphFromState } from "../../src/dialects/state.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";

interface NodeText {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly layouts: readonly string[];
  readonly attributes: object;
  readonly weights?: readonly string[];
}

interface GraphText {
  readonly inputs?: readonly object[];
  readonly layers?: readonly object[];
  readonly nodes?: readonly NodeText[];
  readonly calls?: readonly object[];
  readonly outputs?: readonly object[];
}

const series = { name: "x", layout: "NLC", shape: [null, 5, 3], type: "float32" };
const vector = { name: "x", layout: "NC", shape: [null, 4], type: "float32" };
const out = (value: number, name = "y") => ({ name, value });

/** A file whose metadata says this; of tensors it has one kernel `IO` of 4 x 2. */
function file(text: GraphText): Uint8Array {
  const layers = [{ path: "a", class: "X", weights: { kernel: { tensor: "a.weight", torch: "OI", keras: "IO" } } }];
  const nodes = (text.nodes ?? []).map((node) => ({ layer: 0, weights: [], ...node }));
  const graph = { version: 1, name: "net", inputs: [vector], layers, calls: [], outputs: [out(1)], ...text, nodes };
  const kernel = { dtype: "float32" as const, shape: [2, 4], data: Float32Array.from({ length: 8 }, (_, i) => i) };
  return writeSafetensors(new Map([["a.weight", kernel]]), { metadata: { channelwise: JSON.stringify(graph) } });
}

const load = (text: GraphText) => graphFromState(readSafetensors(file(text), ["model"]), ["model"]);
const dense: NodeText = {
  op: "dense",
  inputs: [0],
  outputs: [1],
  layouts: ["NC"],
  attributes: { units: 2, axis: "C" },
  weights: ["kernel"],
};
const pool = { kind: "max", taps: 2, stride: 1, dilation: 1, padding: [0, 0] };

test("the graph that the lies below are made from is fine", () => {
  expect(load({ nodes: [dense] }).nodes).toHaveLength(1);
});

/** The kernel above in two pieces, each of which may be told otherwise. */
const inPieces = (first: object = {}, second: object = {}, weight: object = {}): GraphText => {
  const piece = { tensor: "a.weight", torch: "OI", row: 0, start: [0, 0], size: [4, 1] };
  const pieces = [
    { ...piece, ...first },
    { ...piece, row: 1, start: [0, 1], ...second },
  ];
  const kernel = { keras: "IO", shape: [4, 2], pieces, ...weight };
  return { layers: [{ path: "a", class: "X", weights: { kernel } }], nodes: [dense] };
};

test("a weight in pieces is put together", () => {
  const swapped = load(inPieces({ start: [0, 1] }, { start: [0, 0] }));
  const { kernel } = swapped.nodes[0]!.layer.weights;
  expect([...(kernel!.array.read() as Float32Array)]).toEqual([4, 0, 5, 1, 6, 2, 7, 3]);
});

const lies: Record<string, GraphText> = {
  "pieces of a weight that overlap": inPieces({}, { start: [0, 0] }),
  "pieces that leave a gap": inPieces({ size: [3, 1] }),
  "a piece past the weight's end": inPieces({}, { start: [0, 2] }),
  "a piece past the tensor's end": inPieces({}, { row: 2 }),
  "a piece of a negative start": inPieces({ start: [-1, 0] }),
  "a piece with an axis that is not there": inPieces({ torch: "OX" }),
  "a piece without a size": inPieces({ size: [4] }),
  "a weight of pieces that is too large": inPieces({}, {}, { shape: [4, 2 ** 30] }),
  "a weight of no pieces": inPieces({}, {}, { pieces: [] }),
  "an axis twice": {
    inputs: [series],
    nodes: [
      { op: "rearrange", inputs: [0], outputs: [1], layouts: ["NPLC"], attributes: { to: "NLLC", letters: "NPLC" } },
    ],
  },
  "an axis dropped": {
    inputs: [series],
    nodes: [{ op: "rearrange", inputs: [0], outputs: [1], layouts: ["NC"], attributes: { to: "NC", letters: "NC" } }],
  },
  "fewer names than axes": {
    inputs: [series],
    nodes: [{ op: "rearrange", inputs: [0], outputs: [1], layouts: ["N"], attributes: { to: "NLC", letters: "N" } }],
  },
  "the batch merged": {
    inputs: [series],
    nodes: [
      { op: "rearrange", inputs: [0], outputs: [1], layouts: ["(NL)C"], attributes: { to: "(NL)C", letters: "NC" } },
    ],
  },
  "a batch that is not first": { inputs: [{ ...series, layout: "CLN" }], outputs: [out(0)] },
  "a batch of a fixed size": { inputs: [{ ...vector, shape: [3, 4] }], nodes: [dense] },
  "a Dense along the batch": { nodes: [{ ...dense, attributes: { units: 2, axis: "N" } }] },
  "a Dense of other units": { nodes: [{ ...dense, attributes: { units: 3, axis: "C" } }] },
  "a Dense without a kernel": { nodes: [{ ...dense, weights: [] }] },
  "a weight of another role": { nodes: [{ ...dense, weights: ["gamma"] }] },
  "an axis that is not there": {
    nodes: [{ op: "softmax", inputs: [0], outputs: [1], layouts: ["NC"], attributes: { kind: "softmax", axes: "Q" } }],
  },
  "a merge of unlike axes": {
    inputs: [vector, { ...vector, name: "z", layout: "NL" }],
    nodes: [{ op: "merge", inputs: [0, 1], outputs: [2], layouts: ["NC"], attributes: { kind: "add" } }],
    outputs: [out(2)],
  },
  "a merge of unlike ranks": {
    inputs: [series, { ...vector, name: "z" }],
    nodes: [{ op: "merge", inputs: [0, 1], outputs: [2], layouts: ["NLC"], attributes: { kind: "add" } }],
    outputs: [out(2)],
  },
  "half of an odd axis": {
    inputs: [{ ...vector, shape: [null, 5] }],
    nodes: [{ op: "softmax", inputs: [0], outputs: [1], layouts: ["NC"], attributes: { kind: "glu", axes: "C" } }],
  },
  "a ReLU without its parameters": {
    nodes: [
      { op: "activation", inputs: [0], outputs: [1], layouts: ["NC"], attributes: { kind: "relu", parameters: [] } },
    ],
  },
  "an activation called constructor": {
    nodes: [
      {
        op: "activation",
        inputs: [0],
        outputs: [1],
        layouts: ["NC"],
        attributes: { kind: "constructor", parameters: [] },
      },
    ],
  },
  "a dilated pool": {
    inputs: [series],
    nodes: [{ op: "pool1d", inputs: [0], outputs: [1], layouts: ["NLC"], attributes: { ...pool, dilation: 2 } }],
  },
  "a pool of padding alone": {
    inputs: [series],
    nodes: [{ op: "pool1d", inputs: [0], outputs: [1], layouts: ["NLC"], attributes: { ...pool, padding: [2, 0] } }],
  },
  "an attribute more": { nodes: [{ ...dense, attributes: { units: 2, axis: "C", other: 1 } }] },
  "an operator called toString": { nodes: [{ ...dense, op: "toString" }] },
  "a reordering, which no file holds": {
    nodes: [{ op: "reorder", inputs: [0], outputs: [1], layouts: ["NC"], attributes: { axes: [] } }],
  },
  "a value from later": { nodes: [{ ...dense, inputs: [1] }] },
  "an output of another number": { nodes: [{ ...dense, outputs: [7] }] },
  "two outputs of one name": { nodes: [dense], outputs: [out(0), out(1)] },
  "no outputs": { nodes: [dense], outputs: [] },
  "a call that gives nothing": { nodes: [dense], calls: [{ name: "a", layer: 0, outputs: [] }] },
  "parts that do not fill the axis": {
    layers: [
      {
        path: "a",
        class: "X",
        weights: {
          kernel: {
            tensor: "a.weight",
            torch: "OI",
            keras: "IO",
            parts: { letter: "I", torch: [[{ letter: "C", size: 9 }]], keras: [[{ letter: "C", size: 9 }]] },
          },
        },
      },
    ],
    nodes: [dense],
  },
};

test("floats where an operator takes int8", () => {
  expect(() => load({ nodes: [{ ...dense, op: "denseInt8" }] })).toThrow(/kernel of a: expected int8, got float32/);
});

const weight = { tensor: "a.weight", torch: "OI", keras: "IO" };
const withWeight = (kernel: unknown): GraphText => ({
  layers: [{ path: "a", class: "X", weights: { kernel } }],
  nodes: [dense],
});
const node = (op: string, attributes: object, inputs: readonly number[] = [0]): GraphText => ({
  inputs: [series],
  nodes: [{ op, inputs, outputs: [1], layouts: ["NLC"], attributes }],
});
const looking = { masks: [], causal: false, window: null, blind: "zero" };

/** Lies with what is said of them. */
const told: readonly (readonly [what: string, lie: GraphText, message: RegExp])[] = [
  ["a list that is none", { calls: 3 as never }, /^unexpected calls, which is not a list of objects$/],
  [
    "a call of a layer that is not there",
    { nodes: [dense], calls: [{ name: "a", layer: 7, outputs: [1] }] },
    /^unexpected layer 7$/,
  ],
  ["a name that is a number", { inputs: [{ ...vector, name: 3 }] }, /^unexpected name 3$/],
  ["an input of merged axes", { inputs: [{ ...vector, layout: "N(LC)" }] }, /^unexpected layout N\(LC\)$/],
  ["an input of a negative size", { inputs: [{ ...vector, shape: [null, -4] }] }, /^unexpected shape$/],
  ["an input of complex numbers", { inputs: [{ ...vector, type: "complex64" }] }, /^unexpected type "complex64"$/],
  ["a layer without weights", { layers: [{ path: "a", class: "X" }] }, /^unexpected weights$/],
  ["a weight that is a number", withWeight(3), /^unexpected weight kernel$/],
  [
    "a weight of other axes",
    withWeight({ ...weight, torch: "OX" }),
    /^unexpected layouts OX and IO of a\.weight with 2 dimensions$/,
  ],
  ["a tensor that is not there", withWeight({ ...weight, tensor: "b" }), /^expected a tensor b, found none$/],
  ["pieces that are a number", inPieces({}, {}, { pieces: 3 }), /^unexpected weight kernel$/],
  ["a piece that is a number", inPieces({}, {}, { pieces: [3] }), /^unexpected piece of weight kernel$/],
  ["parts that are a number", withWeight({ ...weight, parts: 3 }), /^unexpected parts$/],
  ["parts of numbers", withWeight({ ...weight, parts: { letter: "I", torch: [3], keras: [3] } }), /^unexpected parts$/],
  ["a node without inputs", { nodes: [{ ...dense, inputs: [] }] }, /^unexpected dense without inputs$/],
  [
    "a size of zero",
    { ...node("dropout", { module: null, rate: 0 }), inputs: [{ ...series, shape: [null, 0, 3] }] },
    /^unexpected sizes NLC of dropout$/,
  ],
  [
    "a sum of one tensor",
    node("arithmetic", { kind: "add", left: null, right: null }),
    /^add: expected inputs: 2, got 1$/,
  ],
  ["a sum of two numbers", node("arithmetic", { kind: "add", left: 1, right: 2 }), /^add: expected inputs: 1, got 1$/],
  ["a comparison of one tensor", node("compare", { kind: "less", value: null }), /^less: expected inputs: 2, got 1$/],
  [
    "a choice without a side",
    node("where", { left: null, right: 0, type: "float32" }),
    /^where: expected inputs: 2, got 1$/,
  ],
  [
    "an attention without keys",
    node("attention", { kind: "dot", scores: false, ...looking }),
    /^attention: expected a query, a key and a value/,
  ],
  [
    "a product over the batch",
    node("dot", { left: "N", right: "N", normalize: false }, [0, 0]),
    /^dot: the batch can't be summed over$/,
  ],
  [
    "groups that do not divide",
    node("groupNorm", { axis: "C", groups: 2, epsilon: 0.1 }),
    /^groupNorm: expected a multiple of 2 groups, got C = 3$/,
  ],
  [
    "steps that are cut out of one value",
    node("unfoldTime", { steps: "L" }),
    /^unfoldTime: expected a value and the folded one$/,
  ],
  ["steps in another shape than they have", node("unfoldTime", { steps: "L" }, [0, 0]), /^unexpected outputs/],
];

test.each(told)("%s", (_, lie, message) => {
  expect(() => load(lie)).toThrow(ChannelwiseError);
  let summary = "";
  try {
    load(lie);
  } catch (error) {
    summary = (error as ChannelwiseError).summary;
  }
  expect(summary).toMatch(message);
});

describe("refused", () => {
  test.each(Object.entries(lies))("%s", (_, lie) => {
    let caught: unknown;
    try {
      load(lie);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ChannelwiseError);
    expect((caught as ChannelwiseError).where[0]).toBe("model");
  });
});
