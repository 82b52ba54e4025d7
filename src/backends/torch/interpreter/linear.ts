/**
 * linear: products of matrices: torch.matmul, F.linear and their relatives.
 *
 * One kernel serves all: out[m, n] = sum over k of a[m, k] * b[n, k]: rows of both operands are contiguous, so the other
 * operand of a plain matrix product is transposed first.
 *
 * Source  PyTorch docs: torch.matmul (its rules of rank), torch.nn.functional.linear.
 */
import { programFails, programShapesDiffer } from "../../../error.ts";
import { lendMemory } from "../../../platform/scratch.ts";
import { allocate, broadcastShapes, count, expandTo, rows, showShape, Tensor64 } from "./array.ts";
import { map2, promote } from "./elementwise.ts";
import { insertAxis, reshape, transpose } from "./shaping.ts";
import type { FunctionRow, Run } from "./signature.ts";

/** Elements of a large weight that are multiplied at a time: they stay in the cache. */
const elementsAtOnce = 2 ** 16;

/** Two rows of `a` and four of `b` at once: each element that is loaded goes into several products. */
export function dotRows(
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
  [M, N, K]: readonly [number, number, number],
  [atA, atB, atOut]: readonly [number, number, number] = [0, 0, 0],
  strideOut = N,
): void {
  for (let m = 0; m < M; m += 2) {
    // The last of an odd number of rows is its own neighbour.
    const next = Math.min(m + 1, M - 1);
    const [rowA, nextA] = [atA + m * K, atA + next * K];
    const [rowOut, nextOut] = [atOut + m * strideOut, atOut + next * strideOut];
    let n = 0;
    for (; n + 4 <= N; n += 4) {
      const b0 = atB + n * K;
      const b1 = b0 + K;
      const b2 = b1 + K;
      const b3 = b2 + K;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      let [t0, t1, t2, t3] = [0, 0, 0, 0];
      for (let k = 0; k < K; k++) {
        const x = a[rowA + k]!;
        const y = a[nextA + k]!;
        const w0 = b[b0 + k]!;
        const w1 = b[b1 + k]!;
        const w2 = b[b2 + k]!;
        const w3 = b[b3 + k]!;
        s0 += x * w0;
        s1 += x * w1;
        s2 += x * w2;
        s3 += x * w3;
        t0 += y * w0;
        t1 += y * w1;
        t2 += y * w2;
        t3 += y * w3;
      }
      out[rowOut + n] = s0;
      out[rowOut + n + 1] = s1;
      out[rowOut + n + 2] = s2;
      out[rowOut + n + 3] = s3;
      out[nextOut + n] = t0;
      out[nextOut + n + 1] = t1;
      out[nextOut + n + 2] = t2;
      out[nextOut + n + 3] = t3;
    }
    for (; n < N; n++) {
      let [s, t] = [0, 0];
      for (let k = 0, from = atB + n * K; k < K; k++) {
        s += a[rowA + k]! * b[from + k]!;
        t += a[nextA + k]! * b[from + k]!;
      }
      out[rowOut + n] = s;
      out[nextOut + n] = t;
    }
  }
}

/** y = x Wᵀ + b over the last axis of x. */
export function linear(input: Tensor64, weight: Tensor64, bias: Tensor64 | null): Tensor64 {
  if (weight.rank !== 2 || input.rank === 0) {
    throw programFails(
      `linear(): expected an input with at least 1 axis and a weight with 2, got ${input.rank} and ${weight.rank}`,
    );
  }
  const [N, K] = weight.shape as [number, number];
  const lead = input.shape.slice(0, -1);
  if (input.shape.at(-1) !== K) {
    throw programShapesDiffer(
      `mat1 and mat2 shapes cannot be multiplied (${count(lead)}x${input.shape.at(-1)} and ${K}x${N})`,
    );
  }
  requireFloat("linear", input, weight);
  const out = allocate([...lead, N]);
  const left = rows(input);
  const part = weight.parts?.();
  const atOnce = Math.max(4, 4 * Math.floor(elementsAtOnce / (4 * K)));
  for (let row = 0; part && row < N; row += atOnce) {
    const end = Math.min(row + atOnce, N);
    const sizes = [count(lead), end - row, K] as const;
    lendMemory(() => dotRows(left, part(row * K, end * K), out, sizes, [0, 0, row], N));
  }
  if (!part) dotRows(left, rows(weight), out, [count(lead), N, K]);
  const product = new Tensor64(out, [...lead, N]);
  return bias ? map2(product, bias, (x, y) => x + y) : product;
}

