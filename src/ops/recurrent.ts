/**
 * recurrent: one recurrent layer over a series, in one direction or in both
 *
 *   simple      h' = f(x W + b + h R)
 *   lstm        i, f, g, o = x W + b + h R:   c' = s(f) c + s(i) a(g),   h' = s(o) a(c')
 *   gru         z, r, n = x W + b, z', r', n' = h R + b':   h' = s(z + z') h + (1 - s(z + z')) a(n + s(r + r') n')
 *   gruBefore   the same without b', and n' = (s(r + r') h) R_n: the reset comes before the product
 *
 * A masked step keeps h and c, and its output is the one before it (zeros at first), or zeros (`zeroMasked`). The backward
 * half takes the steps from the last to the first and puts what it makes at their own places; `flip` turns the series before
 * anything else, so that what comes out is in the order in which it was made.
 *
 *   inputs     x NLC, [mask NL], [per half h NC, an LSTM's c NC]
 *   outputs    every step's output NLC, or the last one's NC, halves side by side or apart; [per half h, c]
 *
 * Keras   keras.layers.{LSTM, GRU, SimpleRNN}: kernel IO, recurrent_kernel IO, gates side by side along O in the order above;
 *         a GRU's bias has a row for either product with reset_after, else there is one row (B)
 * PyTorch torch.nn.{LSTM, GRU, RNN}: weights OI, two biases; a GRU's gates are r, z, n
 */
import { type Axes, axisSize, plainAxis } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { type Activation, activationFunction, spec as activationSpec, numbers } from "./activation.ts";
import { canonical } from "./arrange.ts";
import type { Arrange, Evaluate, OpSpec, Place, ToWasm, WasmWriter } from "./facets.ts";
import { packPanels } from "./pack.ts";
import { boolean, type Check, count, listOf, oneOf, wrongAttribute } from "./schema.ts";

/** The function of a gate: element by element, or over all units of a step. */
export type CellFunction =
  | Activation
  | { readonly kind: "linear"; readonly parameters: readonly [] }
  | { readonly kind: "softmax"; readonly parameters: readonly [] };

export type CellKind = keyof typeof gatesOf;

export interface Recurrent {
  readonly cell: CellKind;
  readonly units: number;
  /** a */
  readonly activation: CellFunction;
  /** s */
  readonly gate: CellFunction;
  /** The halves, in the order of their weights, states and outputs; two are a forward and a backward one. */
  readonly directions: readonly ("forward" | "backward")[];
  readonly flip: boolean;
  /** Every step's output, or the last one's. */
  readonly sequences: boolean;
  /** Two halves' outputs each by itself. */
  readonly apart: boolean;
  /** The states after the last step are outputs too. */
  readonly states: boolean;
  /** A mask is given. */
  readonly masked: boolean;
  readonly zeroMasked: boolean;
  /** The states before the first step are given; zeros if not. */
  readonly initial: boolean;
}

const gatesOf = { lstm: 4, gru: 3, gruBefore: 3, simple: 1 } as const;

const isFunction: Check<CellFunction> = (value): value is CellFunction => {
  if (typeof value !== "object" || value === null) return false;
  const { kind, parameters } = value as Partial<CellFunction>;
  if (kind === "linear" || kind === "softmax") return Array.isArray(parameters) && parameters.length === 0;
  return wrongAttribute(activationSpec.attributes, value as Record<string, unknown>) === null;
};

/** Columns of the kernels. */
export function gateColumns({ cell, units }: Pick<Recurrent, "cell" | "units">): number {
  return gatesOf[cell] * units;
}

/** Rows of the bias: one per product that has its own. */
export function biasRows(cell: CellKind): number {
  return cell === "gru" ? 2 : 1;
}

/** h, and an LSTM's c. */
export function statesOf(cell: CellKind): number {
  return cell === "lstm" ? 2 : 1;
}

/** What the names of a half's weights end in. */
export function halfSuffix(index: number): "" | "Backward" {
  return index === 0 ? "" : "Backward";
}

const kernel = { keras: "IO", torch: "OI" } as const;
const bias = { keras: "BO", torch: "O", optional: true } as const;

