/**
 * recurrent: the steps of a recurrent layer, once its input's part of the gates is there        f32, SIMD128
 *
 *   simple (0)      h = a(x + h R)
 *   lstm (1)        i, f, g, o = x + h R:  c = s(f) c + s(i) a(g),  h = s(o) a(c)
 *   gru (2)         z, r, n = x, z', r', n' = h R + b:  h = s(z + z') h + (1 - s(z + z')) a(n + s(r + r') n')
 *   gruBefore (3)   the same, but n' = (s(r + r') h) Q, Q being `candidate`
 *
 *   x          gates of step t and row n at x + t * xStep + n * xSample:  | i .. | f .. | g .. | o .. |  each U4 wide
 *   h, c       rows U4 apart: the state before the first step, then that after the last one. A gruBefore's c is scratch.
 *   z          rows x gates * U4, scratch
 *   mask       0 at mask + t * maskStep + n * maskSample: the step does not count; a pointer of 0 for no mask
 *   y          units outputs at y + t * yStep + n * ySample; a step that does not count repeats the one before it
 *   R, Q       panels (panel.ts) of `units` rows and gates * U4 columns
 *
 * U4 is `units` up to a multiple of 4; what lies between means nothing. Steps and samples count elements, and a step may be
 * negative: a series read or written from its end. x, R, Q, h, c and z are aligned, y and mask need not be. A function is
 * its number in activation.ts (`applyTo`) and its three parameters.
 *
 * Cost    per step one gemm of all rows, gates * units * U4 multiply-adds a row, and what the gates' functions take. Where s
 *         is the sigmoid and a is tanh, one pass over the gates does it all: quotients are multiplied before they are
 *         divided, and their exponentials bounded, which took them from 1.3 to 0.85 us for 128 units of an LSTM.
 */
import { applyTo, SIGMOID, TANH } from "./activation";
import { boundedExp, boundedExpm1 } from "./elementary";
import { gemm } from "./gemm";
import { aligned, bytes, load4, store4 } from "./lanes";

const SIMPLE: i32 = 0, LSTM: i32 = 1, GRU: i32 = 2, GRU_BEFORE: i32 = 3;

export function recurrent(
  cell: i32, x: usize, xStep: i32, xSample: i32, R: usize, candidate: usize, h: usize, c: usize, z: usize,
  mask: usize, maskStep: i32, maskSample: i32, y: usize, yStep: i32, ySample: i32, zeroMasked: i32,
  steps: i32, rows: i32, units: i32,
  gate: i32, g1: f32, g2: f32, g3: f32, activation: i32, a1: f32, a2: f32, a3: f32,
): void {
  assert(aligned(x) && aligned(R) && aligned(candidate) && aligned(h) && aligned(c) && aligned(z));
  assert(steps >= 0 && rows >= 0 && units >= 0 && (cell === GRU_BEFORE) === (candidate !== 0));
  const wide = (units + 3) & ~3;
  const block = bytes(wide);
  const gates = cell === LSTM ? 4 : cell === SIMPLE ? 1 : 3;
  const columns = gates * wide;
  const fused = gate === SIGMOID && activation === TANH;
  const infinite = <f32>Infinity;
  for (let t = 0; t < steps; t++) {
    gemm(h, wide, R, z, columns, rows, cell === GRU_BEFORE ? 2 * wide : columns, units, -infinite, infinite);
    if (cell === GRU_BEFORE) {
      for (let n = 0; n < rows; n++) {
        const own = z + bytes(n * columns);
        addTo(own, x + bytes(n * xSample), 2 * wide);
        applyTo(gate, own, units, g1, g2, g3);
        applyTo(gate, own + block, units, g1, g2, g3);
        product(own + block, h + bytes(n * wide), c + bytes(n * wide), wide);
      }
      gemm(c, wide, candidate, z + 2 * block, columns, rows, wide, units, -infinite, infinite);
    }
    for (let n = 0; n < rows; n++) {
      const from = x + bytes(n * xSample), own = z + bytes(n * columns);
      const hn = h + bytes(n * wide), cn = c + bytes(n * wide), to = y + bytes(n * ySample);
      if (mask !== 0 && load<f32>(mask + bytes(n * maskSample)) === 0) {
        skip(to, bytes(yStep), t === 0 || zeroMasked !== 0, units);
        continue;
      }
      if (cell === LSTM) {
        if (fused) lstmFused(from, own, hn, cn, wide);
        else {
          addTo(own, from, columns);
          applyTo(gate, own, units, g1, g2, g3);
          applyTo(gate, own + block, units, g1, g2, g3);
          applyTo(activation, own + 2 * block, units, a1, a2, a3);
          applyTo(gate, own + 3 * block, units, g1, g2, g3);
          carry(own, cn, hn, wide);
          applyTo(activation, hn, units, a1, a2, a3);
          product(own + 3 * block, hn, hn, wide);
        }
      } else if (cell === SIMPLE) {
        sum(own, from, hn, wide);
        applyTo(activation, hn, units, a1, a2, a3);
      } else if (cell === GRU && fused) {
        gruFused(from, own, hn, wide);
      } else {
        if (cell === GRU) {
          addTo(own, from, 2 * wide);
          applyTo(gate, own, units, g1, g2, g3);
          applyTo(gate, own + block, units, g1, g2, g3);
          product(own + block, own + 2 * block, own + 2 * block, wide);
        }
        addTo(own + 2 * block, from + 2 * block, wide);
        applyTo(activation, own + 2 * block, units, a1, a2, a3);
        mix(own, own + 2 * block, hn, wide);
      }
      copy(hn, to, units);
    }
    x += bytes(xStep);
    mask += mask === 0 ? 0 : bytes(maskStep);
    y += bytes(yStep);
  }
}

