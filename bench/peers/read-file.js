/**
 * read-file: one contender in a process of its own: opens a file of weights and reads all its arrays
 *
 *   node bench/peers/read-file.js nothing|channelwise|h5wasm|jsfive FORMAT FILE
 *
 * Prints JSON: seconds for opening and reading, the largest resident memory, and the digest of the numbers in the order of the
 * arrays' names, whose computation is not counted. The contender's own import is not counted either.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

const [, , contender = "", format = "", path = ""] = process.argv;

/** @typedef {() => ArrayLike<number>} ReadArray */

/** Per contender what opens a file: functions that read its arrays. @type {Record<string, () => Promise<() => Promise<ReadArray[]>>>} */
const contenders = {
  nothing: async () => async () => [],
  async channelwise() {
    const { openSource } = await import("../../build/js/platform/open.js");
    const { readModelFile } = await import("../../build/js/formats/read.js");
    return async () => {
      const file = readModelFile((await openSource(path)).bytes);
      if (file.kind !== "keras") return [...file.tensors.values()].map((array) => () => numbers(array.read()));
      const { weights } = file;
      if (!weights) throw new Error("no weights");
      if ("kind" in weights)
        return weights.kind === "layers"
          ? []
          : weights.arrays.map(
              ({ array }) =>
                () =>
                  numbers(array.read()),
            );
      const layers = weights.children("layers").toSorted();
      return layers.flatMap((name) => weights.variables(`layers/${name}`).map((array) => () => numbers(array.read())));
    };
  },
  async h5wasm() {
    const { default: h5wasm } = await import("h5wasm/node");
    await h5wasm.ready;
    return async () => {
      const file = new h5wasm.File(path, "r");
      const layers = /** @type {import("h5wasm").Group} */ (file.get("layers"));
      return layers
        .keys()
        .toSorted()
        .map((name) => () => numbers(/** @type {any} */ (layers.get(`${name}/vars/0`)).value));
    };
  },
  async jsfive() {
    // @ts-expect-error it has no types
    const { File } = await import("jsfive");
    return async () => {
      const bytes = readFileSync(path);
      const layers = new File(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)).get("layers");
      return layers.keys.toSorted().map((/** @type {string} */ name) => () => layers.get(`${name}/vars/0`).value);
    };
  },
};

/** @param {unknown} value @returns {ArrayLike<number>} */
function numbers(value) {
  if (value instanceof Float32Array) return value;
  throw new Error(`expected float32 out of .${format}`);
}

const open = await contenders[contender]?.();
if (!open) throw new Error(`no contender ${contender}`);
const hash = createHash("sha1");
let began = performance.now();
const arrays = await open();
let milliseconds = performance.now() - began;
for (const read of arrays) {
  began = performance.now();
  const data = read();
  milliseconds += performance.now() - began;
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  hash.update(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
}

/** Linux' getrusage counts what the parent had before exec; the process' own peak stands in /proc. */
function peakKilobytes() {
  const status = "/proc/self/status";
  const own = existsSync(status) ? /VmHWM:\s*(\d+)/.exec(readFileSync(status, "utf8")) : null;
  return own ? Number(own[1]) : process.resourceUsage().maxRSS;
}

const peakBytes = peakKilobytes() * 1024;
console.log(JSON.stringify({ seconds: milliseconds / 1000, peakBytes, digest: hash.digest("hex") }));
process.exit(0);
