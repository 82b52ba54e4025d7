/**
 * How the compiled kernels are had: their bytes lie in the package as text, so that there is nothing to fetch and no path
 * to configure. Compiled once per process, on first use.
 */
import { kernelsBase64 } from "#kernels";

let compiled: WebAssembly.Module | undefined;

/** The kernels as a module; the given one if there is one. */
export function kernelModule(given?: WebAssembly.Module): WebAssembly.Module {
  if (given) return given;
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(kernelsBase64), (character) => character.charCodeAt(0)));
  return compiled;
}
