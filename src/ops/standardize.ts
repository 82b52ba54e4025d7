/**
 * standardize:  y = (x - mean) / max(sqrt(variance), 1e-7), or back: mean + x * max(sqrt(variance), 1e-7)
 * rescale:      y = x * scale + offset, two numbers
 * rescaleAxes:  y = x * scale + offset, along some axes
 *
 * Keras   Normalization: statistics as variables (adapted) or in the configuration; Rescaling: numbers or arrays
 * PyTorch small modules with these as buffers; two numbers are an expression
 */
import { axisIndex, lettersOf } from "../axes.ts";
import {
  anyLetters,
  axesOf,
  featureAxis,
  indexAlong,
  lines,
  padded,
  sizeAlong,
  sized,
  splitAlong,
  throughOne,
  together,
} from "./along.ts";
import { follow } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm, WasmWriter } from "./facets.ts";
import { notBatch, type Notes } from "./notes.ts";
import { boolean, finite } from "./schema.ts";
import { float } from "./torch-text.ts";

export interface Standardize {
  /** The axes along which the statistics differ, in the order of the data. */
  readonly axes: string;
  readonly invert: boolean;
}

export interface Rescale {
  readonly scale: number;
  readonly offset: number;
}

export interface RescaleAxes {
  readonly axes: string;
}

const vector = { keras: "C", torch: "C", along: "C" };

/** A deviation is at least Keras' epsilon. */
const smallest = 1e-7;

export const spec: OpSpec<Standardize> = {
  attributes: { axes: anyLetters, invert: boolean },
  weights: { mean: vector, variance: vector },
  shapes({ axes }, [input]) {
    const shape = [sizeAlong(input!, axes)];
    return { mean: shape, variance: shape };
  },
  infer({ axes }, [input]) {
    for (const letter of axes) axisIndex(input!, letter);
    return [[...input!]];
  },
  types: () => ["float32"],
  featureAxis,
};

export const rescaleSpec: OpSpec<Rescale> = {
  attributes: { scale: finite, offset: finite },
  weights: {},
  infer: (_attributes, [input]) => [[...input!]],
  types: () => ["float32"],
};

export const rescaleAxesSpec: OpSpec<RescaleAxes> = {
  attributes: { axes: anyLetters },
  weights: { scale: vector, offset: vector },
  shapes({ axes }, [input]) {
    const shape = [sizeAlong(input!, axes)];
    return { scale: shape, offset: shape };
  },
  infer({ axes }, [input]) {
    for (const letter of axes) axisIndex(input!, letter);
    return [[...input!]];
  },
  types: () => ["float32"],
  featureAxis,
};

export const arrange: Arrange<Standardize> = together("second");
export const rescaleArrange: Arrange<Rescale> = follow;
export const rescaleAxesArrange: Arrange<RescaleAxes> = together("second");

export const evaluate: Evaluate<Standardize> = ({ axes, invert }, [x], { mean, variance }) => {
  const at = indexAlong(x!.axes, axes);
  return [
    x!.data.map((value, index) => {
      const center = mean!.data[at(index)]!;
      const deviation = Math.max(Math.sqrt(variance!.data[at(index)]!), smallest);
      return invert ? center + value * deviation : (value - center) / deviation;
    }),
  ];
};

export const rescaleEvaluate: Evaluate<Rescale> = ({ scale, offset }, [x]) => [
  x!.data.map((value) => value * scale + offset),
];

export const rescaleAxesEvaluate: Evaluate<RescaleAxes> = ({ axes }, [x], { scale, offset }) => {
  const at = indexAlong(x!.axes, axes);
  return [x!.data.map((value, index) => value * scale!.data[at(index)]! + offset!.data[at(index)]!)];
};

// ----------------------------------------------------------------------------------------------------- Keras

/** Numbers of an option with the shape they are given in. */
interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A number, nested lists of numbers, or an array of NumPy. */
function numbers(call: KerasCall, key: string, fallback?: number): Numbers {
  const raw = call.config.raw(key) ?? fallback;
  const value = isArray(raw) ? raw.config.value : raw;
  const shape: number[] = [];
  for (let part = value; Array.isArray(part); part = part[0]) shape.push(part.length);
  const values: number[] = [];
  const walk = (part: unknown, depth: number): void => {
    if (Array.isArray(part) && part.length === shape[depth]) {
      for (const entry of part) walk(entry, depth + 1);
    } else if (typeof part === "number" && Number.isFinite(part) && depth === shape.length) values.push(part);
    else call.config.refuse(key, "expected a number or an array of numbers");
  };
  walk(value, 0);
  return { shape, values };
}

function isArray(raw: unknown): raw is { config: { value: unknown } } {
  if (typeof raw !== "object" || raw === null) return false;
  const { class_name, config } = raw as { class_name?: unknown; config?: unknown };
  return class_name === "__numpy__" && typeof config === "object" && config !== null && "value" in config;
}

