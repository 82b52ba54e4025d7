/**
 * dot: y[n, a.., b..] = sum over k of left[n, a.., k] * right[n, b.., k], the batch in common
 *
 * Where `normalize`, each line along k is divided by its length first, at least 1e-7. Two vectors give one number, `NC` = (N, 1).
 *
 * Keras   keras.layers.Dot: axes, normalize; keras.ops.matmul of a matrix per sample
 * PyTorch torch.einsum, torch.matmul
 */
import {
  type Axes,
  type Axis,
  axisIndex,
  axisSize,
  lettersOf,
  plainAxis,
  positionalLetters,
  product,
} from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import type { ValueId } from "../graph/graph.ts";
import { canonical } from "./arrange.ts";
import type { Array64, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import type { Notes } from "./notes.ts";
import { castFirst } from "./operands.ts";
import { panelSize } from "./pack.ts";
import { copy, elementWork, pieces } from "./rows.ts";
import { boolean, letter } from "./schema.ts";

export interface Dot {
  /** The axes that are summed over. */
  readonly left: string;
  readonly right: string;
  readonly normalize: boolean;
}

/** What a length is at least. */
const least = 1e-7;

/** The axes that are left of an input, without the batch. */
function rest(axes: Axes, summed: string): Axis[] {
  return axes.slice(1).filter((axis) => axis.letter !== summed);
}

export const spec: OpSpec<Dot> = {
  attributes: { left: letter, right: letter, normalize: boolean },
  weights: {},
  types: () => ["float32"],
  infer({ left, right }, [a, b]) {
    const sizes = [axisSize(a!, left), axisSize(b!, right)];
    if (lettersOf(a!).indexOf(left) === 0 || lettersOf(b!).indexOf(right) === 0)
      throw shapeMismatch("dot: the batch can't be summed over");
    if (!sizes.includes(null) && sizes[0] !== sizes[1])
      throw shapeMismatch(`dot: expected the same size on both sides, got ${sizes.join(" and ")}`);
    const kept = [...rest(a!, left), ...rest(b!, right)].map(({ size }) => size);
    const shape = [a![0]!.size, ...(kept.length === 0 ? [1] : kept)];
    return [shape.map((size, index) => plainAxis(positionalLetters(shape.length)[index]!, size))];
  },
};

export const arrange = canonical;

/** Lines along an axis: row r of sample n has its elements `step` apart. */
function lines(
  { axes, data }: Array64,
  summed: string,
): { rows: number; line: (n: number, row: number) => Float64Array } {
  const at = axisIndex(axes, summed);
  const sizes = axes.map((axis) => axis.size!);
  const inner = product(sizes.slice(at + 1))!;
  const count = sizes[at]!;
  const rows = product(sizes.slice(1))! / count;
  const line = (n: number, row: number) => {
    const first = n * rows * count + Math.floor(row / inner) * count * inner + (row % inner);
    return Float64Array.from({ length: count }, (_, k) => data[first + k * inner]!);
  };
  return { rows, line };
}

export const evaluate: Evaluate<Dot> = ({ left, right, normalize }, [a, b]) => {
  const batch = a!.axes[0]!.size!;
  const [first, second] = [lines(a!, left), lines(b!, right)];
  const ready = (line: Float64Array) => {
    if (!normalize) return line;
    const length = Math.max(Math.sqrt(line.reduce((sum, x) => sum + x * x, 0)), least);
    return line.map((x) => x / length);
  };
  const y = new Float64Array(batch * first.rows * second.rows);
  for (let n = 0, at = 0; n < batch; n++) {
    for (let p = 0; p < first.rows; p++) {
      const line = ready(first.line(n, p));
      for (let q = 0; q < second.rows; q++) {
        const other = ready(second.line(n, q));
        y[at++] = line.reduce((sum, x, k) => sum + x * other[k]!, 0);
      }
    }
  }
  return [y];
};

export const fromKeras: Record<string, FromKeras> = {
  Dot(call) {
    const { config, inputs } = call;
    const [a, b] = inputs as [ValueId, ValueId];
    if (inputs.length !== 2) config.refuse("inputs", `Dot takes two inputs, got ${inputs.length}`);
    const given = config.integers("axes");
    if (given.length > 2) config.refuse("axes", `expected one axis per input, got ${given.length}`);
    const [left, right = left] = given as [number, number?];
    for (const input of inputs) {
      if (call.axes(input).length < 2) config.refuse("inputs", "expected arrays of two axes or more");
    }
    const attributes: Dot = {
      left: axisLetter(call, a, left, "axes"),
      right: axisLetter(call, b, right!, "axes"),
      normalize: config.boolean("normalize", false),
    };
    if (attributes.left === "N" || attributes.right === "N") config.refuse("axes", "the batch can't be summed over");
    if (call.axes(a).length + call.axes(b).length > 10) config.refuse("inputs", "the result has more than eight axes");
    return call.emit("dot", attributes, [a, b]);
  },
};

export const fromOperation: Record<string, FromKeras> = {
  Matmul(call) {
    const { config } = call;
    const [a, b] = [call.tensor("x1", 0), call.tensor("x2", 1)];
    if (a === null || b === null) return config.refuse("inputs", "expected two tensors");
    const ranks = [a, b].map((value) => call.axes(value).length);
    if (ranks.some((rank) => rank !== 3))
      config.refuse(
        "inputs",
        `expected a matrix per sample on both sides, three axes each with the batch, got ${ranks.join(" and ")}`,
        "keras.ops.expand_dims and squeeze make a matrix of a vector and back",
      );
    if ([a, b].some((value) => call.type(value) !== "float32")) config.refuse("inputs", "expected floats", castFirst);
    const [left, right] = [axisLetter(call, a, -1), axisLetter(call, b, -2)];
    return call.emit<Dot>("dot", { left, right, normalize: false }, [a, b]);
  },
};

export const toTorch: ToTorch<Dot> = ({ attributes: { left, right, normalize }, inputs }, torch) => {
  const [a, b] = inputs as [Axes, Axes];
  const matrices = a.length === 3 && b.length === 3 && a[2]!.letter === left && b[1]!.letter === right;
  if (matrices && !normalize) return `torch.matmul(${torch.input(0)}, ${torch.input(1)})`;
  const names = "abcdefghijklm";
  const term = (axes: Axes, summed: string, from: number) => {
    let next = from;
    return axes.map(({ letter }, index) => (index === 0 ? "n" : letter === summed ? "z" : names[next++]!)).join("");
  };
  const first = term(a, left, 0);
  const second = term(b, right, a.length - 2);
  const kept = [...first, ...second].filter((name, index) => name !== "z" && (name !== "n" || index === 0)).join("");
  const [x, y] = [left, right].map((summed, index) => {
    const input = torch.input(index);
    if (!normalize) return input;
    const dim = torch.dim(summed, index);
    const text = `${input} / ${input}.norm(dim=${dim}, keepdim=True).clamp(min=${least})`;
    return torch.step(text, "of length one", "unit");
  });
  const result = `torch.einsum("${first},${second}->${kept}", ${x}, ${y})`;
  return kept === "n" ? `${result}.unsqueeze(1)` : result;
};

export const toWasm: ToWasm<Dot> = ({ attributes: { left, right, normalize }, inputs }, wasm) => {
  const [a, b] = [left, right].map((summed, index) => {
    const shape = wasm.inputShape(index);
    const at = axisIndex(inputs[index]!, summed);
    const depth = shape[at]!;
    const rows = product(shape)! / depth;
    let place = wasm.input(index);
    if (at !== shape.length - 1) {
      const strides = shape.map((_, axis) => product(shape.slice(axis + 1))!);
      const order = [...shape.keys()].filter((axis) => axis !== at).concat(at);
      const sizes = order.map((axis) => shape[axis]!);
      const target = wasm.scratch(rows * depth);
      const dense = sizes.map((_, axis) => product(sizes.slice(axis + 1))!);
      copy(
        wasm,
        place,
        target,
        sizes,
        order.map((axis) => strides[axis]!),
        dense,
      );
      place = target;
    }
    if (normalize) {
      const [source, target] = [place, wasm.scratch(rows * depth)];
      wasm.split(rows, rows * depth * elementWork, (from, to) => {
        wasm.call("unitRows", source.at(from * depth), target.at(from * depth), to - from, depth, least);
      });
      place = target;
    }
    return { place, rows: rows / shape[0]!, depth };
  }) as [
    { place: ReturnType<typeof wasm.input>; rows: number; depth: number },
    { place: ReturnType<typeof wasm.input>; rows: number; depth: number },
  ];
  const one = wasm.scratch(4);
  wasm.call("fill", one, 4, 1);
  const rows = wasm.inputShape(0)[0]! * a.rows;
  const { depth } = a;
  const unclamped = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
  wasm.split(rows, rows * b.rows * depth, (from, to) => {
    const panels = wasm.scratch(panelSize(depth, b.rows));
    for (const { sample, samples, first, last } of pieces(from, to, a.rows)) {
      for (let n = sample; n < sample + samples; n++) {
        const row = n * a.rows + first;
        const [x, keys, y] = [a.place.at(row * depth), b.place.at(n * b.rows * depth), wasm.output().at(row * b.rows)];
        wasm.call("packOI", keys, depth, one, panels, depth, b.rows);
        wasm.call("gemm", x, depth, panels, y, b.rows, last - first, b.rows, depth, ...unclamped);
      }
    }
  });
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  Dot: {
    torch: "`torch.matmul` or `torch.einsum`",
    limits: { inputs: "of at most ten axes together" },
  },
};

export const operationNotes: Notes = {
  Matmul: {
    torch: "`torch.matmul`",
    limits: {
      inputs: "floats of three axes each: a matrix per sample on both sides",
      "call argument x1": "a tensor",
      "call argument x2": "a tensor",
    },
  },
};