export const spec: OpSpec<Recurrent> = {
  attributes: {
    cell: oneOf("lstm", "gru", "gruBefore", "simple"),
    units: count,
    activation: isFunction,
    gate: isFunction,
    directions: listOf(oneOf("forward", "backward"), 2),
    flip: boolean,
    sequences: boolean,
    apart: boolean,
    states: boolean,
    masked: boolean,
    zeroMasked: boolean,
    initial: boolean,
  },
  weights: {
    kernel,
    recurrent: kernel,
    bias,
    kernelBackward: { ...kernel, optional: true },
    recurrentBackward: { ...kernel, optional: true },
    biasBackward: bias,
  },
  shapes(attributes, [x]) {
    const columns = gateColumns(attributes);
    const half = (suffix: string) => ({
      [`kernel${suffix}`]: [axisSize(x!, "C"), columns],
      [`recurrent${suffix}`]: [attributes.units, columns],
      [`bias${suffix}`]: [biasRows(attributes.cell), columns],
    });
    return { ...half(""), ...half("Backward") };
  },
  infer({ cell, units, directions, sequences, apart, states, masked, initial }, [x, ...more]) {
    const expected = (masked ? 1 : 0) + (initial ? directions.length * statesOf(cell) : 0);
    if (more.length !== expected || directions.length === 0)
      throw shapeMismatch(`${cell}: expected ${1 + expected} inputs, got ${1 + more.length}`);
    for (const state of more.slice(masked ? 1 : 0)) {
      if (axisSize(state, "C") !== units)
        throw shapeMismatch(`${cell}: expected a state of ${units} units, got ${axisSize(state, "C") ?? "?"}`);
    }
    const batch = plainAxis("N", axisSize(x!, "N"));
    const length = axisSize(x!, "L");
    if (length === 0) throw shapeMismatch(`${cell}: expected a series of at least one step`);
    if (masked && axisSize(more[0]!, "L") !== length && axisSize(more[0]!, "L") !== null && length !== null)
      throw shapeMismatch(`${cell}: expected a mask of ${length} steps, got ${axisSize(more[0]!, "L")}`);
    const output = (channels: number): Axes =>
      sequences ? [batch, plainAxis("L", length), plainAxis("C", channels)] : [batch, plainAxis("C", channels)];
    const outputs = apart ? directions.map(() => output(units)) : [output(units * directions.length)];
    const after = states
      ? directions.flatMap(() => new Array(statesOf(cell)).fill([batch, plainAxis("C", units)]))
      : [];
    return [...outputs, ...after] as Axes[];
  },
  types: ({ cell, directions, apart, states }) =>
    new Array((apart ? directions.length : 1) + (states ? directions.length * statesOf(cell) : 0)).fill("float32"),
};

export const arrange: Arrange<Recurrent> = canonical;

// ------------------------------------------------------------------------------------------------ definition

function onLine({ kind, parameters }: CellFunction): (line: Float64Array) => Float64Array {
  if (kind === "linear") return (line) => line;
  if (kind === "softmax") {
    return (line) => {
      const most = line.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY);
      const powers = line.map((value) => Math.exp(value - most));
      const sum = powers.reduce((total, value) => total + value, 0);
      return powers.map((value) => value / sum);
    };
  }
  const apply = activationFunction({ kind, parameters });
  return (line) => line.map((value) => apply(value));
}

/** y[o] = bias[o] + sum over i of x[i] * kernel[i, first + o]. */
function product(
  x: Float64Array,
  matrix: Float64Array,
  columns: number,
  first: number,
  count: number,
  offsets?: Float64Array,
): Float64Array {
  const y = new Float64Array(count);
  for (let o = 0; o < count; o++) {
    let sum = offsets ? offsets[first + o]! : 0;
    for (let i = 0; i < x.length; i++) sum += x[i]! * matrix[i * columns + first + o]!;
    y[o] = sum;
  }
  return y;
}

