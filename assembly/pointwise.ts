/**
 * pointwise: fill, scale, scaleShift, prelu, and the binary operations with broadcasting        f32, SIMD128
 *
 *   y[i..] = a[sum of i_d * aStride_d] (op) b[sum of i_d * bStride_d]      y is dense, row-major
 *
 *   table   int32: sizes[rank], a strides[rank], b strides[rank], in elements; a stride of 0 broadcasts; rank <= 8
 *
 * plan.ts merges neighbouring dimensions that step alike in a and in b: equal shapes become one long row, a bias two
 * dimensions. The innermost one runs in vectors where both strides are 0 or 1, else element by element.
 *
 * In place (y == a or y == b) is allowed where that operand is not broadcast: an element is read before it is written.
 * Comparisons give 1 and 0; NaN is unequal to everything. power is that of C (libm, below 1 ulp).
 * keep gives a where b is not 0, else 0; drop gives 0 there, else a.
 * maximum and minimum give NaN if either side is NaN.
 *
 * Cost    two reads and one write per element.
 * Order   scaleShift multiplies, then adds, in both builds.
 */
import { aligned, bytes, load4, store4 } from "./lanes";
import { append, clear, first, MAX_RANK, merge, planned, second, size } from "./plan";

const ADD = 0;
const SUBTRACT = 1;
const MULTIPLY = 2;
const DIVIDE = 3;
const MAXIMUM = 4;
const MINIMUM = 5;
const POWER = 6;
const EQUAL = 7;
const NOT_EQUAL = 8;
const GREATER = 9;
const GREATER_EQUAL = 10;
const KEEP = 11;
const DROP = 12;

export function add(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(ADD, a, b, y, rank, table);
}

export function subtract(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(SUBTRACT, a, b, y, rank, table);
}

export function multiply(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(MULTIPLY, a, b, y, rank, table);
}

export function divide(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(DIVIDE, a, b, y, rank, table);
}

export function maximum(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(MAXIMUM, a, b, y, rank, table);
}

export function minimum(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(MINIMUM, a, b, y, rank, table);
}

export function power(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(POWER, a, b, y, rank, table);
}

export function equal(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(EQUAL, a, b, y, rank, table);
}

export function notEqual(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(NOT_EQUAL, a, b, y, rank, table);
}

export function greater(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(GREATER, a, b, y, rank, table);
}

export function greaterEqual(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(GREATER_EQUAL, a, b, y, rank, table);
}

export function keep(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(KEEP, a, b, y, rank, table);
}

export function drop(a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  binary(DROP, a, b, y, rank, table);
}

function binary(op: i32, a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  assert(aligned(a) && aligned(b) && aligned(y) && aligned(table));
  assert(rank >= 0 && rank <= MAX_RANK);
  clear();
  for (let d = 0; d < rank; d++) {
    const count = load<i32>(table + bytes(d));
    assert(count >= 0);
    if (count === 0) return;
    append(count, load<i32>(table + bytes(rank + d)), load<i32>(table + bytes(2 * rank + d)));
  }
  merge();
  walk(op, 0, a, b, y);
}

/** Runs dimension d and those inside it; returns where y goes on. */
function walk(op: i32, d: i32, a: usize, b: usize, y: usize): usize {
  const count = size(d);
  if (d === planned() - 1) {
    run(op, a, first(d), b, second(d), y, count);
    return y + bytes(count);
  }
  for (let i = 0; i < count; i++) {
    y = walk(op, d + 1, a, b, y);
    a += bytes(first(d));
    b += bytes(second(d));
  }
  return y;
}

