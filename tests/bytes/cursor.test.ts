/** Reading numbers, to the last byte and not one further. */
import { expect, test } from "vitest";
import { Cursor } from "../../src/bytes/cursor.ts";
import { ChannelwiseError } from "../../src/error.ts";

const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0);

test("little-endian numbers of every width", () => {
  const at = (width: number) => new Cursor(bytes, []).uint(width);
  expect([at(1), at(2), at(4), at(8)]).toEqual([1, 0x0201, 0x04030201, 0x07060504030201]);
  expect(() => at(3)).toThrow(/1, 2, 4 or 8 bytes/);
});

test("64-bit numbers up to 2^53 - 1", () => {
  expect(new Cursor(bytes, [], 8).u64()).toBe(Number.MAX_SAFE_INTEGER);
  const larger = bytes.slice();
  larger[14] = 0x20;
  expect(() => new Cursor(larger, [], 8).u64()).toThrow(/below 2\^53 at offset 8, got 9288674231451647/);
});

test.each([1, 2, 4, 8])("%i bytes at the end are read, with one byte less they are refused", (width) => {
  expect(new Cursor(bytes, [], 16 - width).uint(width)).toBeGreaterThanOrEqual(0);
  const short = new Cursor(bytes, ["file"], 8, 8 + width - 1);
  expect(() => short.uint(width)).toThrow(`expected ${width} bytes at offset 8, got ${width - 1}`);
  expect(short.position).toBe(8);
});

test("what starts in the middle of a buffer", () => {
  const cursor = new Cursor(bytes.subarray(4, 8), []);
  expect(cursor.u32()).toBe(0x070605);
  expect(() => cursor.u8()).toThrow(ChannelwiseError);
});

test("take is a view, skip says where it was, and neither goes back", () => {
  const cursor = new Cursor(bytes, []);
  expect(cursor.skip(2)).toBe(0);
  expect(cursor.take(3)).toEqual(Uint8Array.of(3, 4, 5));
  expect(cursor.take(0).length).toBe(0);
  for (const count of [-1, Number.NaN, 12, 2 ** 53]) expect(() => cursor.skip(count)).toThrow(ChannelwiseError);
  expect(cursor.remainingBytes).toBe(11);
});

test("a range that is not there", () => {
  for (const [start, end] of [
    [0, 17],
    [-1, 4],
    [5, 4],
    [Number.NaN, 4],
  ]) {
    expect(() => new Cursor(bytes, [], start, end)).toThrow(ChannelwiseError);
  }
});

test("a signature", () => {
  expect(() => new Cursor(bytes, ["file"]).expect("PK", "a zip")).toThrow(
    /a zip \(PK\) at offset 0, got \\u\{1\}\\u\{2\}/,
  );
});
