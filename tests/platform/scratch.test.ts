/** Memory that is used again: when it is, when it is not, and how much of it there is. */
import { expect, test } from "vitest";
import { lendMemory, lent, reuseMemory } from "../../src/platform/scratch.ts";

const large = 2 ** 20;

test("outside of the two every array is new and zero", () => {
  const arrays = [lent(Float32Array, large), lendMemory(() => lent(Float32Array, large))];
  arrays.push(reuseMemory(() => lent(Float32Array, large)));
  expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBe(3);
  for (const array of arrays) expect(array.every((value) => value === 0)).toBe(true);
});

test("what was lent is lent again, as any type and in any smaller size", () => {
  reuseMemory(() => {
    const first = lendMemory(() => lent(Float64Array, large));
    const second = lendMemory(() => lent(Uint8Array, large + 3));
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(large + 3);
    expect(second.byteOffset).toBe(0);
  });
});

test("arrays that are there at the same time never share memory", () => {
  reuseMemory(() => {
    lendMemory(() => [lent(Uint8Array, large), lent(Uint8Array, large)]);
    lendMemory(() => {
      const outer = lent(Uint8Array, large);
      const inner = lendMemory(() => [lent(Uint8Array, large), lent(Uint8Array, large)]);
      const next = lent(Uint8Array, large);
      expect(new Set([outer, ...inner].map(({ buffer }) => buffer)).size).toBe(3);
      expect(next.buffer).not.toBe(outer.buffer);
      expect(inner.map(({ buffer }) => buffer)).toContain(next.buffer);
    });
  });
});

test("small arrays are always new", () => {
  reuseMemory(() => {
    const [first, second] = [0, 1].map(() => lendMemory(() => lent(Float32Array, 1000)));
    expect(second!.buffer).not.toBe(first!.buffer);
  });
});

test("growing arrays leave no memory behind that is too small", () => {
  reuseMemory(() => {
    const buffers = [1, 2, 4, 1].map((times) => lendMemory(() => lent(Uint8Array, times * large).buffer));
    expect(buffers[3]).toBe(buffers[2]);
    // The two smaller ones were given up: of two at once, one is new.
    const both = lendMemory(() => [lent(Uint8Array, large).buffer, lent(Uint8Array, large).buffer]);
    expect(both[0]).toBe(buffers[2]);
    expect(buffers).not.toContain(both[1]);
  });
});

test("memory is taken back, and given up, where work fails", () => {
  const failing = () =>
    reuseMemory(() => {
      const kept: ArrayBufferLike[] = [];
      expect(() =>
        lendMemory(() => {
          kept.push(lent(Uint8Array, large).buffer);
          throw new Error("failed");
        }),
      ).toThrow("failed");
      expect(lendMemory(() => lent(Uint8Array, large)).buffer).toBe(kept[0]);
      throw new Error("failed as well");
    });
  expect(failing).toThrow("failed as well");
  const [one, other] = [0, 1].map(() => lendMemory(() => lent(Uint8Array, large)).buffer);
  expect(one).not.toBe(other);
});
