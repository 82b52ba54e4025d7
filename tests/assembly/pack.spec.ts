/**
 * pack: every cell of the panels, from both layouts, for K and N around one and two panels; guard words behind the last panel.
 */
import { packKIO, packOIK } from "../../assembly/pack";
import { NR, packedBytes, panelBytes } from "../../assembly/panel";
import { at, floats, guarded, output, reset } from "./arena";

/** What panel cell [k][n] must hold: k = -1 is the bias, columns past N are zeros. */
function mismatches(packed: usize, source: usize, bias: usize, taps: i32, I: i32, O: i32, rowStride: i32): i32 {
  const K = taps * I;
  let wrong = 0;
  for (let n = 0; n < ((O + NR - 1) / NR) * NR; n++) {
    for (let k = -1; k < K; k++) {
      const cell = at(packed + <usize>(n / NR) * panelBytes(K), (k + 1) * NR + (n % NR));
      let expected: f32 = 0;
      if (n < O && k < 0 && bias !== 0) expected = at(bias, n);
      if (n < O && k >= 0) {
        const tap = k / I,
          i = k % I;
        expected = rowStride > 0 ? at(source, k * rowStride + n) : at(source, (n * I + i) * taps + tap);
      }
      if (cell !== expected) wrong++;
    }
  }
  return wrong;
}

describe("pack", () => {
  test("packKIO puts row k, column n into panel n / NR", () => {
    for (let taps = 0; taps <= 3; taps++) {
      for (let I = 0; I <= 3; I++) {
        for (let O = 0; O <= 2 * NR + 1; O++) {
          for (let extra = 0; extra <= 2; extra += 2) {
            reset(taps * 100 + I * 10 + O);
            const source = floats(taps * I * (O + extra)),
              bias = floats(O);
            const count = <i32>(packedBytes(taps * I, O) >> 2);
            const packed = output(count);
            packKIO(packed, source, bias, taps, I, O, O + extra);
            const wrong = mismatches(packed, source, bias, taps, I, O, O + extra);
            expect(wrong).toBe(0, `taps ${taps} I ${I} O ${O}`);
            expect(guarded(packed, count)).toBe(true, `guards, taps ${taps} I ${I} O ${O}`);
          }
        }
      }
    }
  });

  test("packOIK gives the same panels from PyTorch's order", () => {
    for (let taps = 0; taps <= 3; taps++) {
      for (let I = 0; I <= 3; I++) {
        for (let O = 0; O <= 2 * NR + 1; O++) {
          reset(taps * 100 + I * 10 + O);
          const source = floats(taps * I * O),
            bias = floats(O);
          const count = <i32>(packedBytes(taps * I, O) >> 2);
          const packed = output(count);
          packOIK(packed, source, bias, taps, I, O);
          expect(mismatches(packed, source, bias, taps, I, O, 0)).toBe(0, `taps ${taps} I ${I} O ${O}`);
          expect(guarded(packed, count)).toBe(true, `guards, taps ${taps} I ${I} O ${O}`);
        }
      }
    }
  });

  test("no bias is a bias of zeros", () => {
    reset();
    const source = floats(2 * 3 * 11);
    const packed = output(<i32>(packedBytes(6, 11) >> 2));
    packKIO(packed, source, 0, 2, 3, 11, 11);
    expect(mismatches(packed, source, 0, 2, 3, 11, 11)).toBe(0);
    packOIK(packed, source, 0, 2, 3, 11);
    expect(mismatches(packed, source, 0, 2, 3, 11, 0)).toBe(0);
  });
});
