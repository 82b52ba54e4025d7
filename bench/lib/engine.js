/**
 * engine: the kernels that are measured: those that the package picks in this runtime, or a named build
 */
import { readFileSync } from "node:fs";
import { KernelMemory } from "../../build/js/backends/wasm/memory.js";
import { writePanels } from "../../build/js/ops/pack.js";
import { kernelModule } from "../../build/js/platform/kernels.js";

/** @typedef {"packaged" | "plain" | "relaxed"} Choice */

const files = { plain: "kernels.wasm", relaxed: "kernels.relaxed.wasm" };

/** @param {Choice} choice @returns {WebAssembly.Module} */
export function chooseKernels(choice) {
  if (choice === "packaged") return kernelModule();
  const bytes = readFileSync(new URL(`../../build/${files[choice]}`, import.meta.url));
  if (!WebAssembly.validate(bytes)) throw new Error(`this runtime has no relaxed SIMD, which ${files[choice]} needs`);
  return new WebAssembly.Module(bytes);
}

/**
 * Which build a module is, told by its rounding: (1 + e)(1 + e) - (1 + 2e) is e² when multiply and add are fused, and 0 when
 * the product is rounded first.
 * @param {WebAssembly.Module} module
 */
export function describeKernels(module) {
  const memory = new KernelMemory(module);
  const kernels = /** @type {any} */ (memory.kernels);
  const [M, N, K] = [16, 32, 1];
  const e = 2 ** -12;
  let end = memory.weightsEnd;
  const place = (/** @type {number} */ count, /** @type {number} */ value) => {
    const address = end;
    end += count * 4;
    memory.reserve(end);
    memory.floats().fill(value, address / 4, end / 4);
    return address;
  };
  const [a, c] = [place(M * K, 1 + e), place(M * N, 9)];
  const packed = place(kernels.packedBytes(K, N) / 4, 0);
  const matrix = {
    values: new Float32Array(K * N).fill(1 + e),
    bias: new Float32Array(N).fill(-(1 + 2 * e)),
    rows: K,
    columns: N,
  };
  writePanels(memory, packed, matrix);
  kernels.gemm(a, K, packed, c, N, M, N, K, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  return memory.floats()[c / 4] === 0 ? "plain SIMD kernels" : "relaxed SIMD kernels (fused multiply-add)";
}
