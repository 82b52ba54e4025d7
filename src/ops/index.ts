/**
 * The operators: one plain table per facet. A family missing from a table is a compile error; a bundle that only runs
 * models imports `specs`, `arranges` and `toWasm` and carries no PyTorch text.
 */
import * as activation from "./activation.ts";
import * as adaptivePool1d from "./adaptive-pool1d.ts";
import * as arithmetic from "./arithmetic.ts";
import * as attention from "./attention.ts";
import * as batchNorm from "./batch-norm.ts";
import * as cast from "./cast.ts";
import * as compare from "./compare.ts";
import * as concatenate from "./concatenate.ts";
import * as conv1dTranspose from "./conv1d-transpose.ts";
import * as conv1d from "./conv1d.ts";
import * as denseInt8 from "./dense-int8.ts";
import * as dense from "./dense.ts";
import * as dot from "./dot.ts";
import * as dropout from "./dropout.ts";
import * as einsumDense from "./einsum-dense.ts";
import * as embedding from "./embedding.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import * as fill from "./fill.ts";
import * as groupNorm from "./group-norm.ts";
import * as maths from "./maths.ts";
import * as merge from "./merge.ts";
import * as multiHeadAttention from "./multi-head-attention.ts";
import * as normalize from "./normalize.ts";
import type { Note, Notes } from "./notes.ts";
import * as pool1d from "./pool1d.ts";
import * as prelu from "./prelu.ts";
import * as recurrentKeras from "./recurrent-keras.ts";
import * as recurrentTorch from "./recurrent-torch.ts";
import * as recurrent from "./recurrent.ts";
import * as reduce from "./reduce.ts";
import * as reshape from "./reshape.ts";
import * as resize1d from "./resize1d.ts";
import * as shapeOperations from "./shape-operations.ts";
import * as slice from "./slice.ts";
import * as softmax from "./softmax.ts";
import * as standardize from "./standardize.ts";
import * as time from "./time.ts";
import * as where from "./where.ts";

/** The attributes of each operator. */
export interface Attributes {
  activation: activation.Activation;
  adaptivePool1d: adaptivePool1d.AdaptivePool1d;
  arithmetic: arithmetic.Arithmetic;
  attention: attention.Attention;
  batchNorm: batchNorm.BatchNorm;
  cast: cast.Cast;
  compare: compare.Compare;
  concatenate: concatenate.Concatenate;
  conv1d: conv1d.Conv1d;
  conv1dTranspose: conv1dTranspose.Conv1dTranspose;
  dense: dense.Dense;
  denseInt8: denseInt8.DenseInt8;
  dot: dot.Dot;
  dropout: dropout.Dropout;
  embedding: embedding.Embedding;
  fill: fill.Fill;
  foldTime: time.Time;
  globalPool1d: pool1d.GlobalPool1d;
  groupNorm: groupNorm.GroupNorm;
  maths: maths.Maths;
  merge: merge.Merge;
  multiHeadAttention: multiHeadAttention.MultiHeadAttention;
  normalize: normalize.Normalize;
  pool1d: pool1d.Pool1d;
  prelu: prelu.Prelu;
  rearrange: reshape.Rearrange;
  recurrent: recurrent.Recurrent;
  reduce: reduce.Reduce;
  reorder: reshape.Reorder;
  rescale: standardize.Rescale;
  rescaleAxes: standardize.RescaleAxes;
  reshape: reshape.Reshape;
  resize1d: resize1d.Resize1d;
  slice: slice.Slice;
  softmax: softmax.Softmax;
  standardize: standardize.Standardize;
  unfoldTime: time.UnfoldTime;
  where: where.Where;
}

/** An operator's name. */
export type OpKind = keyof Attributes;

