/**
 * Node, Deno and Bun: a program in the folder where the package is installed. Prints the suite's lines, and what it
 * is that runs them.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as channelwise from "channelwise";
import * as run from "channelwise/run";
import * as serve from "channelwise/serve";
import { suite } from "../suite.js";

const { Deno, Bun } = globalThis;
console.log(`# ${Deno ? `Deno ${Deno.version.deno}` : Bun ? `Bun ${Bun.version}` : `Node ${process.versions.node}`}`);

const where = (name) => fileURLToPath(new URL(`../data/${name}`, import.meta.url));
const read = async (name) => new Uint8Array(await readFile(where(name)));
console.log(await suite({ channelwise, run, serve, read, where, threads: 2, compiles: true }));