export const evaluate: Evaluate<Recurrent> = (attributes, inputs, weights) => {
  const { cell, units, directions, flip, sequences, apart, states, masked, zeroMasked, initial } = attributes;
  const [batch, length, channels] = inputs[0]!.axes.map((axis) => axis.size!) as [number, number, number];
  const mask = masked ? inputs[1]!.data : null;
  const given = initial ? inputs.slice(masked ? 2 : 1) : [];
  const columns = gateColumns(attributes);
  const [a, s] = [onLine(attributes.activation), onLine(attributes.gate)];
  const steps = sequences ? length : 1;
  const outputs = directions.map(() => new Float64Array(batch * steps * units));
  const after = directions.flatMap(() => Array.from({ length: statesOf(cell) }, () => new Float64Array(batch * units)));
  directions.forEach((direction, half) => {
    const suffix = halfSuffix(half);
    const kernel = weights[`kernel${suffix}`]!.data;
    const recurrent = weights[`recurrent${suffix}`]!.data;
    const bias = weights[`bias${suffix}`]?.data;
    const ownBias = cell === "gru" ? bias?.subarray(columns) : undefined;
    const state = (n: number, index: number) => {
      const found = given[half * statesOf(cell) + index];
      return found ? found.data.slice(n * units, (n + 1) * units) : new Float64Array(units);
    };
    for (let n = 0; n < batch; n++) {
      let h = state(n, 0);
      let c = state(n, 1);
      let output = new Float64Array(units);
      for (let step = 0; step < length; step++) {
        const place = direction === "backward" ? length - 1 - step : step;
        const at = flip ? length - 1 - place : place;
        if (mask && mask[n * length + at] === 0) {
          if (zeroMasked) output = new Float64Array(units);
        } else {
          const x = inputs[0]!.data.subarray((n * length + at) * channels, (n * length + at + 1) * channels);
          const before = h;
          const input = (g: number) => product(x, kernel, columns, g * units, units, bias);
          const own = (g: number, from = before) => product(from, recurrent, columns, g * units, units, ownBias);
          const sum = (g: number) => {
            const other = own(g);
            return input(g).map((value, u) => value + other[u]!);
          };
          if (cell === "simple") h = a(sum(0)) as Float64Array<ArrayBuffer>;
          else if (cell === "lstm") {
            const [i, f, g, o] = [s(sum(0)), s(sum(1)), a(sum(2)), s(sum(3))];
            c = c.map((value, u) => f[u]! * value + i[u]! * g[u]!);
            h = a(c).map((value, u) => o[u]! * value);
          } else {
            const [z, r] = [s(sum(0)), s(sum(1))];
            const reset =
              cell === "gru"
                ? own(2).map((value, u) => r[u]! * value)
                : own(
                    2,
                    before.map((value, u) => r[u]! * value),
                  );
            const candidate = a(input(2).map((value, u) => value + reset[u]!));
            h = before.map((value, u) => z[u]! * value + (1 - z[u]!) * candidate[u]!);
          }
          output = h;
        }
        if (sequences) outputs[half]!.set(output, (n * length + place) * units);
      }
      if (!sequences) outputs[half]!.set(output, n * units);
      after[half * statesOf(cell)]!.set(h, n * units);
      if (cell === "lstm") after[half * 2 + 1]!.set(c, n * units);
    }
  });
  const results = apart ? outputs : [sideBySide(outputs, units)];
  return states ? [...results, ...after] : results;
};

/** Rows of `units` numbers of each array, one array's beside the other's. */
function sideBySide(arrays: readonly Float64Array[], units: number): Float64Array {
  const joined = new Float64Array(arrays.length * arrays[0]!.length);
  arrays.forEach((array, index) => {
    for (let at = 0; at < array.length; at += units)
      joined.set(array.subarray(at, at + units), at * arrays.length + index * units);
  });
  return joined;
}

// ------------------------------------------------------------------------------------------------------ wasm

/** Numbers of cells and functions, as assembly/recurrent.ts and assembly/activation.ts have them (tests/kernels.test.ts). */
export const cellCodes: Readonly<Record<CellKind, number>> = { simple: 0, lstm: 1, gru: 2, gruBefore: 3 };
export const functionCodes: Readonly<Record<CellFunction["kind"], number>> = {
  relu: 0,
  elu: 1,
  selu: 2,
  celu: 3,
  exponential: 4,
  gelu: 5,
  geluTanh: 6,
  silu: 7,
  mish: 8,
  softplus: 9,
  softsign: 10,
  tanh: 11,
  sigmoid: 12,
  logSigmoid: 13,
  hardSigmoid: 14,
  hardSilu: 15,
  hardTanh: 16,
  hardShrink: 17,
  softShrink: 18,
  tanhShrink: 19,
  sparsePlus: 20,
  squareplus: 21,
  sparseSigmoid: 22,
  linear: 100,
  softmax: 101,
};

/** The operands of a function: its code, then three parameters. */
function functionOperands({ kind, parameters }: CellFunction): number[] {
  const known = kind === "linear" || kind === "softmax" ? [] : numbers(parameters);
  return [functionCodes[kind], ...known, 0, 0, 0].slice(0, 4);
}

/** Units of a gate in the engine: rows of gates and states are whole vectors. */
const whole = (units: number) => Math.ceil(units / 4) * 4;

/** The gates from `first` on, `rows` of them, each widened to whole vectors. */
function widened(values: Float32Array, rows: number, gates: number, first: number, used: number): Float32Array {
  const units = values.length / rows / gates;
  const wide = whole(units);
  const result = new Float32Array(rows * used * wide);
  for (let row = 0; row < rows; row++) {
    for (let g = 0; g < used; g++) {
      const from = (row * gates + first + g) * units;
      result.set(values.subarray(from, from + units), (row * used + g) * wide);
    }
  }
  return result;
}

