/**
 * source: bytes by what holds them
 */
import { expect, test } from "vitest";
import { readSource } from "../../src/platform/source.ts";

test("a Buffer comes as a plain Uint8Array, whose slices are copies", async () => {
  const buffer = Buffer.from([0, 1, 2, 3, 4]).subarray(1);
  const { bytes } = await readSource(buffer);
  expect(bytes.constructor).toBe(Uint8Array);
  expect([...bytes]).toEqual([1, 2, 3, 4]);
  expect(bytes.slice(1).buffer).not.toBe(buffer.buffer);
});
