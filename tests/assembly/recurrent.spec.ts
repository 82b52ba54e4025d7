/**
 * recurrent: every cell and every count of units around two vectors, rows around a tile, steps forward and backward, masks,
 * fused functions and others, against plain loops in float64. Lanes past the units hold NaN.
 */
import { SIGMOID, TANH } from "../../assembly/activation";
import { recurrent } from "../../assembly/recurrent";
import { at, error, floats, guarded, output, put, random, reset } from "./arena";
import * as float64 from "./float64";
import { packPanels } from "./panels";

const SIMPLE = 0,
  LSTM = 1,
  GRU = 2,
  GRU_BEFORE = 3;

/** Functions that the fused pass does not know, as activation.ts numbers them. */
const HARD_SIGMOID = 14,
  SOFTSIGN = 10;

/** Which steps count. */
const ALL = 0,
  REPEATED = 1,
  ZEROED = 2;

function gated(fused: bool, x: f64): f64 {
  return fused ? float64.sigmoid(x) : min(max(x / 6 + 0.5, 0.0), 1.0);
}

function activated(fused: bool, x: f64): f64 {
  return fused ? float64.tanh(x) : x / (1 + abs(x));
}

/** Element of row `r` of the first `units` columns of block `g`, `wide` columns each. */
function place(r: i32, g: i32, u: i32, gates: i32, wide: i32): i32 {
  return (r * gates + g) * wide + u;
}

/** NaN in the lanes past the units of every block. */
function spoil(p: usize, blocks: i32, units: i32, wide: i32): void {
  for (let b = 0; b < blocks; b++) for (let u = units; u < wide; u++) put(p, b * wide + u, NaN);
}

/** sum over i of state[i] * matrix[i, block g, u]. */
function product(state: StaticArray<f64>, matrix: usize, g: i32, u: i32, gates: i32, wide: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < state.length; i++) sum += state[i] * <f64>at(matrix, place(i, g, u, gates, wide));
  return sum;
}

/** The largest error of outputs and states. Without `sequences` every step writes the one output of its row. */
function check(
  cell: i32, units: i32, rows: i32, steps: i32, fused: bool, masking: i32, backward: bool, sequences: bool,
): f64 {
  reset(cell * 1000 + units * 100 + rows * 10 + steps);
  const wide = (units + 3) & ~3;
  const gates = cell === LSTM ? 4 : cell === SIMPLE ? 1 : 3;
  const own = cell === GRU_BEFORE ? 2 : gates;
  const x = floats(rows * steps * gates * wide),
    R = floats(units * own * wide),
    bias = floats(own * wide),
    Q = floats(units * wide);
  spoil(x, rows * steps * gates, units, wide);
  const packedR = packPanels(R, cell === GRU ? bias : 0, units, own * wide, own * wide);
  const packedQ = cell === GRU_BEFORE ? packPanels(Q, 0, units, wide, wide) : 0;
  const h = output(rows * wide),
    c = output(rows * wide),
    h0 = floats(rows * wide),
    c0 = floats(rows * wide);
  memory.copy(h, h0, (<usize>(rows * wide)) << 2);
  if (cell === LSTM) memory.copy(c, c0, (<usize>(rows * wide)) << 2);
  spoil(h, rows, units, wide);
  spoil(c, rows, units, wide);
  const z = output(rows * gates * wide);
  const mask = floats(rows * steps);
  for (let i = 0; i < rows * steps; i++) put(mask, i, random() < 0 ? 0 : 1);
  const count = sequences ? rows * steps * units : rows * units;
  const y = output(count);
  const first = backward ? max(steps - 1, 0) : 0,
    turn = backward ? -1 : 1;
  const block = gates * wide;
  recurrent(
    cell, x + ((<usize>(first * block)) << 2), turn * block, steps * block, packedR, packedQ, h, c, z,
    masking === ALL ? 0 : mask + ((<usize>first) << 2), turn, steps,
    sequences ? y + ((<usize>(first * units)) << 2) : y, sequences ? turn * units : 0, sequences ? steps * units : units,
    masking === ZEROED ? 1 : 0, steps, rows, units,
    fused ? SIGMOID : HARD_SIGMOID, 3, 0, 0, fused ? TANH : SOFTSIGN, 0, 0, 0,
  );
  if (!guarded(y, count) || !guarded(h, rows * wide) || !guarded(c, rows * wide)) return Infinity;
  if (!guarded(z, rows * gates * wide)) return Infinity;

  let worst: f64 = 0;
  for (let n = 0; n < rows; n++) {
    let state = new StaticArray<f64>(units);
    const carry = new StaticArray<f64>(units),
      given = new StaticArray<f64>(units);
    for (let u = 0; u < units; u++) {
      state[u] = <f64>at(h0, n * wide + u);
      carry[u] = <f64>at(c0, n * wide + u);
    }
    for (let t = 0; t < steps; t++) {
      const step = n * steps + (backward ? steps - 1 - t : t);
      if (masking !== ALL && at(mask, step) === 0) {
        if (t === 0 || masking === ZEROED) for (let u = 0; u < units; u++) given[u] = 0;
      } else {
        const next = new StaticArray<f64>(units),
          reset = new StaticArray<f64>(units);
        if (cell === GRU_BEFORE) {
          for (let u = 0; u < units; u++) {
            const r = <f64>at(x, place(step, 1, u, gates, wide)) + product(state, R, 1, u, own, wide);
            reset[u] = gated(fused, r) * state[u];
          }
        }
        for (let u = 0; u < units; u++) {
          const i = <f64>at(x, place(step, 0, u, gates, wide)) + product(state, R, 0, u, own, wide);
          if (cell === SIMPLE) {
            next[u] = activated(fused, i);
          } else if (cell === LSTM) {
            const f = <f64>at(x, place(step, 1, u, gates, wide)) + product(state, R, 1, u, own, wide);
            const g = <f64>at(x, place(step, 2, u, gates, wide)) + product(state, R, 2, u, own, wide);
            const o = <f64>at(x, place(step, 3, u, gates, wide)) + product(state, R, 3, u, own, wide);
            carry[u] = gated(fused, f) * carry[u] + gated(fused, i) * activated(fused, g);
            next[u] = gated(fused, o) * activated(fused, carry[u]);
          } else {
            const b = cell === GRU;
            const update = gated(fused, i + (b ? <f64>at(bias, u) : 0.0));
            const m = <f64>at(x, place(step, 2, u, gates, wide));
            let n: f64;
            if (b) {
              const r = <f64>at(x, place(step, 1, u, gates, wide)) + product(state, R, 1, u, own, wide);
              const kept = product(state, R, 2, u, own, wide) + <f64>at(bias, 2 * wide + u);
              n = activated(fused, m + gated(fused, r + <f64>at(bias, wide + u)) * kept);
            } else n = activated(fused, m + product(reset, Q, 0, u, 1, wide));
            next[u] = update * state[u] + (1 - update) * n;
          }
        }
        state = next;
        for (let u = 0; u < units; u++) given[u] = state[u];
      }
      if (!sequences) continue;
      for (let u = 0; u < units; u++) worst = max(worst, error(at(y, step * units + u), given[u]));
    }
    for (let u = 0; u < units; u++) {
      if (!sequences && steps > 0) worst = max(worst, error(at(y, n * units + u), given[u]));
      worst = max(worst, error(at(h, n * wide + u), state[u]));
      if (cell === LSTM) worst = max(worst, error(at(c, n * wide + u), carry[u]));
    }
  }
  return worst;
}

