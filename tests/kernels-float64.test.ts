/**
 * The built kernels on shapes larger than those of the specs in tests/assembly, against plain float64 loops written here. The
 * relaxed build runs the same cases where the runtime has relaxed SIMD.
 */
import { describe, expect, it } from "vitest";
import type { Kernels } from "../src/ops/kernels.ts";
import { writeColumns } from "../src/ops/pack.ts";
import { builds, floats, inPanels, random, readBuild } from "./support/kernels.ts";

type Exports = Kernels & { memory: WebAssembly.Memory; heapBase(): number };

/** A bump allocator over a fresh instance's memory. */
class Arena {
  readonly kernels: Exports;
  #top: number;

  constructor(bytes: BufferSource) {
    this.kernels = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Exports;
    this.#top = this.kernels.heapBase();
  }

  reserve(byteCount: number): number {
    const start = this.#top;
    this.#top = (start + byteCount + 15) & ~15;
    const missing = this.#top - this.kernels.memory.buffer.byteLength;
    if (missing > 0) this.kernels.memory.grow(Math.ceil(missing / 65536));
    return start;
  }

  put(values: Float32Array | Int32Array): number {
    const start = this.reserve(values.byteLength);
    new Uint8Array(this.kernels.memory.buffer).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      start,
    );
    return start;
  }

  /** Room for `count` floats between two guard words, all of them filled with the guard. */
  output(count: number): number {
    const start = this.put(new Float32Array(count + 8).fill(GUARD));
    return start + 16;
  }

  take(start: number, count: number): Float32Array {
    const memory = this.kernels.memory.buffer;
    expect([...new Float32Array(memory, start - 16, 4)]).toEqual([GUARD, GUARD, GUARD, GUARD]);
    expect(new Float32Array(memory, start + count * 4, 4).every((v) => v === GUARD)).toBe(true);
    return new Float32Array(memory, start, count).slice();
  }
}

const GUARD = 12345.75;

/** The limits of a kernel's result that has none. */
const unclamped = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

/** The largest difference, relative to the largest expected magnitude. */
function difference(actual: Float32Array, expected: Float64Array): number {
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
  }
  return worst / largest;
}

