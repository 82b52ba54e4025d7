/**
 * toomCook: a convolution by fewer multiplications, Toom-Cook's (Winograd's) F(m, r) along the series        f32, SIMD128
 *
 *   y[t*m + q, o] = clamp(bias[o] + sum over points p of AT[q, p] * M_p[t, o])
 *   M_p[t, o]     = sum over chunk c, i of D_p[t + c, i] * U_p[c, i, o]      one gemm for each point, of rows that overlap
 *   D_p[t, i]     = sum over j of BT[p, j] * x[t*m + j, i]
 *
 * The taps are cut into chunks of r and the outputs into tiles of m; with m = r a tile moves by exactly one chunk, so that all
 * chunks read the same D. Where m and r differ there is one chunk. A tile takes m + r - 1 inputs to n points:
 *
 *   form   F(m, r)   n    points                            multiplications fewer by
 *   0      F(3, 3)   5    0, 1, -1, 1/2, infinity           1.8
 *   1      F(4, 4)   7    0, 1, -1, 1/2, -1/2, 2, infinity  2.29
 *   2      F(5, 4)   8    0, 1, -1, 1/2, -1/2, 2, -2, inf.  2.5
 *   3      F(6, 3)   8    the same                          2.25
 *   4      F(8, 8)   21   those of F(4, 4) in F(2, 2)       3.05
 *
 * F(8, 8) is F(2, 2) of tiles and chunks of F(4, 4): of two neighbouring tiles y and two chunks u, with the three tiles d that they read,
 *
 *   y[0] = (d[0] - d[1]) u[0] + d[1] (u[0] + u[1])        three products in place of four, which costs hardly any accuracy
 *   y[1] = d[1] (u[0] + u[1]) + (d[2] - d[1]) u[1]
 *
 *   x, y     as conv1d takes and gives them: [samples][length][I], [samples][outLength][O]
 *   weights  for each point the panels (panel.ts) of U_p, chunks * stride * I by O with a bias of zeros, in parts of MOST_K rows
 *            one after another; then the bias, O
 *   work     toomCookWork() elements
 *
 * A stride makes `stride` steps one row of stride * I channels; a dilation makes `dilation` series of every dilation-th step, one
 * run after another. A run has tiles + chunks - 1 rows of D, the last of which begin no output; rows from .. to of all runs are
 * computed, `block` at a time, while their planes stay in the second-level cache. stride * I and O are multiples of 4; stride or
 * dilation is 1. What a row gives does not depend on from, to and block.
 *
 * Cost    2*n*chunks*stride*I*O flop for each m outputs, and about 4n additions for each input of a tile, 4m for each output.
 * Error   over 1,000 random shapes at most 3.8e-6 of the largest output; conv1d's 4.9e-6 (bench/results/errors.node-24.md).
 * Source  Winograd, Arithmetic complexity of computations (1980); Lavin & Gray (2015); points after Barabasz et al. (2020);
 *         F(2, 2) is Karatsuba's product, transposed.
 */
import { aligned, bytes, clamp } from "./lanes";
import { sweep } from "./gemm";
import { packedBytes } from "./panel";

/**
 * What is summed in one go. A sum of more products is one of parts: its error grows with the root of what stands one after
 * another, and the points' own factors enlarge it.
 */
const MOST_K: i32 = 128;

/** MOST_K, for those who write weights. */
export function toomCookPart(): i32 {
  return MOST_K;
}

/** n, m and m + r - 1 of each form. */
@inline
function pointsOf(form: i32): i32 {
  return form === 0 ? 5 : form === 1 ? 7 : form === 4 ? 21 : 8;
}
@inline
function outputsOf(form: i32): i32 {
  return form === 4 ? 8 : form + 3;
}
@inline
function inputsOf(form: i32): i32 {
  return form === 4 ? 15 : pointsOf(form);
}

