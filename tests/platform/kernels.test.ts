/**
 * kernels: compiled once, whoever asks first
 */
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.restoreAllMocks();
});

let copies = 0;

/** A copy of the module that has compiled nothing yet. */
async function fresh(): Promise<typeof import("../../src/platform/kernels.ts")> {
  return import(/* @vite-ignore */ `../../src/platform/kernels.ts?${++copies}`);
}

test("models that are loaded at once have one compilation", async () => {
  const { loadKernels } = await fresh();
  const compile = vi.spyOn(WebAssembly, "compile");
  const [one, other] = await Promise.all([loadKernels(), loadKernels()]);
  expect(one).toBe(other);
  expect(await loadKernels()).toBe(one);
  expect(compile).toHaveBeenCalledTimes(1);
});

test("a compilation that failed is tried again by the next", async () => {
  const { loadKernels } = await fresh();
  vi.spyOn(WebAssembly, "compile").mockRejectedValueOnce(new Error("not now"));
  await expect(loadKernels()).rejects.toMatchObject({ name: "ChannelwiseError" });
  expect(await loadKernels()).toBeInstanceOf(WebAssembly.Module);
});
