/**
 * How the compiled kernels are had: their bytes lie in the package as text, so that there is nothing to fetch and no path
 * to configure. Compiled once per process, on first use.
 *
 * There are two builds of the same source: for plain SIMD, which every runtime has, and for relaxed SIMD (fused
 * multiply-add), which Node 22, Deno, Bun, Chromium, Firefox and workerd have and Node 20 and WebKit do not.
 */
import { plainBase64, relaxedBase64 } from "#kernels";

let compiled: WebAssembly.Module | undefined;

/** The kernels as a module; the given one if there is one. */
export function kernelModule(given?: WebAssembly.Module): WebAssembly.Module {
  if (given) return given;
  compiled ??= new WebAssembly.Module(newestBuild(plainBase64, relaxedBase64));
  return compiled;
}

/** The bytes of the newest build that this runtime understands. */
export function newestBuild(plain: string, relaxed: string): Uint8Array<ArrayBuffer> {
  const bytes = decode(relaxed);
  return WebAssembly.validate(bytes) ? bytes : decode(plain);
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
