/**
 * batchNorm: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, each of them per index of one axis
 *
 * Keras   keras.layers.BatchNormalization: epsilon 1e-3, momentum 0.99 by default
 * PyTorch torch.nn.BatchNorm1d: eps 1e-5, momentum 0.1 (the share of the new, so 1 - Keras'), channels at dimension 1
 *
 * After a Flatten the four vectors are in the order of the merge.
 */
import { axisIndex, axisSize, lettersOf, product } from "../axes.ts";
import { heldLike, reorderHeld } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { notBatch, type Notes } from "./notes.ts";
import { elementWork } from "./rows.ts";
import { finite, letter } from "./schema.ts";

export interface BatchNorm {
  readonly axis: string;
  readonly epsilon: number;
  /** Keras' momentum: the share of the old mean that a training step keeps. */
  readonly momentum: number;
}

const vector = { keras: "C", torch: "C", along: "C" };

export const spec: OpSpec<BatchNorm> = {
  attributes: { axis: letter, epsilon: finite, momentum: finite },
  weights: {
    gamma: { ...vector, optional: true },
    beta: { ...vector, optional: true },
    mean: vector,
    variance: vector,
  },
  shapes({ axis }, [input]) {
    const shape = [axisSize(input!, axis)];
    return { gamma: shape, beta: shape, mean: shape, variance: shape };
  },
  infer: (_attributes, [input]) => [[...input!]],
  featureAxis: ({ axis }) => axis,
};

/** PyTorch wants the normalized axis second; the engine takes it anywhere. */
export const arrange: Arrange<BatchNorm> = ({ axis }, [input], [output], { target }) => {
  const held = lettersOf(input!.held);
  const letters = target === "torch" ? `N${axis}${held.replace("N", "").replace(axis, "")}` : held;
  return { inputs: [reorderHeld(input!, letters)], outputs: [heldLike(output!, letters, input!.held)] };
};

export const evaluate: Evaluate<BatchNorm> = ({ axis, epsilon }, [x], { gamma, beta, mean, variance }) => {
  const at = axisIndex(x!.axes, axis);
  const inner = product(x!.axes.slice(at + 1).map((own) => own.size))!;
  const size = x!.axes[at]!.size!;
  return [
    x!.data.map((value, index) => {
      const c = Math.floor(index / inner) % size;
      const normal = (value - mean!.data[c]!) / Math.sqrt(variance!.data[c]! + epsilon);
      return normal * (gamma ? gamma.data[c]! : 1) + (beta ? beta.data[c]! : 0);
    }),
  ];
};

export const fromKeras: Record<string, FromKeras> = {
  BatchNormalization(call) {
    const { config } = call;
    const input = call.input();
    const [index, ...more] = config.integers("axis", [-1]);
    if (index === undefined || more.length > 0) return config.refuse("axis", "one axis is normalized, not several");
    const axis = axisLetter(call, input, index);
    if (axis === "N") config.refuse("axis", "the batch axis can't be normalized over");
    if (config.raw("renorm") === true) config.refuse("renorm", "batch renormalization has three more vectors");
    const size = call.known(input, axis);
    const roles: string[] = [];
    const take = (role: string) => {
      call.weight(role, "C", [size]);
      roles.push(role);
    };
    if (config.boolean("scale", true)) take("gamma");
    if (config.boolean("center", true)) take("beta");
    take("mean");
    take("variance");
    const attributes: BatchNorm = {
      axis,
      epsilon: config.number("epsilon", 1e-3),
      momentum: config.number("momentum", 0.99),
    };
    // Counts in training alone.
    call.argument("mask");
    config.ignore("synchronized", "virtual_batch_size", "fused", "renorm_clipping", "renorm_momentum");
    return call.emit("batchNorm", attributes, [input], roles);
  },
};

export const toTorch: ToTorch<BatchNorm> = ({ attributes, inputs, weights }, torch) => {
  const { axis, epsilon, momentum } = attributes;
  const size = axisSize(inputs[0]!, axis)!;
  const rank = inputs[0]!.length;
  const affine = weights.includes("gamma") || weights.includes("beta");
  const options = [
    size,
    `eps=${epsilon}`,
    `momentum=${Number((1 - momentum).toPrecision(12))}`,
    ...(affine ? [] : ["affine=False"]),
  ];
  // Statistics are those of the file, so that the axes behind the channels may count as one; PyTorch knows up to three.
  const many = rank > 5;
  const module = torch.module(`nn.BatchNorm${many ? 1 : Math.max(rank, 3) - 2}d(${options.join(", ")})`);
  if (affine) {
    if (weights.includes("gamma")) torch.state("weight", "gamma");
    else torch.constantState("weight", [size], 1);
    if (weights.includes("beta")) torch.state("bias", "beta");
    else torch.constantState("bias", [size], 0);
  }
  torch.state("running_mean", "mean");
  torch.state("running_var", "variance");
  torch.constantState("num_batches_tracked", [], 0);
  if (!many) return `${module}(${torch.input(0)})`;
  const flat = torch.step(`${torch.input(0)}.flatten(2)`, "more axes than PyTorch's class takes, as one", "flat");
  const sizes = inputs[0]!.slice(2).map(({ letter }) => torch.size(letter));
  return `${module}(${flat}).unflatten(2, (${sizes.join(", ")}))`;
};

export const toWasm: ToWasm<BatchNorm> = ({ attributes: { axis, epsilon }, inputs }, wasm) => {
  const shape = wasm.inputShape(0);
  const at = axisIndex(inputs[0]!, axis);
  const size = shape[at]!;
  const vectors = wasm.weight("scaleShift", (pack) => {
    const [gamma, beta] = [pack.read("gamma"), pack.read("beta")];
    const [mean, variance] = [pack.read("mean")!, pack.read("variance")!];
    const scale = Float64Array.from(variance, (v, c) => (gamma ? gamma[c]! : 1) / Math.sqrt(v + epsilon));
    const shift = scale.map((factor, c) => (beta ? beta[c]! : 0) - mean[c]! * factor);
    // Each vector starts at a multiple of 16 bytes.
    const padded = Math.ceil(size / 4) * 4;
    const target = pack.allocate(2 * padded);
    target.fill(0);
    target.set(scale);
    target.set(shift, padded);
  });
  wasm.overwrite(0);
  const outer = product(shape.slice(0, at))!;
  const inner = product(shape.slice(at + 1))!;
  const row = size * inner;
  wasm.split(outer, outer * row * elementWork, (from, to) => {
    const [x, y] = [wasm.input(0).at(from * row), wasm.output().at(from * row)];
    wasm.call("scaleShift", x, y, to - from, size, inner, vectors, vectors.at(Math.ceil(size / 4) * 4));
  });
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  BatchNormalization: {
    torch: "`nn.BatchNorm1d`; `2d` and `3d` of values with four and five axes; of more, `1d` over the rest as one",
    limits: { renorm: "none of Keras 2's batch renormalization", axis: notBatch },
  },
};
