/**
 * kernels: the compiled kernels, those of the package or some that the caller has. Compiled once per process, on first use.
 */
import { kernelsId } from "#kernels";
import { foreignKernels, notCompiled } from "../error.ts";
import { packagedKernels } from "./host.ts";
import { readSource, type Source } from "./source.ts";

/** The kernels of this version, compiled or to be compiled: `channelwise/kernels.wasm`, or the relaxed build. */
export type KernelSource = WebAssembly.Module | Source;

let compiled: WebAssembly.Module | undefined;
let compiling: Promise<WebAssembly.Module> | undefined;

/** The package's kernels, compiled in this thread: a millisecond. */
export function kernelModule(): WebAssembly.Module {
  if (compiled) return compiled;
  const packaged = packagedKernels();
  try {
    return (compiled = isModule(packaged) ? packaged : new WebAssembly.Module(packaged));
  } catch (cause) {
    throw notCompiled(cause);
  }
}

/** The package's kernels, or those given. Some browsers compile so much only where it is waited for. */
export async function loadKernels(given?: KernelSource): Promise<WebAssembly.Module> {
  if (given !== undefined) return own(await compile(isModule(given) ? given : (await readSource(given)).bytes));
  if (compiled) return compiled;
  compiling ??= compile(packagedKernels()).finally(() => (compiling = undefined));
  return (compiled = await compiling);
}

async function compile(kernels: WebAssembly.Module | Uint8Array): Promise<WebAssembly.Module> {
  if (isModule(kernels)) return kernels;
  try {
    return await WebAssembly.compile(kernels as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw notCompiled(cause);
  }
}

/** Kernels of another version may have the same names for other operands: each build carries what it was built from. */
function own(module: WebAssembly.Module): WebAssembly.Module {
  const [section] = WebAssembly.Module.customSections(module, "channelwise");
  const id = section && new TextDecoder().decode(section);
  if (id !== kernelsId) throw foreignKernels(id);
  return module;
}

/** By its tag: a module that was made outside of an edge function's realm is no instance of what is called Module in it. */
function isModule(kernels: KernelSource): kernels is WebAssembly.Module {
  return Object.prototype.toString.call(kernels) === "[object WebAssembly.Module]";
}
