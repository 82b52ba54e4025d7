/**
 * embedding: y[i, e] = table[trunc(ids[i]), e]
 *
 *   ids    [count]                 whole numbers as float32; fractions are cut off towards zero, as Keras casts them
 *   table  [vocabulary][width]
 *   y      [count][width]          overlaps nothing
 *
 * An id that is no row of the table, or no number, gives NaN in its whole row: nothing outside the table is read.
 */
import { bytes } from "./lanes";

export function embedding(ids: usize, table: usize, y: usize, count: i32, vocabulary: i32, width: i32): void {
  const row = bytes(width);
  for (let i = 0; i < count; i++) {
    const id = Mathf.trunc(load<f32>(ids + bytes(i)));
    if (id >= 0 && id < <f32>vocabulary) {
      memory.copy(y, table + <usize>(<i32>id) * row, row);
    } else {
      for (let e = 0; e < width; e++) store<f32>(y + bytes(e), f32.NaN);
    }
    y += row;
  }
}
