/**
 * hide: y = mask ? x : value, the mask's axes of size one broadcast
 *
 * Keras   where a layer takes a mask of its input, element by element: Softmax
 * PyTorch torch.where
 */
import { axisSize, lettersOf, product, shapeText } from "../axes.ts";
import { shapeMismatch } from "../error.ts";
import { canonical } from "./arrange.ts";
import type { Evaluate, OpSpec, ToTorch, ToWasm } from "./facets.ts";
import { elementWork } from "./rows.ts";
import { finite } from "./schema.ts";
import { float } from "./torch-text.ts";

export interface Hide {
  readonly value: number;
}

export const spec: OpSpec<Hide> = {
  attributes: { value: finite },
  weights: {},
  infer(_attributes, [x, mask]) {
    const fits =
      mask!.length === x!.length &&
      mask!.every(({ letter, size }) => {
        if (!lettersOf(x!).includes(letter)) return false;
        const own = axisSize(x!, letter);
        return size === 1 || size === null || own === null || size === own;
      });
    if (!fits) throw shapeMismatch(`hide: expected a mask for (${shapeText(x!)}), got (${shapeText(mask!)})`);
    return [[...x!]];
  },
};

export const arrange = canonical;

export const evaluate: Evaluate<Hide> = ({ value }, [x, mask]) => {
  const sizes = x!.axes.map((axis) => axis.size!);
  return [
    x!.data.map((element, at) => {
      const index = sizes.map((size, axis) => Math.floor(at / product(sizes.slice(axis + 1))!) % size);
      const place = mask!.axes.reduce((sum, axis, i) => sum * axis.size! + (axis.size === 1 ? 0 : index[i]!), 0);
      return mask!.data[place] === 0 ? value : element;
    }),
  ];
};

export const toTorch: ToTorch<Hide> = ({ attributes: { value } }, torch) =>
  `torch.where(${torch.input(1)}, ${torch.input(0)}, ${float(value)})`;

export const toWasm: ToWasm<Hide> = ({ attributes: { value } }, wasm) => {
  const sizes = wasm.outputShape();
  const shape = wasm.inputShape(1);
  const strides = shape.map((size, axis) => (size === 1 ? 0 : product(shape.slice(axis + 1))!));
  wasm.overwrite(0);
  const [x, y] = [wasm.input(0), wasm.output()];
  const total = product(sizes)!;
  wasm.split(total, total * elementWork, (from, to) => {
    wasm.call("scale", x.at(from), y.at(from), to - from, 1);
  });
  // The three innermost axes are the kernel's, those before them are walked here.
  const padded = [1, 1, 1, ...sizes];
  const steps = [0, 0, 0, ...strides];
  const outer = padded.slice(0, -3);
  const [a, b, c] = padded.slice(-3) as [number, number, number];
  const [aStep, bStep, cStep] = steps.slice(-3) as [number, number, number];
  const count = product(outer)!;
  for (let index = 0; index < count; index++) {
    const offset = outer.reduce(
      (sum, size, axis) => sum + (Math.floor(index / product(outer.slice(axis + 1))!) % size) * steps[axis]!,
      0,
    );
    wasm.call("hide", y.at(index * a * b * c), wasm.input(1).at(offset), a, b, c, aStep, bStep, cStep, value);
  }
};
