/**
 * edge: workerd (Cloudflare Workers), and the edge functions of Vercel and Next. Compiling bytes is refused there, so the kernels are
 * imported as a module. There are no files and no threads.
 */
import module from "#kernels/module";
import type { Crc32, Files, PackagedKernels } from "./runtime.ts";
import type { ThreadHost } from "./threads.ts";

export const files: Files | null = null;
export const packagedKernels = (): PackagedKernels => module;
export const runtimeCrc32 = (): Crc32 | null => null;
export const threadHost = async (): Promise<ThreadHost | null> => null;