function run(op: i32, a: usize, aStride: i32, b: usize, bStride: i32, y: usize, count: i32): void {
  if (op === ADD) row(ADD, a, aStride, b, bStride, y, count);
  else if (op === SUBTRACT) row(SUBTRACT, a, aStride, b, bStride, y, count);
  else if (op === MULTIPLY) row(MULTIPLY, a, aStride, b, bStride, y, count);
  else if (op === DIVIDE) row(DIVIDE, a, aStride, b, bStride, y, count);
  else if (op === MAXIMUM) row(MAXIMUM, a, aStride, b, bStride, y, count);
  else if (op === MINIMUM) row(MINIMUM, a, aStride, b, bStride, y, count);
  else rare(op, a, aStride, b, bStride, y, count);
}

/** Powers and comparisons: element by element, in one loop for all, since they are small work in any model. */
function rare(op: i32, a: usize, aStride: i32, b: usize, bStride: i32, y: usize, count: i32): void {
  for (; count > 0; count--) {
    store<f32>(y, single(op, load<f32>(a), load<f32>(b)));
    a += bytes(aStride);
    b += bytes(bStride);
    y += 4;
  }
}

function single(op: i32, a: f32, b: f32): f32 {
  if (op === POWER) return Mathf.pow(a, b);
  if (op === EQUAL) return a === b ? 1 : 0;
  if (op === NOT_EQUAL) return a !== b ? 1 : 0;
  if (op === GREATER) return a > b ? 1 : 0;
  if (op === KEEP) return b !== 0 ? a : 0;
  if (op === DROP) return b !== 0 ? 0 : a;
  return a >= b ? 1 : 0;
}

/** One dimension; `op` is a constant at every call, so that no loop holds a branch on it. */
@inline
function row(op: i32, a: usize, aStride: i32, b: usize, bStride: i32, y: usize, count: i32): void {
  if (aStride === 1 && bStride === 1) {
    for (; count >= 8; count -= 8) {
      v128.store(y, apply(op, v128.load(a), v128.load(b)));
      v128.store(y, apply(op, v128.load(a, 16), v128.load(b, 16)), 16);
      a += 32;
      b += 32;
      y += 32;
    }
    for (; count > 0; count -= 4) {
      store4(y, apply(op, load4(a, count), load4(b, count)), count);
      a += 16;
      b += 16;
      y += 16;
    }
  } else if (aStride === 1 && bStride === 0) {
    const v = v128.load_splat<f32>(b);
    for (; count >= 8; count -= 8) {
      v128.store(y, apply(op, v128.load(a), v));
      v128.store(y, apply(op, v128.load(a, 16), v), 16);
      a += 32;
      y += 32;
    }
    for (; count > 0; count -= 4) {
      store4(y, apply(op, load4(a, count), v), count);
      a += 16;
      y += 16;
    }
  } else if (aStride === 0 && bStride === 1) {
    const v = v128.load_splat<f32>(a);
    for (; count >= 8; count -= 8) {
      v128.store(y, apply(op, v, v128.load(b)));
      v128.store(y, apply(op, v, v128.load(b, 16)), 16);
      b += 32;
      y += 32;
    }
    for (; count > 0; count -= 4) {
      store4(y, apply(op, v, load4(b, count)), count);
      b += 16;
      y += 16;
    }
  } else {
    for (; count > 0; count--) {
      v128.store_lane<f32>(y, apply(op, v128.load_zero<f32>(a), v128.load_zero<f32>(b)), 0);
      a += bytes(aStride);
      b += bytes(bStride);
      y += 4;
    }
  }
}

@inline
function apply(op: i32, a: v128, b: v128): v128 {
  if (op === ADD) return f32x4.add(a, b);
  if (op === SUBTRACT) return f32x4.sub(a, b);
  if (op === MULTIPLY) return f32x4.mul(a, b);
  if (op === DIVIDE) return f32x4.div(a, b);
  if (op === MAXIMUM) return f32x4.max(a, b);
  return f32x4.min(a, b);
}

export function fill(target: usize, count: i32, value: f32): void {
  assert(aligned(target) && count >= 0);
  const v = f32x4.splat(value);
  for (; count >= 4; count -= 4) {
    v128.store(target, v);
    target += 16;
  }
  if (count > 0) store4(target, v, count);
}