/** Elements of `work`: the planes of one block, and a tile at the edge. */
export function toomCookWork(form: i32, inner: i32, O: i32, chunks: i32, block: i32): i32 {
  const n = pointsOf(form);
  return (n * ((block + chunks - 1) * inner + block * O) + block * O + n * max(inner, O));
}

/**
 * u[i] = sum over j < r of factors[j] * w[j*row + i], for i < row, in float64 and rounded once: one chunk of U_p out of its taps.
 * factors are float64; row is a multiple of 4. Here, since it is fast from its first call.
 */
export function toomCookWeights(w: usize, factors: usize, u: usize, r: i32, row: i32): void {
  assert(aligned(w) && aligned(factors) && aligned(u) && r > 0 && row % 4 === 0);
  const step = bytes(row);
  for (const end = u + step; u < end; u += 8, w += 8) {
    let sum = f64x2.splat(0);
    for (let j: usize = 0; j < <usize>r; j++) {
      const values = f64x2.promote_low_f32x4(v128.load64_zero(w + j * step));
      sum = f64x2.add(sum, f64x2.mul(f64x2.splat(load<f64>(factors + 8 * j)), values));
    }
    v128.store64_lane(u, f32x4.demote_f64x2_zero(sum), 0);
  }
}

export function toomCook(
  form: i32, x: usize, weights: usize, y: usize, work: usize, from: i32, to: i32, length: i32, outLength: i32, I: i32, O: i32,
  chunks: i32, stride: i32, dilation: i32, left: i32, block: i32, low: f32, high: f32,
): void {
  assert(aligned(x) && aligned(weights) && aligned(y) && aligned(work));
  assert(form >= 0 && form <= 4 && from >= 0 && chunks > 0 && block > 0 && (form < 2 || form === 4 || chunks === 1));
  assert((stride === 1 || dilation === 1) && stride * I % 4 === 0 && O % 4 === 0 && length >= 0 && outLength > 0);
  const n = pointsOf(form), m = outputsOf(form), reach = inputsOf(form);
  const inner = stride * I;
  const K = chunks * inner;
  const tiles = ceilDivide(ceilDivide(outLength, dilation), m);
  const run = tiles + chunks - 1;
  const planeD = bytes((block + chunks - 1) * inner), planeM = bytes(block * O);
  const sums = work + <usize>n * planeD, part = sums + <usize>n * planeM, edge = part + planeM;
  for (; from < to; from += block) {
    const rows = min(block, to - from);
    for (let f = 0; f < rows + chunks - 1; f++) {
      const series = (from + f) / run, t = (from + f) % run;
      const first = t * m * dilation * stride + series % dilation - left;
      const start = x + bytes(series / dilation * length * I);
      const step = dilation * stride;
      let source = start + bytes(first * I), sourceStep = bytes(step * I);
      if (first < 0 || first + (reach - 1) * step + stride > length) {
        gather(start, first, edge, reach, step, stride, length, I);
        source = edge;
        sourceStep = bytes(inner);
      }
      transformInput(form, source, sourceStep, work + bytes(f * inner), planeD, inner);
    }
    let u = weights;
    for (let p: usize = 0; p < <usize>n; p++) {
      const sum = sums + p * planeM;
      for (let k = 0; k < K; k += MOST_K) {
        const count = min(MOST_K, K - k);
        const target = k === 0 ? sum : part;
        sweep(
          work + p * planeD + bytes(k), bytes(inner), u, target, bytes(O), rows, O, 1, 0, count, -Infinity, Infinity,
        );
        if (k > 0) accumulate(part, sum, rows * O);
        u += packedBytes(count, O);
      }
    }
    const bias = u;
    for (let f = 0; f < rows; f++) {
      const series = (from + f) / run, t = (from + f) % run;
      const phase = series % dilation;
      const count = min(m, ceilDivide(outLength - phase, dilation) - t * m);
      if (t >= tiles || count <= 0) continue;
      const target = y + bytes((series / dilation * outLength + t * m * dilation + phase) * O);
      const targetStep = bytes(dilation * O);
      const source = sums + bytes(f * O);
      if (count === m) {
        transformOutput(form, source, planeM, target, targetStep, bias, O, low, high);
        continue;
      }
      transformOutput(form, source, planeM, edge, bytes(O), bias, O, low, high);
      for (let q = 0; q < count; q++) copy(edge + bytes(q * O), target + <usize>q * targetStep, O);
    }
  }
}

