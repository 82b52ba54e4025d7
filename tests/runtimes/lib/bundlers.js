/**
 * bundlers: the suite as rollup, webpack, Vite and esbuild bundle it for a page, with no setting about the package
 *
 * Each writes a folder with bundled.html and what it loads, and fails if the bundler had something to say about it.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** @typedef {{ folder: string, input: string, output: string }} Place */

/** @param {unknown[]} warnings */
function requireQuiet(warnings) {
  if (warnings.length > 0)
    throw new Error(`it warns: ${warnings.map((warning) => warning.message ?? warning.text ?? warning).join("; ")}`);
}

/** @type {Record<string, (place: Place) => Promise<string>>} each gives its version */
const builds = {
  async rollup({ input, output }) {
    const { rollup, VERSION } = await import("rollup");
    const { nodeResolve } = await import("@rollup/plugin-node-resolve");
    /** @type {unknown[]} */
    const warnings = [];
    const bundle = await rollup({
      input,
      plugins: [nodeResolve({ browser: true })],
      onwarn: (warning) => void warnings.push(warning),
    });
    await bundle.write({ dir: output, format: "es" });
    requireQuiet(warnings);
    return VERSION;
  },

  async webpack({ folder, input, output }) {
    const { default: webpack } = await import("webpack");
    const compiler = webpack({
      mode: "production",
      context: folder,
      entry: input,
      output: { path: output, filename: "bundled.js" },
      performance: false,
    });
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, stats) => (error ? reject(error) : resolve(stats))),
    );
    await new Promise((resolve) => compiler.close(resolve));
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
    requireQuiet([...errors, ...warnings]);
    return webpack.version;
  },

  async vite({ folder, output }) {
    const { build, createLogger, version } = await import("vite");
    /** @type {unknown[]} */
    const warnings = [];
    const logger = {
      ...createLogger("silent"),
      warn: (/** @type {string} */ text) => void warnings.push(text),
      warnOnce: (/** @type {string} */ text) => void warnings.push(text),
    };
    await build({
      root: join(folder, "hosts"),
      base: "./",
      configFile: false,
      logLevel: "silent",
      customLogger: logger,
      build: {
        outDir: output,
        emptyOutDir: true,
        rolldownOptions: { input: join(folder, "hosts/bundled.html") },
        chunkSizeWarningLimit: 2000,
      },
    });
    requireQuiet(warnings);
    return version;
  },

  async esbuild({ input, output }) {
    const { build, version } = await import("esbuild");
    const { warnings } = await build({
      entryPoints: [input],
      bundle: true,
      splitting: true,
      format: "esm",
      outdir: output,
      logLevel: "silent",
    });
    requireQuiet(warnings);
    return version;
  },
};

export const bundlers = Object.keys(builds);

/** @param {string} name @param {string} folder @returns {Promise<string>} its version; the page is `bundled/NAME/bundled.html` */
export async function bundle(name, folder) {
  const output = join(folder, "bundled", name);
  mkdirSync(output, { recursive: true });
  if (name !== "vite") copyFileSync(join(folder, "hosts/bundled.html"), join(output, "bundled.html"));
  return builds[name]({ folder, input: join(folder, "hosts/bundled.js"), output });
}
