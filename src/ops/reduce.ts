/**
 * reduce: one number out of all that lie along one or several axes
 *
 * Variance and standard deviation are those of the whole population. argmax and argmin take one axis and the first of equals.
 *
 * Keras   keras.ops.sum, mean, max, min, amax, amin, prod, var, std, any, all, argmax, argmin, with axis and keepdims
 * PyTorch torch.sum(dim, keepdim) and the like, torch.amax, torch.var(correction=0)
 */
import { axisIndex, lettersOf, plainAxis, product } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import { follow, heldLike, ordered, reorderHeld } from "./arrange.ts";
import { floats } from "./cast.ts";
import { truth } from "./compare.ts";
import type { Arrange, Array64, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { notBatch, type Notes } from "./notes.ts";
import { castFirst, renamed } from "./operands.ts";
import { elementWork } from "./rows.ts";
import { boolean, letters, oneOf } from "./schema.ts";

/** In the order of the kernel's numbers (assembly/reduce.ts). */
const kinds = ["sum", "mean", "max", "min", "prod", "var", "std", "any", "all", "argmax", "argmin"] as const;

export interface Reduce {
  readonly kind: (typeof kinds)[number];
  /** The letters of the axes that go. */
  readonly axes: string;
  /** Whether they stay with a size of one. */
  readonly keep: boolean;
}

export const spec: OpSpec<Reduce> = {
  attributes: { kind: oneOf(...kinds), axes: letters, keep: boolean },
  weights: {},
  infer({ axes, keep }, [input]) {
    for (const letter of axes) axisIndex(input!, letter);
    return [
      input!.flatMap((axis) => (axes.includes(axis.letter) ? (keep ? [plainAxis(axis.letter, 1)] : []) : [axis])),
    ];
  },
  types({ kind }, [type]) {
    if (kind === "any" || kind === "all") return ["bool"];
    if (kind === "argmax" || kind === "argmin") return ["int32"];
    return [kind === "sum" && type === "bool" ? "int32" : type!];
  },
};

/** The engine wants the axes side by side, and at the end if they aren't. */
export const arrange: Arrange<Reduce> = ({ kind, axes }, inputs, outputs, context) => {
  const [input] = inputs;
  if (kind === "argmax" || kind === "argmin") {
    const held = input!.held.map((axis) =>
      axes.includes(axis.letter) ? input!.source[axisIndex(input!.source, axis.letter)]! : axis,
    );
    return follow({}, [{ ...input!, held }], outputs, context);
  }
  const own = lettersOf(input!.held);
  const chosen = [...own].filter((letter) => axes.includes(letter)).join("");
  if (context.target === "torch" || own.includes(chosen)) return follow({}, inputs, outputs, context);
  const order = `${[...own].filter((letter) => !axes.includes(letter)).join("")}${chosen}`;
  return {
    inputs: [reorderHeld(input!, order)],
    outputs: outputs.map((output) => heldLike(output, ordered(output, order), input!.held)),
  };
};

const definitions: Record<Reduce["kind"], (values: number[]) => number> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  mean: (values) => definitions.sum(values) / values.length,
  max: (values) => values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  min: (values) => values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
  prod: (values) => values.reduce((all, value) => all * value, 1),
  var(values) {
    const mean = definitions.mean(values);
    return definitions.mean(values.map((value) => (value - mean) ** 2));
  },
  std: (values) => Math.sqrt(definitions.var(values)),
  any: (values) => (values.some((value) => value !== 0) ? 1 : 0),
  all: (values) => (values.every((value) => value !== 0) ? 1 : 0),
  argmax: (values) => values.indexOf(definitions.max(values)),
  argmin: (values) => values.indexOf(definitions.min(values)),
};

export const evaluate: Evaluate<Reduce> = ({ kind, axes }, [x]) => {
  const groups = new Map<number, number[]>();
  const sizes = x!.axes.map((axis) => (axes.includes(axis.letter) ? 1 : axis.size!));
  x!.data.forEach((value, at) => {
    const target = placeIn(x!, at).reduce(
      (place, index, axis) => place * sizes[axis]! + (axes.includes(x!.axes[axis]!.letter) ? 0 : index),
      0,
    );
    const group = groups.get(target);
    if (group) group.push(value);
    else groups.set(target, [value]);
  });
  const y = new Float64Array(product(sizes)!);
  for (const [target, values] of groups) y[target] = definitions[kind](values);
  return [y];
};

/** The index along each axis of the element at `at`. */
function placeIn({ axes }: Array64, at: number): number[] {
  const index: number[] = [];
  for (let axis = axes.length - 1, rest = at; axis >= 0; axis--) {
    index[axis] = rest % axes[axis]!.size!;
    rest = Math.floor(rest / axes[axis]!.size!);
  }
  return index;
}

