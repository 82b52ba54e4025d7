/** quantizeRows and dequantizeRows against the same in scalars: every width around one and two vectors, halves, rows of zeros. */
import { dequantizeRows, quantizeRows } from "../../assembly/quantize";
import { at, floats, guarded, output, put, reset } from "./arena";

/** To the nearest integer, halves to the even one. */
function nearest(x: f32): f32 {
  const down = Mathf.floor(x),
    rest = x - down;
  if (rest < 0.5 || (rest === 0.5 && Mathf.floor(down / 2) * 2 === down)) return down;
  return down + 1;
}

/** How many results differ in any bit; 1e6 if a guard word does. */
function quantized(x: usize, rows: i32, depth: i32): i32 {
  const y = output(rows * depth),
    s = output(rows);
  quantizeRows(x, y, s, rows, depth);
  if (!guarded(y, rows * depth) || !guarded(s, rows)) return 1000000;
  let wrong = 0;
  for (let r = 0; r < rows; r++) {
    let largest: f32 = 0;
    for (let d = 0; d < depth; d++) largest = max(largest, abs(at(x, r * depth + d)));
    const scale: f32 = <f32>127 / (largest + <f32>1e-7);
    if (at(s, r) !== scale) wrong++;
    for (let d = 0; d < depth; d++) {
      const expected = max<f32>(-127, min<f32>(127, nearest(at(x, r * depth + d) * scale)));
      if (at(y, r * depth + d) !== expected) wrong++;
    }
  }
  return wrong;
}

describe("quantizeRows", () => {
  it("rounds every row by its own largest number", () => {
    for (let rows = 0; rows <= 3; rows++) {
      for (let depth = 1; depth <= 9; depth++) {
        reset(rows * 100 + depth);
        expect(quantized(floats(rows * depth), rows, depth)).toBe(0);
      }
    }
  });

  it("rounds halves to the even integer", () => {
    reset();
    const x = floats(5),
      y = output(5),
      s = output(1);
    // The largest, 127, makes the factor 1.
    for (let i = 0; i < 4; i++) put(x, i, <f32>i - 1.5);
    put(x, 4, 127);
    quantizeRows(x, y, s, 1, 5);
    expect(at(s, 0)).toBe(1);
    expect(at(y, 0)).toBe(-2);
    expect(at(y, 1)).toBe(-0.0);
    expect(at(y, 2)).toBe(0);
    expect(at(y, 3)).toBe(2);
    expect(at(y, 4)).toBe(127);
  });

  it("gives zeros for a row of zeros, and keeps a NaN", () => {
    reset();
    const x = floats(6);
    for (let i = 0; i < 6; i++) put(x, i, i === 4 ? NaN : 0);
    const y = output(6),
      s = output(2);
    quantizeRows(x, y, s, 2, 3);
    expect(at(y, 0)).toBe(0);
    expect(at(y, 2)).toBe(0);
    expect(isNaN(at(y, 4))).toBe(true);
    expect(isNaN(at(s, 1))).toBe(true);
  });
});

describe("dequantizeRows", () => {
  it("divides by both scales and adds the bias", () => {
    for (let rows = 0; rows <= 3; rows++) {
      for (let columns = 1; columns <= 9; columns++) {
        reset(rows * 100 + columns);
        const y = output(rows * columns),
          s = floats(rows),
          scale = floats(2 * columns),
          x = floats(rows * columns);
        memory.copy(y, x, (<usize>(rows * columns)) << 2);
        dequantizeRows(y, s, scale, rows, columns);
        expect(guarded(y, rows * columns)).toBe(true);
        for (let r = 0; r < rows; r++) {
          for (let o = 0; o < columns; o++) {
            const quotient = at(x, r * columns + o) / (at(s, r) * at(scale, o));
            expect(at(y, r * columns + o)).toBe(quotient + at(scale, columns + o));
          }
        }
      }
    }
  });
});
