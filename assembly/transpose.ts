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
 *   NLC to NCL         N, and C by L        a transpose in blocks of 16x16 or tiles of 64x64, in vectors of four
 *
 * Cost    one read and one write per element; see bench/results/gemm.md.
 */
import { aligned, bytes, load4, store4 } from "./lanes";
import { clear, first, insert, merge, moveBehind, planned, scratch, second, size } from "./plan";

/** Rows and columns of a transpose's block: one line of the cache each way. */
const SIDE = 16;
/** Rows and columns of a tile that is copied first, and the bytes from one of its rows to the next: no two share a set. */
const TILE = 64;
const TILE_ROW: usize = TILE * 4 + 64;

export function rearrange(source: usize, target: usize, rank: i32, table: usize): void {
  assert(aligned(target) && aligned(table));
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
 * 16, so that every line of the cache that a block meets is read or written whole.
 *
 * Where lds or ldt is a multiple of 4096, a block's lines fall into one set of the first-level cache, which holds eight to
 * twelve. Then in tiles of 64 x 64, copied to this instance's scratch first: both arrays are met in runs of 256 bytes, which
 * the prefetcher follows, and in four rows at once at the most. 1024 x 1024: 44 % of a copy's speed instead of 13; the same
 * where nothing crowds: 50 instead of 61 (bench/results/gemm.md).
 */
function transpose(source: usize, target: usize, rows: i32, columns: i32, lds: usize, ldt: usize): void {
  const crowded = (lds & 4095) === 0 || (ldt & 4095) === 0;
  const step = crowded ? TILE : SIDE;
  const wholeRows = rows & -SIDE, wholeColumns = columns & -SIDE;
  for (let r = 0; r < wholeRows; r += step) {
    let s = source + bytes(r);
    let t = target + <usize>r * ldt;
    for (let c = 0; c < wholeColumns; c += step) {
      if (crowded) tile(s, t, min(TILE, wholeRows - r), min(TILE, wholeColumns - c), lds, ldt);
      else for (let q: usize = 0; q < 64; q += 16) fourRows(s + q, t + (q >> 2) * ldt, SIDE, lds, ldt);
      s += <usize>step * lds;
      t += bytes(step);
    }
  }
  strip(source + <usize>wholeColumns * lds, target + bytes(wholeColumns), wholeRows, columns - wholeColumns, lds, ldt);
  strip(source + bytes(wholeRows), target + <usize>wholeRows * ldt, rows - wholeRows, columns, lds, ldt);
}

/** Up to 64 x 64 elements by way of the scratch; `rows` and `columns` are multiples of 16. */
function tile(source: usize, target: usize, rows: i32, columns: i32, lds: usize, ldt: usize): void {
  const copied = scratch();
  const end = copied + <usize>columns * TILE_ROW;
  for (let row = copied; row < end; row += TILE_ROW) {
    for (let r: usize = 0; r < 4 * <usize>rows; r += 64) {
      const s = source + r, t = row + r;
      const v0 = v128.load(s), v1 = v128.load(s, 16), v2 = v128.load(s, 32), v3 = v128.load(s, 48);
      v128.store(t, v0);
      v128.store(t, v1, 16);
      v128.store(t, v2, 32);
      v128.store(t, v3, 48);
    }
    source += lds;
  }
  for (let r: usize = 0; r < bytes(rows); r += 16) {
    fourRows(copied + r, target, columns, TILE_ROW, ldt);
    target += 4 * ldt;
  }
}

/** Four rows of the target; `columns` is a multiple of 16. */
@inline
function fourRows(s: usize, t: usize, columns: i32, lds: usize, ldt: usize): void {
  for (; columns > 0; columns -= SIDE) {
    for (let line: usize = 0; line < 64; line += 16) {
      const s1 = s + lds, s2 = s1 + lds, s3 = s2 + lds;
      turn(v128.load(s), v128.load(s1), v128.load(s2), v128.load(s3), t + line, ldt);
      s = s3 + lds;
    }
    t += 64;
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
