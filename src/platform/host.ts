/**
 * host: all that one runtime does its own way
 *
 *     file       runtimes                              kernels                  files   threads
 *     node.ts    Node, Deno, Bun                       inlined                  yes     node:worker_threads
 *     web.ts     pages, their workers, anything else   inlined                  no      Web Workers
 *     edge.ts    workerd, edge-light                   imported as a module     no      no
 *
 * Each exports the names below. This one is Node's, for the sources and their tests; rollup.config.js puts another in its place.
 */
export { files, packagedKernels, runtimeCrc32, threadHost } from "./node.ts";
