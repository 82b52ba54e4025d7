/** attention: counts around one vector, rows further apart than they are long, against plain loops in float64; masks bit for bit. */
import { additiveScores, hide, hideBand, unitRows } from "../../assembly/attention";
import { at, error, floats, GUARD, guarded, output, put, random, reset } from "./arena";

/** Largest error of one shape of additive scores; with `unaligned`, all pointers lie one element further. */
function checkScores(rows: i32, columns: i32, depth: i32, padding: i32, unaligned: i32): f64 {
  reset(rows * 1000 + columns * 100 + depth);
  const stride = depth + padding;
  const move = (<usize>unaligned) << 2;
  const q = floats(rows * stride + unaligned) + move,
    k = floats(columns * stride + unaligned) + move;
  for (let i = 0; i < rows * stride; i++) if (i % stride >= depth) put(q, i, NaN);
  for (let i = 0; i < columns * stride; i++) if (i % stride >= depth) put(k, i, NaN);
  const w = floats(4 + depth);
  for (let i = 1; i < 4; i++) put(w, i, NaN);
  const y = output(rows * columns);
  additiveScores(q, stride, k, stride, w, y, rows, columns, depth);
  if (!guarded(y, rows * columns)) return Infinity;
  let worst: f64 = 0;
  for (let t = 0; t < rows; t++) {
    for (let s = 0; s < columns; s++) {
      let sum: f64 = 0;
      for (let d = 0; d < depth; d++) {
        const both = <f64>at(q, t * stride + d) + <f64>at(k, s * stride + d);
        sum += <f64>at(w, 4 + d) * Math.tanh(<f64>at(w, 0) * both);
      }
      worst = max(worst, error(at(y, t * columns + s), sum));
    }
  }
  return worst;
}

describe("additiveScores", () => {
  test("every depth, and every count of rows and columns", () => {
    for (let depth = 0; depth <= 9; depth++) {
      for (let rows = 0; rows <= 3; rows++) {
        for (let columns = 0; columns <= 5; columns++) {
          expect(checkScores(rows, columns, depth, 0, 0)).toBeLessThan(
            2e-6,
            `rows ${rows} columns ${columns} depth ${depth}`,
          );
        }
      }
      expect(checkScores(2, 3, depth, 3, 1)).toBeLessThan(2e-6, `depth ${depth}, apart and unaligned`);
    }
  });
});

/** Elements that are not as they have to be; a stride of the mask is 0 where its bit in `kept` is not set. */
function checkHide(outer: i32, rows: i32, columns: i32, kept: i32): i32 {
  reset(outer * 100 + rows * 10 + columns);
  const columnStride = kept & 1,
    rowStride = kept & 2 ? (columnStride ? columns : 1) : 0;
  const outerStride = kept & 4 ? (rowStride ? rows * rowStride : columnStride ? columns : 1) : 0;
  const count = outer * rows * columns;
  const mask = floats(max(count, 1));
  for (let i = 0; i < max(count, 1); i++) put(mask, i, random() < 0 ? 0 : i % 2 ? 1 : -3);
  const y = output(count),
    before = floats(count);
  memory.copy(y, before, (<usize>count) << 2);
  hide(y, mask, outer, rows, columns, outerStride, rowStride, columnStride, -1e9);
  let wrong = guarded(y, count) ? 0 : 1;
  for (let i = 0; i < count; i++) {
    const s = i % columns,
      t = (i / columns) % rows,
      o = i / columns / rows;
    const shown = at(mask, o * outerStride + t * rowStride + s * columnStride) !== 0;
    if (at(y, i) !== (shown ? at(before, i) : -1e9)) wrong++;
  }
  return wrong;
}

describe("hide and hideBand", () => {
  test("every broadcast of a mask", () => {
    for (let kept = 0; kept < 8; kept++) {
      for (let columns = 0; columns <= 5; columns++) {
        expect(checkHide(2, 3, columns, kept)).toBe(0, `columns ${columns} kept ${kept}`);
        expect(checkHide(3, columns, 2, kept)).toBe(0, `rows ${columns} kept ${kept}`);
      }
      expect(checkHide(0, 3, 2, kept)).toBe(0);
    }
  });

  test("bands of every reach, from every first row", () => {
    for (let first = 0; first <= 4; first++) {
      for (let columns = 0; columns <= 6; columns++) {
        for (let before = 0; before <= 7; before++) {
          for (let after = 0; after <= 7; after += before % 2 ? 7 : 1) {
            const y = output(3 * columns);
            reset();
            for (let i = -4; i < 3 * columns + 4; i++) put(y, i, GUARD);
            hideBand(y, first, 3, columns, before, after, 7);
            let wrong = guarded(y, 3 * columns) ? 0 : 1;
            for (let t = 0; t < 3; t++) {
              for (let s = 0; s < columns; s++) {
                const hidden = s < first + t - before || s > first + t + after;
                if (at(y, t * columns + s) !== (hidden ? <f32>7 : GUARD)) wrong++;
              }
            }
            expect(wrong).toBe(0, `first ${first} columns ${columns} before ${before} after ${after}`);
          }
        }
      }
    }
  });
});

describe("unitRows", () => {
  test("every depth, in place too", () => {
    for (let rows = 0; rows <= 3; rows++) {
      for (let depth = 0; depth <= 9; depth++) {
        reset(rows * 10 + depth);
        const count = rows * depth;
        const x = floats(count),
          y = output(count),
          own = output(count);
        memory.copy(own, x, (<usize>count) << 2);
        unitRows(x, y, rows, depth, 1e-12);
        unitRows(own, own, rows, depth, 1e-12);
        expect(guarded(y, count) && guarded(own, count)).toBe(true);
        for (let r = 0; r < rows; r++) {
          let squares: f64 = 0;
          for (let d = 0; d < depth; d++) squares += <f64>at(x, r * depth + d) * <f64>at(x, r * depth + d);
          for (let d = 0; d < depth; d++) {
            const i = r * depth + d;
            expect(error(at(y, i), <f64>at(x, i) / Math.sqrt(squares))).toBeLessThan(5e-7, `rows ${rows} depth ${depth}`);
            expect(at(own, i)).toBe(at(y, i));
          }
        }
      }
    }
  });

  test("zeros stay zeros", () => {
    reset();
    const x = output(5);
    for (let i = 0; i < 5; i++) put(x, i, 0);
    unitRows(x, x, 1, 5, 1e-12);
    for (let i = 0; i < 5; i++) expect(at(x, i)).toBe(0);
  });
});
