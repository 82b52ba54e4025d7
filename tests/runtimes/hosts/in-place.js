/**
 * The suite on the modules of the package as they lie, without a bundler: what page.js, worker.js and service-worker.js run.
 */
import * as channelwise from "../node_modules/channelwise/dist/index.js";
import * as run from "../node_modules/channelwise/dist/run.js";
import * as serve from "../node_modules/channelwise/dist/serve.js";
import { suite } from "../suite.js";
import { fetched } from "./fetched.js";

/** @param {number} threads */
export const suiteInPlace = (threads) =>
  suite({ channelwise, run, serve, ...fetched(new URL("../data/", import.meta.url)), threads, compiles: true });