function accumulate(part: usize, sum: usize, count: i32): void {
  const end = sum + bytes(count);
  for (; sum < end; sum += 16, part += 16) v128.store(sum, f32x4.add(v128.load(sum), v128.load(part)));
}

/** A tile that reaches into the padding: `count` rows of `stride` steps each, `step` apart from step `first` on. */
function gather(
  x: usize, first: i32, target: usize, count: i32, step: i32, stride: i32, length: i32, I: i32,
): void {
  for (let j = 0; j < count; j++) {
    for (let s = 0; s < stride; s++) {
      const at = first + j * step + s;
      if (at >= 0 && at < length) copy(x + bytes(at * I), target, I);
      else memory.fill(target, 0, bytes(I));
      target += bytes(I);
    }
  }
}

function copy(source: usize, target: usize, count: i32): void {
  memory.copy(target, source, bytes(count));
}

/** One tile's rows to one row of each plane. */
function transformInput(form: i32, x: usize, step: usize, d: usize, plane: usize, inner: i32): void {
  const end = x + bytes(inner);
  if (form === 0) for (; x < end; x += 16, d += 16) input5(x, step, d, plane);
  else if (form === 1) for (; x < end; x += 16, d += 16) input7(x, step, d, plane);
  else if (form === 4) for (; x < end; x += 16, d += 16) input21(x, step, d, plane);
  else for (; x < end; x += 16, d += 16) input8(x, step, d, plane);
}

/** a*x + b, for a constant; rounded twice in both builds, which are carried as one and a patch. */
@inline
function times(a: f32, x: v128, b: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.splat(a), x), b);
}

@inline
function input5(x: usize, step: usize, d: usize, plane: usize): void {
  const x1 = x + step, x2 = x1 + step, x3 = x2 + step, x4 = x3 + step;
  const d0 = v128.load(x), d1 = v128.load(x1), d2 = v128.load(x2), d3 = v128.load(x3), d4 = v128.load(x4);
  const a0 = f32x4.sub(d2, d0), a1 = f32x4.sub(d3, d1), a2 = f32x4.sub(d4, d2);
  const b0 = times(-0.5, d1, d2), b1 = times(-0.5, d2, d3);
  v128.store(d, times(-0.5, a0, a1));
  v128.store(d + plane, f32x4.add(b1, b0));
  v128.store(d + 2 * plane, f32x4.sub(b1, b0));
  v128.store(d + 3 * plane, a1);
  v128.store(d + 4 * plane, times(-0.5, a1, a2));
}

@inline
function input7(x: usize, step: usize, d: usize, plane: usize): void {
  points7(
    v128.load(x), v128.load(x + step), v128.load(x + 2 * step), v128.load(x + 3 * step), v128.load(x + 4 * step),
    v128.load(x + 5 * step), v128.load(x + 6 * step), d, plane,
  );
}

/** F(2, 2) of three tiles that are four rows apart, and F(4, 4)'s points of each of its three. */
@inline
function input21(x: usize, step: usize, d: usize, plane: usize): void {
  const y = x + 4 * step, z = y + 4 * step;
  points7(
    less(x, y), less(x + step, y + step), less(x + 2 * step, y + 2 * step), less(x + 3 * step, y + 3 * step),
    less(y, z), less(y + step, z + step), less(y + 2 * step, z + 2 * step), d, plane,
  );
  input7(y, step, d + 7 * plane, plane);
  const end = z + 4 * step;
  points7(
    less(z, y), less(z + step, y + step), less(z + 2 * step, y + 2 * step), less(z + 3 * step, y + 3 * step),
    less(end, z), less(end + step, z + step), less(end + 2 * step, z + 2 * step), d + 14 * plane, plane,
  );
}

