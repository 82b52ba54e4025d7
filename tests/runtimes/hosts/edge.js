/**
 * edge: the suite in a handler of requests, as workerd and edge-light call it. The request's body says where the data folder is.
 */
import * as channelwise from "channelwise";
import * as run from "channelwise/run";
import * as serve from "channelwise/serve";
import { suite } from "../suite.js";
import { fetched } from "./fetched.js";

/** @param {Request} request */
export async function handle(request) {
  const files = fetched(await request.text());
  return new Response(await suite({ channelwise, run, serve, ...files, threads: 1, compiles: false }));
}
