/**
 * lanes: what all kernels share, first of all the last one to three elements of a row, for which none of them needs a second,
 * scalar version of its arithmetic        f32, SIMD128
 *
 *   row    e0 e1 e2 e3 | e4 e5            count = 6
 *          load4(.., 6)  load4(.., 2)     the second reads two floats; its upper lanes are zero
 *
 * Whole vectors are loaded and stored as such, and what is left by load4 and store4. Neither touches memory past the row, so
 * every element goes through the same instructions wherever it stands, and rows may end where the memory ends. In a loop
 * that matters neither should stand: they hold calls, around which V8 spills every vector (an addition of two arrays ran at
 * 26 GB/s with them, at 85 without).
 */

/** Shift from a count of float32 elements to bytes. */
export const F32: usize = 2;

/** Whether a pointer keeps the binary interface's promise: a multiple of 16. */
@inline
export function aligned(pointer: usize): bool {
  return (pointer & 15) === 0;
}

/** Bytes of `count` float32 elements. */
@inline
export function bytes(count: i32): usize {
  return (<usize>count) << F32;
}

function loadPart(p: usize, count: i32): v128 {
  let v = v128.load_zero<f32>(p);
  if (count > 1) v = v128.load_lane<f32>(p, v, 1, 4);
  if (count > 2) v = v128.load_lane<f32>(p, v, 2, 8);
  return v;
}

function storePart(p: usize, v: v128, count: i32): void {
  v128.store_lane<f32>(p, v, 0);
  if (count > 1) v128.store_lane<f32>(p, v, 1, 4);
  if (count > 2) v128.store_lane<f32>(p, v, 2, 8);
}

/** The first min(count, 4) floats at p, zeros above; count >= 1. */
@inline
export function load4(p: usize, count: i32): v128 {
  return count >= 4 ? v128.load(p) : loadPart(p, count);
}

/** Stores the first min(count, 4) lanes at p; count >= 1. */
@inline
export function store4(p: usize, v: v128, count: i32): void {
  if (count >= 4) v128.store(p, v);
  else storePart(p, v, count);
}

/** acc + x * y: two roundings in the plain build, one in the relaxed build. The only instruction in which they differ. */
@inline
export function madd(x: v128, y: v128, acc: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, acc);
  return f32x4.add(acc, f32x4.mul(x, y));
}

/** min(max(v, low), high): a ReLU or the like as a result is stored. NaN stays NaN: pmax and pmin then give their first operand. */
@inline
export function clamp(v: v128, low: f32, high: f32): v128 {
  return f32x4.pmin(f32x4.pmax(v, f32x4.splat(low)), f32x4.splat(high));
}

/** (lane 0 + lane 2) + (lane 1 + lane 3). */
@inline
export function sumOfLanes(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** sumOfLanes of four vectors, one per lane. */
@inline
export function sumsOfLanes(v0: v128, v1: v128, v2: v128, v3: v128): v128 {
  const pairs01 = f32x4.add(v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), v128.shuffle<f32>(v0, v1, 2, 6, 3, 7));
  const pairs23 = f32x4.add(v128.shuffle<f32>(v2, v3, 0, 4, 1, 5), v128.shuffle<f32>(v2, v3, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f64>(pairs01, pairs23, 0, 2), v128.shuffle<f64>(pairs01, pairs23, 1, 3));
}

/** The largest lane; NaN if any lane is. */
@inline
export function maxOfLanes(v: v128): f32 {
  const pairs = f32x4.max(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** The first byte of memory that no kernel uses, a multiple of 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