/** The numbers repeated to `sizes`, whose last axes are theirs, of the same size or of size 1. */
function broadcast(call: KerasCall, key: string, { shape, values }: Numbers, sizes: readonly number[]): number[] {
  const skipped = sizes.length - shape.length;
  if (skipped < 0 || shape.some((size, axis) => size !== 1 && size !== sizes[skipped + axis]))
    call.config.refuse(key, `(${shape.join(", ")}) does not fit (${sizes.join(", ")})`);
  const count = sizes.reduce((all, size) => all * size, 1);
  return Array.from({ length: count }, (_, element) => {
    const index: number[] = [];
    for (let axis = sizes.length - 1, rest = element; axis >= 0; axis--) {
      index[axis] = rest % sizes[axis]!;
      rest = Math.floor(rest / sizes[axis]!);
    }
    return values[shape.reduce((at, size, axis) => at * size + (size === 1 ? 0 : index[skipped + axis]!), 0)]!;
  });
}

/** Arrays that are wide along different axes make a table of both, which is no longer bounded by what the file holds. */
const mostNumbers = 2 ** 16;

/** Those of these axes that one of the arrays has numbers along, lined up from the last; along the others they repeat. */
function wideAxes(call: KerasCall, key: string, along: string, arrays: readonly Numbers[]): string {
  const wide = [...along].filter((_, index) =>
    arrays.some(({ shape }) => (shape[shape.length - (along.length - index)] ?? 1) !== 1),
  );
  const input = call.input();
  const count = wide.reduce((all, letter) => all * (letter === "N" ? 1 : call.known(input, letter)), 1);
  if (count > mostNumbers && count > arrays.reduce((all, { values }) => all + values.length, 0))
    call.config.refuse(key, `the arrays make ${count} numbers together; expected at most ${mostNumbers}`);
  return wide.join("");
}

export const fromKeras: Record<string, FromKeras> = {
  Normalization(call) {
    const { config } = call;
    const input = call.input();
    const none = config.has("axis") && config.raw("axis") === null;
    const kept = axesOf(call, input, none ? [] : config.integers("axis", [-1]));
    const given = config.raw("mean") != null;
    if (given !== (config.raw("variance") != null))
      config.refuse(given ? "variance" : "mean", "mean and variance are given together");
    const roles = ["mean", "variance"];
    const arrays = given ? roles.map((role) => numbers(call, role)) : [];
    const axes = given ? wideAxes(call, "mean", kept, arrays) : kept;
    const sizes = [...kept].map((letter) => (axes.includes(letter) ? call.known(input, letter) : 1));
    const size = sizes.reduce((all, own) => all * own, 1);
    roles.forEach((role, index) => {
      if (given) call.constant(role, "C", [size], broadcast(call, role, arrays[index]!, sizes));
      else call.weight(role, "C", [size], { stored: sizes });
    });
    // How many examples it was adapted to.
    if (!given) call.discard(1);
    const attributes: Standardize = { axes, invert: config.boolean("invert", false) };
    return call.emit("standardize", attributes, [input], ["mean", "variance"]);
  },
  Rescaling(call) {
    const input = call.input();
    const [scale, offset] = [numbers(call, "scale"), numbers(call, "offset", 0)];
    if (scale.shape.length === 0 && offset.shape.length === 0) {
      const attributes: Rescale = { scale: scale.values[0]!, offset: offset.values[0]! };
      return call.emit("rescale", attributes, [input]);
    }
    const own = lettersOf(call.axes(input));
    const axes = wideAxes(call, "scale", own, [scale, offset]);
    if (axes.includes("N")) call.config.refuse("scale", "the samples of a batch are all scaled alike");
    const sizes = [...own].map((letter) => (axes.includes(letter) ? call.known(input, letter) : 1));
    const size = sizes.reduce((all, one) => all * one, 1);
    call.constant("scale", "C", [size], broadcast(call, "scale", scale, sizes));
    call.constant("offset", "C", [size], broadcast(call, "offset", offset, sizes));
    const attributes: RescaleAxes = { axes };
    return call.emit("rescaleAxes", attributes, [input], ["scale", "offset"]);
  },
};

// --------------------------------------------------------------------------------------------------- PyTorch

const statistics = (name: string, formula: string, result: string) => `class ${name}(nn.Module):
    """${formula}, along dimension 1."""

    def __init__(self, size):
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))

    def forward(self, x):
        shape = [-1] + [1] * (x.dim() - 2)
        mean = self.mean.reshape(shape)
        deviation = torch.clamp(torch.sqrt(self.variance), min=1e-7).reshape(shape)
        return ${result}
`;

const normalization = statistics(
  "Normalization",
  "Keras' Normalization: (x - mean) / max(sqrt(variance), 1e-7)",
  "(x - mean) / deviation",
);

