/** packIO and packOI: every count of rows and columns past two panels, rows apart and unaligned, bit for bit. */
import { packIO, packOI } from "../../assembly/pack";
import { packedBytes } from "../../assembly/panel";
import { at, floats, guarded, output, put, reset } from "./arena";
import { writePanels } from "./panels";

/** Elements that differ from those of a matrix K x N packed one number at a time. */
function check(turned: bool, K: i32, N: i32, padding: i32, unaligned: i32): i32 {
  reset(K * 100 + N);
  const rows = turned ? N : K,
    columns = turned ? K : N,
    stride = columns + padding;
  const x = floats(rows * stride + unaligned) + ((<usize>unaligned) << 2);
  for (let i = 0; i < rows * stride; i++) if (i % stride >= columns) put(x, i, NaN);
  const factor = floats(1),
    matrix = floats(K * N);
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) {
      put(matrix, k * N + n, turned ? at(x, n * stride + k) * at(factor, 0) : at(x, k * stride + n));
    }
  }
  const count = <i32>(packedBytes(K, N) >> 2);
  const packed = output(count),
    expected = output(count);
  writePanels(expected, matrix, 0, K, N, N);
  if (turned) packOI(x, stride, factor, packed, K, N);
  else packIO(x, stride, packed, K, N);
  let wrong = guarded(packed, count) ? 0 : 1;
  for (let i = 0; i < count; i++) if (at(packed, i) !== at(expected, i)) wrong++;
  return wrong;
}

describe("packIO and packOI", () => {
  test("every K and N from 0 to past two panels", () => {
    for (let turned = 0; turned < 2; turned++) {
      for (let K = 0; K <= 9; K++) {
        for (let N = 0; N <= 17; N++) {
          expect(check(turned === 1, K, N, 0, 0)).toBe(0, `turned ${turned} K ${K} N ${N}`);
          expect(check(turned === 1, K, N, 3, 1)).toBe(0, `turned ${turned} K ${K} N ${N}, apart and unaligned`);
        }
      }
    }
  });
});