/** y[i] = x[i] * factor. */
export function scale(x: usize, y: usize, count: i32, factor: f32): void {
  assert(aligned(x) && aligned(y) && count >= 0);
  const v = f32x4.splat(factor);
  for (; count >= 4; count -= 4) {
    v128.store(y, f32x4.mul(v128.load(x), v));
    x += 16;
    y += 16;
  }
  if (count > 0) store4(y, f32x4.mul(load4(x, count), v), count);
}

/** y[r, c, i] = x[r, c, i] * scale[c] + shift[c]. */
export function scaleShift(x: usize, y: usize, outer: i32, channels: i32, inner: i32, scale: usize, shift: usize): void {
  assert(aligned(x) && aligned(y) && aligned(scale) && aligned(shift));
  assert(outer >= 0 && channels >= 0 && inner >= 0);
  for (let r = 0; r < outer; r++) {
    if (inner === 1) {
      let c = 0;
      for (; c + 4 <= channels; c += 4) {
        const v = f32x4.mul(v128.load(x + bytes(c)), v128.load(scale + bytes(c)));
        v128.store(y + bytes(c), f32x4.add(v, v128.load(shift + bytes(c))));
      }
      if (c < channels) {
        const count = channels - c;
        const v = f32x4.mul(load4(x + bytes(c), count), load4(scale + bytes(c), count));
        store4(y + bytes(c), f32x4.add(v, load4(shift + bytes(c), count)), count);
      }
    } else {
      for (let c = 0; c < channels; c++) {
        const factor = v128.load_splat<f32>(scale + bytes(c));
        const term = v128.load_splat<f32>(shift + bytes(c));
        const at = bytes(c * inner);
        let i = 0;
        for (; i + 4 <= inner; i += 4) {
          const v = f32x4.mul(v128.load(x + at + bytes(i)), factor);
          v128.store(y + at + bytes(i), f32x4.add(v, term));
        }
        if (i < inner) {
          const v = f32x4.mul(load4(x + at + bytes(i), inner - i), factor);
          store4(y + at + bytes(i), f32x4.add(v, term), inner - i);
        }
      }
    }
    x += bytes(channels * inner);
    y += bytes(channels * inner);
  }
}

/** y[r, c, i] = x[r, c, i] where that is not below 0, else x[r, c, i] * slope[c]. */
export function prelu(x: usize, y: usize, outer: i32, channels: i32, inner: i32, slope: usize): void {
  assert(aligned(x) && aligned(y) && aligned(slope));
  assert(outer >= 0 && channels >= 0 && inner >= 0);
  for (let r = 0; r < outer; r++) {
    if (inner === 1) {
      let c = 0;
      for (; c + 4 <= channels; c += 4) {
        v128.store(y + bytes(c), bent(v128.load(x + bytes(c)), v128.load(slope + bytes(c))));
      }
      if (c < channels) {
        const count = channels - c;
        store4(y + bytes(c), bent(load4(x + bytes(c), count), load4(slope + bytes(c), count)), count);
      }
    } else {
      for (let c = 0; c < channels; c++) {
        const factor = v128.load_splat<f32>(slope + bytes(c));
        const at = bytes(c * inner);
        let i = 0;
        for (; i + 4 <= inner; i += 4) v128.store(y + at + bytes(i), bent(v128.load(x + at + bytes(i)), factor));
        if (i < inner) store4(y + at + bytes(i), bent(load4(x + at + bytes(i), inner - i), factor), inner - i);
      }
    }
    x += bytes(channels * inner);
    y += bytes(channels * inner);
  }
}

@inline
function bent(v: v128, slope: v128): v128 {
  return v128.bitselect(f32x4.mul(v, slope), v, f32x4.lt(v, f32x4.splat(0)));
}