export const toTorch: ToTorch<Reduce> = ({ attributes: { kind, axes, keep } }, torch) => {
  const dims = [...axes].map((letter) => torch.dim(letter)).sort((a, b) => a - b);
  const options = [
    `dim=${dims.length === 1 ? dims[0] : `(${dims.join(", ")})`}`,
    ...(kind === "var" || kind === "std" ? ["correction=0"] : []),
    ...(keep ? ["keepdim=True"] : []),
  ].join(", ");
  if ((kind === "any" || kind === "all" || kind === "prod") && dims.length > 1) {
    // These take one axis at a time in PyTorch's earlier versions, prod in all.
    const [...order] = dims.reverse();
    return order.reduce((x, dim) => `${x}.${kind}(dim=${dim}${keep ? ", keepdim=True" : ""})`, torch.input(0));
  }
  return `torch.${kind === "max" ? "amax" : kind === "min" ? "amin" : kind}(${torch.input(0)}, ${options})`;
};

export const toWasm: ToWasm<Reduce> = ({ attributes: { kind, axes }, inputs }, wasm) => {
  const shape = wasm.inputShape(0);
  const from = inputs[0]!.findIndex((axis) => axes.includes(axis.letter));
  const outer = product(shape.slice(0, from))!;
  const count = product(shape.slice(from, from + axes.length))!;
  const inner = product(shape.slice(from + axes.length))!;
  wasm.split(outer, outer * count * inner * elementWork, (first, last) => {
    const [x, y] = [wasm.input(0).at(first * count * inner), wasm.output().at(first * inner)];
    wasm.call("reduce", x, y, last - first, count, inner, kinds.indexOf(kind));
  });
};

// ----------------------------------------------------------------------------------------------------- Keras

/** Which axes an option names, in the source's order; null stands for all. */
function chosenAxes(call: KerasCall, input: ValueId): string {
  const { config } = call;
  const own = lettersOf(call.axes(input));
  const given = config.raw("axis");
  const chosen = given == null ? [...own] : config.integers("axis").map((axis) => axisLetter(call, input, axis));
  if (chosen.length === 0) config.refuse("axis", "there is no axis to reduce");
  if (chosen.includes("N"))
    config.refuse("axis", "the batch can't be reduced: each sample is computed by itself", "name the other axes");
  return [...own].filter((letter) => chosen.includes(letter)).join("");
}

type Prepare = (call: KerasCall, input: ValueId) => ValueId;
const asIs: Prepare = (_call, input) => input;

function reducing(kind: Reduce["kind"], prepare: Prepare = asIs): FromKeras {
  return (call) => {
    const { config } = call;
    const input = prepare(call, call.input());
    if (config.raw("initial") != null)
      config.refuse(
        "initial",
        "a first value is not supported",
        `use keras.ops.${kind === "min" ? "minimum" : "maximum"} on the result`,
      );
    const axes = chosenAxes(call, input);
    if (kind.startsWith("arg") && axes.length > 1) config.refuse("axis", "expected one axis");
    const keep = config.boolean("keepdims", false);
    return renamed(call, call.emit<Reduce>("reduce", { kind, axes, keep }, [input]));
  };
}

/** What has no largest or smallest in PyTorch's terms goes as integers would. */
const noBools: Prepare = (call, input) =>
  call.type(input) === "bool" ? call.config.refuse("inputs", "a bool", castFirst) : input;

export const fromOperation: Record<string, FromKeras> = {
  Sum: reducing("sum"),
  Mean: reducing("mean", floats),
  Max: reducing("max", noBools),
  Min: reducing("min", noBools),
  Amax: reducing("max", noBools),
  Amin: reducing("min", noBools),
  Prod: reducing("prod", noBools),
  Var: reducing("var", floats),
  Std: reducing("std", floats),
  Any: reducing("any", truth),
  All: reducing("all", truth),
  Argmax: reducing("argmax", noBools),
  Argmin: reducing("argmin", noBools),
};

// ------------------------------------------------------------------------------------------------------ notes

const axis = { axis: `${notBatch}, so that \`axis=None\` is refused` };
const limits = { ...axis, inputs: "not a bool" };
const first = { ...limits, initial: "none; `keras.ops.maximum` and `minimum` do the same" };
const one = { inputs: limits.inputs, axis: `one, ${notBatch}` };

export const operationNotes: Notes = {
  Sum: { torch: "`torch.sum`", limits: axis },
  Mean: { torch: "`torch.mean`", limits: axis },
  Max: { torch: "`torch.amax`", limits: first },
  Min: { torch: "`torch.amin`", limits: first },
  Amax: { torch: "`torch.amax`", limits },
  Amin: { torch: "`torch.amin`", limits },
  Prod: { torch: "`x.prod`", limits },
  Var: { torch: "`torch.var(correction=0)`", limits: axis },
  Std: { torch: "`torch.std(correction=0)`", limits: axis },
  Any: { torch: "`torch.any`", limits: axis },
  All: { torch: "`torch.all`", limits: axis },
  Argmax: { torch: "`torch.argmax`", limits: one },
  Argmin: { torch: "`torch.argmin`", limits: one },
};
