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
 *   NLC to NCL         N, and C by L        a transpose in blocks of 16x16, in vectors of four
 *
 * Cost    one read and one write per element; see bench/results/gemm.md.
 */
import { aligned, bytes, load4, store4 } from "./lanes";
import { clear, first, insert, merge, moveBehind, planned, second, size } from "./plan";

/** Rows and columns of a transpose's block: one line of the cache each way. */
const SIDE = 16;
const LINE: usize = 64;
const BLOCK: usize = memory.data(SIDE * 64, 64);

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
 * target[r][c] = source[c][r] for r < rows, c < columns; source rows are lds bytes apart, target rows ldt. In blocks of 16 x
 * 16, so that every line of the cache that a block meets is read or written whole. Where ldt is a multiple of 2048, the 16
 * lines of a block's target fall into one or two sets of the first-level cache, which hold eight each: the block is turned in
 * BLOCK, and copied from there line by line. Measured for 1024 x 64: 17 GB/s instead of 6; for 256 x 32, where there is room
 * for all lines, 24 instead of 36.
 */
function transpose(source: usize, target: usize, rows: i32, columns: i32, lds: usize, ldt: usize): void {
  const crowded = (ldt & 2047) === 0;
  for (; rows >= SIDE; rows -= SIDE) {
    let s = source;
    let t = target;
    let c = columns;
    for (; c >= SIDE; c -= SIDE) {
      if (crowded) {
        block(s, BLOCK, lds, LINE);
        copyOut(t, ldt);
      } else {
        block(s, t, lds, ldt);
      }
      s += <usize>SIDE * lds;
      t += LINE;
    }
    strip(s, t, SIDE, c, lds, ldt);
    source += LINE;
    target += <usize>SIDE * ldt;
  }
  strip(source, target, rows, columns, lds, ldt);
}

function block(source: usize, target: usize, lds: usize, ldt: usize): void {
  for (let c: usize = 0; c < LINE; c += 16) {
    const s1 = source + lds, s2 = s1 + lds, s3 = s2 + lds;
    for (let r: usize = 0, t = target + c; r < LINE; r += 16, t += 4 * ldt) {
      turn(v128.load(source + r), v128.load(s1 + r), v128.load(s2 + r), v128.load(s3 + r), t, ldt);
    }
    source = s3 + lds;
  }
}

function copyOut(target: usize, ldt: usize): void {
  for (let row = BLOCK; row < BLOCK + <usize>SIDE * LINE; row += LINE) {
    v128.store(target, v128.load(row));
    v128.store(target, v128.load(row, 16), 16);
    v128.store(target, v128.load(row, 32), 32);
    v128.store(target, v128.load(row, 48), 48);
    target += ldt;
  }
}

/** Four vectors as columns of four rows that are ldt apart. */
@inline
function turn(s0: v128, s1: v128, s2: v128, s3: v128, t: usize, ldt: usize): void {
  const low01 = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
  v128.store(t, v128.shuffle<f64>(low01, low23, 0, 2));
  v128.store(t + ldt, v128.shuffle<f64>(low01, low23, 1, 3));
  v128.store(t + 2 * ldt, v128.shuffle<f64>(high01, high23, 0, 2));
  v128.store(t + 3 * ldt, v128.shuffle<f64>(high01, high23, 1, 3));
}

/** Fewer than 16 rows or columns: 4x4 blocks, then single columns and rows. */
function strip(source: usize, target: usize, rows: i32, columns: i32, lds: usize, ldt: usize): void {
  for (; rows >= 4; rows -= 4) {
    let s = source;
    let t = target;
    let c = columns;
    for (; c >= 4; c -= 4) {
      turn(v128.load(s), v128.load(s + lds), v128.load(s + 2 * lds), v128.load(s + 3 * lds), t, ldt);
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