/** Runs `check` for 60 seeds, and names the seed if it fails. */
function seeds(check: (integer: (from: number, to: number) => number, seed: number) => void): void {
  for (let seed = 1; seed <= 60; seed++) {
    const next = random(seed);
    const integer = (from: number, to: number) => from + Math.floor(((next() + 1) / 2) * (to - from + 1));
    try {
      check(integer, seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

interface Convolution {
  batch: number;
  length: number;
  groups: number;
  inChannels: number;
  outChannels: number;
  taps: number;
  stride: number;
  dilation: number;
  left: number;
  outLength: number;
}

function expectedConvolution(c: Convolution, x: Float32Array, w: Float32Array, bias: Float32Array): Float64Array {
  const allIn = c.groups * c.inChannels;
  const allOut = c.groups * c.outChannels;
  const y = new Float64Array(c.batch * c.outLength * allOut);
  for (let n = 0; n < c.batch; n++)
    for (let l = 0; l < c.outLength; l++)
      for (let o = 0; o < allOut; o++) {
        const group = Math.floor(o / c.outChannels);
        let sum = bias[o]!;
        for (let k = 0; k < c.taps; k++) {
          const at = l * c.stride + k * c.dilation - c.left;
          if (at < 0 || at >= c.length) continue;
          for (let i = 0; i < c.inChannels; i++)
            sum += x[(n * c.length + at) * allIn + group * c.inChannels + i]! * w[(k * c.inChannels + i) * allOut + o]!;
        }
        y[(n * c.outLength + l) * allOut + o] = sum;
      }
  return y;
}

function actualConvolution(
  bytes: BufferSource,
  c: Convolution,
  x: Float32Array,
  w: Float32Array,
  bias: Float32Array,
  limits: readonly [number, number] = unclamped,
) {
  const arena = new Arena(bytes);
  const { kernels } = arena;
  const allOut = c.groups * c.outChannels;
  const xAt = arena.put(x);
  const matrix = { values: w, bias, rows: c.taps * c.inChannels, columns: allOut, groups: c.groups };
  const panels = inPanels(matrix);
  const packed = arena.put(panels);
  const count = c.batch * c.outLength * allOut;
  const y = arena.output(count);
  kernels.conv1d(
    xAt,
    packed,
    y,
    c.batch,
    c.length,
    c.outLength,
    c.groups,
    c.inChannels,
    c.outChannels,
    c.taps,
    c.stride,
    c.dilation,
    c.left,
    ...limits,
  );
  return arena.take(y, count);
}

describe.each(builds)("%s against float64", (name) => {
  const bytes = readBuild(name);

  it("gemm 257 x 131 x 77, padded rows", () => {
    const [M, N, K, lda, ldc] = [257, 131, 77, 79, 133];
    const arena = new Arena(bytes);
    const { kernels } = arena;
    const [a, b, bias] = [floats(M * lda, 1), floats(K * N, 2), floats(N, 3)];
    const aAt = arena.put(a);
    const matrix = { values: b, bias, rows: K, columns: N };
    const panels = inPanels(matrix);
    const packed = arena.put(panels);
    const c = arena.output(M * ldc);
    kernels.gemm(aAt, lda, packed, c, ldc, M, N, K, ...unclamped);
    const actual = arena.take(c, M * ldc);
    const expected = new Float64Array(M * ldc).fill(GUARD);
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let sum = bias[n]!;
        for (let k = 0; k < K; k++) sum += a[m * lda + k]! * b[k * N + n]!;
        expected[m * ldc + n] = sum;
      }
    for (let m = 0; m < M; m++) expect(actual[m * ldc + N]).toBe(GUARD);
    expect(
      difference(
        actual.map((v) => (v === GUARD ? 0 : v)),
        expected.map((v) => (v === GUARD ? 0 : v)),
      ),
    ).toBeLessThan(5e-7);
  });

  it("conv1d, everything unequal", () => {
    const c = {
      batch: 3,
      length: 211,
      groups: 2,
      inChannels: 19,
      outChannels: 29,
      taps: 7,
      stride: 2,
      dilation: 3,
      left: 11,
    };
    const convolution = { ...c, outLength: 107 };
    const x = floats(c.batch * c.length * 38, 4);
    const w = floats(c.taps * c.inChannels * 58, 5);
    const bias = floats(58, 6);
    const actual = actualConvolution(bytes, convolution, x, w, bias);
    const expected = expectedConvolution(convolution, x, w, bias);
    expect(difference(actual, expected)).toBeLessThan(5e-7);
    const [low, high] = [-1, 2.5];
    expect(actualConvolution(bytes, convolution, x, w, bias, [low, high])).toEqual(
      actual.map((v) => Math.min(Math.max(v, low), high)),
    );
  });

  it("conv1d, random", () => {
    seeds((integer, seed) => {
      const c = {
        batch: integer(1, 3),
        length: integer(1, 24),
        groups: seed % 2 ? 1 : integer(1, 3),
        inChannels: integer(1, 9),
        outChannels: integer(1, 19),
        taps: integer(1, 6),
        stride: integer(1, 3),
        dilation: seed % 3 ? 1 : integer(1, 4),
        left: integer(0, 9),
        outLength: integer(1, 20),
      };
      const x = floats(c.batch * c.length * c.groups * c.inChannels, seed + 100);
      const w = floats(c.taps * c.inChannels * c.groups * c.outChannels, seed + 200);
      const bias = floats(c.groups * c.outChannels, seed + 300);
      expect(difference(actualConvolution(bytes, c, x, w, bias), expectedConvolution(c, x, w, bias))).toBeLessThan(
        1e-6,
      );
    });
  });

  it("conv1dNarrow, random", () => {
    seeds((integer, seed) => {
      const c = {
        batch: integer(1, 3),
        length: integer(1, 24),
        groups: 1,
        inChannels: integer(1, 19),
        outChannels: integer(1, 4),
        taps: integer(1, 9),
        stride: integer(1, 3),
        dilation: 1,
        left: integer(0, 9),
        outLength: integer(1, 20),
      };
      const x = floats(c.batch * c.length * c.inChannels, seed + 100);
      const w = floats(c.taps * c.inChannels * c.outChannels, seed + 200);
      const bias = floats(c.outChannels, seed + 300);
      const arena = new Arena(bytes);
      const { kernels } = arena;
      const rows = c.taps * c.inChannels;
      const columns = new Float32Array(c.outChannels * kernels.narrowStride(rows));
      writeColumns(columns, kernels, { values: w, bias, rows, columns: c.outChannels });
      const count = c.batch * c.outLength * c.outChannels;
      const [xAt, wAt, y] = [arena.put(x), arena.put(columns), arena.output(count)];
      const sizes = [c.batch, c.length, c.outLength, c.inChannels, c.outChannels, c.taps, c.stride, c.left] as const;
      kernels.conv1dNarrow(xAt, wAt, y, ...sizes, ...unclamped);
      expect(difference(arena.take(y, count), expectedConvolution(c, x, w, bias))).toBeLessThan(1e-6);
    });
  });

  it("depthwiseConv1d, random", () => {
    seeds((integer, seed) => {
      const [batch, length, outLength, channels, multiplier] = [
        integer(1, 3),
        integer(1, 24),
        integer(1, 20),
        integer(1, 19),
        integer(1, 5),
      ];
      const [taps, stride, dilation, left] = [integer(1, 6), integer(1, 3), integer(1, 3), integer(0, 6)];
      const outputs = channels * multiplier;
      const x = floats(batch * length * channels, seed);
      const w = floats((1 + taps) * outputs, seed + 1);
      const arena = new Arena(bytes);
      const y = arena.output(batch * outLength * outputs);
      const [xAt, wAt] = [arena.put(x), arena.put(w)];
      arena.kernels.depthwiseConv1d(
        xAt,
        wAt,
        y,
        batch,
        length,
        outLength,
        channels,
        multiplier,
        taps,
        stride,
        dilation,
        left,
        ...unclamped,
      );
      const expected = new Float64Array(batch * outLength * outputs);
      for (let n = 0; n < batch; n++)
        for (let l = 0; l < outLength; l++)
          for (let o = 0; o < outputs; o++) {
            let sum = w[o]!;
            for (let k = 0; k < taps; k++) {
              const at = l * stride + k * dilation - left;
              if (at >= 0 && at < length)
                sum += x[(n * length + at) * channels + Math.floor(o / multiplier)]! * w[(1 + k) * outputs + o]!;
            }
            expected[(n * outLength + l) * outputs + o] = sum;
          }
      expect(difference(arena.take(y, expected.length), expected)).toBeLessThan(1e-6);
    });
  });

  it("rearrange, random permutations, broadcasts and reversals", () => {
    seeds((integer, seed) => {
      const rank = integer(0, 5);
      const sizes = Array.from({ length: rank }, () => integer(1, 9));
      const order = sizes.map((_, d) => d).sort(() => integer(0, 2) - 1);
      const strides = new Array<number>(rank).fill(0);
      const targetStrides = new Array<number>(rank).fill(0);
      let total = 1;
      for (const d of order) {
        strides[d] = total;
        total *= sizes[d]!;
      }
      let outputs = 1;
      for (let d = rank - 1; d >= 0; d--) {
        targetStrides[d] = outputs;
        outputs *= sizes[d]!;
      }
      let start = 0;
      for (let d = 0; d < rank; d++) {
        const change = integer(0, 9);
        if (change === 0) strides[d] = 0;
        if (change === 1) {
          start += strides[d]! * (sizes[d]! - 1);
          strides[d] = -strides[d]!;
        }
      }
      // A negative stride starts at the end, which need not be a multiple of 16: the source is moved so that it is.
      const lead = (4 - (start % 4)) % 4;
      const x = floats(total + lead, seed);
      const arena = new Arena(bytes);
      const source = arena.put(x) + (lead + start) * 4;
      const table = arena.put(Int32Array.from([...sizes, ...strides, ...targetStrides]));
      const y = arena.output(outputs);
      arena.kernels.rearrange(source, y, rank, table);
      const actual = arena.take(y, outputs);
      for (let i = 0; i < outputs; i++) {
        let at = lead + start;
        for (let d = 0; d < rank; d++) at += (Math.floor(i / targetStrides[d]!) % sizes[d]!) * strides[d]!;
        expect(actual[i], `sizes ${sizes} strides ${strides} at ${i}`).toBe(x[at]);
      }
    });
  });

  it("binary operations, random broadcasts", () => {
    const operations = {
      add: (a: number, b: number) => a + b,
      subtract: (a: number, b: number) => a - b,
      multiply: (a: number, b: number) => a * b,
      divide: (a: number, b: number) => a / b,
      maximum: Math.max,
      minimum: Math.min,
    };
    seeds((integer, seed) => {
      const rank = integer(0, 4);
      const sizes = Array.from({ length: rank }, () => integer(1, 7));
      const dense = (kept: boolean[]) => {
        let total = 1;
        const strides = new Array<number>(rank).fill(0);
        for (let d = rank - 1; d >= 0; d--) {
          if (!kept[d]) continue;
          strides[d] = total;
          total *= sizes[d]!;
        }
        return { total, strides };
      };
      const a = dense(sizes.map(() => integer(0, 3) > 0));
      const b = dense(sizes.map(() => integer(0, 3) > 0));
      const count = sizes.reduce((total, size) => total * size, 1);
      const [aData, bData] = [floats(a.total, seed), floats(b.total, seed + 1)];
      for (const [operation, apply] of Object.entries(operations)) {
        const arena = new Arena(bytes);
        const [aAt, bAt] = [arena.put(aData), arena.put(bData)];
        const table = arena.put(Int32Array.from([...sizes, ...a.strides, ...b.strides]));
        const y = arena.output(count);
        arena.kernels[operation as keyof typeof operations](aAt, bAt, y, rank, table);
        const actual = arena.take(y, count);
        for (let i = 0; i < count; i++) {
          let [rest, ai, bi] = [i, 0, 0];
          for (let d = rank - 1; d >= 0; d--) {
            ai += (rest % sizes[d]!) * a.strides[d]!;
            bi += (rest % sizes[d]!) * b.strides[d]!;
            rest = Math.floor(rest / sizes[d]!);
          }
          expect(actual[i], operation).toBe(Math.fround(apply(aData[ai]!, bData[bi]!)));
        }
      }
    });
  });
});
