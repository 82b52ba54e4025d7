/** Buffers that are needed at the same time never overlap, and the arena is little larger than what is needed at once. */
import { describe, expect, test } from "vitest";
import { type Lifetime, planMemory } from "../../src/plan/memory.ts";
import { Draw } from "../support/random-draw.ts";

const aligned = (bytes: number) => Math.ceil(bytes / 16) * 16;

/** The most bytes that are needed at one step: no plan can do with less. */
function needed(lifetimes: readonly Lifetime[]): number {
  const last = Math.max(0, ...lifetimes.map(({ to }) => to));
  const first = Math.min(0, ...lifetimes.map(({ from }) => from));
  let most = 0;
  for (let step = first; step <= last; step++) {
    const live = lifetimes.filter(({ from, to }) => from <= step && step <= to);
    most = Math.max(
      most,
      live.reduce((sum, { bytes }) => sum + aligned(bytes), 0),
    );
  }
  return most;
}

function check(lifetimes: readonly Lifetime[]): number {
  const { offsets, bytes, liveBytes } = planMemory(lifetimes);
  expect(liveBytes).toBe(needed(lifetimes));
  expect(offsets.length).toBe(lifetimes.length);
  lifetimes.forEach((one, i) => {
    expect(offsets[i]! % 16).toBe(0);
    expect(offsets[i]!).toBeGreaterThanOrEqual(0);
    expect(offsets[i]! + one.bytes).toBeLessThanOrEqual(bytes);
    lifetimes.forEach((other, j) => {
      if (i >= j || one.from > other.to || other.from > one.to || one.bytes === 0 || other.bytes === 0) return;
      const apart = offsets[i]! + one.bytes <= offsets[j]! || offsets[j]! + other.bytes <= offsets[i]!;
      expect(apart, `${i} and ${j}`).toBe(true);
    });
  });
  expect(bytes).toBeGreaterThanOrEqual(needed(lifetimes));
  return bytes;
}

describe("by hand", () => {
  test("nothing", () => {
    expect(planMemory([])).toEqual({ offsets: [], bytes: 0, liveBytes: 0 });
  });

  test("a chain of layers takes two buffers in turn", () => {
    const lifetimes = [0, 1, 2, 3, 4].map((step) => ({ bytes: 160, from: step - 1, to: step }));
    expect(check(lifetimes)).toBe(320);
  });

  test("a value that is read late, such as a residual, keeps its place", () => {
    const lifetimes = [
      { bytes: 64, from: -1, to: 4 },
      { bytes: 32, from: 0, to: 1 },
      { bytes: 32, from: 1, to: 2 },
      { bytes: 32, from: 2, to: 3 },
    ];
    expect(check(lifetimes)).toBe(128);
  });

  test("a small one fits between large ones", () => {
    const lifetimes = [
      { bytes: 96, from: 0, to: 9 },
      { bytes: 64, from: 0, to: 3 },
      { bytes: 48, from: 4, to: 9 },
      { bytes: 16, from: 4, to: 9 },
    ];
    expect(check(lifetimes)).toBe(160);
  });

  test("sizes are rounded up to 16 bytes", () => {
    expect(check([1, 15, 16, 17].map((bytes) => ({ bytes, from: 0, to: 0 })))).toBe(16 + 16 + 16 + 32);
  });
});

describe("random lifetimes", () => {
  /** As a model has them: most values are read soon, some are kept. */
  function lifetimesOf(seed: number): Lifetime[] {
    const draw = new Draw(seed);
    return Array.from({ length: draw.integer(1, 40) }, (_, step) => ({
      bytes: draw.integer(0, 400) * (draw.chance(0.2) ? 10 : 1),
      from: step - 1,
      to: step - 1 + (draw.chance(0.15) ? draw.integer(5, 30) : draw.integer(0, 2)),
    }));
  }
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);

  test.each(seeds)("seed %i", (seed) => {
    const lifetimes = lifetimesOf(seed);
    const least = needed(lifetimes);
    expect(check(lifetimes)).toBeLessThanOrEqual(1.5 * least);
  });

  test("on average at most 5 % above what is needed", () => {
    const shares = seeds.map((seed) => planMemory(lifetimesOf(seed)).bytes / Math.max(needed(lifetimesOf(seed)), 1));
    const sorted = shares.toSorted((a, b) => a - b);
    expect(shares.reduce((sum, share) => sum + share) / shares.length).toBeLessThan(1.05);
    expect(sorted[Math.floor(0.95 * sorted.length)]).toBeLessThan(1.25);
  });
});