/** PyTorch has no products of a float with an integer matrix. */
function requireFloat(name: string, ...tensors: readonly Tensor64[]): void {
  const dtypes = new Set(tensors.map(({ dtype }) => dtype));
  if (dtypes.size > 1)
    throw programFails(
      `${name}(): expected both operands to have the same dtype, but got ${[...dtypes].join(" and ")}`,
    );
}

/** Vectors count as one row on the left, one column on the right; leading axes broadcast. */
export function matmul(left: Tensor64, right: Tensor64): Tensor64 {
  if (left.rank === 0 || right.rank === 0) throw programFails("matmul: both arguments need to be at least 1-D");
  requireFloat("matmul", left, right);
  const a = left.rank === 1 ? insertAxis(left, 0) : left;
  const b = right.rank === 1 ? insertAxis(right, 1) : right;
  const [M, K] = a.shape.slice(-2) as [number, number];
  const [inner, N] = b.shape.slice(-2) as [number, number];
  if (K !== inner) {
    throw programShapesDiffer(
      `mat1 and mat2 shapes cannot be multiplied: ${showShape(left.shape)} and ${showShape(right.shape)}`,
    );
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const dataA = rows(expandTo(a, [...batch, M, K]));
  const dataB = rows(transpose(expandTo(b, [...batch, K, N]), -2, -1));
  const out = allocate([...batch, M, N]);
  for (let i = 0; i < count(batch); i++) dotRows(dataA, dataB, out, [M, N, K], [i * M * K, i * N * K, i * M * N]);
  const shape = [...batch, ...(left.rank === 1 ? [] : [M]), ...(right.rank === 1 ? [] : [N])];
  return reshape(new Tensor64(out, [...batch, M, N], promote(left, right)), shape);
}

/** The relatives of matmul that fix the ranks of their operands. */
function matmulOfRank(rank: number, other: string): Run {
  return (a) => {
    const [x, y] = [a.tensor("input"), a.tensor(other)];
    if (x.rank !== rank || y.rank !== (other === "vec" ? 1 : rank)) {
      throw programShapesDiffer(`${a.functionName}(): got operands with ${x.rank} and ${y.rank} axes`);
    }
    if (rank === 3 && x.shape[0] !== y.shape[0]) {
      throw programShapesDiffer(`bmm(): batches differ: ${showShape(x.shape)} and ${showShape(y.shape)}`);
    }
    return matmul(x, y);
  };
}

const BOTH = "torch Tensor";

export const linearAlgebra: readonly FunctionRow[] = [
  [
    "F",
    "linear",
    "input, weight, bias=None",
    (a) => linear(a.tensor("input"), a.tensor("weight"), a.optionalTensor("bias")),
  ],
  [`${BOTH} linalg`, "matmul", "input, other", (a) => matmul(a.tensor("input"), a.tensor("other"))],
  [BOTH, "bmm", "input, mat2", matmulOfRank(3, "mat2")],
  [BOTH, "mm", "input, mat2", matmulOfRank(2, "mat2")],
  [BOTH, "mv", "input, vec", matmulOfRank(2, "vec")],
  [BOTH, "dot", "input, tensor", matmulOfRank(1, "tensor")],
];
