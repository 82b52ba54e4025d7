/**
 * functions: the kernels by themselves, on tensors whose layouts the compiler checks
 *
 * Each call copies its arguments into WebAssembly memory and the result out; a model's `predict` does not.
 */
import { axisSize, inOrder, isView, namedAxes, parseLayout, rearrangement } from "../axes.ts";
import { KernelMemory, align } from "../backends/wasm/memory.ts";
import { layoutMismatch, shapeMismatch, wrongOption } from "../error.ts";
import { panelElements, writePanels } from "../ops/pack.ts";
import { outputLength, namedPadding, type Padding, resolvePadding, type Window } from "../ops/window.ts";
import { kernelModule } from "../platform/kernels.ts";
import { count as isCount, natural } from "../ops/schema.ts";
import { elements, type Tensor } from "../tensor.ts";

let shared: KernelMemory | undefined;

/** The kernels' limits of a result that has none. */
const unclamped = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

/** Scratch memory for one call: arrays in, one array out. */
function withKernels(
  run: (
    memory: KernelMemory,
    place: (values: Float32Array) => number,
    room: (count: number) => number,
  ) => { address: number; count: number },
): Float32Array {
  shared ??= new KernelMemory(kernelModule());
  const memory = shared;
  let end = memory.weightsEnd;
  const room = (count: number) => {
    const address = end;
    end = align(end + count * 4);
    memory.reserve(end);
    return address;
  };
  const place = (values: Float32Array) => {
    const address = room(values.length);
    memory.floats().set(values, address / 4);
    return address;
  };
  const { address, count } = run(memory, place, room);
  return memory.floats().slice(address / 4, address / 4 + count);
}

/** Kernels compute in float32. */
function floats({ data }: Tensor): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

/** What `conv1d` may be given beside its arguments. */
export interface Conv1dOptions {
  /** `[left, right]` zeros, or Keras' rule by name. Default `"valid"`: none. */
  readonly padding?: "valid" | "same" | "causal" | readonly [left: number, right: number];
  /** Default 1. */
  readonly stride?: number;
  /** Default 1. */
  readonly dilation?: number;
  /** Default 1. */
  readonly groups?: number;
  /** One number per output channel. Default none. */
  readonly bias?: Tensor<"O">;
}

/**
 * 1-D convolution, as Keras defines it (no flip): y[n, l, o] = bias[o] + sum over k, i of x[n, l*stride + k*dilation - left, i] * kernel[k, i, o].
 *
 * @param x      `NLC`
 * @param kernel `KIO`; `I` counts the channels of one group
 * @returns `NLC`
 * @throws {ChannelwiseError} `shape-mismatch` when the channels do not fit or nothing is left of the length
 */
