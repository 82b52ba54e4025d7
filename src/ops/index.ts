/**
 * The operators: one plain table per facet. A family missing from a table is a compile error; a bundle that only runs
 * models imports `specs`, `arranges` and `toWasm` and carries no PyTorch text.
 */
import * as activation from "./activation.ts";
import * as attention from "./attention.ts";
import * as dot from "./dot.ts";
import * as einsumDense from "./einsum-dense.ts";
import * as hide from "./hide.ts";
import * as multiHeadAttention from "./multi-head-attention.ts";
import * as arithmetic from "./arithmetic.ts";
import * as cast from "./cast.ts";
import * as maths from "./maths.ts";
import * as reduce from "./reduce.ts";
import * as shapeOperations from "./shape-operations.ts";
import * as slice from "./slice.ts";
import * as batchNorm from "./batch-norm.ts";
import * as compare from "./compare.ts";
import * as concatenate from "./concatenate.ts";
import * as conv1d from "./conv1d.ts";
import * as dense from "./dense.ts";
import * as dropout from "./dropout.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import * as merge from "./merge.ts";
import * as pool1d from "./pool1d.ts";
import * as reshape from "./reshape.ts";
import * as resize1d from "./resize1d.ts";
import * as softmax from "./softmax.ts";
import * as conv1dTranspose from "./conv1d-transpose.ts";
import * as embedding from "./embedding.ts";

/** The attributes of each operator. */
export interface Attributes {
  activation: activation.Activation;
  arithmetic: arithmetic.Arithmetic;
  attention: attention.Attention;
  batchNorm: batchNorm.BatchNorm;
  cast: cast.Cast;
  compare: compare.Compare;
  concatenate: concatenate.Concatenate;
  conv1d: conv1d.Conv1d;
  conv1dTranspose: conv1dTranspose.Conv1dTranspose;
  dense: dense.Dense;
  dot: dot.Dot;
  dropout: dropout.Dropout;
  embedding: embedding.Embedding;
  globalPool1d: pool1d.GlobalPool1d;
  hide: hide.Hide;
  maths: maths.Maths;
  merge: merge.Merge;
  multiHeadAttention: multiHeadAttention.MultiHeadAttention;
  pool1d: pool1d.Pool1d;
  rearrange: reshape.Rearrange;
  reduce: reduce.Reduce;
  reorder: reshape.Reorder;
  reshape: reshape.Reshape;
  resize1d: resize1d.Resize1d;
  slice: slice.Slice;
  softmax: softmax.Softmax;
}

/** An operator's name. */
export type OpKind = keyof Attributes;

/** Shape rules and weights. */
export const specs = {
  activation: activation.spec,
  arithmetic: arithmetic.spec,
  attention: attention.spec,
  batchNorm: batchNorm.spec,
  cast: cast.spec,
  compare: compare.spec,
  concatenate: concatenate.spec,
  conv1d: conv1d.spec,
  conv1dTranspose: conv1dTranspose.spec,
  dense: dense.spec,
  dot: dot.spec,
  dropout: dropout.spec,
  embedding: embedding.spec,
  globalPool1d: pool1d.globalSpec,
  hide: hide.spec,
  maths: maths.spec,
  merge: merge.spec,
  multiHeadAttention: multiHeadAttention.spec,
  pool1d: pool1d.spec,
  rearrange: reshape.rearrangeSpec,
  reduce: reduce.spec,
  reorder: reshape.reorderSpec,
  reshape: reshape.spec,
  resize1d: resize1d.spec,
  slice: slice.spec,
  softmax: softmax.spec,
} satisfies { [K in OpKind]: OpSpec<Attributes[K]> };

/** The orders of axes that each operator takes. */
export const arranges = {
  activation: activation.arrange,
  arithmetic: arithmetic.arrange,
  attention: attention.arrange,
  batchNorm: batchNorm.arrange,
  cast: cast.arrange,
  compare: compare.arrange,
  concatenate: concatenate.arrange,
  conv1d: conv1d.arrange,
  conv1dTranspose: conv1dTranspose.arrange,
  dense: dense.arrange,
  dot: dot.arrange,
  dropout: dropout.arrange,
  embedding: embedding.arrange,
  globalPool1d: pool1d.globalArrange,
  hide: hide.arrange,
  maths: maths.arrange,
  merge: merge.arrange,
  multiHeadAttention: multiHeadAttention.arrange,
  pool1d: pool1d.arrange,
  rearrange: reshape.rearrangeArrange,
  reduce: reduce.arrange,
  reorder: reshape.reorderArrange,
  reshape: reshape.arrange,
  resize1d: resize1d.arrange,
  slice: slice.arrange,
  softmax: softmax.arrange,
} satisfies { [K in OpKind]: Arrange<Attributes[K]> };

/** Plain-loop definitions in float64. */
export const evaluates = {
  activation: activation.evaluate,
  arithmetic: arithmetic.evaluate,
  attention: attention.evaluate,
  batchNorm: batchNorm.evaluate,
  cast: cast.evaluate,
  compare: compare.evaluate,
  concatenate: concatenate.evaluate,
  conv1d: conv1d.evaluate,
  conv1dTranspose: conv1dTranspose.evaluate,
  dense: dense.evaluate,
  dot: dot.evaluate,
  dropout: dropout.evaluate,
  embedding: embedding.evaluate,
  globalPool1d: pool1d.globalEvaluate,
  hide: hide.evaluate,
  maths: maths.evaluate,
  merge: merge.evaluate,
  multiHeadAttention: multiHeadAttention.evaluate,
  pool1d: pool1d.evaluate,
  rearrange: reshape.rearrangeEvaluate,
  reduce: reduce.evaluate,
  reorder: reshape.reorderEvaluate,
  reshape: reshape.evaluate,
  resize1d: resize1d.evaluate,
  slice: slice.evaluate,
  softmax: softmax.evaluate,
} satisfies { [K in OpKind]: Evaluate<Attributes[K]> };