const denormalization = statistics(
  "Denormalization",
  "Keras' Normalization(invert=True): mean + x * max(sqrt(variance), 1e-7)",
  "mean + x * deviation",
);

const rescaling = `class Rescaling(nn.Module):
    """Keras' Rescaling by arrays: x * scale + offset, along dimension 1."""

    def __init__(self, size):
        super().__init__()
        self.register_buffer("scale", torch.ones(size))
        self.register_buffer("offset", torch.zeros(size))

    def forward(self, x):
        shape = [-1] + [1] * (x.dim() - 2)
        return x * self.scale.reshape(shape) + self.offset.reshape(shape)
`;

export const toTorch: ToTorch<Standardize> = ({ attributes: { axes, invert }, inputs }, torch) => {
  const name = invert ? "Denormalization" : "Normalization";
  torch.helper(name, invert ? denormalization : normalization);
  const module = torch.module(`${name}(${sizeAlong(inputs[0]!, axes)})`);
  torch.state("mean", "mean");
  torch.state("variance", "variance");
  return throughOne(torch, module, axes);
};

export const rescaleToTorch: ToTorch<Rescale> = ({ attributes: { scale, offset } }, torch) => {
  const scaled = `${torch.input(0)} * ${float(scale)}`;
  if (offset === 0) return scaled;
  return offset < 0 ? `${scaled} - ${float(-offset)}` : `${scaled} + ${float(offset)}`;
};

export const rescaleAxesToTorch: ToTorch<RescaleAxes> = ({ attributes: { axes }, inputs }, torch) => {
  torch.helper("Rescaling", rescaling);
  const module = torch.module(`Rescaling(${sizeAlong(inputs[0]!, axes)})`);
  torch.state("scale", "scale");
  torch.state("offset", "offset");
  return throughOne(torch, module, axes);
};

// ------------------------------------------------------------------------------------------------------ wasm

/** A factor and a term per index of the axes. */
function scaleShift(
  node: Parameters<ToWasm<object>>[0],
  wasm: WasmWriter,
  axes: string,
  form: string,
  prepare: Parameters<WasmWriter["weight"]>[1],
): void {
  const { count, inner } = lines(sized(wasm, node.inputs[0]!), axes);
  const vectors = wasm.weight(form, prepare);
  splitAlong(wasm, node, axes, (x, y, rows) => {
    wasm.call("scaleShift", x, y, rows, count, inner, vectors, vectors.at(padded(count)));
  });
}

/** Subtracts before it multiplies: where the deviation is tiny, only then an x at the mean gives 0. */
export const toWasm: ToWasm<Standardize> = (node, wasm) => {
  const { axes, invert } = node.attributes;
  const { count, inner } = lines(sized(wasm, node.inputs[0]!), axes);
  const size = padded(count);
  const vectors = wasm.weight(invert ? "denormalize" : "normalize", (pack) => {
    const mean = pack.read("mean")!;
    const deviation = Float64Array.from(pack.read("variance")!, (value) => Math.max(Math.sqrt(value), smallest));
    const target = pack.allocate(4 * size).fill(0);
    target.fill(1, 0, count);
    if (invert) target.set(mean, 3 * size);
    else
      target.set(
        mean.map((value) => -value),
        size,
      );
    target.set(invert ? deviation : deviation.map((value) => 1 / value), 2 * size);
  });
  splitAlong(wasm, node, axes, (x, y, rows) => {
    if (!invert) wasm.call("scaleShift", x, y, rows, count, inner, vectors, vectors.at(size));
    wasm.call("scaleShift", invert ? x : y, y, rows, count, inner, vectors.at(2 * size), vectors.at(3 * size));
  });
};

export const rescaleToWasm: ToWasm<Rescale> = (node, wasm) => {
  const { scale, offset } = node.attributes;
  scaleShift(node, wasm, "", `${scale} ${offset}`, (pack) => {
    const target = pack.allocate(8).fill(0);
    target[0] = scale;
    target[4] = offset;
  });
};

export const rescaleAxesToWasm: ToWasm<RescaleAxes> = (node, wasm) => {
  scaleShift(node, wasm, node.attributes.axes, "rescale", (pack) => {
    const [scale, offset] = [pack.read("scale")!, pack.read("offset")!];
    const target = pack.allocate(2 * padded(scale.length)).fill(0);
    target.set(scale);
    target.set(offset, padded(scale.length));
  });
};

// ------------------------------------------------------------------------------------------------------ notes

const tables = `at most ${mostNumbers} numbers where the arrays are wide along different axes`;

export const notes: Notes = {
  Normalization: {
    torch: "a small class `Normalization`, or `Denormalization` with `invert`",
    limits: { axis: notBatch, mean: tables },
  },
  Rescaling: {
    torch: "`x * scale + offset`; a small class `Rescaling` where they are arrays",
    limits: { scale: `all samples of a batch alike; ${tables}` },
  },
};
