/** The benches' networks in the engine against the benches' own float64 loops, so that what they measure keeps loading. */
import { expect, test } from "vitest";
import { kernelModule } from "../src/platform/kernels.ts";

/** The benches are JavaScript, and no part of the program that TypeScript checks. */
const bench = (path: string) => import(new URL(`../bench/${path}`, import.meta.url).href);
const networks = await bench("networks/index.js");
const { channelwiseContender } = await bench("peers/channelwise.js");
const { relativeError } = await bench("lib/compare.js");
const { evaluate } = await bench("lib/float64.js");
const { normal, uniform } = await bench("lib/random.js");

/** Flop of the networks that are computed; larger ones are only loaded. */
const most = 40e6;

test.each(Object.keys(networks))("%s", (name) => {
  const network = networks[name]();
  const { run, dispose } = channelwiseContender(network, kernelModule());
  const sizes: number[] = network.input.shape;
  const x = normal(
    uniform(3),
    sizes.reduce((all, count) => all * count, 1),
  );
  if (network.flop < most) expect(relativeError(run(x), evaluate(network, x))).toBeLessThan(1e-5);
  dispose();
});
