/**
 * maths: y[i] = f(x[i]) for the functions that are no activations        f32
 *
 *   x, y    count elements; in place (y == x) is allowed
 *   kind    0 |x|  1 -x  2 x^2  3 sqrt  4 1/sqrt  5 1/x  6 sign  7 floor  8 ceil  9 round (half to even)  10 trunc
 *           11 log  12 log1p  13 expm1  14 sin  15 cos
 *
 * Cost    one read and one write per element; kinds from 11 on are C's functions, one element at a time.
 * Source  musl's libm, as AssemblyScript's standard library ports it: below 1 ulp.
 */
import { aligned, load4, store4 } from "./lanes";

const SCALAR = 11;

export function maths(x: usize, y: usize, count: i32, kind: i32): void {
  assert(aligned(x) && aligned(y) && count >= 0);
  if (kind >= SCALAR) {
    for (; count > 0; count--) {
      store<f32>(y, single(kind, load<f32>(x)));
      x += 4;
      y += 4;
    }
    return;
  }
  for (; count > 0; count -= 4) {
    store4(y, lanes(kind, load4(x, count)), count);
    x += 16;
    y += 16;
  }
}

function lanes(kind: i32, x: v128): v128 {
  const one = f32x4.splat(1);
  switch (kind) {
    case 0:
      return f32x4.abs(x);
    case 1:
      return f32x4.neg(x);
    case 2:
      return f32x4.mul(x, x);
    case 3:
      return f32x4.sqrt(x);
    case 4:
      return f32x4.div(one, f32x4.sqrt(x));
    case 5:
      return f32x4.div(one, x);
    case 6: {
      const zero = f32x4.splat(0);
      const ones = f32x4.sub(v128.and(f32x4.gt(x, zero), one), v128.and(f32x4.lt(x, zero), one));
      return v128.bitselect(ones, x, f32x4.eq(x, x));
    }
    case 7:
      return f32x4.floor(x);
    case 8:
      return f32x4.ceil(x);
    case 9:
      return f32x4.nearest(x);
    default:
      return f32x4.trunc(x);
  }
}

function single(kind: i32, x: f32): f32 {
  switch (kind) {
    case 11:
      return Mathf.log(x);
    case 12:
      return Mathf.log1p(x);
    case 13:
      return Mathf.expm1(x);
    case 14:
      return Mathf.sin(x);
    default:
      return Mathf.cos(x);
  }
}
