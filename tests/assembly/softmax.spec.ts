/** softmax, logSoftmax and sparsemax over every axis shape around one vector, against float64; in place; special values. */
import { logSoftmax, softmax, sparsemax } from "../../assembly/softmax";
import { at, error, floats, guarded, output, put, reserve, reset } from "./arena";

const SOFT = 0,
  LOG = 1;

function run(kind: i32, x: usize, y: usize, outer: i32, count: i32, inner: i32): void {
  if (kind === SOFT) softmax(x, y, outer, count, inner);
  else if (kind === LOG) logSoftmax(x, y, outer, count, inner);
  else {
    const scratch = output(count);
    sparsemax(x, y, outer, count, inner, scratch);
    assert(guarded(scratch, count));
  }
}

/** Element c of one axis by the definition; sparsemax as Keras has it, by sorting. */
function expected(kind: i32, axis: StaticArray<f64>, c: i32): f64 {
  const count = axis.length;
  let largest = -Infinity,
    sum: f64 = 0;
  for (let j = 0; j < count; j++) largest = max(largest, axis[j]);
  for (let j = 0; j < count; j++) sum += Math.exp(axis[j] - largest);
  if (kind === SOFT) return Math.exp(axis[c] - largest) / sum;
  if (kind === LOG) return axis[c] - largest - Math.log(sum);
  const sorted = axis.slice<StaticArray<f64>>();
  sorted.sort((p, q) => (p < q ? 1 : p > q ? -1 : 0));
  let above: f64 = 0,
    sums: f64 = 0,
    support = 0;
  for (let j = 0; j < count; j++) {
    above += sorted[j];
    if (sorted[j] - (above - 1) / <f64>(j + 1) <= 0) continue;
    sums += above;
    support++;
  }
  return max(axis[c] - (sums - 1) / <f64>support, 0.0);
}

function check(kind: i32, outer: i32, count: i32, inner: i32, spread: f32): f64 {
  reset(outer * 1000 + count * 100 + inner);
  const total = outer * count * inner;
  const x = floats(total);
  for (let i = 0; i < total; i++) put(x, i, at(x, i) * spread);
  const y = output(total),
    place = output(total);
  run(kind, x, y, outer, count, inner);
  memory.copy(place, x, (<usize>total) << 2);
  run(kind, place, place, outer, count, inner);
  if (!guarded(y, total) || !guarded(place, total)) return Infinity;
  let worst: f64 = 0;
  const axis = new StaticArray<f64>(count);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let c = 0; c < count; c++) axis[c] = <f64>at(x, (o * count + c) * inner + i);
      for (let c = 0; c < count; c++) {
        const index = (o * count + c) * inner + i;
        worst = max(worst, error(at(y, index), expected(kind, axis, c)));
        if (at(y, index) !== at(place, index)) return Infinity;
      }
    }
  }
  return worst;
}

describe("softmax, logSoftmax, sparsemax", () => {
  test("every count and inner size", () => {
    for (let kind = 0; kind < 3; kind++) {
      for (let count = 0; count <= 9; count++) {
        for (let inner = 0; inner <= 9; inner++) {
          expect(check(kind, 2, count, inner, 2)).toBeLessThan(5e-7, `kind ${kind} count ${count} inner ${inner}`);
        }
      }
      expect(check(kind, 0, 5, 3, 2)).toBe(0);
    }
  });

  test("narrow, wide and long axes", () => {
    for (let kind = 0; kind < 3; kind++) {
      for (let count = 1; count <= 300; count += 23) {
        expect(check(kind, 1, count, 1, 0.001)).toBeLessThan(1e-6, `kind ${kind} count ${count}, narrow`);
        expect(check(kind, 1, count, 1, 80)).toBeLessThan(1e-6, `kind ${kind} count ${count}, wide`);
        expect(check(kind, 1, count, 3, 5)).toBeLessThan(1e-6, `kind ${kind} count ${count}, across`);
      }
    }
  });

  test("-Infinity takes no part, and large values neither overflow nor vanish", () => {
    reset();
    const x = reserve(3),
      y = output(3);
    put(x, 0, -(<f32>Infinity));
    put(x, 1, 1000);
    put(x, 2, 1000);
    softmax(x, y, 1, 3, 1);
    expect(at(y, 0)).toBe(0);
    expect(at(y, 1)).toBe(0.5);
    put(x, 1, 0.5);
    put(x, 2, 0.25);
    sparsemax(x, y, 1, 3, 1, reserve(3));
    expect(at(y, 0)).toBe(0);
    expect(at(y, 1)).toBe(0.375);
    expect(at(y, 2)).toBe(0.125);
    put(x, 0, -1000);
    put(x, 1, -1000);
    put(x, 2, -2000);
    softmax(x, y, 1, 3, 1);
    expect(at(y, 0)).toBe(0.5);
    softmax(x, y, 1, 1, 3);
    expect(at(y, 2)).toBe(1);
  });

  test("NaN spreads over its axis and no further", () => {
    for (let kind = 0; kind < 3; kind++) {
      reset();
      const x = floats(10),
        y = output(10);
      put(x, 2, NaN);
      run(kind, x, y, 2, 5, 1);
      let count = 0;
      for (let i = 0; i < 10; i++) if (isNaN(at(y, i))) count++;
      expect(count).toBe(5, `kind ${kind}`);
    }
  });
});