/** PyTorch's spelling. */
export const toTorch = {
  activation: activation.toTorch,
  arithmetic: arithmetic.toTorch,
  attention: attention.toTorch,
  batchNorm: batchNorm.toTorch,
  cast: cast.toTorch,
  compare: compare.toTorch,
  concatenate: concatenate.toTorch,
  conv1d: conv1d.toTorch,
  conv1dTranspose: conv1dTranspose.toTorch,
  dense: dense.toTorch,
  dot: dot.toTorch,
  dropout: dropout.toTorch,
  embedding: embedding.toTorch,
  globalPool1d: pool1d.globalToTorch,
  hide: hide.toTorch,
  maths: maths.toTorch,
  merge: merge.toTorch,
  multiHeadAttention: multiHeadAttention.toTorch,
  pool1d: pool1d.toTorch,
  rearrange: reshape.rearrangeToTorch,
  reduce: reduce.toTorch,
  reorder: reshape.reorderToTorch,
  reshape: reshape.toTorch,
  resize1d: resize1d.toTorch,
  slice: slice.toTorch,
  softmax: softmax.toTorch,
} satisfies { [K in OpKind]: ToTorch<Attributes[K]> };

/** Kernel calls. */
export const toWasm = {
  activation: activation.toWasm,
  arithmetic: arithmetic.toWasm,
  attention: attention.toWasm,
  batchNorm: batchNorm.toWasm,
  cast: cast.toWasm,
  compare: compare.toWasm,
  concatenate: concatenate.toWasm,
  conv1d: conv1d.toWasm,
  conv1dTranspose: conv1dTranspose.toWasm,
  dense: dense.toWasm,
  dot: dot.toWasm,
  dropout: dropout.toWasm,
  embedding: embedding.toWasm,
  globalPool1d: pool1d.globalToWasm,
  hide: hide.toWasm,
  maths: maths.toWasm,
  merge: merge.toWasm,
  multiHeadAttention: multiHeadAttention.toWasm,
  pool1d: pool1d.toWasm,
  rearrange: reshape.rearrangeToWasm,
  reduce: reduce.toWasm,
  reorder: reshape.reorderToWasm,
  reshape: reshape.toWasm,
  resize1d: resize1d.toWasm,
  slice: slice.toWasm,
  softmax: softmax.toWasm,
} satisfies { [K in OpKind]: ToWasm<Attributes[K]> };

/** Keras' classes by family; a class stands in one family only. */
const kerasTables: readonly Readonly<Record<string, FromKeras>>[] = [
  activation.fromKeras,
  attention.fromKeras,
  batchNorm.fromKeras,
  concatenate.fromKeras,
  conv1d.fromKeras,
  dense.fromKeras,
  dot.fromKeras,
  dropout.fromKeras,
  einsumDense.fromKeras,
  merge.fromKeras,
  multiHeadAttention.fromKeras,
  pool1d.fromKeras,
  pool1d.globalFromKeras,
  reshape.fromKeras,
  resize1d.fromKeras,
  softmax.fromKeras,
  conv1dTranspose.fromKeras,
  embedding.fromKeras,
];

/** The operations of `keras.ops` by family, under the names of their classes. */
const operationTables: readonly Readonly<Record<string, FromKeras>>[] = [
  activation.fromOperation,
  arithmetic.fromOperation,
  cast.fromOperation,
  compare.fromOperation,
  dot.fromOperation,
  maths.fromOperation,
  reduce.fromOperation,
  shapeOperations.fromOperation,
  slice.fromOperation,
  softmax.fromOperation,
];

/** What builds the nodes of a Keras class; undefined where no family knows it. */
export function kerasBuilder(className: string): FromKeras | undefined {
  return lookUp(kerasTables, className);
}

/** What builds the nodes of an operation of `keras.ops`; several bear the name of a layer. */
export function operationBuilder(className: string): FromKeras | undefined {
  return lookUp(operationTables, className);
}

function lookUp(tables: readonly Readonly<Record<string, FromKeras>>[], name: string): FromKeras | undefined {
  return tables.find((candidate) => Object.hasOwn(candidate, name))?.[name];
}

/** Every Keras class that can be read, in alphabetical order. */
export function kerasClasses(): string[] {
  return kerasTables.flatMap((table) => Object.keys(table)).sort();
}

/** The class of every operation of `keras.ops` that can be read, in alphabetical order. */
export function kerasOperations(): string[] {
  return operationTables.flatMap((table) => Object.keys(table)).sort();
}

/** The entry of one operator in a table of facets, as the caller's own type of attributes can't be known. */
export function facet<F>(table: { readonly [K in OpKind]: unknown }, kind: string): F {
  if (!Object.hasOwn(table, kind)) throw new Error(`no operator ${kind}`);
  return table[kind as OpKind] as F;
}