/** Shape rules and weights. */
export const specs = {
  activation: activation.spec,
  adaptivePool1d: adaptivePool1d.spec,
  arithmetic: arithmetic.spec,
  attention: attention.spec,
  batchNorm: batchNorm.spec,
  cast: cast.spec,
  compare: compare.spec,
  concatenate: concatenate.spec,
  conv1d: conv1d.spec,
  conv1dTranspose: conv1dTranspose.spec,
  dense: dense.spec,
  denseInt8: denseInt8.spec,
  dot: dot.spec,
  dropout: dropout.spec,
  embedding: embedding.spec,
  fill: fill.spec,
  foldTime: time.foldSpec,
  globalPool1d: pool1d.globalSpec,
  groupNorm: groupNorm.spec,
  maths: maths.spec,
  merge: merge.spec,
  multiHeadAttention: multiHeadAttention.spec,
  normalize: normalize.spec,
  pool1d: pool1d.spec,
  prelu: prelu.spec,
  rearrange: reshape.rearrangeSpec,
  recurrent: recurrent.spec,
  reduce: reduce.spec,
  reorder: reshape.reorderSpec,
  rescale: standardize.rescaleSpec,
  rescaleAxes: standardize.rescaleAxesSpec,
  reshape: reshape.spec,
  resize1d: resize1d.spec,
  slice: slice.spec,
  softmax: softmax.spec,
  standardize: standardize.spec,
  unfoldTime: time.unfoldSpec,
  where: where.spec,
} satisfies { [K in OpKind]: OpSpec<Attributes[K]> };

/** The orders of axes that each operator takes. */
export const arranges = {
  activation: activation.arrange,
  adaptivePool1d: adaptivePool1d.arrange,
  arithmetic: arithmetic.arrange,
  attention: attention.arrange,
  batchNorm: batchNorm.arrange,
  cast: cast.arrange,
  compare: compare.arrange,
  concatenate: concatenate.arrange,
  conv1d: conv1d.arrange,
  conv1dTranspose: conv1dTranspose.arrange,
  dense: dense.arrange,
  denseInt8: denseInt8.arrange,
  dot: dot.arrange,
  dropout: dropout.arrange,
  embedding: embedding.arrange,
  fill: fill.arrange,
  foldTime: time.foldArrange,
  globalPool1d: pool1d.globalArrange,
  groupNorm: groupNorm.arrange,
  maths: maths.arrange,
  merge: merge.arrange,
  multiHeadAttention: multiHeadAttention.arrange,
  normalize: normalize.arrange,
  pool1d: pool1d.arrange,
  prelu: prelu.arrange,
  rearrange: reshape.rearrangeArrange,
  recurrent: recurrent.arrange,
  reduce: reduce.arrange,
  reorder: reshape.reorderArrange,
  rescale: standardize.rescaleArrange,
  rescaleAxes: standardize.rescaleAxesArrange,
  reshape: reshape.arrange,
  resize1d: resize1d.arrange,
  slice: slice.arrange,
  softmax: softmax.arrange,
  standardize: standardize.arrange,
  unfoldTime: time.unfoldArrange,
  where: where.arrange,
} satisfies { [K in OpKind]: Arrange<Attributes[K]> };

