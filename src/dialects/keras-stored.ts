/**
 * How older versions of Keras stored a layer's variables, where that is not how Keras 3 does.
 *
 *     Conv1D, Keras 1.2            kernel (K, 1, I, O): K taps
 *     Conv1D, Keras 1.0, 1.1       kernel (O, I, K, 1)
 *     Conv1D, Theano               kernel flipped along K: Theano convolves, all others correlate
 *     LSTM, Keras 1                12 arrays W, U, b of the gates i, c, f, o; with consume_less="gpu" 3 as today
 *     GRU, Keras 1                 9 arrays W, U, b of the gates z, r, h
 *     CuDNNLSTM, CuDNNGRU          each gate's kernels transposed (kernel: its numbers in columns), two biases per gate in a row
 *
 * Source  keras 2.2.4: keras/engine/saving.py (preprocess_weights_for_loading, _convert_rnn_weights)
 */
import { namedAxes, rearrangeArray } from "../axes.ts";
import { toFloat32 } from "../bytes/numbers.ts";
import { unsupportedFeature } from "../error.ts";
import type { NamedArray } from "../formats/weight-lists.ts";
import { elements, type StoredArray } from "../tensor.ts";
import type { LayerEntry } from "./keras-variables.ts";

/** How arrays are to be taken. */
export interface StoredMeaning {
  /** Kernels were written for true convolution, with their taps in reverse. */
  readonly flipped: boolean;
}

type Shape = readonly number[];

/**
 * The arrays of one layer as Keras 3 has them; as they are where nothing is known of them, which the caller finds by their shapes.
 *
 * @param wanted shapes that the layer expects; null for a variable that is not read
 */
export function fromStored(
  { className, config }: LayerEntry,
  arrays: readonly NamedArray[],
  wanted: readonly (Shape | null)[],
  meaning: StoredMeaning,
  place: readonly string[],
): StoredArray[] {
  const plain = arrays.map(({ array }) => array);
  switch (className) {
    case "Conv1D":
      return plain.map((array, index) => (index === 0 ? kernelKIO(array, wanted[0] ?? null, meaning) : array));
    case "Dense":
    case "EinsumDense":
      // With 8-bit weights the bias is the only one that trains, and so comes first.
      return plain.length === 3 ? [plain[1]!, plain[0]!, plain[2]!] : plain;
    case "LSTM":
    case "GRU":
      return recurrent(plain, wanted);
    case "Bidirectional": {
      const half = wanted.length / 2;
      if (plain.length % 2 !== 0 || plain.length === 0 || !Number.isInteger(half)) return plain;
      return [0, 1].flatMap((index) =>
        recurrent(
          plain.slice((index * plain.length) / 2, ((index + 1) * plain.length) / 2),
          wanted.slice(index * half, (index + 1) * half),
        ),
      );
    }
    default:
      if (meaning.flipped && /Conv/.test(className)) {
        throw unsupportedFeature(
          `${className} ${config.name ?? ""} was written with the Theano backend, whose kernels are known for Conv1D alone`,
          place,
          "save the model again with Keras 2 on TensorFlow",
        );
      }
      return plain;
  }
}

/** Numbers in another order, made when they are read. */
function derived(shape: Shape, read: () => Float32Array): StoredArray {
  return { dtype: "float32", shape, read };
}

function kernelKIO(array: StoredArray, wanted: Shape | null, { flipped }: StoredMeaning): StoredArray {
  const kernel = withoutWidth(array, wanted);
  const [taps, ...rest] = kernel.shape;
  if (!flipped || taps === undefined || taps === 1) return kernel;
  const row = elements(rest);
  return derived(kernel.shape, () => {
    const from = toFloat32(kernel);
    const to = new Float32Array(from.length);
    for (let tap = 0; tap < taps; tap++) to.set(from.subarray(tap * row, (tap + 1) * row), (taps - 1 - tap) * row);
    return to;
  });
}

