/**
 * denseInt8: a Dense with a kernel of int8, its input rounded to int8 row by row
 *
 *     s = 127 / (max over i of |x[i]| + 1e-7)        q[i] = clamp(round(x[i] * s), -127, 127)
 *     y[o] = bias[o] + (sum over i of q[i] * kernel[i, o]) / (s * scale[o])
 *
 * Halves round to even. The sum is of integers, exact in float32 up to 2^24, which takes 1032 inputs or more to pass; past
 * that it rounds as any sum of float32. Keras sums in int32 and rounds the result.
 *
 * Keras   keras.layers.Dense, EinsumDense after quantize("int8"): kernel IO of int8, bias, kernel_scale
 * PyTorch a module of its own: weight OI of int8
 */
import { axisSize, plainAxis, product } from "../axes.ts";
import { arrange as arrangeDense } from "./dense.ts";
import type { Arrange, Evaluate, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { packPanels } from "./pack.ts";
import { elementWork } from "./rows.ts";
import { count, letter } from "./schema.ts";

export interface DenseInt8 {
  readonly units: number;
  readonly axis: string;
}

export const spec: OpSpec<DenseInt8> = {
  attributes: { units: count, axis: letter },
  weights: {
    kernel: { keras: "IO", torch: "OI", along: "I", type: "int8" },
    bias: { keras: "O", torch: "O", optional: true },
    scale: { keras: "O", torch: "O" },
  },
  shapes: ({ units, axis }, [input]) => ({ kernel: [axisSize(input!, axis), units], bias: [units], scale: [units] }),
  types: () => ["float32"],
  infer: ({ units, axis }, [input]) => [input!.map((own) => (own.letter === axis ? plainAxis(axis, units) : own))],
  featureAxis: ({ axis }) => axis,
};

export const arrange: Arrange<DenseInt8> = arrangeDense;

const { fround } = Math;

function roundHalfEven(x: number): number {
  return Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

/** Rounding has jumps, so that what leads to it is float32 here as in Keras: half of the largest is a half in no other. */
export const evaluate: Evaluate<DenseInt8> = ({ units, axis }, [x], { kernel, bias, scale }) => {
  const inputs = axisSize(x!.axes, axis)!;
  const rows = x!.data.length / inputs;
  const y = new Float64Array(rows * units);
  for (let row = 0; row < rows; row++) {
    const line = x!.data.subarray(row * inputs, (row + 1) * inputs).map(fround);
    const largest = line.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const s = fround(127 / fround(largest + 1e-7));
    const q = line.map((value) => Math.max(-127, Math.min(127, roundHalfEven(fround(value * s)))));
    for (let o = 0; o < units; o++) {
      const sum = q.reduce((all, value, i) => all + value * kernel!.data[i * units + o]!, 0);
      y[row * units + o] = sum / (s * scale!.data[o]!) + (bias?.data[o] ?? 0);
    }
  }
  return [y];
};

const module = `class LinearInt8(nn.Module):
    """A linear layer of int8, as Keras has it: each row of the input is rounded to int8 before the product."""

    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(outputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x):
        # In float32 step by step, whatever x is: other steps would round some numbers to another integer.
        x = x.float()
        largest = (x.abs().amax(dim=-1, keepdim=True) + 1e-7).float()
        scale = (127 / largest).float()
        rounded = torch.clamp(torch.round((x * scale).float()), -127, 127)
        y = rounded @ self.weight.float().t() / (scale * self.scale)
        return y if self.bias is None else y + self.bias
`;

export const toTorch: ToTorch<DenseInt8> = ({ attributes: { units, axis }, inputs, weights }, torch) => {
  torch.helper("LinearInt8", module);
  const options = [axisSize(inputs[0]!, axis)!, units, ...(weights.includes("bias") ? [] : ["bias=False"])];
  const name = torch.module(`LinearInt8(${options.join(", ")})`);
  torch.state("weight", "kernel");
  torch.state("scale", "scale");
  if (weights.includes("bias")) torch.state("bias", "bias");
  return `${name}(${torch.input(0)})`;
};

export const toWasm: ToWasm<DenseInt8> = ({ attributes: { units }, weights }, wasm) => {
  const shape = wasm.inputShape(0);
  const inputs = shape[shape.length - 1]!;
  const rows = product(shape.slice(0, -1))!;
  const panels = wasm.weight("panels", (pack) => {
    packPanels(pack, { values: pack.read("kernel")!, bias: null, rows: inputs, columns: units });
  });
  const scales = wasm.weight("scales", (pack) => {
    const target = pack.allocate(2 * units);
    target.fill(0);
    target.set(pack.read("scale")!);
    if (weights.includes("bias")) target.set(pack.read("bias")!, units);
  });
  const [rounded, scale] = [wasm.scratch(rows * inputs), wasm.scratch(rows)];
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  wasm.split(rows, rows * inputs * (units + elementWork), (from, to) => {
    const [x, q, s, y] = [
      wasm.input(0).at(from * inputs),
      rounded.at(from * inputs),
      scale.at(from),
      wasm.output().at(from * units),
    ];
    wasm.call("quantizeRows", x, q, s, to - from, inputs);
    wasm.call("gemm", q, inputs, panels, y, units, to - from, units, inputs, low, high);
    wasm.call("dequantizeRows", y, s, scales, to - from, units);
  });
};