/** Plain-loop definitions in float64. */
export const evaluates = {
  activation: activation.evaluate,
  adaptivePool1d: adaptivePool1d.evaluate,
  arithmetic: arithmetic.evaluate,
  attention: attention.evaluate,
  batchNorm: batchNorm.evaluate,
  cast: cast.evaluate,
  compare: compare.evaluate,
  concatenate: concatenate.evaluate,
  conv1d: conv1d.evaluate,
  conv1dTranspose: conv1dTranspose.evaluate,
  dense: dense.evaluate,
  denseInt8: denseInt8.evaluate,
  dot: dot.evaluate,
  dropout: dropout.evaluate,
  embedding: embedding.evaluate,
  fill: fill.evaluate,
  foldTime: time.foldEvaluate,
  globalPool1d: pool1d.globalEvaluate,
  groupNorm: groupNorm.evaluate,
  maths: maths.evaluate,
  merge: merge.evaluate,
  multiHeadAttention: multiHeadAttention.evaluate,
  normalize: normalize.evaluate,
  pool1d: pool1d.evaluate,
  prelu: prelu.evaluate,
  rearrange: reshape.rearrangeEvaluate,
  recurrent: recurrent.evaluate,
  reduce: reduce.evaluate,
  reorder: reshape.reorderEvaluate,
  rescale: standardize.rescaleEvaluate,
  rescaleAxes: standardize.rescaleAxesEvaluate,
  reshape: reshape.evaluate,
  resize1d: resize1d.evaluate,
  slice: slice.evaluate,
  softmax: softmax.evaluate,
  standardize: standardize.evaluate,
  unfoldTime: time.unfoldEvaluate,
  where: where.evaluate,
} satisfies { [K in OpKind]: Evaluate<Attributes[K]> };

/** PyTorch's spelling. */
export const toTorch = {
  activation: activation.toTorch,
  adaptivePool1d: adaptivePool1d.toTorch,
  arithmetic: arithmetic.toTorch,
  attention: attention.toTorch,
  batchNorm: batchNorm.toTorch,
  cast: cast.toTorch,
  compare: compare.toTorch,
  concatenate: concatenate.toTorch,
  conv1d: conv1d.toTorch,
  conv1dTranspose: conv1dTranspose.toTorch,
  dense: dense.toTorch,
  denseInt8: denseInt8.toTorch,
  dot: dot.toTorch,
  dropout: dropout.toTorch,
  embedding: embedding.toTorch,
  fill: fill.toTorch,
  foldTime: time.foldToTorch,
  globalPool1d: pool1d.globalToTorch,
  groupNorm: groupNorm.toTorch,
  maths: maths.toTorch,
  merge: merge.toTorch,
  multiHeadAttention: multiHeadAttention.toTorch,
  normalize: normalize.toTorch,
  pool1d: pool1d.toTorch,
  prelu: prelu.toTorch,
  rearrange: reshape.rearrangeToTorch,
  recurrent: recurrentTorch.toTorch,
  reduce: reduce.toTorch,
  reorder: reshape.reorderToTorch,
  rescale: standardize.rescaleToTorch,
  rescaleAxes: standardize.rescaleAxesToTorch,
  reshape: reshape.toTorch,
  resize1d: resize1d.toTorch,
  slice: slice.toTorch,
  softmax: softmax.toTorch,
  standardize: standardize.toTorch,
  unfoldTime: time.unfoldToTorch,
  where: where.toTorch,
} satisfies { [K in OpKind]: ToTorch<Attributes[K]> };

/** Kernel calls. */
export const toWasm = {
  activation: activation.toWasm,
  adaptivePool1d: adaptivePool1d.toWasm,
  arithmetic: arithmetic.toWasm,
  attention: attention.toWasm,
  batchNorm: batchNorm.toWasm,
  cast: cast.toWasm,
  compare: compare.toWasm,
  concatenate: concatenate.toWasm,
  conv1d: conv1d.toWasm,
  conv1dTranspose: conv1dTranspose.toWasm,
  dense: dense.toWasm,
  denseInt8: denseInt8.toWasm,
  dot: dot.toWasm,
  dropout: dropout.toWasm,
  embedding: embedding.toWasm,
  fill: fill.toWasm,
  foldTime: time.foldToWasm,
  globalPool1d: pool1d.globalToWasm,
  groupNorm: groupNorm.toWasm,
  maths: maths.toWasm,
  merge: merge.toWasm,
  multiHeadAttention: multiHeadAttention.toWasm,
  normalize: normalize.toWasm,
  pool1d: pool1d.toWasm,
  prelu: prelu.toWasm,
  rearrange: reshape.rearrangeToWasm,
  recurrent: recurrent.toWasm,
  reduce: reduce.toWasm,
  reorder: reshape.reorderToWasm,
  rescale: standardize.rescaleToWasm,
  rescaleAxes: standardize.rescaleAxesToWasm,
  reshape: reshape.toWasm,
  resize1d: resize1d.toWasm,
  slice: slice.toWasm,
  softmax: softmax.toWasm,
  standardize: standardize.toWasm,
  unfoldTime: time.unfoldToWasm,
  where: where.toWasm,
} satisfies { [K in OpKind]: ToWasm<Attributes[K]> };

