/**
 * groupNorm: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta; mean and variance over a group of neighbours along one axis
 * together with all other axes but the batch, gamma and beta per index of the axis
 *
 * Keras   keras.layers.GroupNormalization: 32 groups, epsilon 1e-3 by default; -1 groups: every index is one
 * PyTorch torch.nn.GroupNorm: eps 1e-5, channels at dimension 1
 */
import { axisIndex, axisSize, lettersOf, product } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { axesOf, padded } from "./along.ts";
import { heldLike, reorderHeld, reorderSource } from "./arrange.ts";
import type { Arrange, Evaluate, FromKeras, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { affineVectors } from "./normalize.ts";
import { notBatch, type Notes } from "./notes.ts";
import { elementWork } from "./rows.ts";
import { count, finite, letter } from "./schema.ts";

export interface GroupNorm {
  readonly axis: string;
  readonly groups: number;
  readonly epsilon: number;
}

const vector = { keras: "C", torch: "C", along: "C", optional: true } as const;

export const spec: OpSpec<GroupNorm> = {
  attributes: { axis: letter, groups: count, epsilon: finite },
  weights: { gamma: vector, beta: vector },
  shapes({ axis }, [input]) {
    const shape = [axisSize(input!, axis)];
    return { gamma: shape, beta: shape };
  },
  infer({ axis, groups }, [input]) {
    const size = axisSize(input!, axis);
    if (size === null || size % groups !== 0)
      throw shapeMismatch(`groupNorm: expected a multiple of ${groups} groups, got ${axis} = ${size ?? "?"}`);
    return [[...input!]];
  },
  featureAxis: ({ axis }) => axis,
};

/** Groups are neighbours in the source's order, so that a merged axis has to be in it, but for one group of all. */
export const arrange: Arrange<GroupNorm> = ({ axis, groups }, [input], [output], { target }) => {
  const held = lettersOf(input!.held);
  const letters = target === "torch" ? `N${axis}${held.replace("N", "").replace(axis, "")}` : held;
  const alike = groups === 1 || groups === axisSize(input!.source, axis);
  const taken = alike ? reorderHeld(input!, letters) : reorderSource(input!, letters);
  return { inputs: [taken], outputs: [heldLike(output!, letters, taken)] };
};

export const evaluate: Evaluate<GroupNorm> = ({ axis, groups, epsilon }, [x], { gamma, beta }) => {
  const at = axisIndex(x!.axes, axis);
  const inner = product(x!.axes.slice(at + 1).map((own) => own.size))!;
  const size = x!.axes[at]!.size!;
  const sample = x!.data.length / x!.axes[axisIndex(x!.axes, "N")]!.size!;
  const channel = (index: number) => Math.floor(index / inner) % size;
  const members = new Map<number, number[]>();
  x!.data.forEach((_, index) => {
    const key = Math.floor(index / sample) * groups + Math.floor((channel(index) * groups) / size);
    const group = members.get(key);
    if (group) group.push(index);
    else members.set(key, [index]);
  });
  const y = new Float64Array(x!.data.length);
  for (const group of members.values()) {
    const mean = group.reduce((sum, index) => sum + x!.data[index]!, 0) / group.length;
    const variance = group.reduce((sum, index) => sum + (x!.data[index]! - mean) ** 2, 0) / group.length;
    for (const index of group) {
      const c = channel(index);
      const normal = (x!.data[index]! - mean) / Math.sqrt(variance + epsilon);
      y[index] = normal * (gamma ? gamma.data[c]! : 1) + (beta ? beta.data[c]! : 0);
    }
  }
  return [y];
};

export const fromKeras: Record<string, FromKeras> = {
  GroupNormalization(call) {
    const { config } = call;
    const input = call.input();
    const axis = axesOf(call, input, [config.axis("axis", -1)]);
    const size = call.known(input, axis);
    const given = config.axis("groups", 32);
    const groups = given === -1 ? size : given;
    if (groups < 1 || size % groups !== 0)
      config.refuse("groups", `${size} channels do not make ${given} equal groups`);
    const roles = [
      ...(config.boolean("scale", true) ? ["gamma"] : []),
      ...(config.boolean("center", true) ? ["beta"] : []),
    ];
    for (const role of roles) call.weight(role, "C", [size]);
    const attributes: GroupNorm = { axis, groups, epsilon: config.number("epsilon", 1e-3) };
    return call.emit("groupNorm", attributes, [input], roles);
  },
};

export const toTorch: ToTorch<GroupNorm> = ({ attributes, inputs, weights }, torch) => {
  const { axis, groups, epsilon } = attributes;
  const size = axisSize(inputs[0]!, axis)!;
  const options = [groups, size, `eps=${epsilon}`, ...(weights.length > 0 ? [] : ["affine=False"])];
  const module = torch.module(`nn.GroupNorm(${options.join(", ")})`);
  if (weights.length > 0) {
    if (weights.includes("gamma")) torch.state("weight", "gamma");
    else torch.constantState("weight", [size], 1);
    if (weights.includes("beta")) torch.state("bias", "beta");
    else torch.constantState("bias", [size], 0);
  }
  return `${module}(${torch.input(0)})`;
};

export const toWasm: ToWasm<GroupNorm> = ({ attributes: { axis, groups, epsilon }, inputs, weights }, wasm) => {
  const shape = wasm.inputShape(0);
  const at = axisIndex(inputs[0]!, axis);
  if (inputs[0]![0]!.letter !== "N") throw new Error("groupNorm takes the batch first");
  const size = shape[at]!;
  const [samples, rows, inner] = [shape[0]!, product(shape.slice(1, at))!, product(shape.slice(at + 1))!];
  const affine = weights.length > 0 ? affineVectors(wasm, size) : null;
  wasm.overwrite(0);
  const sample = rows * size * inner;
  wasm.split(samples, samples * sample * elementWork, (from, to) => {
    const [x, y, count] = [wasm.input(0).at(from * sample), wasm.output().at(from * sample), to - from];
    wasm.call("layerNormalize", x, y, count, rows, groups, (size / groups) * inner, epsilon);
    if (affine) wasm.call("scaleShift", y, y, count * rows, size, inner, affine, affine.at(padded(size)));
  });
};

// ------------------------------------------------------------------------------------------------------ notes

export const notes: Notes = {
  GroupNormalization: { torch: "`nn.GroupNorm`", limits: { axis: notBatch } },
};
