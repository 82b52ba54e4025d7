/**
 * memory: one instance of the kernels and what lies in its memory
 *
 *     0          heapBase                weightsEnd            workspace
 *     | kernels' | weights, packed when  | tables and arena of |
 *     | own data | needed, never moved   | the plan in use     | -> grows
 *
 * Addresses are bytes, and multiples of 16. Views are made anew after the memory grew. Memory that is shared has further
 * instances in other threads (platform/worker.ts), each with the bytes of `allocatePlan` among the weights.
 */
import type { StridedCopy } from "../../strided.ts";
import { ChannelwiseError, notCompiled } from "../../error.ts";
import type { Kernels } from "../../ops/kernels.ts";
import type { PanelMemory } from "../../ops/pack.ts";

const pageBytes = 65536;
const alignment = 16;
/** Sizes and two strides of eight dimensions. */
const mostTableBytes = 8 * 3 * 4;

/** The exports that belong to the memory and not to the arithmetic. */
interface Exports extends Kernels, Record<string, unknown> {
  heapBase(): number;
  planBytes(): number;
}

export class KernelMemory implements PanelMemory {
  readonly kernels: Kernels;
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  #floats: Float32Array;
  #integers: Int32Array;
  #weightsEnd: number;

  /** @param shared the memory of a module that imports it */
  constructor(module: WebAssembly.Module, shared?: WebAssembly.Memory) {
    const instance = instantiate(module, shared ? { env: { memory: shared } } : {});
    const exports = instance.exports as unknown as Exports;
    this.kernels = exports;
    this.#exports = exports;
    this.#memory = shared ?? (exports.memory as WebAssembly.Memory);
    this.#floats = new Float32Array(this.#memory.buffer);
    this.#integers = new Int32Array(this.#memory.buffer);
    this.#weightsEnd = align(exports.heapBase());
  }

  /** The first byte behind the weights. */
  get weightsEnd(): number {
    return this.#weightsEnd;
  }

  /** Bytes of the whole memory. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Makes sure that the memory reaches `end`. */
  reserve(end: number): void {
    const missing = end - this.#memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      this.#memory.grow(Math.ceil(missing / pageBytes));
    } catch (cause) {
      throw new ChannelwiseError({
        code: "invalid-input",
        message: `the model needs ${Math.ceil(end / 2 ** 20)} MiB of WebAssembly memory, more than there is`,
        fix: "use a smaller batch or shorter series",
        cause,
      });
    }
  }

  floats(): Float32Array {
    if (this.#floats.buffer !== this.#memory.buffer) this.#floats = new Float32Array(this.#memory.buffer);
    return this.#floats;
  }

  integers(): Int32Array {
    if (this.#integers.buffer !== this.#memory.buffer) this.#integers = new Int32Array(this.#memory.buffer);
    return this.#integers;
  }

  copyIn(values: Float32Array, copies: readonly StridedCopy[], target: number, behind: number): void {
    const source = align(behind);
    const table = align(source + values.byteLength);
    this.reserve(table + mostTableBytes);
    this.floats().set(values, source / 4);
    for (const { sizes, sourceOffset, targetOffset, sourceStrides, targetStrides } of copies) {
      this.integers().set([...sizes, ...sourceStrides, ...targetStrides], table / 4);
      this.kernels.rearrange(source + 4 * sourceOffset, target + 4 * targetOffset, sizes.length, table);
    }
  }

  /** Reserves `bytes` behind the weights for good; gives the address. */
  allocateWeights(bytes: number): number {
    const address = this.#weightsEnd;
    this.#weightsEnd = align(address + bytes);
    this.reserve(this.#weightsEnd);
    return address;
  }

  /** Gives all weights up, so that others can lie in their place. */
  clearWeights(): void {
    this.#weightsEnd = align(this.#exports.heapBase());
  }

  /** Reserves what one more instance on this memory needs for itself (`placePlan` in assembly/plan.ts). */
  allocatePlan(): number {
    return this.allocateWeights(this.#exports.planBytes());
  }
}

/** A policy that allows no WebAssembly lets WebKit compile it, and refuses here. */
function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch (cause) {
    throw cause instanceof WebAssembly.CompileError ? notCompiled(cause) : cause;
  }
}

/** The next multiple of 16. */
export function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