/** Keras 1 kept a series as an image of width 1. */
function withoutWidth(array: StoredArray, wanted: Shape | null): StoredArray {
  const { shape } = array;
  if (shape.length !== 4 || wanted?.length !== 3) return array;
  const [taps, inputs, outputs] = wanted as [number, number, number];
  const is = (...sizes: number[]) => sizes.every((size, axis) => shape[axis] === size);
  if (is(taps, 1, inputs, outputs)) return { dtype: array.dtype, shape: wanted, read: () => array.read() };
  if (is(outputs, inputs, taps, 1)) {
    const from = namedAxes("OIK", [outputs, inputs, taps]);
    return derived(wanted, () => rearrangeArray(toFloat32(array), from, namedAxes("KIO", wanted)));
  }
  return array;
}

/** The order in which Keras 1 kept a cell's gates, by their places in today's kernels. */
const gatesOfKeras1: Readonly<Record<number, readonly number[]>> = { 4: [0, 2, 1, 3], 3: [0, 1, 2] };

/** Kernel, recurrent kernel and bias of one LSTM or GRU. */
function recurrent(arrays: readonly StoredArray[], wanted: readonly (Shape | null)[]): StoredArray[] {
  const [kernel, recurrentKernel, bias] = wanted;
  if (wanted.length < 2 || !kernel || !recurrentKernel) return [...arrays];
  const [inputs, columns] = kernel as [number, number];
  const [units] = recurrentKernel as [number];
  const gates = columns / units;
  const order = gatesOfKeras1[gates];
  if (!order) return [...arrays];
  if (arrays.length === 3 * gates && wanted.length === 3) {
    // One gate's W, U and b after another's.
    const shapes: Shape[] = [[inputs, units], [units, units], [units]];
    const fits = arrays.every(({ shape }, index) => String(shape) === String(shapes[index % 3]));
    if (!fits) return [...arrays];
    return shapes.map((shape, part) =>
      derived([...shape.slice(0, -1), columns], () =>
        joinColumns(
          order.map((gate) => toFloat32(arrays[3 * gate + part]!)),
          units,
        ),
      ),
    );
  }
  const last = arrays[2];
  if (arrays.length !== 3 || !last || !bias || last.shape.length !== 1 || last.shape[0] !== 2 * columns)
    return [...arrays];
  const [first, second] = arrays as [StoredArray, StoredArray];
  if (String(first.shape) !== String(kernel) || String(second.shape) !== String(recurrentKernel)) return [...arrays];
  return [
    derived(kernel, () => ofGates(toFloat32(first), inputs, columns, units, (gate) => transpose(gate, units, inputs))),
    derived(recurrentKernel, () =>
      ofGates(toFloat32(second), units, columns, units, (gate) => transpose(gate, units, units)),
    ),
    derived(bias, () => {
      const both = toFloat32(last);
      if (bias.length === 2) return both;
      return both.slice(0, columns).map((value, index) => value + both[columns + index]!);
    }),
  ];
}

/** Matrices of `units` columns each, side by side. */
function joinColumns(parts: readonly Float32Array[], units: number): Float32Array {
  const columns = parts.length * units;
  const rows = parts[0]!.length / units;
  const joined = new Float32Array(rows * columns);
  parts.forEach((part, index) => {
    for (let row = 0; row < rows; row++)
      joined.set(part.subarray(row * units, (row + 1) * units), row * columns + index * units);
  });
  return joined;
}

/** Each gate's block of columns, taken out, changed and put back. */
function ofGates(
  matrix: Float32Array,
  rows: number,
  columns: number,
  units: number,
  change: (gate: Float32Array) => Float32Array,
): Float32Array {
  const gates = Array.from({ length: columns / units }, (_, gate) => {
    const block = new Float32Array(rows * units);
    for (let row = 0; row < rows; row++) {
      const start = row * columns + gate * units;
      block.set(matrix.subarray(start, start + units), row * units);
    }
    return change(block);
  });
  return joinColumns(gates, units);
}

/** The transpose, row by row, of numbers that are `rows` rows of `columns`. */
function transpose(numbers: Float32Array, rows: number, columns: number): Float32Array {
  return rearrangeArray(numbers, namedAxes("RC", [rows, columns]), namedAxes("CR", [columns, rows]));
}
