/**
 * size: what has to be delivered to run a model: each entry of dist/, and the peers bundled for the same purpose
 *
 * Bundled and minified by Rolldown, which comes with vitest; where it is missing, dist/ is taken as it is. gzip at level 9.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Report } from "./lib/report.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const require = createRequire(import.meta.url);
const ortFolder = join(dirname(require.resolve("onnxruntime-web")));
const tfjsFolder = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));

/** What is delivered: a file, or code that takes what it needs out of packages; and files beside it. */
const deliveries = [
  { name: "channelwise/run", entry: `${root}dist/run.js`, files: [] },
  {
    name: "channelwise/run in workerd",
    entry: `${root}dist/run.workerd.js`,
    files: [`${root}dist/kernels.relaxed.wasm`],
  },
  { name: "channelwise/serve", entry: `${root}dist/serve.js`, files: [] },
  { name: "channelwise", entry: `${root}dist/index.js`, files: [] },
  { name: "channelwise, command line", entry: `${root}dist/cli.js`, files: [] },
  { name: "what models with threads load", entry: `${root}dist/threads.js`, files: [] },
  {
    name: "onnxruntime-web (wasm only)",
    code: `export { InferenceSession, Tensor, env } from "onnxruntime-web/wasm";`,
    files: [join(ortFolder, "ort-wasm-simd-threaded.wasm")],
  },
  {
    name: "tfjs, graph models on wasm",
    code: [
      `export { loadGraphModel } from "@tensorflow/tfjs-converter";`,
      `export { setWasmPaths, setThreadsCount } from "@tensorflow/tfjs-backend-wasm";`,
      `export { setBackend, ready, tensor, tidy } from "@tensorflow/tfjs-core";`,
    ].join("\n"),
    files: [join(tfjsFolder, "tfjs-backend-wasm-simd.wasm")],
  },
];

/** @param {import("./lib/suite.js").Context} context */
export async function size(context) {
  const bundle = await bundler();
  const about = `Code ${bundle ? "bundled and minified by Rolldown" : "as it lies in dist/"}; files that are fetched beside it; kB of 1000 bytes.`;
  const report = new Report(context, "size", about, [context.peers]);
  report.table([
    { title: "delivered", width: 31, left: true },
    { title: "code kB", width: 10 },
    { title: "gzip", width: 9 },
    { title: ".wasm kB", width: 11 },
    { title: "gzip", width: 9 },
    { title: "all, gzip", width: 12 },
  ]);
  for (const { name, entry, code, files } of deliveries) {
    if (!bundle && !entry) continue;
    const text = bundle ? await bundle(entry, code) : readFileSync(entry ?? "");
    const beside = files.map((file) => readFileSync(file));
    const [codeGzip, besideGzip] = [[text], beside].map((parts) => parts.reduce((sum, part) => sum + zipped(part), 0));
    const plain = beside.reduce((sum, part) => sum + part.length, 0);
    report.row([name, kilo(text.length), kilo(codeGzip), kilo(plain), kilo(besideGzip), kilo(codeGzip + besideGzip)]);
  }
  const kernels = readFileSync(join(root, "dist/kernels.wasm"));
  report.line(
    `kernels.wasm alone, which the code above carries as text: ${kilo(kernels.length)} kB, gzip ${kilo(zipped(kernels))}`,
  );
  report.write();
}

/** @returns {Promise<((file?: string, source?: string) => Promise<Buffer>) | null>} */
async function bundler() {
  const name = "rolldown";
  const found = /** @type {any} */ (await import(name).catch(() => null));
  if (!found) return null;
  return async (file, source) => {
    const id = file ?? "\0entry";
    const build = await found.rolldown({
      input: id,
      cwd: root,
      platform: "browser",
      external: /^node:|^(commander|picocolors|cli-progress)$|threads\.js$|\.wasm$/,
      logLevel: "silent",
      plugins: [
        {
          name: "entry",
          resolveId: (/** @type {string} */ wanted) => (source && wanted === id ? id : null),
          load: (/** @type {string} */ wanted) => (source && wanted === id ? source : null),
        },
      ],
    });
    const { output } = await build.generate({ format: "esm", minify: true, codeSplitting: false });
    await build.close();
    return Buffer.concat(
      output
        .filter((/** @type {any} */ { type }) => type === "chunk")
        .map((/** @type {any} */ { code }) => Buffer.from(code)),
    );
  };
}

/** @param {Uint8Array} bytes */
const zipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
/** @param {number} bytes */
const kilo = (bytes) => (bytes / 1000).toFixed(1);
