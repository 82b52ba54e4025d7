/**
 * bundled: the suite on what a bundler makes of the package for a page
 */
import * as channelwise from "channelwise";
import * as run from "channelwise/run";
import * as serve from "channelwise/serve";
import { suite } from "../suite.js";
import { fetched } from "./fetched.js";
import { report } from "./report.js";

const threads = Number(new URLSearchParams(location.search).get("threads"));
const files = fetched(new URL("../../data/", location.href));
report("page", suite({ channelwise, run, serve, ...files, threads, compiles: true })).then(() => report("end", ""));
