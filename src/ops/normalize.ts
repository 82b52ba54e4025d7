/**
 * normalize: over one or several axes together, then times gamma and plus beta, which lie along these axes
 *
 *     layer      (x - mean) / sqrt(variance + epsilon)
 *     variance   x / sqrt(variance + epsilon)
 *     rms        x / sqrt(mean of x^2 + epsilon)
 *     unit       x * min(1 / sqrt(sum of x^2), 1 / epsilon)
 *
 * Keras   LayerNormalization (with rms_scaling: `variance`, whatever the name says), RMSNormalization, UnitNormalization
 * PyTorch nn.LayerNorm, nn.RMSNorm, F.normalize; `variance` as a module of its own; over the last axes
 *
 * Keras' epsilon is 1e-3 (RMSNormalization: 1e-6) by default, PyTorch's 1e-5.
 */
import { axisIndex, lettersOf } from "../axes.ts";
import { axesOf, featureAxis, lines, padded, sizeAlong, sized, throughOne, together } from "./along.ts";
import { follow } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, KerasCall, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { notBatch, type Notes } from "./notes.ts";
import { elementWork } from "./rows.ts";
import { finite, letters, oneOf } from "./schema.ts";
import { tuple } from "./torch-text.ts";

export interface Normalize {
  readonly kind: "layer" | "variance" | "rms" | "unit";
  /** The axes that are normalized together, in the order of the data. */
  readonly axes: string;
  readonly epsilon: number;
}

const vector = { keras: "C", torch: "C", along: "C", optional: true } as const;

export const spec: OpSpec<Normalize> = {
  attributes: { kind: oneOf("layer", "variance", "rms", "unit"), axes: letters, epsilon: finite },
  weights: { gamma: vector, beta: vector },
  shapes({ axes }, [input]) {
    const shape = [sizeAlong(input!, axes)];
    return { gamma: shape, beta: shape };
  },
  infer({ axes }, [input]) {
    for (const letter of axes) axisIndex(input!, letter);
    return [[...input!]];
  },
  featureAxis,
};

/** F.normalize takes any axes. */
export const arrange: Arrange<Normalize> = (attributes, inputs, outputs, context) =>
  attributes.kind === "unit" && context.target === "torch"
    ? follow(attributes, inputs, outputs, context)
    : together("last")(attributes, inputs, outputs, context);

export const evaluate: Evaluate<Normalize> = ({ kind, axes, epsilon }, [x], { gamma, beta }) => {
  const { outer, count, inner } = lines(x!.axes, axes);
  const y = new Float64Array(x!.data.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const line = Float64Array.from({ length: count }, (_, c) => x!.data[(o * count + c) * inner + i]!);
      const mean = line.reduce((sum, value) => sum + value, 0) / count;
      const variance = line.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
      const squares = line.reduce((sum, value) => sum + value ** 2, 0);
      const shift = kind === "layer" ? mean : 0;
      const scale = {
        layer: 1 / Math.sqrt(variance + epsilon),
        variance: 1 / Math.sqrt(variance + epsilon),
        rms: 1 / Math.sqrt(squares / count + epsilon),
        unit: Math.min(1 / Math.sqrt(squares), 1 / epsilon),
      }[kind];
      line.forEach((value, c) => {
        const normal = (value - shift) * scale;
        y[(o * count + c) * inner + i] = normal * (gamma ? gamma.data[c]! : 1) + (beta ? beta.data[c]! : 0);
      });
    }
  }
  return [y];
};

// ----------------------------------------------------------------------------------------------------- Keras

/** Takes the layer's vectors along the axes; Keras sorts the axes by number, so -1 stands before 1. */
function vectors(call: KerasCall, given: readonly number[], axes: string, roles: readonly string[]): void {
  const input = call.input();
  const own = lettersOf(call.axes(input));
  const stored = [...given].sort((a, b) => a - b).map((axis) => call.known(input, own.at(axis)!));
  const size = [...axes].reduce((all, letter) => all * call.known(input, letter), 1);
  for (const role of roles) call.weight(role, "C", [size], { stored });
}

/** Keras multiplies by the scale as it is, along the last axes, whatever axes were normalized. */
function trailing(call: KerasCall, given: readonly number[], axes: string): void {
  const own = lettersOf(call.axes(call.input()));
  const sorted = [...given].sort((a, b) => a - b).map((axis) => own.at(axis));
  if (!own.endsWith(axes) || sorted.join("") !== axes)
    call.config.refuse("axis", `Keras applies the scale along the last axes, and ${given.join(", ")} are others`);
}

