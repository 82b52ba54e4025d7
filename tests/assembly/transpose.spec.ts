/**
 * rearrange: transposes around the 4x4 block, all orders of four dimensions, broadcasts, reversals, copies with gaps; every
 * element against an index computed here, and guards around what must not be written.
 */
import { rearrange } from "../../assembly/transpose";
import { at, floats, GUARD, guarded, integers, output, reset } from "./arena";

/** Mismatches after rearranging; `first` is where the source's element [0, 0, ..] stands. */
function check(sizes: i32[], from: i32[], to: i32[], sourceCount: i32, first: i32, targetCount: i32): i32 {
  const rank = sizes.length;
  // `first` may be anywhere, and the source must start at a multiple of 16.
  const lead = (4 - (first & 3)) & 3;
  const source = floats(sourceCount + lead) + ((<usize>(lead + first)) << 2);
  const target = output(targetCount);
  rearrange(source, target, rank, integers(sizes.concat(from).concat(to)));
  let total = 1;
  for (let d = 0; d < rank; d++) total *= sizes[d];
  let wrong = guarded(target, targetCount) ? 0 : 1;
  let written = 0;
  for (let i = 0; i < targetCount; i++) if (at(target, i) !== GUARD) written++;
  if (written !== total) wrong++;
  for (let i = 0; i < total; i++) {
    let rest = i,
      s = 0,
      t = 0;
    for (let d = rank - 1; d >= 0; d--) {
      s += (rest % sizes[d]) * from[d];
      t += (rest % sizes[d]) * to[d];
      rest /= sizes[d];
    }
    if (at(target, t) !== at(source, s)) wrong++;
  }
  return wrong;
}

describe("rearrange", () => {
  test("matrices around the 4x4 block", () => {
    for (let rows = 0; rows <= 9; rows++) {
      for (let columns = 0; columns <= 9; columns++) {
        reset(rows * 10 + columns);
        const count = rows * columns;
        expect(check([rows, columns], [1, rows], [columns, 1], count, 0, count)).toBe(0, `${rows} x ${columns}`);
      }
    }
  });

  test("matrices around the 16x16 block, with a target that is crowded in the cache and not", () => {
    for (let rows = 15; rows <= 33; rows++) {
      for (let columns = 15; columns <= 33; columns++) {
        reset(rows * 40 + columns);
        const count = rows * columns;
        expect(check([rows, columns], [1, rows], [columns, 1], count, 0, count)).toBe(0, `${rows} x ${columns}`);
        expect(check([rows, columns], [1, rows], [512, 1], count, 0, rows * 512)).toBe(0, `${rows} x ${columns}, 512`);
      }
    }
  });

  test("matrices around the 16x16 block and the 64x64 tile, crowded in the target, in the source and in both", () => {
    const sizes = [0, 1, 15, 16, 17, 63, 64, 65, 80, 127, 128, 129];
    for (let i = 0; i < sizes.length; i++) {
      for (let j = 0; j < sizes.length; j++) {
        const rows = sizes[i],
          columns = sizes[j];
        reset(rows * 200 + columns);
        const target = rows * 1024;
        expect(check([rows, columns], [1, rows], [1024, 1], rows * columns, 0, target)).toBe(0, `${rows} x ${columns} target`);
        reset(rows * 200 + columns);
        const source = columns * 1024;
        expect(check([rows, columns], [1, 1024], [columns, 1], source, 0, rows * columns)).toBe(0, `${rows} x ${columns} source`);
      }
    }
    reset(3);
    expect(check([97, 83], [1, 1024], [1024, 1], 83 * 1024, 0, 97 * 1024)).toBe(0, "both");
  });

  test("a batch of matrices, NLC to NCL", () => {
    for (let L = 1; L <= 9; L += 2) {
      for (let C = 1; C <= 9; C += 2) {
        reset(L * 10 + C);
        expect(check([3, C, L], [L * C, 1, C], [L * C, L, 1], 3 * L * C, 0, 3 * L * C)).toBe(0, `L ${L} C ${C}`);
      }
    }
  });

  test("all orders of four unequal dimensions, listed in any order", () => {
    const sizes = [3, 5, 2, 6];
    for (let code = 0; code < 256; code++) {
      const order = [code & 3, (code >> 2) & 3, (code >> 4) & 3, code >> 6];
      let seen = 0;
      for (let d = 0; d < 4; d++) seen |= 1 << order[d];
      if (seen !== 15) continue;
      reset(code);
      const from = [60, 12, 6, 1],
        to = [0, 0, 0, 0];
      let step = 1;
      for (let d = 3; d >= 0; d--) {
        to[order[d]] = step;
        step *= sizes[order[d]];
      }
      expect(check(sizes, from, to, 180, 0, 180)).toBe(0, `order ${code}`);
    }
  });

  test("copies around 4 and 16", () => {
    for (let count = 0; count <= 33; count++) {
      reset(count);
      expect(check([count], [1], [1], count, 0, count)).toBe(0, `count ${count}`);
    }
  });

  test("broadcast, reversal, steps and gaps", () => {
    for (let count = 1; count <= 9; count++) {
      reset(count);
      expect(check([count], [0], [1], 1, 0, count)).toBe(0, `broadcast ${count}`);
      expect(check([count], [-1], [1], count, count - 1, count)).toBe(0, `reversal ${count}`);
      expect(check([count], [3], [2], 3 * count, 0, 2 * count)).toBe(0, `step ${count}`);
      expect(check([count, 5], [0, 1], [7, 1], 5, 0, 7 * count)).toBe(0, `rows with a gap ${count}`);
      expect(check([count, 5], [-5, 1], [5, 1], 5 * count, 5 * count - 5, 5 * count)).toBe(0, `rows reversed ${count}`);
      expect(check([5, count], [1, 0], [count, 1], 5, 0, 5 * count)).toBe(0, `repeated ${count}`);
      expect(check([5, count], [1, -5], [count, 1], 5 * count, 5 * count - 5, 5 * count)).toBe(0, `turned ${count}`);
    }
  });

  test("no dimension, dimensions of 1, and eight", () => {
    reset();
    expect(check([], [], [], 1, 0, 1)).toBe(0);
    expect(check([1, 7, 1], [0, 1, 99], [7, 1, 99], 7, 0, 7)).toBe(0);
    expect(
      check([2, 3, 2, 1, 2, 3, 2, 2], [1, 2, 6, 12, 12, 24, 72, 144], [144, 48, 24, 24, 12, 4, 2, 1], 288, 0, 288),
    ).toBe(0);
    expect(check([4, 0, 3], [0, 3, 1], [0, 3, 1], 1, 0, 4)).toBe(0);
  });
});