export function conv1d(x: Tensor<"NLC">, kernel: Tensor<"KIO">, options: Conv1dOptions = {}): Tensor<"NLC"> {
  requireTensor("conv1d", "x", x, "NLC");
  requireTensor("conv1d", "kernel", kernel, "KIO");
  const { stride = 1, dilation = 1, groups = 1, bias } = options;
  if (bias) requireTensor("conv1d", "bias", bias, "O");
  const [batch, length, channels] = x.shape as [number, number, number];
  const [taps, inputs, filters] = kernel.shape as [number, number, number];
  const counts = { stride, dilation, groups, taps };
  for (const [name, value] of Object.entries(counts)) {
    if (!isCount(value))
      throw shapeMismatch(`conv1d: expected ${name} to be an integer from 1, got ${value}`, [], "check the options");
  }
  if (inputs * groups !== channels || filters % groups !== 0) {
    throw shapeMismatch(
      `conv1d: expected KIO = (K, ${channels / groups}, a multiple of ${groups}), got (${kernel.shape.join(", ")})`,
      [],
      "check `groups` and the order of the axes",
    );
  }
  if (bias && bias.data.length !== filters)
    throw shapeMismatch(
      `conv1d: expected bias O = (${filters}), got (${bias.shape.join(", ")})`,
      [],
      "give one number per output channel",
    );
  const window = { taps, stride, dilation };
  const padding = readPadding(options.padding ?? "valid", length, window);
  const placed: Window = { ...window, padding };
  const outLength = outputLength(length, placed)!;
  if (outLength < 1)
    throw shapeMismatch(
      `conv1d: expected a padded length of at least ${(taps - 1) * dilation + 1}, got ${length}`,
      [],
      "pad more, or use fewer taps",
    );
  const outputs = filters / groups;
  const data = withKernels((memory, place, room) => {
    const { kernels } = memory;
    const matrix = {
      values: floats(kernel),
      bias: bias ? floats(bias) : null,
      rows: taps * inputs,
      columns: filters,
      groups,
    };
    const count = batch * outLength * filters;
    const packed = room(panelElements(kernels, matrix));
    writePanels(memory, packed, matrix);
    const [source, target] = [place(floats(x)), room(count)];
    const [left] = resolvePadding(placed, length);
    kernels.conv1d(
      source,
      packed,
      target,
      batch,
      length,
      outLength,
      groups,
      inputs,
      outputs,
      taps,
      stride,
      dilation,
      left,
      ...unclamped,
    );
    return { address: target, count };
  });
  return { data, layout: "NLC", shape: [batch, outLength, filters] };
}

function readPadding(
  given: NonNullable<Conv1dOptions["padding"]>,
  length: number,
  window: Omit<Window, "padding">,
): Padding {
  if (typeof given === "string") {
    if (given !== "valid" && given !== "same" && given !== "causal")
      throw wrongOption("padding", ["valid", "same", "causal", "[left, right]"], given);
    return namedPadding(given, length, window);
  }
  if (given.length !== 2 || !given.every((zeros: number) => natural(zeros))) {
    throw shapeMismatch(
      `conv1d: expected padding [left, right] of integers from 0, got [${given.join(", ")}]`,
      [],
      "check the options",
    );
  }
  return given;
}

/**
 * Matrix product: c[n, o] = bias[o] + sum over i of a[n, i] * b[i, o].
 *
 * @param a `NI`
 * @param b `IO`
 * @returns `NO`
 * @throws {ChannelwiseError} `shape-mismatch` when the inner sizes differ
 */
export function gemm(a: Tensor<"NI">, b: Tensor<"IO">, options: { readonly bias?: Tensor<"O"> } = {}): Tensor<"NO"> {
  requireTensor("gemm", "a", a, "NI");
  requireTensor("gemm", "b", b, "IO");
  return { ...product("gemm", a, b, options.bias), layout: "NO" };
}

/**
 * Keras' Dense: y[n, o] = bias[o] + sum over the features of x[n, …] * kernel[…, o]. The features of both have to be in the
 * same order: an `N(CL)` value does not go with an `(LC)O` kernel, and the compiler says so.
 *
 * @param x      `NC`, `N(LC)` or the like: the batch and one axis of features
 * @param kernel the same features, then `O`; `IO` goes with `NC`
 * @returns `NO`
 * @throws {ChannelwiseError} `layout-mismatch` or `shape-mismatch`
 */
export function dense<F extends string>(
  x: Tensor<`N${F}`>,
  kernel: Tensor<`${NoInfer<F>}O`>,
  options: { readonly bias?: Tensor<"O"> } = {},
): Tensor<"NO"> {
  const features = x.layout.slice(1);
  if (kernel.layout !== `${features}O` || parseLayout(x.layout).length !== 2)
    throw layoutMismatch(`dense: expected a kernel ${features}O for a value ${x.layout}, got ${kernel.layout}`);
  return { ...product("dense", x, kernel, options.bias), layout: "NO" };
}