export const fromKeras: Record<string, FromKeras> = {
  LayerNormalization(call) {
    const { config } = call;
    const input = call.input();
    const given = config.integers("axis", [-1]);
    if (given.length === 0) config.refuse("axis", "expected at least one axis");
    const axes = axesOf(call, input, given);
    const rms = config.boolean("rms_scaling", false);
    const scaled = config.boolean("scale", true);
    const centered = config.boolean("center", true);
    const roles = [...(scaled || rms ? ["gamma"] : []), ...(centered && !rms ? ["beta"] : [])];
    vectors(call, given, axes, roles);
    const attributes: Normalize = { kind: rms ? "variance" : "layer", axes, epsilon: config.number("epsilon", 1e-3) };
    return call.emit("normalize", attributes, [input], roles);
  },
  RMSNormalization(call) {
    const { config } = call;
    const input = call.input();
    const given = config.integers("axis", [-1]);
    if (given.length === 0) config.refuse("axis", "expected at least one axis");
    const axes = axesOf(call, input, given);
    trailing(call, given, axes);
    vectors(call, given, axes, ["gamma"]);
    const attributes: Normalize = { kind: "rms", axes, epsilon: config.number("epsilon", 1e-6) };
    return call.emit("normalize", attributes, [input], ["gamma"]);
  },
  UnitNormalization(call) {
    const given = call.config.integers("axis", [-1]);
    if (given.length === 0) call.config.refuse("axis", "expected at least one axis");
    const attributes: Normalize = { kind: "unit", axes: axesOf(call, call.input(), given), epsilon: 1e-12 };
    return call.emit("normalize", attributes, [call.input()]);
  },
  /** Divides the kernel of a layer as it trains; the file holds that kernel, twice. */
  SpectralNormalization(call) {
    call.config.ignore("power_iterations");
    call.argument("training", 1);
    // The kernel as the file's own copy, and a vector of the training.
    call.discard(1, "again");
    call.discard(1);
    return call.apply(call.config.raw("layer"), "layer", [call.input()]);
  },
};

// --------------------------------------------------------------------------------------------------- PyTorch

const varianceModule = `class VarianceNorm(nn.Module):
    """Keras' LayerNormalization with rms_scaling: divides by the deviation and keeps the mean."""

    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        variance = x.var(dim=-1, unbiased=False, keepdim=True)
        return x / torch.sqrt(variance + self.eps) * self.weight
`;

export const toTorch: ToTorch<Normalize> = ({ attributes: { kind, axes, epsilon }, inputs, weights }, torch) => {
  if (kind === "unit") {
    const dims = [...axes].map((letter) => torch.dim(letter));
    return `F.normalize(${torch.input(0)}, dim=${dims.length === 1 ? dims[0] : tuple(dims)})`;
  }
  if (kind === "variance") torch.helper("VarianceNorm", varianceModule);
  const [scaled, shifted] = [weights.includes("gamma"), weights.includes("beta")];
  const options = [sizeAlong(inputs[0]!, axes)!, `eps=${epsilon}`];
  if (!scaled && !shifted) options.push("elementwise_affine=False");
  else if (kind === "layer" && !shifted) options.push("bias=False");
  const name = { layer: "nn.LayerNorm", variance: "VarianceNorm", rms: "nn.RMSNorm" }[kind];
  const module = torch.module(`${name}(${options.join(", ")})`);
  if (scaled) torch.state("weight", "gamma");
  else if (shifted) torch.constantState("weight", [sizeAlong(inputs[0]!, axes)!], 1);
  if (shifted) torch.state("bias", "beta");
  return throughOne(torch, module, axes);
};

// ------------------------------------------------------------------------------------------------------ wasm

const kernels = {
  layer: "layerNormalize",
  variance: "varianceNormalize",
  rms: "rmsNormalize",
  unit: "unitNormalize",
} as const;

export const toWasm: ToWasm<Normalize> = ({ attributes: { kind, axes, epsilon }, inputs, weights }, wasm) => {
  const { outer, count, inner } = lines(sized(wasm, inputs[0]!), axes);
  const affine = weights.length > 0 ? affineVectors(wasm, count) : null;
  wasm.overwrite(0);
  const row = count * inner;
  wasm.split(outer, outer * row * elementWork, (from, to) => {
    const [x, y, rows] = [wasm.input(0).at(from * row), wasm.output().at(from * row), to - from];
    const [taps, groups, columns] = inner === 1 ? [1, 1, count] : [count, inner, 1];
    wasm.call(kernels[kind], x, y, rows, taps, groups, columns, epsilon);
    if (affine) wasm.call("scaleShift", y, y, rows, count, inner, affine, affine.at(padded(count)));
  });
};

/** Gamma and beta, or the ones and zeros that stand for them. */
export function affineVectors(wasm: Parameters<ToWasm<object>>[1], size: number): ReturnType<typeof wasm.weight> {
  return wasm.weight("affine", (pack) => {
    const [gamma, beta] = [pack.read("gamma"), pack.read("beta")];
    const target = pack.allocate(2 * padded(size)).fill(0);
    if (gamma) target.set(gamma);
    else target.fill(1, 0, size);
    if (beta) target.set(beta, padded(size));
  });
}

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  LayerNormalization: {
    torch: "`nn.LayerNorm`; a small class `VarianceNorm` with `rms_scaling`",
    limits: { axis: notBatch },
  },
  RMSNormalization: { torch: "`nn.RMSNorm`", limits: { axis: "the last axes, in order" } },
  UnitNormalization: { torch: "`F.normalize`", limits: { axis: notBatch } },
  SpectralNormalization: { torch: "what the layer inside becomes: the file holds its divided kernel" },
};
