/**
 * rearrange: a strided copy of any rank up to 8        f32, SIMD128
 *
 *   target[sum of i_d * targetStride_d] = source[sum of i_d * sourceStride_d]   for all 0 <= i_d < size_d
 *
 *   table   int32: sizes[rank], source strides[rank], target strides[rank], in elements
 *
 * Source strides may be zero (broadcast) or negative. The order of the dimensions in the table does not matter: plan.ts
 * drops those of size 1, sorts the rest by target stride and merges neighbours that step alike in both arrays, so that
 *
 *   NLC to NLC         one dimension        a wide copy
 *   NLC to NCL         N, and C by L        a transpose in 4x4 blocks, each read and written once in whole vectors
 *
 *
 * Cost    one read and one write per element; 9 to 34 GB/s of output on the machine of bench/results/kernels.md.
 */
import { aligned, bytes, load4, store4 } from "./lanes";
import { clear, first, insert, merge, moveBehind, planned, second, size } from "./plan";

/** Columns that a transpose takes at a time. */
const CHUNK = 16;

export function rearrange(source: usize, target: usize, rank: i32, table: usize): void {
  assert(aligned(source) && aligned(target) && aligned(table));
  assert(rank >= 0 && rank <= 8);
  clear();
  for (let d = 0; d < rank; d++) {
    const count = load<i32>(table + bytes(d));
    assert(count >= 0);
    if (count === 0) return;
    const sourceStride = load<i32>(table + bytes(rank + d));
    const targetStride = load<i32>(table + bytes(2 * rank + d));
    insert(count, sourceStride, targetStride);
  }
  merge();
  // A transpose wants the source's fastest dimension next to the target's.
  const inner = planned() - 1;
  if (second(inner) === 1 && first(inner) !== 1) {
    let d = inner - 1;
    while (d >= 0 && first(d) !== 1) d--;
    if (d >= 0) moveBehind(d, inner - 1);
  }
  walk(0, source, target);
}

function walk(d: i32, source: usize, target: usize): void {
  const left = planned() - d;
  if (left === 1) {
    run(source, target, size(d), first(d), second(d));
    return;
  }
  if (left === 2 && first(d) === 1 && second(d + 1) === 1 && first(d + 1) !== 0) {
    transpose(source, target, size(d), size(d + 1), bytes(first(d + 1)), bytes(second(d)));
    return;
  }
  const s = bytes(first(d)), t = bytes(second(d));
  for (let i = size(d); i > 0; i--) {
    walk(d + 1, source, target);
    source += s;
    target += t;
  }
}

/** One dimension. */
function run(source: usize, target: usize, count: i32, sourceStride: i32, targetStride: i32): void {
  if (targetStride === 1 && sourceStride === 1) {
    for (; count >= 16; count -= 16) {
      const v0 = v128.load(source), v1 = v128.load(source, 16), v2 = v128.load(source, 32), v3 = v128.load(source, 48);
      v128.store(target, v0);
      v128.store(target, v1, 16);
      v128.store(target, v2, 32);
      v128.store(target, v3, 48);
      source += 64;
      target += 64;
    }
    for (; count > 0; count -= 4) {
      store4(target, load4(source, count), count);
      source += 16;
      target += 16;
    }
    return;
  }
  if (targetStride === 1 && sourceStride === 0) {
    const v = v128.load_splat<f32>(source);
    for (; count > 0; count -= 4) {
      store4(target, v, count);
      target += 16;
    }
    return;
  }
  const s = bytes(sourceStride), t = bytes(targetStride);
  for (; count > 0; count--) {
    store<f32>(target, load<f32>(source));
    source += s;
    target += t;
  }
}

/**
 * target[r][c] = source[c][r] for r < rows, c < columns; source rows are lds bytes apart, target rows ldt. CHUNK columns at a
 * time: where lds is a power of two, all lines of a target row fall into few sets of the cache, and would be gone before
 * their second quarter is read. Measured for 64 x 1024: 5.7 GB/s without, 18.7 with chunks of 16.
 */
function transpose(source: usize, target: usize, rows: i32, columns: i32, lds: usize, ldt: usize): void {
  for (; columns > 0; columns -= CHUNK) {
    chunk(source, target, rows, min(columns, CHUNK), lds, ldt);
    source += <usize>CHUNK * lds;
    target += <usize>CHUNK * 4;
  }
}

function chunk(source: usize, target: usize, rows: i32, columns: i32, lds: usize, ldt: usize): void {
  for (; rows >= 4; rows -= 4) {
    let s = source;
    let t = target;
    let c = columns;
    for (; c >= 4; c -= 4) {
      const s0 = v128.load(s);
      const s1 = v128.load(s + lds);
      const s2 = v128.load(s + 2 * lds);
      const s3 = v128.load(s + 3 * lds);
      const low01 = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
      v128.store(t, v128.shuffle<f64>(low01, low23, 0, 2));
      v128.store(t + ldt, v128.shuffle<f64>(low01, low23, 1, 3));
      v128.store(t + 2 * ldt, v128.shuffle<f64>(high01, high23, 0, 2));
      v128.store(t + 3 * ldt, v128.shuffle<f64>(high01, high23, 1, 3));
      s += 4 * lds;
      t += 16;
    }
    for (; c > 0; c--) {
      const v = v128.load(s);
      v128.store_lane<f32>(t, v, 0);
      v128.store_lane<f32>(t + ldt, v, 1);
      v128.store_lane<f32>(t + 2 * ldt, v, 2);
      v128.store_lane<f32>(t + 3 * ldt, v, 3);
      s += lds;
      t += 4;
    }
    source += 16;
    target += 4 * ldt;
  }
  for (; rows > 0; rows--) {
    let s = source;
    for (let c = 0; c < columns; c++) {
      store<f32>(target + bytes(c), load<f32>(s));
      s += lds;
    }
    source += 4;
    target += ldt;
  }
}
