/**
 * softmax: normalizations over one or several axes that have no weights
 *
 *     softmax     exp(x) / sum exp(x)
 *     logSoftmax  x - log(sum exp(x))
 *     sparsemax   max(x - t, 0) with Keras' threshold t, see below
 *     glu         the first half of the axis times the sigmoid of the second
 *
 * Sparsemax (Martins & Astudillo, 2016) takes t = (s[k] - 1) / k, s[j] being the sum of the j largest elements and k the
 * size of the support. Keras 3 (3.15, every backend) sums s[1] + ... + s[k] where the paper has s[k]. Its models were
 * trained with that, so it is what is computed here.
 *
 * Keras   keras.layers.Softmax, keras.activations.{softmax, log_softmax, sparsemax, glu}
 * PyTorch torch.softmax, torch.log_softmax, F.glu; sparsemax as a module of its own
 */
import { axisIndex, axisSize, lettersOf, plainAxis, product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { lines } from "./along.ts";
import { follow, reorderHeld } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, PlannedNode, ToTorch, ToWasm } from "./facets.ts";
import { emitKeep, emitWhere } from "./where.ts";
import { axisLetter } from "./keras-layout.ts";
import { notBatch, type Notes } from "./notes.ts";
import { elementWork } from "./rows.ts";
import { letters, oneOf } from "./schema.ts";

export interface Softmax {
  readonly kind: "softmax" | "logSoftmax" | "sparsemax" | "glu";
  /** The letters of the axes that are normalized together. All but softmax take one. */
  readonly axes: string;
}

export const spec: OpSpec<Softmax> = {
  attributes: { kind: oneOf("softmax", "logSoftmax", "sparsemax", "glu"), axes: letters },
  weights: {},
  infer({ kind, axes }, [input]) {
    for (const letter of axes) axisIndex(input!, letter);
    if (kind !== "glu") return [[...input!]];
    const size = axisSize(input!, axes);
    if (size !== null && size % 2 !== 0) throw shapeMismatch(`glu: expected an even size, got ${axes} = ${size}`);
    return [
      input!.map((axis) => (axis.letter === axes ? plainAxis(axes, axis.size === null ? null : axis.size / 2) : axis)),
    ];
  },
};

/** The order within an axis doesn't matter, but to glu, which halves it. Several axes lie side by side at the end. */
export const arrange: Arrange<Softmax> = ({ kind, axes }, inputs, outputs, context) => {
  const input = inputs[0]!;
  if (kind === "glu") {
    const source = input.held.map((axis) =>
      axis.letter === axes ? input.source[axisIndex(input.source, axes)]! : axis,
    );
    return follow({}, [{ ...input, held: source }], outputs, context);
  }
  if (axes.length === 1) return follow({}, inputs, outputs, context);
  const others = [...lettersOf(input.held)].filter((letter) => !axes.includes(letter)).join("");
  return follow({}, [{ ...input, held: reorderHeld(input, others + axes) }], outputs, context);
};

export const evaluate: Evaluate<Softmax> = ({ kind, axes }, [x], _weights, [output]) => {
  const { outer, count, inner } = lines(x!.axes, axes);
  const size = product(output!.map((axis) => axis.size))!;
  const y = new Float64Array(size);
  const kept = kind === "glu" ? count / 2 : count;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const line = Float64Array.from({ length: count }, (_, c) => x!.data[(o * count + c) * inner + i]!);
      definitions[kind](line).forEach((value, c) => {
        y[(o * kept + c) * inner + i] = value;
      });
    }
  }
  return [y];
};

const definitions: Record<Softmax["kind"], (line: Float64Array) => Float64Array> = {
  softmax(line) {
    const largest = line.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const powers = line.map((value) => Math.exp(value - largest));
    const total = powers.reduce((sum, value) => sum + value, 0);
    return powers.map((value) => value / total);
  },
  logSoftmax(line) {
    const largest = line.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const total = line.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    return line.map((value) => value - largest - Math.log(total));
  },
  sparsemax(line) {
    const sorted = [...line].sort((a, b) => b - a);
    let sum = 0;
    let sums = 0;
    let support = 0;
    sorted.forEach((value, index) => {
      sum += value;
      if (1 + (index + 1) * value <= sum) return;
      sums += sum;
      support++;
    });
    return line.map((value) => Math.max(value - (sums - 1) / support, 0));
  },
  glu(line) {
    const half = line.length / 2;
    return line.slice(0, half).map((value, index) => value / (1 + Math.exp(-line[half + index]!)));
  },
};

