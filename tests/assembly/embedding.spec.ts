/** embedding: widths around one vector, every id of a table and those that are none. */
import { embedding } from "../../assembly/embedding";
import { at, floats, guarded, output, put, reset } from "./arena";

describe("embedding", () => {
  test("every width and count", () => {
    for (let width = 0; width <= 9; width++) {
      for (let count = 0; count <= 5; count++) {
        reset(width * 10 + count);
        const ids = floats(count),
          table = floats(3 * width),
          y = output(count * width);
        for (let i = 0; i < count; i++) put(ids, i, <f32>((i * 2) % 3));
        embedding(ids, table, y, count, 3, width);
        let wrong = guarded(y, count * width) ? 0 : 1;
        for (let i = 0; i < count; i++) {
          for (let e = 0; e < width; e++) {
            if (at(y, i * width + e) !== at(table, ((i * 2) % 3) * width + e)) wrong++;
          }
        }
        expect(wrong).toBe(0, `width ${width} count ${count}`);
      }
    }
  });

  test("fractions are cut off towards zero", () => {
    reset();
    const ids = floats(3),
      table = floats(10),
      y = output(15);
    put(ids, 0, -0.75);
    put(ids, 1, 0.999);
    put(ids, 2, 1.75);
    embedding(ids, table, y, 3, 2, 5);
    for (let i = 0; i < 15; i++) expect(at(y, i)).toBe(at(table, i % 5 + (i < 10 ? 0 : 5)));
  });

  test("what is no row gives NaN, and the rows beside it are whole", () => {
    const strangers: f32[] = [-1, 3, 1e10, -1e10, Infinity, -Infinity, NaN];
    for (let s = 0; s < strangers.length; s++) {
      reset(s);
      // Rows of numbers on either side of the table, which nothing may take.
      const ids = floats(3),
        table = floats(25) + 20,
        y = output(15);
      put(ids, 0, 2);
      put(ids, 1, strangers[s]);
      put(ids, 2, 0);
      embedding(ids, table, y, 3, 3, 5);
      expect(guarded(y, 15)).toBe(true);
      for (let e = 0; e < 5; e++) {
        expect(at(y, e)).toBe(at(table, 10 + e));
        expect(isNaN(at(y, 5 + e))).toBe(true, `id ${strangers[s]}`);
        expect(at(y, 10 + e)).toBe(at(table, e));
      }
    }
  });
});