describe("recurrent", () => {
  test("every count of units, with fused functions and others", () => {
    for (let cell = SIMPLE; cell <= GRU_BEFORE; cell++) {
      for (let units = 0; units <= 9; units++) {
        for (let fused = 0; fused < 2; fused++) {
          const worst = check(cell, units, 2, 3, fused === 1, ALL, false, true);
          expect(worst).toBeLessThan(2e-6, `cell ${cell} units ${units} fused ${fused}`);
        }
      }
    }
  });

  test("rows around a tile, and no step or none but one", () => {
    for (let cell = SIMPLE; cell <= GRU_BEFORE; cell++) {
      for (let rows = 0; rows <= 7; rows++) {
        for (let steps = 0; steps <= 2; steps++) {
          const worst = check(cell, 5, rows, steps, true, ALL, false, true);
          expect(worst).toBeLessThan(2e-6, `cell ${cell} rows ${rows} steps ${steps}`);
        }
      }
    }
  });

  test("masks, from either end, all outputs or one", () => {
    for (let cell = SIMPLE; cell <= GRU_BEFORE; cell++) {
      for (let masking = ALL; masking <= ZEROED; masking++) {
        for (let way = 0; way < 4; way++) {
          for (let fused = 0; fused < 2; fused++) {
            const worst = check(cell, 5, 3, 6, fused === 1, masking, (way & 1) === 1, way < 2);
            expect(worst).toBeLessThan(2e-6, `cell ${cell} masking ${masking} way ${way} fused ${fused}`);
          }
        }
      }
    }
  });

  test("gates far from zero are shut or open, and NaN stays", () => {
    reset();
    const x = output(4 * 4 * 4),
      R = packPanels(0, 0, 0, 16, 0);
    const h = output(16),
      c = output(16),
      z = output(64),
      y = output(16);
    // Rows: all open, all shut, the forget gate alone open, NaN.
    for (let n = 0; n < 4; n++) {
      for (let g = 0; g < 4; g++) {
        for (let u = 0; u < 4; u++) {
          const open = n === 0 || (n === 2 && g === 1);
          put(x, (n * 4 + g) * 4 + u, n === 3 ? NaN : open ? 1e30 : -1e30);
        }
      }
      for (let u = 0; u < 4; u++) put(c, n * 4 + u, 0.5);
    }
    recurrent(1, x, 0, 16, R, 0, h, c, z, 0, 0, 0, y, 0, 4, 0, 1, 4, 0, SIGMOID, 0, 0, 0, TANH, 0, 0, 0);
    expect(guarded(y, 16)).toBe(true);
    expect(at(c, 0)).toBe(0.5, "no units, nothing done");
    for (let u = 0; u < 4; u++) for (let i = 0; i < 4; i++) put(h, u * 4 + i, 0);
    const zeros = output(4 * 16);
    for (let i = 0; i < 64; i++) put(zeros, i, 0);
    const packed = packPanels(zeros, 0, 4, 16, 16);
    recurrent(1, x, 0, 16, packed, 0, h, c, z, 0, 0, 0, y, 0, 4, 0, 1, 4, 4, SIGMOID, 0, 0, 0, TANH, 0, 0, 0);
    for (let u = 0; u < 4; u++) {
      expect(at(c, u)).toBe(1.5);
      expect(error(at(y, u), Math.tanh(1.5))).toBeLessThan(2e-7);
      expect(error(at(c, 4 + u), 0)).toBeLessThan(1e-37);
      expect(error(at(y, 4 + u), 0)).toBeLessThan(1e-37);
      expect(at(c, 8 + u)).toBe(0.5);
      expect(error(at(y, 8 + u), 0)).toBeLessThan(1e-37);
      expect(isNaN(at(c, 12 + u)) && isNaN(at(y, 12 + u))).toBe(true);
    }
  });
});