@inline
function less(x: usize, y: usize): v128 {
  return f32x4.sub(v128.load(x), v128.load(y));
}

@inline
function points7(
  d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, d6: v128, d: usize, plane: usize,
): void {
  const w0 = times(0.25, d0, times(-1.25, d2, d4));
  const w1 = times(0.25, d1, times(-1.25, d3, d5));
  const w2 = times(0.25, d2, times(-1.25, d4, d6));
  const u0 = times(0.5, d1, times(-0.25, d2, times(-2, d3, d4)));
  const u1 = times(0.5, d2, times(-0.25, d3, times(-2, d4, d5)));
  const v0 = times(2, f32x4.sub(d1, d3), f32x4.sub(d4, d2));
  const v1 = times(2, f32x4.sub(d2, d4), f32x4.sub(d5, d3));
  v128.store(d, times(-2, w0, w1));
  v128.store(d + plane, f32x4.add(u1, u0));
  v128.store(d + 2 * plane, f32x4.sub(u1, u0));
  v128.store(d + 3 * plane, times(0.5, v0, v1));
  v128.store(d + 4 * plane, times(-0.5, v0, v1));
  v128.store(d + 5 * plane, w1);
  v128.store(d + 6 * plane, times(-2, w1, w2));
}

@inline
function input8(x: usize, step: usize, d: usize, plane: usize): void {
  const x1 = x + step, x2 = x1 + step, x3 = x2 + step, x4 = x3 + step, x5 = x4 + step, x6 = x5 + step, x7 = x6 + step;
  const d0 = v128.load(x), d1 = v128.load(x1), d2 = v128.load(x2), d3 = v128.load(x3), d4 = v128.load(x4);
  const d5 = v128.load(x5), d6 = v128.load(x6), d7 = v128.load(x7);
  const u0 = times(-4.25, d3, f32x4.add(d1, d5)), u1 = times(-4.25, d4, f32x4.add(d2, d6));
  const v0 = times(4, d1, times(-5, d3, d5)), v1 = times(4, d2, times(-5, d4, d6));
  const w0 = times(0.25, d1, times(-1.25, d3, d5)), w1 = times(0.25, d2, times(-1.25, d4, d6));
  v128.store(d, times(5.25, f32x4.sub(d2, d4), f32x4.sub(d6, d0)));
  v128.store(d + plane, f32x4.add(u1, u0));
  v128.store(d + 2 * plane, f32x4.sub(u1, u0));
  v128.store(d + 3 * plane, times(0.5, v0, v1));
  v128.store(d + 4 * plane, times(-0.5, v0, v1));
  v128.store(d + 5 * plane, times(2, w0, w1));
  v128.store(d + 6 * plane, times(-2, w0, w1));
  v128.store(d + 7 * plane, times(5.25, f32x4.sub(d3, d5), f32x4.sub(d7, d1)));
}

