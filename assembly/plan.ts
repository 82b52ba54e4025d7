/**
 * plan: the dimensions of the strided loop under way, fewest and longest        int32
 *
 *   row d    size, first stride, second stride        outermost row first, strides in elements
 *
 * The two strides are the source's and the target's in transpose.ts, those of a and b in pointwise.ts. Dimensions of size 1
 * are left out, and merge() joins neighbours that step alike in both arrays:
 *
 *   4, 6, 6                    one step of the outer row is six of the inner one,
 *   6, 1, 1    ->  24, 1, 1    so both are one row
 *
 * There is one plan per instance, since no kernel calls another that plans, and behind it scratch for a tile of a transpose.
 * Nothing is kept from call to call. Instances that share one memory, one for each thread, each get a place of their own for
 * both: the only bytes that kernels write besides their outputs.
 */

/** Most dimensions that a call may have. */
export const MAX_RANK = 8;

const ROW = 12;
/** A plan, and what the scratch may lose to its alignment. */
const HEAD: usize = MAX_RANK * ROW + 64;
/** 64 rows of 64 elements and 64 bytes (transpose.ts). */
const SCRATCH: usize = 64 * (64 * 4 + 64);
const OWN: usize = memory.data(MAX_RANK * ROW + 64 + 64 * (64 * 4 + 64), 64);
let plan: usize = OWN;
let rows: i32 = 0;

/** Bytes of a plan and its scratch. */
export function planBytes(): usize {
  return HEAD + SCRATCH;
}

/** This instance's scratch, a multiple of 64. */
export function scratch(): usize {
  return (plan + MAX_RANK * ROW + 63) & ~63;
}

/** Has this instance keep its plan at `address`, in planBytes() that nobody else uses. */
export function placePlan(address: usize): void {
  plan = address;
}

/** Rows in the plan; after merge() at least one. */
export function planned(): i32 {
  return rows;
}

export function size(d: i32): i32 {
  return load<i32>(plan + <usize>(d * ROW));
}

export function first(d: i32): i32 {
  return load<i32>(plan + <usize>(d * ROW), 4);
}

export function second(d: i32): i32 {
  return load<i32>(plan + <usize>(d * ROW), 8);
}

function set(d: i32, size: i32, first: i32, second: i32): void {
  const row = plan + <usize>(d * ROW);
  store<i32>(row, size);
  store<i32>(row, first, 4);
  store<i32>(row, second, 8);
}

export function clear(): void {
  rows = 0;
}

/** Adds a dimension inside all others. */
export function append(size: i32, first: i32, second: i32): void {
  if (size !== 1) set(rows++, size, first, second);
}

/** Adds a dimension inside all those whose second stride is as large or larger. */
export function insert(count: i32, firstStride: i32, secondStride: i32): void {
  if (count === 1) return;
  let d = rows++;
  for (; d > 0 && abs(second(d - 1)) < abs(secondStride); d--) set(d, size(d - 1), first(d - 1), second(d - 1));
  set(d, count, firstStride, secondStride);
}

/** Joins the rows that can be; a plan of none becomes one row of one element. */
export function merge(): void {
  if (rows === 0) {
    set(rows++, 1, 1, 1);
    return;
  }
  let kept = 0;
  for (let d = 1; d < rows; d++) {
    const n = size(d), f = first(d), s = second(d);
    if (first(kept) === f * n && second(kept) === s * n) set(kept, size(kept) * n, f, s);
    else set(++kept, n, f, s);
  }
  rows = kept + 1;
}

/** Moves row d inwards to place `to`. */
export function moveBehind(d: i32, to: i32): void {
  const n = size(d), f = first(d), s = second(d);
  for (; d < to; d++) set(d, size(d + 1), first(d + 1), second(d + 1));
  set(to, n, f, s);
}