/** Keras' classes by family; a class stands in one family only. */
const kerasTables: readonly Readonly<Record<string, FromKeras>>[] = [
  activation.fromKeras,
  adaptivePool1d.fromKeras,
  attention.fromKeras,
  batchNorm.fromKeras,
  concatenate.fromKeras,
  conv1d.fromKeras,
  conv1dTranspose.fromKeras,
  dense.fromKeras,
  dot.fromKeras,
  dropout.fromKeras,
  einsumDense.fromKeras,
  embedding.fromKeras,
  groupNorm.fromKeras,
  merge.fromKeras,
  multiHeadAttention.fromKeras,
  normalize.fromKeras,
  pool1d.fromKeras,
  pool1d.globalFromKeras,
  prelu.fromKeras,
  recurrentKeras.fromKeras,
  reshape.fromKeras,
  resize1d.fromKeras,
  softmax.fromKeras,
  standardize.fromKeras,
  time.fromKeras,
  where.fromKeras,
];

/** The operations of `keras.ops` by family, under the names of their classes. */
const operationTables: readonly Readonly<Record<string, FromKeras>>[] = [
  activation.fromOperation,
  arithmetic.fromOperation,
  cast.fromOperation,
  compare.fromOperation,
  dot.fromOperation,
  fill.fromOperation,
  maths.fromOperation,
  reduce.fromOperation,
  shapeOperations.fromOperation,
  slice.fromOperation,
  softmax.fromOperation,
  where.fromOperation,
];

/** Keras' classes and operations in words, by family. */
const noteTables: readonly Notes[] = [
  activation.notes,
  adaptivePool1d.notes,
  attention.notes,
  batchNorm.notes,
  concatenate.notes,
  conv1d.notes,
  conv1dTranspose.notes,
  dense.notes,
  dot.notes,
  dropout.notes,
  einsumDense.notes,
  embedding.notes,
  groupNorm.notes,
  merge.notes,
  multiHeadAttention.notes,
  normalize.notes,
  pool1d.notes,
  prelu.notes,
  recurrentKeras.notes,
  reshape.notes,
  resize1d.notes,
  softmax.notes,
  standardize.notes,
  time.notes,
  where.notes,
];

const operationNoteTables: readonly Notes[] = [
  activation.operationNotes,
  arithmetic.operationNotes,
  cast.operationNotes,
  compare.operationNotes,
  dot.operationNotes,
  fill.operationNotes,
  maths.operationNotes,
  reduce.operationNotes,
  shapeOperations.operationNotes,
  slice.operationNotes,
  softmax.operationNotes,
  where.operationNotes,
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

/** What there is to say of each class that can be read. */
export function kerasNotes(): ReadonlyMap<string, Note> {
  return new Map(noteTables.flatMap((table) => Object.entries(table)));
}

/** The same of operations of `keras.ops`. */
export function operationNotes(): ReadonlyMap<string, Note> {
  return new Map(operationNoteTables.flatMap((table) => Object.entries(table)));
}

/** The entry of one operator in a table of facets, as the caller's own type of attributes can't be known. */
export function facet<F>(table: { readonly [K in OpKind]: unknown }, kind: string): F {
  if (!Object.hasOwn(table, kind)) throw new Error(`no operator ${kind}`);
  return table[kind as OpKind] as F;
}
