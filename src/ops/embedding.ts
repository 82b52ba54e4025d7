/**
 * embedding: y[…, e] = table[id[…], e], a new last axis
 *
 * Ids that are not whole are cut off towards zero, as Keras casts them. An id outside the table has no row: Model.predict
 * refuses it where it is an input; where it was computed, its whole row is NaN.
 *
 * Keras   keras.layers.Embedding: embeddings IO; of int8, the floats that these stand for
 * PyTorch torch.nn.Embedding: weight IO
 */
import { lettersOf, plainAxis, positionalLetters, product } from "../axes.ts";
import type { Graph, ValueId } from "../graph/graph.ts";
import { canonical } from "./arrange.ts";
import { emitCompare } from "./compare.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import type { Notes } from "./notes.ts";
import { packAsItIs } from "./pack.ts";
import { holdsInt8 } from "./quantization.ts";
import { elementWork } from "./rows.ts";
import { boolean, count } from "./schema.ts";

export interface Embedding {
  /** Rows of the table. */
  readonly vocabulary: number;
  readonly width: number;
  /** Whether the ids are integers; others are cast. */
  readonly whole: boolean;
}

/** Ids up to here are exact in float32. */
const mostRows = 2 ** 24;

export const spec: OpSpec<Embedding> = {
  attributes: { vocabulary: count, width: count, whole: boolean },
  weights: { embeddings: { keras: "IO", torch: "IO" } },
  shapes: ({ vocabulary, width }) => ({ embeddings: [vocabulary, width] }),
  types: () => ["float32"],
  infer({ width }, [input]) {
    const letters = positionalLetters(input!.length + 1);
    return [[...input!.map((axis, index) => plainAxis(letters[index]!, axis.size)), plainAxis(letters.at(-1)!, width)]];
  },
};

export const arrange: Arrange<Embedding> = canonical;

export const evaluate: Evaluate<Embedding> = ({ vocabulary, width }, [ids], { embeddings }) => {
  const y = new Float64Array(ids!.data.length * width);
  ids!.data.forEach((given, at) => {
    const id = Math.trunc(given);
    const row = id >= 0 && id < vocabulary;
    for (let e = 0; e < width; e++) y[at * width + e] = row ? embeddings!.data[id * width + e]! : Number.NaN;
  });
  return [y];
};

export const fromKeras: Record<string, FromKeras> = {
  Embedding(call) {
    const { config } = call;
    const input = call.input();
    const vocabulary = config.integer("input_dim");
    const width = config.integer("output_dim");
    if (vocabulary > mostRows) config.refuse("input_dim", `expected at most ${mostRows}, got ${vocabulary}`);
    config.ignore("input_length");
    const int8 = holdsInt8(config);
    call.weight("embeddings", "IO", [vocabulary, width], int8 ? { type: "int8" } : {});
    if (int8) call.dequantize("embeddings", "I");
    const attributes: Embedding = { vocabulary, width, whole: call.type(input) === "int32" };
    const output = call.emit("embedding", attributes, [input], ["embeddings"]);
    if (config.boolean("mask_zero", false)) {
      const letters = lettersOf(call.axes(output)).slice(0, -1);
      const own = lettersOf(call.axes(input));
      call.carry(output, () => call.rearrange(emitCompare(call, "notEqual", input, { number: 0 }), own, letters));
    }
    return output;
  },
};

export const toTorch: ToTorch<Embedding> = ({ attributes: { vocabulary, width, whole } }, torch) => {
  const module = torch.module(`nn.Embedding(${vocabulary}, ${width})`);
  torch.state("weight", "embeddings");
  return `${module}(${torch.input(0)}${whole ? "" : ".long()"})`;
};

export const toWasm: ToWasm<Embedding> = ({ attributes: { vocabulary, width } }, wasm) => {
  const table = wasm.weight("rows", (pack) => packAsItIs(pack, "embeddings"));
  const rows = product(wasm.inputShape(0))!;
  wasm.split(rows, rows * width * elementWork, (from, to) => {
    const [ids, y] = [wasm.input(0).at(from), wasm.output().at(from * width)];
    wasm.call("embedding", ids, table, y, to - from, vocabulary, width);
  });
};

/** Nodes that hand ids on as they are. */
const passing = new Set(["rearrange", "reorder", "reshape", "dropout", "foldTime"]);

/** The rows of the smallest table that takes this value as ids; null where none does. */
export function vocabularyOf(graph: Pick<Graph, "nodes">, value: ValueId): number | null {
  const ids = new Set([value]);
  let least: number | null = null;
  for (const { kind, attributes, inputs, outputs } of graph.nodes) {
    if (!ids.has(inputs[0]!)) continue;
    if (passing.has(kind)) for (const output of outputs) ids.add(output);
    if (kind === "embedding") least = Math.min(least ?? mostRows, (attributes as Embedding).vocabulary);
  }
  return least;
}

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Embedding: {
    torch: "`nn.Embedding`; of int8 with the floats that the integers stand for",
    limits: {
      input_dim: `at most ${mostRows} rows, up to where ids are exact in float32`,
    },
  },
};