/** A kernel in panels; `biasRow` is the row of the bias that goes with it, null for none. */
function packed(
  wasm: WasmWriter,
  attributes: Recurrent,
  half: number,
  role: "kernel" | "recurrent",
  biasRow: number | null,
  first: number,
  used: number,
): Place {
  const gates = gatesOf[attributes.cell];
  const suffix = halfSuffix(half);
  return wasm.weight(`${role}${suffix} ${first}`, (pack) => {
    const values = pack.read(role + suffix)!;
    const rows = values.length / gateColumns(attributes);
    const stored = biasRow === null ? null : pack.read(`bias${suffix}`);
    const row = stored?.subarray(biasRow! * gateColumns(attributes), (biasRow! + 1) * gateColumns(attributes));
    packPanels(pack, {
      values: widened(values, rows, gates, first, used),
      bias: row ? widened(row, 1, gates, first, used) : null,
      rows,
      columns: used * whole(attributes.units),
    });
  });
}

export const toWasm: ToWasm<Recurrent> = ({ attributes }, wasm) => {
  const { cell, units, directions, flip, sequences, apart, states, masked, zeroMasked, initial } = attributes;
  const [batch, length, channels] = wasm.inputShape(0) as [number, number, number];
  const wide = whole(units);
  const gates = gatesOf[cell];
  const [columns, perHalf] = [gates * wide, statesOf(cell)];
  const none = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
  const outputs = apart ? directions.length : 1;
  const row = apart ? units : units * directions.length;
  const size = sequences ? length * row : row;
  directions.forEach((direction, half) => {
    const kernel = packed(wasm, attributes, half, "kernel", 0, 0, gates);
    const split = cell === "gruBefore";
    const recurrent = packed(wasm, attributes, half, "recurrent", cell === "gru" ? 1 : null, 0, split ? 2 : gates);
    const candidate = split ? packed(wasm, attributes, half, "recurrent", null, 2, 1) : 0;
    const x = wasm.scratch(batch * length * columns);
    wasm.split(batch * length, batch * length * channels * columns, (from, to) => {
      const target = x.at(from * columns);
      wasm.call(
        "gemm",
        wasm.input(0).at(from * channels),
        channels,
        kernel,
        target,
        columns,
        to - from,
        columns,
        channels,
        ...none,
      );
    });
    const h = wasm.scratch(batch * wide);
    const c = wasm.scratch(batch * wide);
    const z = wasm.scratch(batch * columns);
    const target = wasm.output(apart ? half : 0).at(apart ? 0 : half * units);
    // The engine walks forward through memory or backward; `flip` and the backward half turn both ways of reading.
    const reads = flip !== (direction === "backward") ? -1 : 1;
    const writes = direction === "backward" ? -1 : 1;
    const [firstRead, firstWrite] = [reads < 0 ? length - 1 : 0, writes < 0 && sequences ? length - 1 : 0];
    const work = batch * length * columns * units;
    wasm.split(batch, work, (from, to) => {
      const rows = to - from;
      const own = [h, c].map((state) => state.at(from * wide));
      own.slice(0, perHalf).forEach((state, index) => {
        if (!initial) {
          wasm.call("fill", state, rows * wide, 0);
          return;
        }
        const given = wasm.input((masked ? 2 : 1) + half * perHalf + index).at(from * units);
        wasm.call("rearrange", given, state, 2, wasm.table([rows, units, units, 1, wide, 1]));
      });
      wasm.call(
        "recurrent",
        cellCodes[cell],
        x.at((from * length + firstRead) * columns),
        reads * columns,
        length * columns,
        recurrent,
        candidate,
        ...own,
        z.at(from * columns),
        masked ? wasm.input(1).at(from * length + firstRead) : 0,
        reads,
        length,
        target.at(from * size + firstWrite * row),
        sequences ? writes * row : 0,
        size,
        zeroMasked ? 1 : 0,
        length,
        rows,
        units,
        ...functionOperands(attributes.gate),
        ...functionOperands(attributes.activation),
      );
      if (!states) return;
      own.slice(0, perHalf).forEach((state, index) => {
        const place = wasm.output(outputs + half * perHalf + index).at(from * units);
        wasm.call("rearrange", state, place, 2, wasm.table([rows, units, wide, 1, units, 1]));
      });
    });
  });
};