/** One row of each plane to m rows of y. */
function transformOutput(
  form: i32, s: usize, plane: usize, y: usize, step: usize, bias: usize, O: i32, low: f32, high: f32,
): void {
  const end = y + bytes(O);
  for (; y < end; y += 16, s += 16, bias += 16) {
    const b = v128.load(bias);
    if (form === 4) {
      const z = y + 4 * step;
      const next = s + 7 * plane, last = next + 7 * plane;
      output7(
        more(s, next), more(s + plane, next + plane), more(s + 2 * plane, next + 2 * plane), more(s + 3 * plane, next + 3 * plane),
        more(s + 4 * plane, next + 4 * plane), more(s + 5 * plane, next + 5 * plane), more(s + 6 * plane, next + 6 * plane),
        y, step, b, low, high,
      );
      output7(
        more(last, next), more(last + plane, next + plane), more(last + 2 * plane, next + 2 * plane), more(last + 3 * plane, next + 3 * plane),
        more(last + 4 * plane, next + 4 * plane), more(last + 5 * plane, next + 5 * plane), more(last + 6 * plane, next + 6 * plane),
        z, step, b, low, high,
      );
      continue;
    }
    const m0 = v128.load(s), m1 = v128.load(s + plane), m2 = v128.load(s + 2 * plane), m3 = v128.load(s + 3 * plane);
    const m4 = v128.load(s + 4 * plane);
    const sum1 = f32x4.add(b, f32x4.add(m1, m2)), difference1 = f32x4.add(b, f32x4.sub(m1, m2));
    const y1 = y + step, y2 = y1 + step;
    if (form === 0) {
      v128.store(y, clamp(f32x4.add(sum1, f32x4.add(m0, m3)), low, high));
      v128.store(y1, clamp(times(0.5, m3, difference1), low, high));
      v128.store(y2, clamp(f32x4.add(m4, times(0.25, m3, sum1)), low, high));
      continue;
    }
    const m5 = v128.load(s + 5 * plane), m6 = v128.load(s + 6 * plane);
    if (form === 1) {
      output7(m0, m1, m2, m3, m4, m5, m6, y, step, b, low, high);
      continue;
    }
    const sum2 = f32x4.add(m3, m4), difference2 = f32x4.sub(m3, m4);
    const y3 = y2 + step;
    const m7 = v128.load(s + 7 * plane);
    const sum3 = f32x4.add(m5, m6), difference3 = f32x4.sub(m5, m6);
    const y4 = y3 + step;
    v128.store(y, clamp(f32x4.add(f32x4.add(sum1, sum2), f32x4.add(m0, sum3)), low, high));
    v128.store(y1, clamp(times(2, difference3, times(0.5, difference2, difference1)), low, high));
    v128.store(y2, clamp(times(4, sum3, times(0.25, sum2, sum1)), low, high));
    v128.store(y3, clamp(times(8, difference3, times(0.125, difference2, difference1)), low, high));
    let last = times(16, sum3, times(0.0625, sum2, sum1));
    if (form === 3) {
      v128.store(y4, clamp(last, low, high));
      last = times(32, difference3, times(0.03125, difference2, difference1));
    }
    v128.store(form === 3 ? y4 + step : y4, clamp(f32x4.add(m7, last), low, high));
  }
}

@inline
function more(x: usize, y: usize): v128 {
  return f32x4.add(v128.load(x), v128.load(y));
}

/** F(4, 4)'s seven points to four rows. */
@inline
function output7(
  m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128, m6: v128, y: usize, step: usize, b: v128, low: f32, high: f32,
): void {
  const sum1 = f32x4.add(b, f32x4.add(m1, m2)), difference1 = f32x4.add(b, f32x4.sub(m1, m2));
  const sum2 = f32x4.add(m3, m4), difference2 = f32x4.sub(m3, m4);
  v128.store(y, clamp(f32x4.add(f32x4.add(sum1, sum2), f32x4.add(m0, m5)), low, high));
  v128.store(y + step, clamp(times(2, m5, times(0.5, difference2, difference1)), low, high));
  v128.store(y + 2 * step, clamp(times(4, m5, times(0.25, sum2, sum1)), low, high));
  v128.store(
    y + 3 * step, clamp(f32x4.add(m6, times(8, m5, times(0.125, difference2, difference1))), low, high),
  );
}

/** ceil(a / b) for a > 0; 0 for a = 0. */
@inline
function ceilDivide(a: i32, b: i32): i32 {
  return (a + b - 1) / b;
}
