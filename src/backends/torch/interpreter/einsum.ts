/**
 * einsum: sums of products named by letters, as "bhqd,bhkd->bhqk".
 *
 * Operands meet two at a time, left to right: broadcast-multiplied over the union of their letters through matmul, where a
 * letter is batch (in both and needed later), summed (in both, not needed later) or free (in one).
 * Refused: repeated letters in one operand (diagonals) and "...".
 *
 * Source  PyTorch docs: torch.einsum.
 */
import { programFails, programNotUnderstood, programShapesDiffer } from "../../../error.ts";
import { count, type Tensor64 } from "./array.ts";
import { permuteAxes } from "./elementwise.ts";
import { matmul } from "./linear.ts";
import { reduce, sum } from "./reduce.ts";
import { reshape } from "./shaping.ts";
import type { FunctionRow } from "./signature.ts";

interface Term {
  readonly letters: readonly string[];
  readonly tensor: Tensor64;
}

function einsum(equation: string, operands: readonly Tensor64[]): Tensor64 {
  const [inputs, output] = equation.replaceAll(" ", "").split("->") as [string, string | undefined];
  if (!/^[A-Za-z,]*$/.test(inputs) || !/^[A-Za-z]*$/.test(output ?? "")) {
    throw programNotUnderstood(`the einsum equation "${equation.slice(0, 80)}" is not known to the checker`);
  }
  const terms = inputs.split(",").map((letters, i) => term([...letters], operands[i], i));
  if (terms.length !== operands.length)
    throw programFails(`einsum(): ${operands.length} operands for ${terms.length} terms`);
  const result = [...(output ?? implicitOutput(inputs))];
  if (new Set(result).size !== result.length) throw programFails("einsum(): a letter appears twice in the output");
  let joined = terms[0]!;
  for (let i = 1; i < terms.length; i++) {
    const needed = new Set([...result, ...terms.slice(i + 1).flatMap(({ letters }) => letters)]);
    joined = contract(joined, terms[i]!, needed);
  }
  joined = sumAway(joined, (letter) => result.includes(letter));
  const order = result.map((letter) => joined.letters.indexOf(letter));
  if (order.includes(-1)) throw programFails("einsum(): the output has a letter that no operand has");
  return permuteAxes(joined.tensor, order);
}

/** Without "->" the output has every letter that occurs once, in alphabetical order. */
function implicitOutput(inputs: string): string {
  const letters = [...inputs.replaceAll(",", "")];
  return letters
    .filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter))
    .sort()
    .join("");
}

function term(letters: readonly string[], tensor: Tensor64 | undefined, position: number): Term {
  if (!tensor || tensor.rank !== letters.length) {
    throw programShapesDiffer(
      `einsum(): operand ${position} has ${tensor?.rank ?? "no"} axes, its term "${letters.join("")}" has ${letters.length}`,
    );
  }
  if (new Set(letters).size !== letters.length)
    throw programNotUnderstood("einsum() with a repeated letter in one term is not known to the checker");
  return { letters, tensor };
}

function sumAway({ letters, tensor }: Term, keep: (letter: string) => boolean): Term {
  const axes = letters.flatMap((letter, axis) => (keep(letter) ? [] : [axis]));
  if (axes.length === 0) return { letters, tensor };
  return { letters: letters.filter(keep), tensor: reduce(tensor, axes, false, sum, tensor.dtype) };
}

function contract(left: Term, right: Term, needed: ReadonlySet<string>): Term {
  const a = sumAway(left, (letter) => needed.has(letter) || right.letters.includes(letter));
  const b = sumAway(right, (letter) => needed.has(letter) || left.letters.includes(letter));
  const shared = a.letters.filter((letter) => b.letters.includes(letter));
  for (const letter of shared) {
    if (sizeOf(a, letter) !== sizeOf(b, letter)) {
      throw programShapesDiffer(
        `einsum(): the letter ${letter} has the sizes ${sizeOf(a, letter)} and ${sizeOf(b, letter)}`,
      );
    }
  }
  const batch = shared.filter((letter) => needed.has(letter));
  const summed = shared.filter((letter) => !needed.has(letter));
  const freeA = a.letters.filter((letter) => !shared.includes(letter));
  const freeB = b.letters.filter((letter) => !shared.includes(letter));
  const product = matmul(grouped(a, [batch, freeA, summed]), grouped(b, [batch, summed, freeB]));
  const sizes = [
    ...batch.map((l) => sizeOf(a, l)),
    ...freeA.map((l) => sizeOf(a, l)),
    ...freeB.map((l) => sizeOf(b, l)),
  ];
  return { letters: [...batch, ...freeA, ...freeB], tensor: reshape(product, sizes) };
}

function sizeOf({ letters, tensor }: Term, letter: string): number {
  return tensor.shape[letters.indexOf(letter)]!;
}

/** One axis per group of letters. */
function grouped(of: Term, groups: readonly (readonly string[])[]): Tensor64 {
  const permuted = permuteAxes(
    of.tensor,
    groups.flat().map((letter) => of.letters.indexOf(letter)),
  );
  return reshape(
    permuted,
    groups.map((group) => count(group.map((letter) => sizeOf(of, letter)))),
  );
}

export const einsums: readonly FunctionRow[] = [
  ["torch", "einsum", "equation, *operands", (a) => einsum(a.text("equation"), a.tensors("operands"))],
];
