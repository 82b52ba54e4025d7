/**
 * The operators: one plain table per facet. A family missing from a table is a compile error; a bundle that only runs
 * models imports `specs`, `arranges` and `toWasm` and carries no PyTorch text.
 */
import * as activation from "./activation.ts";
import * as batchNorm from "./batch-norm.ts";
import * as compare from "./compare.ts";
import * as concatenate from "./concatenate.ts";
import * as conv1d from "./conv1d.ts";
import * as dense from "./dense.ts";
import * as dropout from "./dropout.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import * as groupNorm from "./group-norm.ts";
import * as merge from "./merge.ts";
import * as normalize from "./normalize.ts";
import * as pool1d from "./pool1d.ts";
import * as prelu from "./prelu.ts";
import * as reshape from "./reshape.ts";
import * as resize1d from "./resize1d.ts";
import * as softmax from "./softmax.ts";
import * as standardize from "./standardize.ts";

/** The attributes of each operator. */
export interface Attributes {
  activation: activation.Activation;
  batchNorm: batchNorm.BatchNorm;
  compare: compare.Compare;
  concatenate: concatenate.Concatenate;
  conv1d: conv1d.Conv1d;
  dense: dense.Dense;
  dropout: dropout.Dropout;
  globalPool1d: pool1d.GlobalPool1d;
  groupNorm: groupNorm.GroupNorm;
  merge: merge.Merge;
  normalize: normalize.Normalize;
  pool1d: pool1d.Pool1d;
  prelu: prelu.Prelu;
  rearrange: reshape.Rearrange;
  reorder: reshape.Reorder;
  rescale: standardize.Rescale;
  rescaleAxes: standardize.RescaleAxes;
  reshape: reshape.Reshape;
  resize1d: resize1d.Resize1d;
  softmax: softmax.Softmax;
  standardize: standardize.Standardize;
}

/** An operator's name. */
export type OpKind = keyof Attributes;

/** Shape rules and weights. */
export const specs = {
  activation: activation.spec,
  batchNorm: batchNorm.spec,
  compare: compare.spec,
  concatenate: concatenate.spec,
  conv1d: conv1d.spec,
  dense: dense.spec,
  dropout: dropout.spec,
  globalPool1d: pool1d.globalSpec,
  groupNorm: groupNorm.spec,
  merge: merge.spec,
  normalize: normalize.spec,
  pool1d: pool1d.spec,
  prelu: prelu.spec,
  rearrange: reshape.rearrangeSpec,
  reorder: reshape.reorderSpec,
  rescale: standardize.rescaleSpec,
  rescaleAxes: standardize.rescaleAxesSpec,
  reshape: reshape.spec,
  resize1d: resize1d.spec,
  softmax: softmax.spec,
  standardize: standardize.spec,
} satisfies { [K in OpKind]: OpSpec<Attributes[K]> };

/** The orders of axes that each operator takes. */
export const arranges = {
  activation: activation.arrange,
  batchNorm: batchNorm.arrange,
  compare: compare.arrange,
  concatenate: concatenate.arrange,
  conv1d: conv1d.arrange,
  dense: dense.arrange,
  dropout: dropout.arrange,
  globalPool1d: pool1d.globalArrange,
  groupNorm: groupNorm.arrange,
  merge: merge.arrange,
  normalize: normalize.arrange,
  pool1d: pool1d.arrange,
  prelu: prelu.arrange,
  rearrange: reshape.rearrangeArrange,
  reorder: reshape.reorderArrange,
  rescale: standardize.rescaleArrange,
  rescaleAxes: standardize.rescaleAxesArrange,
  reshape: reshape.arrange,
  resize1d: resize1d.arrange,
  softmax: softmax.arrange,
  standardize: standardize.arrange,
} satisfies { [K in OpKind]: Arrange<Attributes[K]> };

/** Plain-loop definitions in float64. */
export const evaluates = {
  activation: activation.evaluate,
  batchNorm: batchNorm.evaluate,
  compare: compare.evaluate,
  concatenate: concatenate.evaluate,
  conv1d: conv1d.evaluate,
  dense: dense.evaluate,
  dropout: dropout.evaluate,
  globalPool1d: pool1d.globalEvaluate,
  groupNorm: groupNorm.evaluate,
  merge: merge.evaluate,
  normalize: normalize.evaluate,
  pool1d: pool1d.evaluate,
  prelu: prelu.evaluate,
  rearrange: reshape.rearrangeEvaluate,
  reorder: reshape.reorderEvaluate,
  rescale: standardize.rescaleEvaluate,
  rescaleAxes: standardize.rescaleAxesEvaluate,
  reshape: reshape.evaluate,
  resize1d: resize1d.evaluate,
  softmax: softmax.evaluate,
  standardize: standardize.evaluate,
} satisfies { [K in OpKind]: Evaluate<Attributes[K]> };

/** PyTorch's spelling. */
export const toTorch = {
  activation: activation.toTorch,
  batchNorm: batchNorm.toTorch,
  compare: compare.toTorch,
  concatenate: concatenate.toTorch,
  conv1d: conv1d.toTorch,
  dense: dense.toTorch,
  dropout: dropout.toTorch,
  globalPool1d: pool1d.globalToTorch,
  groupNorm: groupNorm.toTorch,
  merge: merge.toTorch,
  normalize: normalize.toTorch,
  pool1d: pool1d.toTorch,
  prelu: prelu.toTorch,
  rearrange: reshape.rearrangeToTorch,
  reorder: reshape.reorderToTorch,
  rescale: standardize.rescaleToTorch,
  rescaleAxes: standardize.rescaleAxesToTorch,
  reshape: reshape.toTorch,
  resize1d: resize1d.toTorch,
  softmax: softmax.toTorch,
  standardize: standardize.toTorch,
} satisfies { [K in OpKind]: ToTorch<Attributes[K]> };

/** Kernel calls. */
export const toWasm = {
  activation: activation.toWasm,
  batchNorm: batchNorm.toWasm,
  compare: compare.toWasm,
  concatenate: concatenate.toWasm,
  conv1d: conv1d.toWasm,
  dense: dense.toWasm,
  dropout: dropout.toWasm,
  globalPool1d: pool1d.globalToWasm,
  groupNorm: groupNorm.toWasm,
  merge: merge.toWasm,
  normalize: normalize.toWasm,
  pool1d: pool1d.toWasm,
  prelu: prelu.toWasm,
  rearrange: reshape.rearrangeToWasm,
  reorder: reshape.reorderToWasm,
  rescale: standardize.rescaleToWasm,
  rescaleAxes: standardize.rescaleAxesToWasm,
  reshape: reshape.toWasm,
  resize1d: resize1d.toWasm,
  softmax: softmax.toWasm,
  standardize: standardize.toWasm,
} satisfies { [K in OpKind]: ToWasm<Attributes[K]> };

/** Keras' classes by family; a class stands in one family only. */
const kerasTables: readonly Readonly<Record<string, FromKeras>>[] = [
  activation.fromKeras,
  batchNorm.fromKeras,
  concatenate.fromKeras,
  conv1d.fromKeras,
  dense.fromKeras,
  dropout.fromKeras,
  groupNorm.fromKeras,
  merge.fromKeras,
  normalize.fromKeras,
  pool1d.fromKeras,
  pool1d.globalFromKeras,
  prelu.fromKeras,
  reshape.fromKeras,
  resize1d.fromKeras,
  softmax.fromKeras,
  standardize.fromKeras,
];

/** The operations of `keras.ops` by family, under the names of their classes. */
const operationTables: readonly Readonly<Record<string, FromKeras>>[] = [compare.fromOperation];

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
