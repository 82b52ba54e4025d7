/**
 * toomCook: every form, with chunks, padding, strides and dilations, against a plain float64 loop; and bit for bit the same in any
 * block and in any division of its rows.
 */
import { packedBytes } from "../../assembly/panel";
import { toomCook, toomCookPart, toomCookWeights, toomCookWork } from "../../assembly/toom-cook";
import { at, clamped, error, floats, guarded, HIGH, LOW, output, put, reserve, reset } from "./arena";
import { writePanels } from "./panels";

const POINTS: f64[] = [0, 1, -1, 0.5, -0.5, 2, -2];
const OUTPUTS: i32[] = [3, 4, 5, 6, 8];
const TAPS: i32[] = [3, 4, 4, 3, 8];
const COUNTS: i32[] = [5, 7, 8, 8, 21];
const FORMS = 5;
/** Whether a form takes several chunks: m is r. */
const inChunks = (form: i32): bool => OUTPUTS[form] === TAPS[form];

/** The weights of all points, in parts, and the bias. */
function pack(form: i32, w: usize, bias: usize, chunks: i32, inner: i32, O: i32, elements: i32): usize {
  const r = TAPS[form], n = COUNTS[form];
  const K = chunks * inner;
  let size = O;
  for (let k = 0; k < K; k += toomCookPart()) size += n * <i32>(packedBytes(min(toomCookPart(), K - k), O) >> 2);
  const packed = reserve(size);
  let to = packed;
  const u = reserve(K * O);
  for (let p = 0; p < n; p++) {
    for (let c = 0; c < chunks; c++) {
      for (let i = 0; i < inner * O; i++) {
        let sum: f64 = 0;
        for (let j = 0; j < r; j++) {
          const from = (c * r + j) * inner * O + i;
          if (from < elements) sum += (form === 4 ? paired(p, j) : factor(p, j, n, r)) * <f64>at(w, from);
        }
        put(u, c * inner * O + i, <f32>sum);
      }
    }
    for (let k = 0; k < K; k += toomCookPart()) {
      const count = min(toomCookPart(), K - k);
      writePanels(to, u + ((<usize>(k * O)) << 2), 0, count, O, O);
      to += packedBytes(count, O);
    }
  }
  for (let o = 0; o < O; o++) put(to, o, at(bias, o));
  return packed;
}

/** What tap j counts in point p: p^j over the product of its distances from the others; infinity is the last tap. */
function factor(p: i32, j: i32, n: i32, r: i32): f64 {
  if (p === n - 1) return j === r - 1 ? 1 : 0;
  let value: f64 = 1;
  for (let k = 0; k < j; k++) value *= POINTS[p];
  for (let k = 0; k < n - 1; k++) if (k !== p) value /= POINTS[p] - POINTS[k];
  return value;
}

/** The same of F(8, 8): the first four taps, all eight four by four, the last four, each at the points of F(4, 4). */
function paired(p: i32, j: i32): f64 {
  const group = p / 7, half = j / 4;
  return group === 1 || (group === 0) === (half === 0) ? factor(p % 7, j % 4, 7, 4) : 0;
}

