/** pointwise: counts around one vector, every pair of broadcasts over three dimensions, in place, NaN; bit for bit, but power. */
import {
  add,
  divide,
  drop,
  equal,
  fill,
  greater,
  greaterEqual,
  keep,
  maximum,
  minimum,
  multiply,
  notEqual,
  power,
  prelu,
  scale,
  scaleShift,
  subtract,
} from "../../assembly/pointwise";
import { at, error, floats, guarded, integers, output, put, reset } from "./arena";

const ADD = 0,
  SUBTRACT = 1,
  MULTIPLY = 2,
  DIVIDE = 3,
  MAXIMUM = 4,
  MINIMUM = 5,
  EQUAL = 6,
  NOT_EQUAL = 7,
  GREATER = 8,
  GREATER_EQUAL = 9,
  KEEP = 10,
  OPERATIONS = 12;

function run(op: i32, a: usize, b: usize, y: usize, rank: i32, table: usize): void {
  if (op === ADD) add(a, b, y, rank, table);
  else if (op === SUBTRACT) subtract(a, b, y, rank, table);
  else if (op === MULTIPLY) multiply(a, b, y, rank, table);
  else if (op === DIVIDE) divide(a, b, y, rank, table);
  else if (op === MAXIMUM) maximum(a, b, y, rank, table);
  else if (op === MINIMUM) minimum(a, b, y, rank, table);
  else if (op === EQUAL) equal(a, b, y, rank, table);
  else if (op === NOT_EQUAL) notEqual(a, b, y, rank, table);
  else if (op === GREATER) greater(a, b, y, rank, table);
  else if (op === GREATER_EQUAL) greaterEqual(a, b, y, rank, table);
  else if (op === KEEP) keep(a, b, y, rank, table);
  else drop(a, b, y, rank, table);
}

function plain(op: i32, a: f32, b: f32): f32 {
  if (op === ADD) return a + b;
  if (op === SUBTRACT) return a - b;
  if (op === MULTIPLY) return a * b;
  if (op === DIVIDE) return a / b;
  if (op === MAXIMUM) return a > b ? a : b;
  if (op === MINIMUM) return a < b ? a : b;
  if (op === EQUAL) return a === b ? 1 : 0;
  if (op === NOT_EQUAL) return a === b ? 0 : 1;
  if (op === GREATER) return a > b ? 1 : 0;
  if (op === GREATER_EQUAL) return a > b || a === b ? 1 : 0;
  return (b === 0) === (op === KEEP) ? 0 : a;
}

/** Strides of an array that has the dimensions whose bit is set in `kept`, and is broadcast along the others. */
function strides(sizes: i32[], kept: i32): i32[] {
  const result = new Array<i32>(sizes.length);
  let step = 1;
  for (let d = sizes.length - 1; d >= 0; d--) {
    if (!((kept >> d) & 1)) continue;
    result[d] = step;
    step *= sizes[d];
  }
  return result;
}

/** Mismatches of one operation over `sizes`; in place in a (1) or in b (2), which then must not be broadcast. */
function check(op: i32, sizes: i32[], aKept: i32, bKept: i32, place: i32): i32 {
  const rank = sizes.length;
  let count = 1;
  for (let d = 0; d < rank; d++) count *= sizes[d];
  const aStrides = strides(sizes, aKept),
    bStrides = strides(sizes, bKept);
  const a = output(count),
    b = output(count),
    a0 = floats(count),
    b0 = floats(count);
  // Whole numbers, so that some are equal and some zero.
  if (op >= EQUAL) {
    for (let i = 0; i < count; i++) {
      put(a0, i, Mathf.round(at(a0, i) * 2));
      put(b0, i, Mathf.round(at(b0, i) * 2));
    }
  }
  memory.copy(a, a0, (<usize>count) << 2);
  memory.copy(b, b0, (<usize>count) << 2);
  const y = place === 1 ? a : place === 2 ? b : output(count);
  run(op, a, b, y, rank, integers(sizes.concat(aStrides).concat(bStrides)));
  let wrong = guarded(y, count) ? 0 : 1;
  for (let i = 0; i < count; i++) {
    let rest = i,
      ai = 0,
      bi = 0;
    for (let d = rank - 1; d >= 0; d--) {
      ai += (rest % sizes[d]) * aStrides[d];
      bi += (rest % sizes[d]) * bStrides[d];
      rest /= sizes[d];
    }
    if (at(y, i) !== plain(op, at(a0, ai), at(b0, bi))) wrong++;
  }
  return wrong;
}

