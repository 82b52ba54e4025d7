/**
 * toom-cook: which convolutions are computed by fewer multiplications (assembly/toom-cook.ts), and their weights
 *
 *   U_p[c, i, o] = sum over j of G[p, j] * kernel[c*r + j, i, o]        in float64, rounded once; taps past the last are 0
 *
 *   G[p, j] = p^j / product over the other points q of (p - q); for infinity the last tap; F(8, 8) combines those of two chunks
 *
 * A stride makes rows of stride * I channels: row k of the taps is the taps k*stride up to (k + 1)*stride.
 *
 * Planes are made for a block of rows at a time: half a MiB, or what 30 rows take, and never more than 10 times the convolution's input and
 * output.
 *
 * The choice counts multiply-adds: those of the gemms, in whole tiles of gemm's rows, and what the transforms cost as the same
 * (bench/results/toom-cook.md). It looks at one sample, so that a sample's numbers do not depend on the batch.
 */
import { panelSize, stagedBytes, writePanels } from "./pack.ts";
import type { WeightPacker } from "./facets.ts";

/** F(m, r): m outputs out of r taps, by as many products as there are points. */
interface Form {
  /** The kernel's number for it. */
  readonly number: number;
  readonly outputs: number;
  readonly taps: number;
  /** G: what each tap counts in the weight of each point. */
  readonly factors: readonly (readonly number[])[];
  /** What a number of a plane costs on its way in or out, in multiply-adds of a gemm. */
  readonly transformWork: number;
}

const six = [0, 1, -1, 1 / 2, -1 / 2, 2];
const forms: readonly Form[] = [
  atPoints(0, 3, 3, [0, 1, -1, 1 / 2]),
  atPoints(1, 4, 4, six),
  atPoints(2, 5, 4, [...six, -2]),
  atPoints(3, 6, 3, [...six, -2]),
  inPairs(4, atPoints(1, 4, 4, six)),
];

/** At `points` and infinity, m + r - 1 altogether. */
function atPoints(number: number, outputs: number, taps: number, points: readonly number[]): Form {
  const finite = points.map((point) => {
    const divisor = points.reduce((product, other) => (other === point ? product : product * (point - other)), 1);
    return Array.from({ length: taps }, (_, tap) => point ** tap / divisor);
  });
  const infinity = Array.from({ length: taps }, (_, tap) => (tap === taps - 1 ? 1 : 0));
  return { number, outputs, taps, factors: [...finite, infinity], transformWork: 6 };
}

/** F(2, 2) of tiles and chunks of another form: of the first chunk, of both together, of the second. */
function inPairs(number: number, { outputs, taps, factors }: Form): Form {
  const [first, second] = [
    factors.map((row) => [...row, ...zeros(taps)]),
    factors.map((row) => [...zeros(taps), ...row]),
  ];
  const both = factors.map((row) => [...row, ...row]);
  return { number, outputs: 2 * outputs, taps: 2 * taps, factors: [first, both, second].flat(), transformWork: 10 };
}

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0);
}

/** `F(4, 4)`, by the kernel's number. */
export function formName(number: number): string {
  const { outputs, taps } = forms[number]!;
  return `F(${outputs}, ${taps})`;
}

/** A convolution of one sample, without groups. */
export interface Convolution {
  readonly outLength: number;
  readonly channels: number;
  readonly filters: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
}

/** How one is computed. */
export interface ToomCook {
  readonly form: Form;
  readonly chunks: number;
  /** Channels of a row. */
  readonly inner: number;
  /** Rows of one series of outputs, those that begin none included; `dilation` series make a sample. */
  readonly run: number;
  /** Rows that are computed at a time. */
  readonly block: number;
  /** How many times fewer multiply-adds than the direct way, as estimated. */
  readonly gain: number;
}

/** Below this estimated gain the direct way is taken, whose error is relative to each sum. */
export const leastGain = 1.25;

/** A gemm's rows are computed in whole tiles of so many. */
const tileRows = 6;
/** Most bytes of a block's planes, unless the fewest rows need more. */
const planeBytes = 2 ** 19;
const [fewestRows, mostRows] = [30, 240];
/** What a block's planes may take at the most, as a multiple of the convolution's own input and output: short series of many taps. */
const mostPlanes = 10;

