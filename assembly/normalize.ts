/**
 * normalizations of [outer][rows][groups][columns] over rows and columns together        f32, SIMD128
 *
 *   layerNormalize      y = (x - mean) / sqrt(variance + epsilon)
 *   varianceNormalize   y = x / sqrt(variance + epsilon)
 *   rmsNormalize        y = x / sqrt(mean of x^2 + epsilon)
 *   unitNormalize       y = x * min(1 / sqrt(sum of x^2), 1 / epsilon)
 *
 *   an axis that is last       outer . 1 . 1 . count
 *   an axis before others      outer . count . inner . 1
 *   groups of channels, NLC    N . L . groups . channels / groups
 *
 * The variance is the mean squared deviation from the mean, in a second pass. In place (y == x) is allowed. Columns run in
 * vectors; where there is one column, four neighbouring groups are a vector.
 *
 * Cost    three passes (two without a mean), one division per group.
 * Order   sums of up to 128 vectors each are added up, so that a long axis loses no more than a short one.
 */
import { aligned, bytes, load4, store4, sumOfLanes } from "./lanes";

const LAYER = 0;
const VARIANCE = 1;
const RMS = 2;
const UNIT = 3;

/** Vectors of one partial sum. */
const PART = 128;

export function layerNormalize(x: usize, y: usize, outer: i32, rows: i32, groups: i32, columns: i32, epsilon: f32): void {
  each(LAYER, x, y, outer, rows, groups, columns, epsilon);
}

export function varianceNormalize(x: usize, y: usize, outer: i32, rows: i32, groups: i32, columns: i32, epsilon: f32): void {
  each(VARIANCE, x, y, outer, rows, groups, columns, epsilon);
}

export function rmsNormalize(x: usize, y: usize, outer: i32, rows: i32, groups: i32, columns: i32, epsilon: f32): void {
  each(RMS, x, y, outer, rows, groups, columns, epsilon);
}

export function unitNormalize(x: usize, y: usize, outer: i32, rows: i32, groups: i32, columns: i32, epsilon: f32): void {
  each(UNIT, x, y, outer, rows, groups, columns, epsilon);
}

function each(kind: i32, x: usize, y: usize, outer: i32, rows: i32, groups: i32, columns: i32, epsilon: f32): void {
  assert(aligned(x) && aligned(y) && outer >= 0 && rows >= 0 && groups >= 0 && columns >= 0);
  if (rows === 0 || columns === 0) return;
  const step = bytes(groups * columns);
  for (let o = 0; o < outer; o++) {
    if (columns === 1) {
      for (let g = 0; g < groups; g += 4) across(kind, x + bytes(g), y + bytes(g), rows, step, groups - g, epsilon);
    } else {
      for (let g = 0; g < groups; g++) {
        const at = bytes(g * columns);
        along(kind, x + at, y + at, rows, columns, step, epsilon);
      }
    }
    x += <usize>rows * step;
    y += <usize>rows * step;
  }
}

/** What x is multiplied by, from the sum of the squares of `count` elements. */
@inline
function factors(kind: i32, squares: v128, count: f32, epsilon: f32): v128 {
  const one = f32x4.splat(1);
  if (kind === UNIT) return f32x4.min(f32x4.div(one, f32x4.sqrt(squares)), f32x4.splat(1 / epsilon));
  const spread = f32x4.add(f32x4.div(squares, f32x4.splat(count)), f32x4.splat(epsilon));
  return f32x4.div(one, f32x4.sqrt(spread));
}

/** One group: `rows` runs of `columns` elements, `step` bytes apart. */
function along(kind: i32, x: usize, y: usize, rows: i32, columns: i32, step: usize, epsilon: f32): void {
  const count = <f32>rows * <f32>columns;
  const center = kind <= VARIANCE ? total(x, rows, columns, step) / count : 0;
  const factor = factors(kind, f32x4.splat(squares(x, rows, columns, step, center)), count, epsilon);
  const shift = f32x4.splat(kind === LAYER ? center : 0);
  for (let r = 0; r < rows; r++) {
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      v128.store(y + bytes(c), f32x4.mul(f32x4.sub(v128.load(x + bytes(c)), shift), factor));
    }
    if (c < columns) {
      store4(y + bytes(c), f32x4.mul(f32x4.sub(load4(x + bytes(c), columns - c), shift), factor), columns - c);
    }
    x += step;
    y += step;
  }
}

function total(x: usize, rows: i32, columns: i32, step: usize): f32 {
  let sum: f64 = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; ) {
      const end = min(c + 4 * PART, columns);
      let part = f32x4.splat(0);
      for (; c + 4 <= end; c += 4) part = f32x4.add(part, v128.load(x + bytes(c)));
      if (c < end) part = f32x4.add(part, load4(x + bytes(c), end - c));
      c = end;
      sum += <f64>sumOfLanes(part);
    }
    x += step;
  }
  return <f32>sum;
}

/** Sum of the squared distances from `center`. */
function squares(x: usize, rows: i32, columns: i32, step: usize, center: f32): f32 {
  const middle = f32x4.splat(center);
  let sum: f64 = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; ) {
      const end = min(c + 4 * PART, columns);
      let part = f32x4.splat(0);
      for (; c + 4 <= end; c += 4) {
        const d = f32x4.sub(v128.load(x + bytes(c)), middle);
        part = f32x4.add(part, f32x4.mul(d, d));
      }
      if (c < end) {
        const real = i32x4.gt_s(i32x4.splat(end - c), i32x4(0, 1, 2, 3));
        const d = v128.and(f32x4.sub(load4(x + bytes(c), end - c), middle), real);
        part = f32x4.add(part, f32x4.mul(d, d));
      }
      c = end;
      sum += <f64>sumOfLanes(part);
    }
    x += step;
  }
  return <f32>sum;
}

/** Up to four groups of one column side by side. */
function across(kind: i32, x: usize, y: usize, rows: i32, step: usize, lanes: i32, epsilon: f32): void {
  const count = <f32>rows;
  let center = f32x4.splat(0);
  if (kind <= VARIANCE) {
    for (let r = 0; r < rows; ) {
      const end = min(r + PART, rows);
      let part = f32x4.splat(0);
      for (; r < end; r++) part = f32x4.add(part, load4(x + <usize>r * step, lanes));
      center = f32x4.add(center, part);
    }
    center = f32x4.div(center, f32x4.splat(count));
  }
  let sum = f32x4.splat(0);
  for (let r = 0; r < rows; ) {
    const end = min(r + PART, rows);
    let part = f32x4.splat(0);
    for (; r < end; r++) {
      const d = f32x4.sub(load4(x + <usize>r * step, lanes), center);
      part = f32x4.add(part, f32x4.mul(d, d));
    }
    sum = f32x4.add(sum, part);
  }
  const factor = factors(kind, sum, count, epsilon);
  const shift = kind === LAYER ? center : f32x4.splat(0);
  for (let r = 0; r < rows; r++) {
    const at = <usize>r * step;
    store4(y + at, f32x4.mul(f32x4.sub(load4(x + at, lanes), shift), factor), lanes);
  }
}
