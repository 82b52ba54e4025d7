/**
 * softmax, logSoftmax, sparsemax over the middle axis of [outer][count][inner]        f32
 *
 *   softmax      y[c] = exp(x[c] - max) / sum over j of exp(x[j] - max)
 *   logSoftmax   y[c] = (x[c] - max) - ln(sum over j of exp(x[j] - max))
 *   sparsemax    y[c] = max(x[c] - t, 0), t = (s[1] + ... + s[k] - 1) / k
 *
 * s[j] is the sum of the j largest elements, k counts those j with 1 + j * (j-th largest) > s[j]: Keras' sparsemax, whose t
 * sums over the support where the paper (Martins & Astudillo, 2016) takes s[k] alone.
 *
 * In place (y == x) is allowed; x and y need not be aligned, except sparsemax's. With inner = 1 four elements of the axis are one vector, otherwise four neighbours of `inner`
 * are, which then are four independent sums.
 *
 * Cost    three passes, one exp per element (logSoftmax too).
 * Order   inner = 1: four sums of every fourth element, then (0 + 2) + (1 + 3); else the axis ascends.
 * NaN     anywhere in an axis makes all of it NaN, and so does +Infinity, or nothing but -Infinity.
 * Source  keras:keras/src/backend/tensorflow/nn.py (sparsemax); sorted by insertion, in float64
 */
import { exp, log } from "./elementary";
import { aligned, bytes, load4, maxOfLanes, store4, sumOfLanes } from "./lanes";

export function softmax(x: usize, y: usize, outer: i32, count: i32, inner: i32): void {
  each(false, x, y, outer, count, inner);
}

export function logSoftmax(x: usize, y: usize, outer: i32, count: i32, inner: i32): void {
  each(true, x, y, outer, count, inner);
}

@inline
function each(logarithm: bool, x: usize, y: usize, outer: i32, count: i32, inner: i32): void {
  assert(outer >= 0 && count >= 0 && inner >= 0);
  if (count === 0) return;
  const step = bytes(count * inner);
  for (let o = 0; o < outer; o++) {
    if (inner === 1) {
      alongAxis(logarithm, x, y, count);
    } else {
      for (let i = 0; i < inner; i += 4) {
        acrossAxis(logarithm, x + bytes(i), y + bytes(i), count, bytes(inner), inner - i);
      }
    }
    x += step;
    y += step;
  }
}

/** All ones in the first `count` lanes. */
@inline
function firstLanes(count: i32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}

/**
 * Whole vectors and the rest apart, since load4 and store4 hold calls (lanes.ts), and the largest by pmax, since max is seven
 * instructions that wait for each other: a row of 128 takes two thirds of the time. A NaN that pmax passes over is in the sum.
 */
function alongAxis(logarithm: bool, x: usize, y: usize, count: i32): void {
  const lowest = f32x4.splat(-(<f32>Infinity));
  const end = bytes(count & ~3);
  const rest = count & 3;
  let largest = lowest;
  for (let at: usize = 0; at < end; at += 16) largest = f32x4.pmax(largest, v128.load(x + at));
  if (rest > 0) largest = f32x4.pmax(largest, v128.bitselect(load4(x + end, rest), lowest, firstLanes(rest)));
  largest = f32x4.splat(maxOfLanes(largest));
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += 16) {
    const e = exp(f32x4.sub(v128.load(x + at), largest));
    sum = f32x4.add(sum, e);
    if (!logarithm) v128.store(y + at, e);
  }
  if (rest > 0) {
    const e = exp(f32x4.sub(load4(x + end, rest), largest));
    sum = f32x4.add(sum, v128.and(e, firstLanes(rest)));
    if (!logarithm) store4(y + end, e, rest);
  }
  sum = f32x4.splat(sumOfLanes(sum));
  if (logarithm) {
    sum = log(sum);
    for (let at: usize = 0; at < end; at += 16) {
      v128.store(y + at, f32x4.sub(f32x4.sub(v128.load(x + at), largest), sum));
    }
    if (rest > 0) store4(y + end, f32x4.sub(f32x4.sub(load4(x + end, rest), largest), sum), rest);
  } else {
    for (let at: usize = 0; at < end; at += 16) v128.store(y + at, f32x4.div(v128.load(y + at), sum));
    if (rest > 0) store4(y + end, f32x4.div(load4(y + end, rest), sum), rest);
  }
}

/** Up to four axes side by side, whose elements are `step` bytes apart. */
function acrossAxis(logarithm: bool, x: usize, y: usize, count: i32, step: usize, lanes: i32): void {
  let largest = f32x4.splat(-(<f32>Infinity));
  for (let c = 0; c < count; c++) largest = f32x4.pmax(largest, load4(x + <usize>c * step, lanes));
  let sum = f32x4.splat(0);
  for (let c = 0; c < count; c++) {
    const e = exp(f32x4.sub(load4(x + <usize>c * step, lanes), largest));
    sum = f32x4.add(sum, e);
    if (!logarithm) store4(y + <usize>c * step, e, lanes);
  }
  if (logarithm) sum = log(sum);
  for (let c = 0; c < count; c++) {
    const at = <usize>c * step;
    if (logarithm) store4(y + at, f32x4.sub(f32x4.sub(load4(x + at, lanes), largest), sum), lanes);
    else store4(y + at, f32x4.div(load4(y + at, lanes), sum), lanes);
  }
}

/** scratch: count floats. */
export function sparsemax(x: usize, y: usize, outer: i32, count: i32, inner: i32, scratch: usize): void {
  assert(aligned(x) && aligned(y) && aligned(scratch) && outer >= 0 && count >= 0 && inner >= 0);
  if (count === 0) return;
  const step = bytes(inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) sparsemaxOfAxis(x + bytes(i), y + bytes(i), count, step, scratch);
    x += <usize>count * step;
    y += <usize>count * step;
  }
}

/** Sorts the axis into scratch, largest first, and sums over the support as Keras does. */
function sparsemaxOfAxis(x: usize, y: usize, count: i32, step: usize, scratch: usize): void {
  for (let c = 0; c < count; c++) {
    const z = load<f32>(x + <usize>c * step);
    let place = c;
    for (; place > 0 && load<f32>(scratch + bytes(place - 1)) < z; place--) {
      store<f32>(scratch + bytes(place), load<f32>(scratch + bytes(place - 1)));
    }
    store<f32>(scratch + bytes(place), z);
  }
  let sum: f64 = 0;
  let sums: f64 = 0;
  let support: f64 = 0;
  for (let c = 0; c < count; c++) {
    const z = <f64>load<f32>(scratch + bytes(c));
    sum += z;
    if (1 + <f64>(c + 1) * z > sum) {
      sums += sum;
      support += 1;
    }
  }
  const threshold = isNaN(sum) ? NaN : (sums - 1) / support;
  for (let c = 0; c < count; c++) {
    const z = <f64>load<f32>(x + <usize>c * step);
    store<f32>(y + <usize>c * step, <f32>max<f64>(z - threshold, 0));
  }
}