/** A step that does not count: zeros, or the output before it, `step` bytes back. */
function skip(to: usize, step: usize, zero: bool, units: i32): void {
  if (zero) {
    for (let u = 0; u < units; u++) store<f32>(to + bytes(u), 0);
  } else if (step !== 0) copy(to - step, to, units);
}

function copy(from: usize, to: usize, count: i32): void {
  for (; count > 0; count -= 4) {
    store4(to, load4(from, count), count);
    from += 16;
    to += 16;
  }
}

/** a += b. */
function addTo(a: usize, b: usize, count: i32): void {
  sum(a, b, a, count);
}

/** y = a + b; counts of these are multiples of 4. */
function sum(a: usize, b: usize, y: usize, count: i32): void {
  for (let at: usize = 0, end = bytes(count); at < end; at += 16) {
    v128.store(y + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  }
}

/** y = a * b. */
function product(a: usize, b: usize, y: usize, count: i32): void {
  for (let at: usize = 0, end = bytes(count); at < end; at += 16) {
    v128.store(y + at, f32x4.mul(v128.load(a + at), v128.load(b + at)));
  }
}

/** c = f * c + i * g, and h = c, the gates done with their functions. */
function carry(gates: usize, c: usize, h: usize, count: i32): void {
  const block = bytes(count);
  for (let at: usize = 0; at < block; at += 16) {
    const p = gates + at;
    const kept = f32x4.mul(v128.load(p + block), v128.load(c + at));
    const next = f32x4.add(kept, f32x4.mul(v128.load(p), v128.load(p + 2 * block)));
    v128.store(c + at, next);
    v128.store(h + at, next);
  }
}

/** h = z * h + (1 - z) * n. */
function mix(z: usize, n: usize, h: usize, count: i32): void {
  for (let at: usize = 0, end = bytes(count); at < end; at += 16) {
    v128.store(h + at, mixed(v128.load(z + at), v128.load(h + at), v128.load(n + at)));
  }
}

@inline
function mixed(z: v128, h: v128, n: v128): v128 {
  return f32x4.add(f32x4.mul(z, h), f32x4.mul(f32x4.sub(f32x4.splat(1), z), n));
}

@inline
function both(a: usize, b: usize): v128 {
  return f32x4.add(v128.load(a), v128.load(b));
}

/** 1 + exp(-x): what the sigmoid divides by. */
@inline
function divisor(x: v128): v128 {
  return f32x4.add(f32x4.splat(1), boundedExp(f32x4.neg(x)));
}

/** sigmoid(x) * tanh(y) in one division. */
@inline
function gated(x: v128, y: v128): v128 {
  const e = boundedExpm1(f32x4.add(y, y));
  return f32x4.div(e, f32x4.mul(divisor(x), f32x4.add(e, f32x4.splat(2))));
}

function lstmFused(x: usize, z: usize, h: usize, c: usize, count: i32): void {
  const block = bytes(count);
  for (let at: usize = 0; at < block; at += 16) {
    const p = x + at, q = z + at;
    const kept = f32x4.div(v128.load(c + at), divisor(both(p + block, q + block)));
    const next = f32x4.add(kept, gated(both(p, q), both(p + 2 * block, q + 2 * block)));
    v128.store(c + at, next);
    v128.store(h + at, gated(both(p + 3 * block, q + 3 * block), next));
  }
}

function gruFused(x: usize, own: usize, h: usize, count: i32): void {
  const block = bytes(count);
  for (let at: usize = 0; at < block; at += 16) {
    const p = x + at, q = own + at;
    const reset = f32x4.div(v128.load(q + 2 * block), divisor(both(p + block, q + block)));
    const n = f32x4.add(v128.load(p + 2 * block), reset);
    const e = boundedExpm1(f32x4.add(n, n));
    const candidate = f32x4.div(e, f32x4.add(e, f32x4.splat(2)));
    // With w = exp(-z) the update gate is 1 / (1 + w), and one minus it w / (1 + w).
    const w = boundedExp(f32x4.neg(both(p, q)));
    const sum = f32x4.add(v128.load(h + at), f32x4.mul(w, candidate));
    v128.store(h + at, f32x4.div(sum, f32x4.add(w, f32x4.splat(1))));
  }
}
