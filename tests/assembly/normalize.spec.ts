/** normalizations against float64: every count around one vector, groups, long axes, in place. */
import { layerNormalize, rmsNormalize, unitNormalize, varianceNormalize } from "../../assembly/normalize";
import { at, error, floats, guarded, output, put, reset } from "./arena";

const LAYER = 0,
  VARIANCE = 1,
  RMS = 2;

function run(kind: i32, x: usize, y: usize, outer: i32, rows: i32, groups: i32, columns: i32, epsilon: f32): void {
  if (kind === LAYER) layerNormalize(x, y, outer, rows, groups, columns, epsilon);
  else if (kind === VARIANCE) varianceNormalize(x, y, outer, rows, groups, columns, epsilon);
  else if (kind === RMS) rmsNormalize(x, y, outer, rows, groups, columns, epsilon);
  else unitNormalize(x, y, outer, rows, groups, columns, epsilon);
}

/** Largest error of one shape; elements lie around `middle`. */
function check(kind: i32, outer: i32, rows: i32, groups: i32, columns: i32, middle: f32): f64 {
  reset(outer * 1000 + rows * 100 + groups * 10 + columns);
  const total = outer * rows * groups * columns,
    epsilon: f32 = kind > RMS ? 1e-12 : 1e-3;
  const x = floats(total);
  for (let i = 0; i < total; i++) put(x, i, at(x, i) + middle);
  const y = output(total),
    place = output(total);
  run(kind, x, y, outer, rows, groups, columns, epsilon);
  memory.copy(place, x, (<usize>total) << 2);
  run(kind, place, place, outer, rows, groups, columns, epsilon);
  if (!guarded(y, total) || !guarded(place, total)) return Infinity;
  let worst: f64 = 0;
  const count = <f64>(rows * columns);
  for (let o = 0; o < outer; o++) {
    for (let g = 0; g < groups; g++) {
      let sum: f64 = 0,
        squares: f64 = 0,
        deviations: f64 = 0;
      for (let i = 0; i < rows * columns; i++) sum += <f64>at(x, element(o, i, rows, g, groups, columns));
      for (let i = 0; i < rows * columns; i++) {
        const value = <f64>at(x, element(o, i, rows, g, groups, columns));
        squares += value * value;
        deviations += (value - sum / count) * (value - sum / count);
      }
      const spread = kind === RMS ? squares / count : deviations / count;
      const factor = kind > RMS ? 1 / Math.sqrt(squares) : 1 / Math.sqrt(spread + <f64>epsilon);
      for (let i = 0; i < rows * columns; i++) {
        const index = element(o, i, rows, g, groups, columns);
        const expected = (<f64>at(x, index) - (kind === LAYER ? sum / count : 0)) * factor;
        worst = max(worst, error(at(y, index), expected));
        if (at(y, index) !== at(place, index)) return Infinity;
      }
    }
  }
  return worst;
}

/** Place of element i of a group. */
function element(o: i32, i: i32, rows: i32, g: i32, groups: i32, columns: i32): i32 {
  return ((o * rows + i / columns) * groups + g) * columns + (i % columns);
}

describe("normalize", () => {
  test("every count of rows, groups and columns", () => {
    for (let kind = 0; kind < 4; kind++) {
      for (let rows = 1; rows <= 5; rows++) {
        for (let groups = 1; groups <= 6; groups++) {
          for (let columns = 1; columns <= 9; columns++) {
            expect(check(kind, 2, rows, groups, columns, 0)).toBeLessThan(2e-6, `${kind} ${rows} ${groups} ${columns}`);
          }
        }
      }
      expect(check(kind, 0, 3, 2, 5, 0)).toBe(0);
    }
  });

  test("long axes, far from zero", () => {
    for (let kind = 0; kind < 4; kind++) {
      expect(check(kind, 1, 1, 1, 3001, 3)).toBeLessThan(5e-6, `columns, kind ${kind}`);
      expect(check(kind, 1, 1025, 3, 1, 3)).toBeLessThan(5e-6, `rows, kind ${kind}`);
      expect(check(kind, 1, 130, 2, 5, 3)).toBeLessThan(5e-6, `groups, kind ${kind}`);
    }
  });

  test("zeros have no direction", () => {
    const x = output(8),
      y = output(8);
    for (let i = 0; i < 8; i++) put(x, i, 0);
    unitNormalize(x, y, 1, 1, 1, 8, 1e-12);
    for (let i = 0; i < 8; i++) expect(at(y, i)).toBe(0);
  });
});
