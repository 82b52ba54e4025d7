/**
 * ceiling: Gflop/s of the machine and runtime in use, for float32 multiply-adds of 128-bit SIMD on one thread, touching no
 * memory. Every bench states its speed as a share of it, timed in turns with what it measures or right beside it (kernels.js): the
 * machine's clock drifts.
 *
 * Eight sums, one per product of two x and four y: a 4x8 tile without its loads. The two x change places in every round, so
 * that no compiler can take a product out of the loop, and no factor is a constant: V8 13 would make it anew in every round,
 * at a third of the speed. 64 flop per round.
 */
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const FLOP_PER_ROUND = 64;
const ROUNDS = 500_000;

const SOURCE = `
export function ceiling(rounds: i32): f32 {
  const one = <f32>rounds / <f32>rounds;
  let x0 = f32x4.splat(one * 1.25), x1 = f32x4.splat(one * -0.75);
  const y0 = f32x4.splat(one), y1 = f32x4.splat(one * 0.5), y2 = f32x4.splat(one * 1.5), y3 = f32x4.splat(one * 2.5);
  let c0 = y0, c1 = y1, c2 = y2, c3 = y3, c4 = y0, c5 = y1, c6 = y2, c7 = y3;
  for (; rounds > 0; rounds--) {
    c0 = f32x4.add(c0, f32x4.mul(x0, y0));
    c1 = f32x4.add(c1, f32x4.mul(x0, y1));
    c2 = f32x4.add(c2, f32x4.mul(x0, y2));
    c3 = f32x4.add(c3, f32x4.mul(x0, y3));
    c4 = f32x4.add(c4, f32x4.mul(x1, y0));
    c5 = f32x4.add(c5, f32x4.mul(x1, y1));
    c6 = f32x4.add(c6, f32x4.mul(x1, y2));
    c7 = f32x4.add(c7, f32x4.mul(x1, y3));
    const x = x0;
    x0 = x1;
    x1 = x;
  }
  const low = f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3));
  const high = f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7));
  return f32x4.extract_lane(f32x4.add(low, high), 0);
}
`;

/** Compiles SOURCE in memory. @returns {Promise<WebAssembly.Module>} */
async function compile() {
  /** @type {unknown} */
  let binary;
  const options = "ceiling.ts -O3 --noAssert --runtime stub --enable simd --outFile ceiling.wasm";
  const { error, stderr } = await main(options.split(" "), {
    readFile: (name) => (name === "ceiling.ts" ? SOURCE : null),
    writeFile: (name, contents) => {
      if (name === "ceiling.wasm") binary = contents;
    },
  });
  if (error) throw new Error(stderr.toString());
  return new WebAssembly.Module(/** @type {Uint8Array<ArrayBuffer>} */ (binary));
}

const { exports } = new WebAssembly.Instance(await compile());
const spin = /** @type {(rounds: number) => number} */ (exports.ceiling);

/** What one `run` computes, which takes half a millisecond. */
export const ceilingLoop = { run: () => spin(ROUNDS), flop: FLOP_PER_ROUND * ROUNDS };

/** The best of many short runs, so that other work on the machine does not count. */
export function ceiling() {
  let best = Infinity;
  for (let run = 0; run < 400; run++) {
    const start = performance.now();
    ceilingLoop.run();
    best = Math.min(best, performance.now() - start);
  }
  return ceilingLoop.flop / best / 1e6;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`${ceiling().toFixed(1)} Gflop/s`);
