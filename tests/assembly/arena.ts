/**
 * arena: memory, random numbers and guard words for the specs
 *
 *   output(n)   G G G G | n floats, all G | G G G G        G is a value that no kernel here produces
 *   floats(n)   NaN .. NaN | n random floats | NaN .. NaN
 *
 * Everything lives in one block that reset() empties, so that a spec may loop over thousands of shapes.
 */

/** The value of a guard word, and of an output that was not written. */
export const GUARD: f32 = 12345.75;

/** NaN words on either side of an input. */
const POISON = 16;

const BYTES: usize = 1 << 22;
const BLOCK: usize = (heap.alloc(BYTES + 16) + 15) & ~15;
let top: usize = BLOCK;
let state: u32 = 1;

/** Forgets all arrays and starts the random numbers anew. */
export function reset(seed: u32 = 1): void {
  top = BLOCK;
  state = seed;
}

/** Room for `count` floats or int32, at a multiple of 16. */
export function reserve(count: i32): usize {
  const start = top;
  top = (top + ((<usize>count) << 2) + 15) & ~15;
  assert(top <= BLOCK + BYTES, "the arena is full");
  return start;
}

/** mulberry32, as in tests/kernels.test.ts: a number in -1 to 1, rounded to float32. */
export function random(): f32 {
  state += 0x6d2b79f5;
  let t = (state ^ (state >>> 15)) * (1 | state);
  t = (t + (t ^ (t >>> 7)) * (61 | t)) ^ t;
  return <f32>(<f64>(t ^ (t >>> 14)) / 2147483648.0 - 1.0);
}

/** `count` random floats between NaN, so that a read outside of them shows in the result. */
export function floats(count: i32): usize {
  const start = reserve(count + 2 * POISON) + ((<usize>POISON) << 2);
  for (let i = -POISON; i < count + POISON; i++) put(start, i, NaN);
  for (let i = 0; i < count; i++) put(start, i, random());
  return start;
}

/** `count` int32. */
export function integers(values: i32[]): usize {
  const start = reserve(values.length);
  for (let i = 0; i < values.length; i++) store<i32>(start + ((<usize>i) << 2), values[i]);
  return start;
}

/** `count` floats that hold GUARD, with four guard words on either side. */
export function output(count: i32): usize {
  const start = reserve(count + 8);
  for (let i = 0; i < count + 8; i++) put(start, i, GUARD);
  return start + 16;
}

/** Whether the guard words around an output are as they were. */
export function guarded(start: usize, count: i32): bool {
  for (let i = 1; i <= 4; i++) {
    if (at(start, -i) !== GUARD || at(start, count + i - 1) !== GUARD) return false;
  }
  return true;
}

export function at(start: usize, index: i32): f32 {
  return load<f32>(start + ((<usize>index) << 2));
}

export function put(start: usize, index: i32, value: f32): void {
  store<f32>(start + ((<usize>index) << 2), value);
}

/** The limits that a clamp is tested with; without one they are infinite. */
export const LOW: f32 = -0.25;
export const HIGH: f32 = 0.75;

/** What a kernel with these limits has to store for `value`. */
export function clamped(value: f32, low: f32, high: f32): f32 {
  return value > high ? high : value < low ? low : value;
}

/** |actual - expected|, relative where expected is larger than 1; Infinity if either alone is NaN. */
export function error(actual: f32, expected: f64): f64 {
  if (isNaN(actual) || isNaN(expected)) return isNaN(actual) && isNaN(expected) ? 0 : Infinity;
  if (<f64>actual === expected) return 0;
  return abs(<f64>actual - expected) / max(1.0, abs(expected));
}
