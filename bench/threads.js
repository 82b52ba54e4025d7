/**
 * threads: whole networks by `predict`, in one thread, and by `predictAsync`, in two and in as many as there are processors
 *
 * The bits have to be the same. Other work on the machine weighs on several threads more than on one: with fewer idle
 * processors than threads there is nothing to gain.
 */
import { availableParallelism } from "node:os";
import { Pool } from "../build/js/backends/wasm/pool.js";
import { race } from "./lib/race.js";
import { normal, uniform } from "./lib/random.js";
import { milliseconds, Report, times } from "./lib/report.js";
import { secondsPerRow } from "./lib/suite.js";
import * as networks from "./networks/index.js";
import { channelwiseModel } from "./peers/channelwise.js";

/** @param {import("./lib/suite.js").Context} context */
export async function threads(context) {
  const counts = [...new Set([2, availableParallelism()])].filter((count) => count > 1);
  const about =
    "In turns, medians; `gain` is the median over the rounds of how often that time fits into that of one thread.";
  const report = new Report(context, "threads", about, [`${availableParallelism()} processors`]);
  report.table([
    { title: "network", width: 22, left: true },
    { title: "batch", width: 7 },
    { title: "ms, 1 thread", width: 15 },
    ...counts.flatMap((count) => [
      { title: `ms, ${count}`, width: 10 },
      { title: "gain", width: 8 },
    ]),
  ]);
  for (const make of Object.values(networks)) for (const batch of [1, 64]) await row(make(), batch);
  report.write();

  /** @param {import("./networks/network.js").Network} net @param {number} batch */
  async function row(net, batch) {
    const x = normal(uniform(5), batch * net.input.shape.reduce((all, size) => all * size, 1));
    const one = channelwiseModel(net, context.module);
    const several = [];
    for (const count of counts) several.push(channelwiseModel(net, context.module, undefined, await pool(count)));
    const expected = bits(one.predict(x));
    for (const model of several)
      if (!expected.equals(bits(await model.predictAsync(x)))) throw new Error(`${net.name}: not the same bits`);
    const runs = [() => one.predict(x), ...several.map((model) => () => model.predictAsync(x))];
    const [alone, ...results] = await race(runs, { seconds: secondsPerRow(context) });
    report.row([
      net.name,
      batch,
      milliseconds(alone.seconds),
      ...results.flatMap(({ seconds, ratio }) => [milliseconds(seconds), times(1 / ratio)]),
    ]);
    for (const model of [one, ...several]) model.dispose();
  }
}

/** @param {number} count */
async function pool(count) {
  const opened = await Pool.open(count);
  if (!opened) throw new Error("this runtime has no threads");
  return opened;
}

/** @param {any} output */
const bits = ({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
