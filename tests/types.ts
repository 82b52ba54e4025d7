/**
 * What the compiler makes of layouts: this file compiles, so every call here is accepted but those behind
 * `@ts-expect-error`, which are refused. Nothing in it runs; types.test.ts shows the refusals' texts.
 */
import { type Conv1dOptions, conv1d, dense, gemm, type Tensor, tensor, transpose } from "../src/index.ts";

declare const value: {
  readonly series: Tensor<"NLC">;
  readonly channelsFirst: Tensor<"NCL">;
  readonly vector: Tensor<"NC">;
  readonly lengthFirst: Tensor<"N(LC)">;
  readonly channelFirst: Tensor<"N(CL)">;
  readonly kernelKIO: Tensor<"KIO">;
  readonly kernelOIK: Tensor<"OIK">;
  readonly rowsLC: Tensor<"(LC)O">;
  readonly rowsCL: Tensor<"(CL)O">;
  readonly rowsI: Tensor<"IO">;
  readonly columnsOI: Tensor<"OI">;
  readonly bias: Tensor<"O">;
  readonly unknown: Tensor;
};

/** The layout of a tensor by its type. */
type LayoutOf<T> = T extends Tensor<infer L> ? L : never;
/** Compiles only where both are the same type. */
function same<A, B>(..._equal: [A] extends [B] ? ([B] extends [A] ? [] : [never]) : [never]): void {}

export function tensors(): void {
  const named = tensor(new Float32Array(6), "NLC", [1, 2, 3]);
  same<LayoutOf<typeof named>, "NLC">();
  const text: string = "NLC";
  same<LayoutOf<ReturnType<typeof tensor<typeof text>>>, string>();
  // @ts-expect-error float64 is not computed with
  tensor(new Float64Array(6), "NLC", [1, 2, 3]);
}

export function denseAfterFlatten(): void {
  same<LayoutOf<ReturnType<typeof dense>>, "NO">();
  dense(value.lengthFirst, value.rowsLC);
  dense(value.channelFirst, value.rowsCL);
  dense(value.lengthFirst, value.rowsLC, { bias: value.bias });
  // @ts-expect-error the value is in PyTorch's order and the kernel in Keras'
  dense(value.channelFirst, value.rowsLC);
  // @ts-expect-error and the other way round
  dense(value.lengthFirst, value.rowsCL);
  // @ts-expect-error a kernel as PyTorch holds it
  dense(value.lengthFirst, value.columnsOI);
  // @ts-expect-error a series has to be flattened first, and says so
  dense(value.series, value.rowsLC);
}

export function convolution(options: Conv1dOptions): void {
  same<LayoutOf<ReturnType<typeof conv1d>>, "NLC">();
  conv1d(value.series, value.kernelKIO);
  conv1d(value.series, value.kernelKIO, { ...options, padding: [1, 2], bias: value.bias });
  // @ts-expect-error channels first
  conv1d(value.channelsFirst, value.kernelKIO);
  // @ts-expect-error a kernel as PyTorch holds it
  conv1d(value.series, value.kernelOIK);
  // @ts-expect-error no such padding
  conv1d(value.series, value.kernelKIO, { padding: "full" });
  // @ts-expect-error a bias runs along the outputs
  conv1d(value.series, value.kernelKIO, { bias: value.vector });
}

export function product(a: Tensor<"NI">): void {
  same<LayoutOf<ReturnType<typeof gemm>>, "NO">();
  gemm(a, value.rowsI);
  // @ts-expect-error a kernel as PyTorch holds it
  gemm(a, value.columnsOI);
  // @ts-expect-error both sides exchanged
  gemm(value.rowsI, a);
  // @ts-expect-error the inner axes bear different letters
  gemm(value.vector, value.rowsI);
}

export function transposed(): void {
  const turned = transpose(value.series, "NCL");
  same<LayoutOf<typeof turned>, "NCL">();
  transpose(value.kernelKIO, "OIK");
  conv1d(transpose(value.channelsFirst, "NLC"), transpose(value.kernelOIK, "KIO"));
  // @ts-expect-error an axis that is not there
  transpose(value.series, "NCK");
  // @ts-expect-error an axis is missing
  transpose(value.series, "NC");
  // @ts-expect-error an axis too many
  transpose(value.vector, "NLC");
}

/** Where a layout is only known at run time, it is checked there: the compiler lets it be named, not be taken for another. */
export function unknownLayouts(): void {
  // @ts-expect-error any layout is not this one
  conv1d(value.unknown, value.kernelKIO);
  conv1d(value.unknown as Tensor<"NLC">, value.kernelKIO);
}
