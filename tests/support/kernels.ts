/**
 * The built kernels for tests: their bytes, and seeded numbers.
 */
import { readFileSync } from "node:fs";
import { relaxedSimd } from "wasm-feature-detect";
import { KernelMemory } from "../../src/backends/wasm/memory.ts";
import { type Matrix, panelElements, writePanels } from "../../src/ops/pack.ts";

/** The relaxed build loads only where the runtime knows its instructions: not in Node 20. */
export const builds = (await relaxedSimd()) ? ["kernels.wasm", "kernels.relaxed.wasm"] : ["kernels.wasm"];

/** A file of build/. */
export function readBuild(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../build/${name}`, import.meta.url)));
}

/** mulberry32: the same numbers in -1 .. 1 for the same seed. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  };
}

/** Numbers in -1 .. 1. */
export function floats(count: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: count }, next);
}

/** A matrix as gemm and conv1d take it. */
export function inPanels(matrix: Matrix): Float32Array {
  const memory = new KernelMemory(new WebAssembly.Module(readBuild("kernels.wasm")));
  const count = panelElements(memory.kernels, matrix);
  const at = memory.allocateWeights(4 * count);
  writePanels(memory, at, matrix);
  return memory.floats().slice(at / 4, at / 4 + count);
}