/** The form that costs least; null where none gains enough over the direct way. */
export function chooseToomCook(convolution: Convolution): ToomCook | null {
  const { filters, stride, dilation, channels } = convolution;
  if ((stride > 1 && dilation > 1) || (stride * channels) % 4 !== 0 || filters % 4 !== 0) return null;
  // What `writePanels` stages of a row of the weights has to end within `stagedBytes`.
  if (filters > 2 ** 16) return null;
  const found = forms.flatMap((form) => estimate(form, convolution) ?? []);
  const best = found.reduce<ToomCook | null>((one, other) => (one && one.gain >= other.gain ? one : other), null);
  return best && best.gain >= leastGain ? best : null;
}

function estimate(form: Form, { outLength, channels, filters, taps, stride, dilation }: Convolution): ToomCook | null {
  const chunks = Math.ceil(Math.ceil(taps / stride) / form.taps);
  if (chunks > 1 && form.outputs !== form.taps) return null;
  const inner = stride * channels;
  const points = form.factors.length;
  const run = Math.ceil(Math.ceil(outLength / dilation) / form.outputs) + chunks - 1;
  const rows = dilation * run - (chunks - 1);
  const bytesPerRow = 4 * points * (inner + filters);
  const fitting = Math.floor((planeBytes - 4 * points * (chunks - 1) * inner) / bytesPerRow / fewestRows) * fewestRows;
  const needed = Math.ceil(rows / tileRows) * tileRows;
  const block = Math.min(needed, mostRows, Math.max(fitting, fewestRows));
  const planes = points * ((block + chunks - 1) * inner + block * filters);
  if (planes > mostPlanes * outLength * (inner + filters)) return null;
  const products = needed * chunks * inner * filters;
  const work = points * (products + rows * form.transformWork * (inner + filters));
  return { form, chunks, inner, run, block, gain: (outLength * taps * channels * filters) / work };
}

/** The weights as the kernel reads them. */
export function packToomCook(
  pack: WeightPacker,
  { form, chunks, inner }: ToomCook,
  { filters }: Pick<Convolution, "filters">,
): void {
  const { memory } = pack;
  const { kernels } = memory;
  const rows = chunks * inner;
  const parts: { row: number; count: number }[] = [];
  for (let row = 0; row < rows; row += kernels.toomCookPart())
    parts.push({ row, count: Math.min(kernels.toomCookPart(), rows - row) });
  const { factors } = form;
  const sizes = parts.map(({ count }) => panelSize(count, filters));
  const total = factors.length * sizes.reduce((sum, size) => sum + size, 0) + filters;
  const { byteOffset } = pack.allocate(total);
  const [kernel, bias] = [pack.read("kernel")!, pack.read("bias")];

  // Behind what is kept, and what `writePanels` puts there: the taps, zeros past the last; G; U of one point.
  const row = inner * filters;
  const taps = align(byteOffset + 4 * total + stagedBytes);
  const table = taps + 4 * chunks * form.taps * row;
  const combined = align(table + 8 * factors.length * form.taps);
  memory.reserve(combined + 4 * rows * filters);
  const floats = memory.floats();
  floats.fill(0, taps / 4 + kernel.length, table / 4);
  floats.set(kernel, taps / 4);
  new Float64Array(floats.buffer, table, factors.length * form.taps).set(factors.flat());

  let address = byteOffset;
  factors.forEach((_, point) => {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const [from, to] = [taps + 4 * chunk * form.taps * row, combined + 4 * chunk * row];
      kernels.toomCookWeights(from, table + 8 * point * form.taps, to, form.taps, row);
    }
    parts.forEach(({ row: first, count }, index) => {
      const at = combined / 4 + first * filters;
      const values = floats.subarray(at, at + count * filters);
      writePanels(memory, address, { values, bias: null, rows: count, columns: filters });
      address += 4 * sizes[index]!;
    });
  });
  const end = address / 4;
  if (bias) floats.set(bias, end);
  else floats.fill(0, end, end + filters);
}

/** The next multiple of 16. */
const align = (bytes: number) => Math.ceil(bytes / 16) * 16;