function product(
  name: string,
  a: Tensor,
  b: Tensor,
  bias: Tensor | undefined,
): { data: Float32Array; shape: number[] } {
  requireTensor(name, "x", a, a.layout);
  requireTensor(name, "kernel", b, b.layout);
  if (bias) requireTensor(name, "bias", bias, "O");
  const [rows, inner] = a.shape as [number, number];
  const [other, columns] = b.shape as [number, number];
  if (inner !== other)
    throw shapeMismatch(
      `${name}: expected ${inner} rows in ${b.layout}, got ${other}`,
      [],
      "check the order of the axes",
    );
  if (bias && bias.data.length !== columns)
    throw shapeMismatch(
      `${name}: expected bias O = (${columns}), got (${bias.shape.join(", ")})`,
      [],
      "give one number per output",
    );
  const data = withKernels((memory, place, room) => {
    const { kernels } = memory;
    const matrix = { values: floats(b), bias: bias ? floats(bias) : null, rows: inner, columns };
    const packed = room(panelElements(kernels, matrix));
    writePanels(memory, packed, matrix);
    const [source, target] = [place(floats(a)), room(rows * columns)];
    kernels.gemm(source, inner, packed, target, columns, rows, columns, inner, ...unclamped);
    return { address: target, count: rows * columns };
  });
  return { data, shape: [rows, columns] };
}

/** The letters of a layout in another order. */
type SameLetters<A extends string, B extends string> =
  Letters<A> extends Letters<B> ? (Letters<B> extends Letters<A> ? B : never) : never;
type Letters<L extends string> = L extends `${infer First}${infer Rest}` ? First | Letters<Rest> : never;

/**
 * The same tensor with its axes in another order.
 *
 * @param x      any layout of single letters, e.g. `NLC`
 * @param layout the same letters in another order, e.g. `NCL`
 * @throws {ChannelwiseError} `layout-mismatch` when the letters differ
 */
export function transpose<A extends string, const B extends string>(
  x: Tensor<A>,
  layout: B & SameLetters<A, B>,
): Tensor<B> {
  requireTensor("transpose", "x", x, x.layout);
  const letters = (text: string) => [...text].sort().join("");
  if (letters(x.layout) !== letters(layout) || !/^[A-Z]*$/.test(layout))
    throw layoutMismatch(`transpose: expected an order of the letters of ${x.layout}, got ${layout}`);
  const from = namedAxes(x.layout, x.shape);
  const to = inOrder(from, layout);
  const shape = [...layout].map((letter) => axisSize(from, letter)!);
  if (isView(from, to)) return { data: x.data.slice(), layout, shape };
  const bits = new Float32Array(x.data.buffer, x.data.byteOffset, x.data.length);
  const data = withKernels((memory, place, room) => {
    const [source, target] = [place(bits), room(elements(shape))];
    for (const copy of rearrangement(from, to)) {
      const table = [...copy.sizes, ...copy.sourceStrides, ...copy.targetStrides];
      const address = room(table.length);
      memory.integers().set(table, address / 4);
      memory.kernels.rearrange(source, target, copy.sizes.length, address);
    }
    return { address: target, count: elements(shape) };
  });
  return { data: x.data instanceof Float32Array ? data : new Int32Array(data.buffer), layout, shape };
}

/** Fails unless the tensor has this layout, sizes that are counts, and as many numbers as they say. */
function requireTensor(name: string, argument: string, { data, layout, shape }: Tensor, expected: string): void {
  if (layout !== expected) throw layoutMismatch(`${name}: expected ${argument} in ${expected}, got ${layout}`);
  const rank = parseLayout(layout).length;
  if (shape.length !== rank || !shape.every(natural) || elements(shape) !== data.length) {
    throw shapeMismatch(
      `${name}: expected ${argument} ${layout} with ${rank} sizes and their number of elements, got (${shape.join(", ")}) with ${data.length}`,
      [],
      "make the tensor with tensor(), which checks it",
    );
  }
}