export const fromKeras: Record<string, FromKeras> = {
  Softmax(call) {
    const { config } = call;
    const input = call.input();
    const given = config.integers("axis", [-1]);
    const chosen = given.map((axis) => axisLetter(call, input, axis));
    const letters = [...lettersOf(call.axes(input))].filter((letter) => chosen.includes(letter)).join("");
    if (letters.includes("N")) config.refuse("axis", "the batch axis can't be normalized over");
    if (letters.length > 1 && !lettersOf(call.axes(input)).includes(letters)) {
      config.refuse("axis", `axes ${given.join(", ")} do not lie side by side`);
    }
    const attributes: Softmax = { kind: "softmax", axes: letters };
    const mask = call.mask(input);
    if (mask === null) return call.emit("softmax", attributes, [input]);
    const own = lettersOf(call.axes(input));
    if (call.type(mask) !== "bool" || call.axes(mask).length !== own.length)
      config.refuse("call argument mask", `expected bools of as many axes as the input, got ${call.axes(mask).length}`);
    const hidden = emitWhere(call, mask, { tensor: input }, { number: -1e9 });
    return emitKeep(call, call.emit("softmax", attributes, [hidden]), mask);
  },
};

/** Along the one axis that the operation holds. */
function operation(kind: Softmax["kind"]): FromKeras {
  return (call) => {
    const { config } = call;
    const input = call.input();
    const [axis, ...more] = config.integers("axis", [-1]);
    if (config.raw("axis") === null || axis === undefined || more.length > 0)
      return config.refuse("axis", "expected one axis");
    const axes = axisLetter(call, input, axis);
    if (axes === "N") config.refuse("axis", "the batch axis can't be normalized over");
    return call.emit<Softmax>("softmax", { kind, axes }, [input]);
  };
}

export const fromOperation: Record<string, FromKeras> = {
  Softmax(call) {
    if (call.config.raw("axis") === null) call.config.refuse("axis", "the batch axis can't be normalized over");
    return fromKeras.Softmax!(call);
  },
  LogSoftmax: operation("logSoftmax"),
  Sparsemax: operation("sparsemax"),
  Glu: operation("glu"),
};

const sparsemaxModule = `class Sparsemax(nn.Module):
    """Keras' sparsemax: its threshold sums over the support where Martins & Astudillo (2016) take the last sum."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        x = x.movedim(self.dim, -1)
        ordered = torch.sort(x, dim=-1, descending=True)[0]
        count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        total = torch.cumsum(ordered, dim=-1)
        support = 1 + count * ordered > total
        sums = torch.where(support, total, 0.0).sum(dim=-1, keepdim=True)
        threshold = (sums - 1) / support.sum(dim=-1, keepdim=True)
        return torch.clamp(x - threshold, min=0).movedim(-1, self.dim)
`;

export const toTorch: ToTorch<Softmax> = ({ attributes: { kind, axes } }: PlannedNode<Softmax>, torch) => {
  const x = torch.input(0);
  const dim = torch.dim(axes[0]!);
  if (axes.length > 1) {
    const last = torch.dim(axes.at(-1)!);
    const flat = torch.step(`torch.softmax(${x}.flatten(${dim}), dim=${dim})`, "over several axes at once", "flat");
    const sizes = [...axes].map((letter) => torch.size(letter));
    return last > dim ? `${flat}.unflatten(${dim}, (${sizes.join(", ")}))` : flat;
  }
  if (kind === "sparsemax") {
    torch.helper("Sparsemax", sparsemaxModule);
    return `${torch.module(`Sparsemax(dim=${dim})`, `sparsemax_${dim}`)}(${x})`;
  }
  const names = { softmax: "torch.softmax", logSoftmax: "torch.log_softmax", glu: "F.glu" } as const;
  return `${names[kind]}(${x}, dim=${dim})`;
};

export const toWasm: ToWasm<Softmax> = ({ attributes: { kind, axes }, inputs }, wasm) => {
  const sized = inputs[0]!.map((axis, index) => ({ ...axis, size: wasm.inputShape(0)[index]! }));
  const { outer, count, inner } = lines(sized, axes);
  if (kind !== "glu") wasm.overwrite(0);
  const row = count * inner;
  wasm.split(outer, outer * row * elementWork, (from, to) => {
    const x = wasm.input(0).at(from * row);
    const y = wasm.output().at(from * (kind === "glu" ? row / 2 : row));
    if (kind === "glu") wasm.call("glu", x, y, to - from, count / 2, inner);
    else if (kind === "sparsemax") wasm.call("sparsemax", x, y, to - from, count, inner, wasm.scratch(count));
    else wasm.call(kind, x, y, to - from, count, inner);
  });
};

// ------------------------------------------------------------------------------------------------------ notes

const axisOnly = { axis: `one, ${notBatch}` };

export const notes: Notes = {
  Softmax: {
    torch: "`torch.softmax`; between two `torch.where` where there is a mask",
    limits: {
      axis: `${notBatch}; several lie side by side`,
      "call argument mask": "bools of as many axes as the input",
    },
  },
};

export const operationNotes: Notes = {
  Softmax: { torch: "`torch.softmax`", limits: { axis: `${notBatch}; several lie side by side` } },
  LogSoftmax: { torch: "`torch.log_softmax`", limits: axisOnly },
  Sparsemax: { torch: "a small class `Sparsemax`", limits: axisOnly },
  Glu: { torch: "`F.glu`", limits: axisOnly },
};