function check(form: i32, samples: i32, length: i32, I: i32, O: i32, taps: i32, stride: i32, dilation: i32, left: i32): f64 {
  const outLength = (length + 2 * left - (taps - 1) * dilation - 1) / stride + 1;
  reset(form * 7919 + length * 1009 + I * 53 + O * 17 + taps * 5 + left);
  const x = floats(samples * length * I), w = floats(taps * I * O), bias = floats(O);
  const inner = stride * I;
  const chunks = ((taps + stride - 1) / stride + TAPS[form] - 1) / TAPS[form];
  const packed = pack(form, w, bias, chunks, inner, O, taps * I * O);
  const tiles = ((outLength + dilation - 1) / dilation + OUTPUTS[form] - 1) / OUTPUTS[form];
  const rows = samples * dilation * (tiles + chunks - 1) - (chunks - 1);
  const count = samples * outLength * O;
  const y = output(count), again = output(count);
  const size = toomCookWork(form, inner, O, chunks, 30), less = toomCookWork(form, inner, O, chunks, 3);
  const work = output(size), small = output(less);
  toomCook(form, x, packed, y, work, 0, rows, length, outLength, I, O, chunks, stride, dilation, left, 30, LOW, HIGH);
  for (let from = 0; from < rows; from += 4) {
    const to = min(from + 4, rows);
    toomCook(form, x, packed, again, small, from, to, length, outLength, I, O, chunks, stride, dilation, left, 3, LOW, HIGH);
  }
  let worst: f64 = 0;
  for (let n = 0; n < samples; n++) {
    for (let l = 0; l < outLength; l++) {
      for (let o = 0; o < O; o++) {
        let sum = <f64>at(bias, o);
        for (let k = 0; k < taps; k++) {
          const row = l * stride + k * dilation - left;
          if (row < 0 || row >= length) continue;
          for (let i = 0; i < I; i++) sum += <f64>at(x, (n * length + row) * I + i) * <f64>at(w, (k * I + i) * O + o);
        }
        const index = (n * outLength + l) * O + o;
        if (at(y, index) !== at(again, index)) return Infinity;
        worst = max(worst, error(at(y, index), <f64>clamped(<f32>sum, LOW, HIGH)));
      }
    }
  }
  return guarded(y, count) && guarded(again, count) && guarded(work, size) && guarded(small, less) ? worst : Infinity;
}

describe("toomCook", () => {
  test("each form at less than a tile, a tile, and more", () => {
    for (let form = 0; form < FORMS; form++) {
      const taps = TAPS[form];
      for (let length = taps; length <= taps + 2 * OUTPUTS[form] + 1; length++)
        expect(check(form, 2, length, 4, 8, taps, 1, 1, 0)).toBeLessThan(2e-5);
      expect(check(form, 1, 201, 8, 12, taps, 1, 1, taps - 1)).toBeLessThan(2e-5);
    }
  });

  test("several chunks, the last not full", () => {
    for (let form = 0; form < FORMS; form++)
      for (let taps = 2; taps <= 3 * TAPS[form] + 1 && inChunks(form); taps++)
        expect(check(form, 3, 40, 4, 4, taps, 1, 1, taps / 2)).toBeLessThan(2e-5);
  });

  test("strides, with rows that the taps do not fill", () => {
    for (let form = 0; form < FORMS; form++)
      for (let stride = 2; stride <= 5; stride++) {
        const most = (inChunks(form) ? 2 : 1) * TAPS[form] * stride;
        for (let taps = most - stride + 1; taps <= most; taps++)
          expect(check(form, 2, most + 41, 4, 8, taps, stride, 1, 3)).toBeLessThan(4e-5);
      }
    // Rows of one or two channels begin anywhere.
    for (let form = 0; form < FORMS; form++) {
      expect(check(form, 2, 61, 1, 8, TAPS[form] * 4, 4, 1, 3)).toBeLessThan(4e-5);
      expect(check(form, 2, 61, 2, 8, TAPS[form] * 2 - 1, 2, 1, 1)).toBeLessThan(4e-5);
    }
  });

  test("dilations, with series that are not of one length", () => {
    for (let form = 0; form < FORMS; form++)
      for (let dilation = 2; dilation <= 9; dilation++)
        expect(check(form, 2, 57, 4, 8, TAPS[form], 1, dilation, dilation)).toBeLessThan(2e-5);
  });

  test("weights of a point, in float64", () => {
    reset(9);
    for (let r = 1; r <= 5; r++)
      for (let row = 4; row <= 12; row += 4) {
        const w = floats(r * row), factors = reserve(2 * r), u = output(row);
        for (let j = 0; j < r; j++) store<f64>(factors + ((<usize>j) << 3), 0.3 + <f64>j / 7);
        toomCookWeights(w, factors, u, r, row);
        for (let i = 0; i < row; i++) {
          let sum: f64 = 0;
          for (let j = 0; j < r; j++) sum += (0.3 + <f64>j / 7) * <f64>at(w, j * row + i);
          expect(at(u, i)).toBe(<f32>sum);
        }
        expect(guarded(u, row)).toBe(true);
      }
  });

  test("sums in parts", () => {
    expect(check(1, 1, 40, 100, 8, 8, 1, 1, 3)).toBeLessThan(6e-5);
  });
});
