/**
 * inlined: the kernels' bytes, which lie in the package as text, so that there is nothing to fetch and no path to configure
 *
 * There are two builds of the same source: for plain SIMD, which every runtime has, and for relaxed SIMD (fused
 * multiply-add), which Node 22, Deno, Bun, Chromium, Firefox and workerd have and Node 20 and WebKit do not.
 */
import * as builds from "#kernels";

/** The newest build that this runtime understands. */
export const inlinedKernels = (): Uint8Array<ArrayBuffer> => newestBuild(builds);

/** Both builds as text: the plain one, and the relaxed one as a patch of it. */
export interface Builds {
  readonly plainHex: string;
  readonly relaxedSteps: readonly number[];
  readonly relaxedHex: string;
}

/** The bytes of the newest build that this runtime understands. */
export function newestBuild({ plainHex, relaxedSteps, relaxedHex }: Builds): Uint8Array<ArrayBuffer> {
  const plain = decode(plainHex);
  return WebAssembly.validate(relaxedMadd) ? patched(plain, relaxedSteps, decode(relaxedHex)) : plain;
}

/** Triples of where the base goes on, for how long, and how many bytes of the literal follow; see scripts/patch.js. */
export function patched(base: Uint8Array, steps: readonly number[], literal: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = steps.reduce((sum, step, index) => (index % 3 === 0 ? sum : sum + step), 0);
  const bytes = new Uint8Array(size);
  let [at, taken] = [0, 0];
  for (let step = 0; step < steps.length; step += 3) {
    const [from, length, own] = steps.slice(step, step + 3) as [number, number, number];
    bytes.set(base.subarray(from, from + length), at);
    bytes.set(literal.subarray(taken, taken + own), at + length);
    at += length + own;
    taken += own;
  }
  return bytes;
}

/**
 * A module of one function: three vectors made by i8x16.splat, and f32x4.relaxed_madd, the only instruction that the relaxed
 * build has beyond the plain one.
 */
const relaxedMadd = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
  ...[1, 5, 1, 0x60, 0, 1, 0x7b], // types: () -> v128
  ...[3, 2, 1, 0], // functions: one of that type
  ...[10, 19, 1, 17, 0, 0x41, 0, 0xfd, 15, 0x41, 0, 0xfd, 15, 0x41, 0, 0xfd, 15, 0xfd, 0x85, 2, 0x0b],
]);

/** What runtimes have for hexadecimal digits: the newest of all kinds the first, Node, Deno and Bun the second. */
const native = globalThis as unknown as {
  readonly Uint8Array: { fromHex?(hex: string): Uint8Array<ArrayBuffer> };
  readonly Buffer?: { from(hex: string, encoding: "hex"): Uint8Array<ArrayBuffer> };
};

/**
 * Bytes out of two lower-case digits each: a longer text than base64, but gzip finds the bytes' own repetitions in it and makes it
 * a quarter smaller. The loop takes 3 ms in a process that just began.
 */
function decode(hex: string): Uint8Array<ArrayBuffer> {
  if (native.Uint8Array.fromHex) return native.Uint8Array.fromHex(hex);
  if (native.Buffer) return native.Buffer.from(hex, "hex");
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (digit(hex.charCodeAt(2 * at)) << 4) | digit(hex.charCodeAt(2 * at + 1));
  }
  return bytes;
}

/** The value of `0` to `9` and `a` to `f` by their codes. */
function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
