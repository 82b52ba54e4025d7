/**
 * reduce: one number per line of the middle axis of [outer][count][inner]        f32
 *
 *   y       [outer][inner], overlaps nothing
 *   kind    0 sum  1 mean  2 max  3 min  4 product  5 variance  6 standard deviation  7 any  8 all  9 argmax  10 argmin
 *
 * The variance is that of the whole population, from the mean found first. any and all count what is not zero and give 0
 * or 1. max and min are NaN where an element is. Places are those of the first of equals.
 *
 * Cost    one read per element (two for the variance), one element at a time.
 * Order   ascending, in float64: sums round once, as they are stored.
 */
import { aligned, bytes } from "./lanes";

export function reduce(x: usize, y: usize, outer: i32, count: i32, inner: i32, kind: i32): void {
  assert(aligned(x) && aligned(y) && outer >= 0 && count >= 0 && inner >= 0);
  const step = bytes(inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) store<f32>(y + bytes(i), line(x + bytes(i), step, count, kind));
    x += bytes(count * inner);
    y += bytes(inner);
  }
}

function line(x: usize, step: usize, count: i32, kind: i32): f32 {
  switch (kind) {
    case 0:
      return <f32>sum(x, step, count);
    case 1:
      return <f32>(sum(x, step, count) / count);
    case 2:
    case 3:
      return extreme(x, step, count, kind === 3);
    case 4:
      return product(x, step, count);
    case 5:
      return <f32>variance(x, step, count);
    case 6:
      return <f32>sqrt(variance(x, step, count));
    case 7:
      return <f32>(zeros(x, step, count) < count ? 1 : 0);
    case 8:
      return <f32>(zeros(x, step, count) === 0 ? 1 : 0);
    default:
      return place(x, step, count, kind === 10);
  }
}

function sum(x: usize, step: usize, count: i32): f64 {
  let total: f64 = 0;
  for (; count > 0; count--, x += step) total += <f64>load<f32>(x);
  return total;
}

function product(x: usize, step: usize, count: i32): f32 {
  let total: f64 = 1;
  for (; count > 0; count--, x += step) total *= <f64>load<f32>(x);
  return <f32>total;
}

function variance(x: usize, step: usize, count: i32): f64 {
  const mean = sum(x, step, count) / count;
  let total: f64 = 0;
  for (let i = 0; i < count; i++, x += step) {
    const difference = <f64>load<f32>(x) - mean;
    total += difference * difference;
  }
  return total / count;
}

function extreme(x: usize, step: usize, count: i32, least: bool): f32 {
  let found: f32 = least ? f32.MAX_VALUE : -f32.MAX_VALUE;
  if (count > 0) found = load<f32>(x);
  for (; count > 0; count--, x += step) found = least ? min(found, load<f32>(x)) : max(found, load<f32>(x));
  return found;
}

function zeros(x: usize, step: usize, count: i32): i32 {
  let found = 0;
  for (; count > 0; count--, x += step) if (load<f32>(x) === 0) found++;
  return found;
}

function place(x: usize, step: usize, count: i32, least: bool): f32 {
  const best = extreme(x, step, count, least);
  for (let i = 0; i < count; i++, x += step) if (load<f32>(x) === best) return <f32>i;
  return 0;
}