describe("binary operations", () => {
  test("one dimension, every count and broadcast", () => {
    for (let op = 0; op < OPERATIONS; op++) {
      for (let count = 0; count <= 9; count++) {
        for (let kept = 0; kept < 4; kept++) {
          reset(op * 100 + count);
          expect(check(op, [count], kept & 1, kept >> 1, 0)).toBe(0, `op ${op} count ${count} kept ${kept}`);
        }
      }
    }
  });

  test("three dimensions, every pair of broadcasts", () => {
    for (let op = 0; op < OPERATIONS; op++) {
      for (let a = 0; a < 8; a++) {
        for (let b = 0; b < 8; b++) {
          reset(op * 100 + a * 8 + b);
          expect(check(op, [3, 2, 5], a, b, 0)).toBe(0, `op ${op} a ${a} b ${b}`);
          expect(check(op, [2, 5, 1], a, b, 0)).toBe(0, `op ${op} a ${a} b ${b}, last of size 1`);
        }
      }
    }
  });

  test("in place, in the operand that is not broadcast", () => {
    for (let op = 0; op < OPERATIONS; op++) {
      for (let other = 0; other < 8; other++) {
        reset(op * 100 + other);
        expect(check(op, [3, 2, 5], 7, other, 1)).toBe(0, `y is a, op ${op} b ${other}`);
        expect(check(op, [3, 2, 5], other, 7, 2)).toBe(0, `y is b, op ${op} a ${other}`);
      }
    }
  });

  test("no dimension at all is one element", () => {
    reset();
    expect(check(SUBTRACT, [], 0, 0, 0)).toBe(0);
  });

  test("an operand read against the grain", () => {
    reset();
    const a = floats(15),
      b = floats(15),
      y = output(15);
    subtract(a, b, y, 2, integers([3, 5, 1, 3, 5, 1]));
    let wrong = guarded(y, 15) ? 0 : 1;
    for (let r = 0; r < 3; r++) {
      for (let c = 0; c < 5; c++) if (at(y, r * 5 + c) !== at(a, c * 3 + r) - at(b, r * 5 + c)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test("maximum and minimum of NaN are NaN, whichever side it is on", () => {
    reset();
    const a = floats(4),
      b = floats(4),
      y = output(4);
    put(a, 0, NaN);
    put(b, 1, NaN);
    const table = integers([4, 1, 1]);
    maximum(a, b, y, 1, table);
    expect(isNaN(at(y, 0)) && isNaN(at(y, 1)) && !isNaN(at(y, 2))).toBe(true);
    minimum(a, b, y, 1, table);
    expect(isNaN(at(y, 0)) && isNaN(at(y, 1)) && !isNaN(at(y, 2))).toBe(true);
  });
});

describe("comparisons, keep and drop", () => {
  test("NaN is equal to nothing and not zero", () => {
    const expected: f32[] = [0, 1, 0, 0];
    for (let op = EQUAL; op <= GREATER_EQUAL; op++) {
      reset();
      const a = floats(3),
        b = floats(3),
        y = output(3);
      put(a, 0, NaN);
      put(b, 1, NaN);
      put(a, 2, NaN);
      put(b, 2, NaN);
      run(op, a, b, y, 1, integers([3, 1, 1]));
      for (let i = 0; i < 3; i++) expect(at(y, i)).toBe(expected[op - EQUAL], `op ${op} element ${i}`);
    }
    reset();
    const a = floats(1),
      b = floats(1),
      y = output(1);
    put(b, 0, NaN);
    keep(a, b, y, 1, integers([1, 1, 1]));
    expect(at(y, 0)).toBe(at(a, 0));
    drop(a, b, y, 1, integers([1, 1, 1]));
    expect(at(y, 0)).toBe(0);
  });
});

describe("power", () => {
  test("every count and broadcast against float64", () => {
    for (let count = 0; count <= 9; count++) {
      for (let kept = 0; kept < 4; kept++) {
        reset(count);
        const aStride = kept & 1,
          bStride = kept >> 1;
        const a = floats(max(count, 1)),
          b = floats(max(count, 1)),
          y = output(count);
        for (let i = 0; i < max(count, 1); i++) {
          put(a, i, abs(at(a, i)) * 9);
          put(b, i, at(b, i) * 4);
        }
        power(a, b, y, 1, integers([count, aStride, bStride]));
        expect(guarded(y, count)).toBe(true);
        for (let i = 0; i < count; i++) {
          const expected = Math.pow(<f64>at(a, i * aStride), <f64>at(b, i * bStride));
          expect(error(at(y, i), expected)).toBeLessThan(1.2e-7, `count ${count} kept ${kept}`);
        }
      }
    }
  });

  test("special values", () => {
    const cases: f32[] = [-2, 3, -8, -2, -2, 0.25, -2, 0.5, NaN, 0, 0, 1, 0, -1, Infinity, NaN, 0, 1];
    for (let i = 0; i < cases.length; i += 3) {
      reset();
      const a = floats(1),
        b = floats(1),
        y = output(1);
      put(a, 0, cases[i]);
      put(b, 0, cases[i + 1]);
      power(a, b, y, 1, integers([1, 1, 1]));
      expect(error(at(y, 0), <f64>cases[i + 2])).toBe(0, `${cases[i]} to the power of ${cases[i + 1]}`);
    }
  });
});

describe("prelu", () => {
  test("over the middle axis, in place too", () => {
    for (let outer = 0; outer <= 2; outer++) {
      for (let channels = 0; channels <= 9; channels++) {
        for (let inner = 0; inner <= 9; inner++) {
          reset(channels * 10 + inner);
          const count = outer * channels * inner;
          const x = floats(count),
            slope = floats(channels),
            y = output(count),
            place = output(count);
          memory.copy(place, x, (<usize>count) << 2);
          prelu(x, y, outer, channels, inner, slope);
          prelu(place, place, outer, channels, inner, slope);
          let wrong = guarded(y, count) && guarded(place, count) ? 0 : 1;
          for (let i = 0; i < count; i++) {
            const value = at(x, i);
            if (at(y, i) !== (value < 0 ? value * at(slope, (i / inner) % channels) : value)) wrong++;
            if (at(place, i) !== at(y, i)) wrong++;
          }
          expect(wrong).toBe(0, `outer ${outer} channels ${channels} inner ${inner}`);
        }
      }
    }
  });

  test("NaN stays NaN", () => {
    reset();
    const x = floats(5),
      slope = floats(5),
      y = output(5);
    for (let i = 0; i < 5; i++) put(x, i, NaN);
    prelu(x, y, 1, 5, 1, slope);
    for (let i = 0; i < 5; i++) expect(isNaN(at(y, i))).toBe(true);
  });
});

describe("fill, scale and scaleShift", () => {
  test("every count around one vector", () => {
    for (let count = 0; count <= 9; count++) {
      reset(count);
      const x = floats(count),
        filled = output(count),
        scaled = output(count);
      fill(filled, count, 2.5);
      scale(x, scaled, count, -1.75);
      let wrong = guarded(filled, count) && guarded(scaled, count) ? 0 : 1;
      for (let i = 0; i < count; i++) {
        if (at(filled, i) !== 2.5) wrong++;
        if (at(scaled, i) !== at(x, i) * <f32>-1.75) wrong++;
      }
      expect(wrong).toBe(0, `count ${count}`);
    }
  });

  test("scaleShift over the middle axis, in place too", () => {
    for (let outer = 0; outer <= 3; outer++) {
      for (let channels = 0; channels <= 9; channels++) {
        for (let inner = 0; inner <= 9; inner++) {
          reset(channels * 10 + inner);
          const count = outer * channels * inner;
          const x = floats(count),
            factor = floats(channels),
            term = floats(channels),
            y = output(count);
          scaleShift(x, y, outer, channels, inner, factor, term);
          const place = output(count);
          memory.copy(place, x, (<usize>count) << 2);
          scaleShift(place, place, outer, channels, inner, factor, term);
          let wrong = guarded(y, count) && guarded(place, count) ? 0 : 1;
          for (let i = 0; i < count; i++) {
            const c = (i / inner) % channels;
            if (at(y, i) !== at(x, i) * at(factor, c) + at(term, c)) wrong++;
            if (at(place, i) !== at(y, i)) wrong++;
          }
          expect(wrong).toBe(0, `outer ${outer} channels ${channels} inner ${inner}`);
        }
      }
    }
  });
});
