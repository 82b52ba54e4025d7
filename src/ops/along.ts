/**
 * What families share whose weights lie along some axes of the data: the channels, the steps, both, none. Such a weight is kept as
 * one vector `C`, row-major over these axes in the source's order; of one axis it runs along a merged one too.
 */
import { type Axes, axisIndex, axisSize, lettersOf, product } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import { heldLike, reorderHeld, reorderSource } from "./arrange.ts";
import type { Arrange, KerasCall, PlannedNode, TorchWriter, WasmWriter } from "./facets.ts";
import { axisLetter } from "./keras-layout.ts";
import { elementWork } from "./rows.ts";
import { type Check, letters } from "./schema.ts";

/** The letters of these axes of Keras, in the order of the data. */
export function axesOf(call: KerasCall, value: ValueId, given: readonly number[], key = "axis"): string {
  const chosen = given.map((axis) => axisLetter(call, value, axis, key));
  if (new Set(chosen).size < chosen.length) call.config.refuse(key, `an axis stands twice in ${given.join(", ")}`);
  if (chosen.includes("N")) call.config.refuse(key, "the batch axis has to be left out");
  return [...lettersOf(call.axes(value))].filter((letter) => chosen.includes(letter)).join("");
}

/** No letters, or some. */
export const anyLetters: Check<string> = (value): value is string => value === "" || letters(value);

/** Elements of a vector along these axes. */
export function sizeAlong(axes: Axes, along: string): number | null {
  return product([...along].map((letter) => axisSize(axes, letter)));
}

/** The axis along which such vectors are reordered with a merged one. */
export const featureAxis = ({ axes }: { readonly axes: string }): string => (axes.length === 1 ? axes : "");

/** The order that brings the axes to the front, behind the batch, or to the end. */
function gathered(held: string, axes: string, place: "second" | "last"): string {
  const others = [...held].filter((letter) => !axes.includes(letter));
  return place === "last" ? [...others, axes].join("") : [others[0], axes, ...others.slice(1)].join("");
}

/**
 * The axes together: where PyTorch wants them, and for the engine one axis wherever it is. Several keep the source's order,
 * also of the parts of merged ones.
 */
export function together(place: "second" | "last"): Arrange<{ readonly axes: string }> {
  return ({ axes }, [input], [output], { target }) => {
    const held = lettersOf(input!.held);
    if (axes.length === 0 || (axes.length === 1 && target === "wasm"))
      return { inputs: [input!.held], outputs: [heldLike(output!, held, input!.held)] };
    const order = gathered(held, axes, place);
    const taken = axes.length === 1 ? reorderHeld(input!, order) : reorderSource(input!, order);
    return { inputs: [taken], outputs: [heldLike(output!, order, taken)] };
  };
}

/** Axes that lie side by side as one of `count` elements, `inner` apart. No axes are one of size 1 before all others. */
export function lines(axes: Axes, along: string): { outer: number; count: number; inner: number } {
  const from = along === "" ? 0 : axisIndex(axes, along[0]!);
  const to = from + along.length;
  const sizes = axes.map((axis) => axis.size);
  if (lettersOf(axes.slice(from, to)) !== along) throw new Error(`axes ${along} do not lie side by side`);
  return {
    outer: product(sizes.slice(0, from))!,
    count: product(sizes.slice(from, to))!,
    inner: product(sizes.slice(to))!,
  };
}

/** Which element of a vector along these axes belongs to each element of row-major data. */
export function indexAlong(axes: Axes, along: string): (element: number) => number {
  return (element) => {
    const index = new Map<string, number>();
    for (let axis = axes.length - 1, rest = element; axis >= 0; axis--) {
      index.set(axes[axis]!.letter, rest % axes[axis]!.size!);
      rest = Math.floor(rest / axes[axis]!.size!);
    }
    return [...along].reduce((place, letter) => place * axisSize(axes, letter)! + index.get(letter)!, 0);
  };
}

/** Input 0 given to a module that knows these axes as one, and what comes out as it was. */
export function throughOne(torch: TorchWriter, module: string, axes: string): string {
  if (axes.length < 2) return `${module}(${torch.input(0)})`;
  const [first, last] = [torch.dim(axes[0]!), torch.dim(axes.at(-1)!)];
  const sizes = [...axes].map((letter) => torch.size(letter)).join(", ");
  const flat = torch.step(`${torch.input(0)}.flatten(${first}, ${last})`, "several axes as one", "flat");
  return `${module}(${flat}).unflatten(${first}, (${sizes}))`;
}

/** Calls for some rows at a time of [outer][count][inner], with the sizes of a node's input. */
export function splitAlong(
  wasm: WasmWriter,
  { inputs }: PlannedNode<object>,
  axes: string,
  calls: (x: ReturnType<WasmWriter["input"]>, y: ReturnType<WasmWriter["input"]>, rows: number) => void,
): void {
  const { outer, count, inner } = lines(sized(wasm, inputs[0]!), axes);
  const row = count * inner;
  wasm.overwrite(0);
  wasm.split(outer, outer * row * elementWork, (from, to) => {
    calls(wasm.input(0).at(from * row), wasm.output().at(from * row), to - from);
  });
}

/** The axes of input 0 with the sizes that they have now. */
export function sized(wasm: WasmWriter, axes: Axes): Axes {
  const shape = wasm.inputShape(0);
  return axes.map((axis, index) => ({ ...axis, size: shape[index]! }));
}

/** Where the second of two vectors begins that are packed one behind the other: at a multiple of 16 bytes. */
export const padded = (size: number): number => Math.ceil(size / 4) * 4;
